"""Ledger-like sheets: many records under one head row. They are kept whole, as records, for sums, counts and joins."""

from __future__ import annotations

import re

from smalt.kernel.figures import printed_number
from smalt.library.parsed import Kind, Page, Parsed, Row
from smalt.search.model import Grid, Record

_LEAST_RECORDS = 12
_LETTERS = re.compile(r"^([A-Z]+)\d+$")


def grids_of(parsed: Parsed) -> tuple[list[Grid], set[int]]:
    """The grids of a workbook or CSV file, and the page indices they stand on."""
    if parsed.kind not in {Kind.XLSX, Kind.CSV}:
        return [], set()
    found, taken = [], set()
    for index, page in enumerate(parsed.pages):
        grid = _grid(page)
        if grid is not None:
            found.append(grid)
            taken.add(index)
    return found, taken


def _cells(row: Row) -> dict[int, tuple[str, str | None]]:
    """Cells by sheet column where references tell it; else by table column, with the label before them as -1."""
    found = {_number(cell.ref, cell.column): (cell.text.strip(), cell.ref) for cell in row.cells}
    if row.label:
        found.setdefault(_number(row.label_ref, -1), (row.label.strip(), row.label_ref))
    return found


def _number(ref: str | None, otherwise: int) -> int:
    """0 for A1, 26 for AA7; ``otherwise`` without a reference."""
    number = 0
    for letter in _letters(ref):
        number = number * 26 + ord(letter) - 64
    return number - 1 if number else otherwise


def _grid(page: Page) -> Grid | None:
    rows = sorted((row for table in page.tables for row in [*table.header, *table.rows]), key=lambda row: row.index)
    cells = [(row.index, _cells(row)) for row in rows]
    head_at = _head(cells)
    if head_at is None:
        return None
    columns = sorted(cells[head_at][1])
    heads = tuple(cells[head_at][1][column][0] for column in columns)
    refs = tuple(_letters(cells[head_at][1][column][1]) for column in columns)
    records = [
        Record(number, tuple(at.get(column, ("", None))[0] for column in columns))
        for number, at in cells[head_at + 1 :]
        if at
    ]
    preface = [Record(number, tuple(at[column][0] for column in sorted(at))) for number, at in cells[:head_at] if at]
    return Grid(page.number, page.sheet, heads, refs, records, preface)


def _letters(ref: str | None) -> str:
    found = _LETTERS.match(ref or "")
    return found[1] if found else ""


def _head(cells: list[tuple[int, dict[int, tuple[str, str | None]]]]) -> int | None:
    """The widest row of distinct words that is followed by many rows filling the same columns."""
    best: tuple[int, int] | None = None
    for at, (_, row) in enumerate(cells[:40]):
        texts = [text for text, _ in row.values() if text]
        if len(texts) < 3 or len(set(texts)) < len(texts) or any(printed_number(text) is not None for text in texts):
            continue
        following = cells[at + 1 : at + 41]
        filled = sum(
            len([1 for column in row if other.get(column, ("", None))[0]]) >= 0.6 * len(row) for _, other in following
        )
        mixed = sum(
            sum(printed_number(text) is None and bool(text) for text, _ in other.values()) >= 2
            for _, other in following
        )
        dense = len(cells) - at > _LEAST_RECORDS and filled >= 0.8 * len(following) and mixed >= 0.6 * len(following)
        if dense and (best is None or len(texts) > best[0]):
            best = (len(texts), at)
    return best[1] if best is not None else None
