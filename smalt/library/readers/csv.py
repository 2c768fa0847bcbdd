"""Delimited text: CSV, TSV and their kin. Fields stay the text that is there; "1.234,56" is not made a number here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

from smalt.kernel import limits
from smalt.library.parsed import Kind, Page, Parsed
from smalt.library.readers.formulas import letters
from smalt.library.readers.grid import GridCell, GridRow, tables_in
from smalt.library.refusals import refusal
from smalt.library.sniff import decoded, delimiter_of

_NUMBER = re.compile(r"^[-+(]?\s*[$€£¥]?\s*[-+]?(?:\d{1,3}(?:[.,' ]\d{3})+|\d+)?(?:[.,]\d+)?\s*[%)]?-?$")
_DATE = re.compile(r"^(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?:[T ].*)?$")


def prepare() -> None:
    """Nothing is loaded late."""


def read(data: bytes, progress: Callable[[int, int], None] | None = None) -> Parsed:
    """One page; ``Row.index`` counts records from 1 as a spreadsheet would number its rows."""
    text = decoded(data)
    # A field is at most the file; the module's own bound of 128 KiB would reject long notes. The bound is the whole
    # process's, so it is never narrowed.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    rows: list[GridRow] = []
    count = 0
    try:
        for index, record in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text) or ","), 1
        ):
            cells = [_cell(value.strip(), column, index) for column, value in enumerate(record) if value.strip()]
            count += len(cells)
            if count > limits.PARSE_CELLS_MAX:
                raise refusal("document.too_many_cells")
            if cells:
                rows.append(GridRow(index, cells))
    except csv.Error:
        raise refusal("document.truncated") from None
    if not rows:
        raise refusal("document.empty")
    lines, tables = tables_in(rows)
    if progress is not None:
        progress(1, 1)
    width = max(row.cells[-1].column + 1 for row in rows)
    return Parsed(Kind.CSV, [Page(0, width, rows[-1].index, lines, tables)])


def is_number(text: str) -> bool:
    """Whether a text is a figure in any of the usual notations, European ones too."""
    return any(ch.isdigit() for ch in text) and _NUMBER.match(text) is not None


def is_date(text: str) -> bool:
    return _DATE.match(text) is not None


def _cell(text: str, column: int, row: int) -> GridCell:
    return GridCell(column, text, number=is_number(text), date=is_date(text), ref=f"{letters(column)}{row}")
