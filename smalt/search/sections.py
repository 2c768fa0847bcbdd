"""The sections of a table: which heads a row stands under, and where a section ends.

The stack holds (indent, text) of the heads above a row, the outermost first.
"""

from __future__ import annotations

import re
from decimal import Decimal

from smalt.kernel.figures import printed_number
from smalt.library.parsed import Row
from smalt.search.tokens import fold, label_key

_TOTAL = re.compile(r"^total\b")


def push(stack: list[tuple[float, str]], row: Row, follows: bool) -> None:
    """A head begins a section, or continues the head right above it (``follows``)."""
    label = row.label.strip()
    if follows and stack and label[:1].islower() and not stack[-1][1].endswith(":"):
        indent, above = stack.pop()
        stack.append((indent, f"{above} {label}"))
        return
    while stack and stack[-1][0] >= row.indent - 1.5:
        stack.pop()
    stack.append((row.indent, label))


def sums(total: Row, parts: list[Row]) -> bool:
    """True when an unlabelled row is, column by column, the sum of the labelled rows of its section."""
    if len(parts) < 2:
        return False
    checked = 0
    for cell in total.cells:
        value = printed_number(cell.text.replace(" ", ""))
        if value is None:
            return False
        numbers = [
            printed_number(other.text.replace(" ", ""))
            for part in parts
            for other in part.cells
            if other.column == cell.column
        ]
        if sum((number for number in numbers if number is not None), Decimal(0)) != value:
            return False
        checked += 1
    return checked > 0


def close(stack: list[tuple[float, str]], row: Row) -> None:
    """A total ends the section it totals, by name however it is indented, else the one it stands under."""
    named = label_key(row.label).removeprefix("total ")
    for depth in range(len(stack) - 1, -1, -1):
        if label_key(stack[depth][1]) == named:
            del stack[depth:]
            return
    if stack and stack[-1][0] >= row.indent - 12:
        stack.pop()


def path(stack: list[tuple[float, str]], row: Row) -> tuple[str, ...]:
    """The heads that ``row`` stands under; those it has left are taken off the stack."""
    total = _TOTAL.match(fold(row.label)) is not None
    while stack and (
        stack[-1][0] > row.indent + 1.5
        or (len(stack) > 1 and total and stack[-1][0] > row.indent - 1.5 and stack[-2][0] < stack[-1][0])
    ):
        stack.pop()
    return tuple(text for _, text in stack)
