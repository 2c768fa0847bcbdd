"""Cell references: column letters, and formulas moved from one cell to another (shared formulas)."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r'"(?:[^"]|"")*"'  # a text
    r"|'(?:[^']|'')*'!"  # a quoted sheet name
    r"|(?<![A-Za-z0-9_.$])(?P<a>\$?)(?P<c>[A-Z]{1,3})(?P<b>\$?)(?P<r>\d{1,7})(?![A-Za-z0-9_(.!])"
    r"|(?<![A-Za-z0-9_.$])(?P<a1>\$?)(?P<c1>[A-Z]{1,3}):(?P<a2>\$?)(?P<c2>[A-Z]{1,3})(?![A-Za-z0-9_(.!])"
)


def column_number(name: str) -> int:
    """The column counted from 0: A is 0."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number - 1


def letters(column: int) -> str:
    """The column name, 0 for A."""
    name = ""
    column += 1
    while column > 0:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def moved(formula: str, rows: int, columns: int) -> str:
    """``formula`` as it reads ``rows`` further down and ``columns`` further right; $ pins stay."""

    def column(pin: str, name: str) -> str:
        return pin + (name if pin else letters(max(column_number(name) + columns, 0)))

    def shift(found: re.Match[str]) -> str:
        if found["r"] is not None:
            row = found["r"] if found["b"] else str(max(int(found["r"]) + rows, 1))
            return column(found["a"], found["c"]) + found["b"] + row
        if found["c1"] is not None:
            return f"{column(found['a1'], found['c1'])}:{column(found['a2'], found['c2'])}"
        return found[0]

    return _TOKEN.sub(shift, formula)
