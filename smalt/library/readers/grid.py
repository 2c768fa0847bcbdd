"""Tables out of a grid of cells: title rows, column heads, section heads and data rows of a sheet.

A sheet rarely says where its tables are. A row whose texts (or years, or dates) stand over numbers is a head; single
texts above it are its title; single texts below it are section heads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from smalt.library.parsed import Cell, Line, Row, Table

_YEAR = re.compile(r"^(?:19|20)\d\d$")
_TITLE_GAP = 4
_ABOVE_MAX = 6
_HEADS_MAX = 3


@dataclass(slots=True)
class GridCell:
    """``column`` counts from 0. A ``number`` is a figure; dates and everything else are not."""

    column: int
    text: str
    number: bool = False
    date: bool = False
    ref: str | None = None
    formula: str | None = None
    bold: bool = False
    format: str | None = None

    @property
    def figure(self) -> bool:
        return self.number and _YEAR.match(self.text) is None


@dataclass(slots=True)
class GridRow:
    """``index`` is the 1-based row; ``cells`` are the filled ones, left to right."""

    index: int
    cells: list[GridCell]
    indent: float = 0.0


@dataclass(slots=True)
class _Open:
    """The table being built. ``left`` is its first column, which holds the labels."""

    left: int
    above: list[str]
    header: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    last: int = 0


def tables_in(rows: list[GridRow]) -> tuple[list[Line], list[Table]]:
    """The texts outside the tables, and the tables, of a sheet's filled rows in order."""
    lines: list[Line] = []
    tables: list[_Open] = []
    titles: list[GridRow] = []
    current: _Open | None = None
    heads = _head_rows(rows)
    for number, row in enumerate(rows):
        if number in heads:
            if current is None or current.rows or not current.header:
                current = _Open(_left(rows, number), _above(titles, row))
                titles = []
                tables.append(current)
            current.header.append(_row(row, current.left))
        elif len(row.cells) == 1 and _is_title(rows, number, heads, current):
            titles.append(row)
            lines.append(Line(row.cells[0].text))
        else:
            if current is None:
                current = _Open(_left(rows, number), _above(titles, row))
                titles = []
                tables.append(current)
            current.rows += [_row(title, current.left) for title in titles]
            titles = []
            current.rows.append(_row(row, current.left))
        if current is not None:
            current.last = row.index
    return lines, [Table(t.above, t.header, t.rows) for t in tables if t.header or t.rows]


def _head_rows(rows: list[GridRow]) -> set[int]:
    """The positions of the rows that head the rows below them."""
    heads: set[int] = set()
    seen_data = False
    for number, row in enumerate(rows):
        if len(row.cells) < 2 or any(c.figure or c.formula for c in row.cells) or number + 1 == len(rows):
            seen_data = seen_data or len(row.cells) > 1
            continue
        gap = number == 0 or row.index - rows[number - 1].index > 1 or len(rows[number - 1].cells) == 1
        if (number - 1) in heads:
            if _over_numbers(rows, number) and not _over_numbers_at(rows[number - 1], row):
                heads.add(number)
            continue
        inset = _inset_over(rows, number)
        gap = gap or inset
        wide = inset or len(row.cells) * 2 > max(len(r.cells) for r in rows[number : number + 8])
        if (
            (gap or not seen_data)
            and wide
            and (_over_numbers(rows, number) or _first_of_texts(rows, number, seen_data))
        ):
            heads.add(number)
            seen_data = False
    return heads


def _inset_over(rows: list[GridRow], number: int) -> bool:
    """Texts that begin right of the label column, each with a figure right below."""
    row, below = rows[number], rows[number + 1]
    figures = {c.column for c in below.cells if c.number}
    return row.cells[0].column > below.cells[0].column and all(c.column in figures for c in row.cells)


def _over_numbers(rows: list[GridRow], number: int) -> bool:
    """Whether figures, formulas or dates stand below at least one text of the row, within the next rows."""
    columns = {c.column for c in rows[number].cells if not c.date or len(rows[number].cells) > 1}
    for row in rows[number + 1 : number + 1 + _TITLE_GAP]:
        if any(c.column in columns and (c.number or c.formula or c.date) for c in row.cells):
            return True
    return False


def _over_numbers_at(head: GridRow, row: GridRow) -> bool:
    below = {c.column: c for c in row.cells}
    return any(below[c.column].figure for c in head.cells if c.column in below)


def _first_of_texts(rows: list[GridRow], number: int, seen_data: bool) -> bool:
    """A list of texts only: its first row is its head when the rows below fill the same columns."""
    if seen_data or number + 1 >= len(rows):
        return False
    columns = {c.column for c in rows[number].cells}
    below = rows[number + 1]
    return below.index == rows[number].index + 1 and len(below.cells) > 1 and {c.column for c in below.cells} <= columns


def _is_title(rows: list[GridRow], number: int, heads: set[int], current: _Open | None) -> bool:
    """A single text that introduces a table rather than dividing one."""
    row = rows[number]
    if row.cells[0].figure or row.cells[0].formula:
        return False
    following = next(
        (n for n in range(number + 1, min(number + 1 + _TITLE_GAP, len(rows))) if len(rows[n].cells) > 1), None
    )
    if following is None:
        return current is None or number + 1 == len(rows)
    return current is None or following in heads


def _left(rows: list[GridRow], number: int) -> int:
    """The label column: the first one used by the rows of the table."""
    return min(row.cells[0].column for row in rows[number : number + 40] if row.cells)


def _above(titles: list[GridRow], row: GridRow) -> list[str]:
    return [title.cells[0].text for title in titles if row.index - title.index < 40][-_ABOVE_MAX:]


def _row(row: GridRow, left: int) -> Row:
    """The row with its label taken out: the cell in the label column, else a text before the first number."""
    cells = list(row.cells)
    label: GridCell | None = None
    if cells and (cells[0].column <= left or (len(cells) > 1 and not cells[0].number and cells[1].number)):
        label = cells.pop(0)
    return Row(
        label.text if label else "",
        [Cell(c.text, max(c.column - left - 1, 0), ref=c.ref, formula=c.formula, format=c.format) for c in cells],
        indent=row.indent + (max(label.column - left, 0) if label else 0),
        index=row.index,
        bold=label.bold if label else bool(cells) and all(c.bold for c in cells),
        label_ref=label.ref if label else None,
    )
