"""DOCX documents: paragraphs and tables in order. Pictures, links and embedded objects are not followed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import docx
from docx.opc.exceptions import OpcError, PackageNotFoundError
from docx.table import Table as DocxTable
from lxml import etree

from smalt.kernel import limits
from smalt.library.parsed import Kind, Parsed, Table
from smalt.library.readers.csv import is_date, is_number
from smalt.library.readers.grid import GridCell, GridRow, tables_in
from smalt.library.readers.stretches import Stretches
from smalt.library.refusals import refusal

_CHAPTER = re.compile(r"^(?:Title|Heading [12])$")


def prepare() -> None:
    """Load the parts of the library that reading needs, with its own empty document."""
    empty = io.BytesIO()
    docx.Document().save(empty)
    docx.Document(io.BytesIO(empty.getvalue()))


def read(data: bytes, progress: Callable[[int, int], None] | None = None) -> Parsed:
    try:
        document = docx.Document(io.BytesIO(data))
    except (PackageNotFoundError, OpcError, KeyError, ValueError, zipfile.BadZipFile, etree.XMLSyntaxError):
        raise refusal("document.truncated") from None
    stretches = Stretches()
    cells = 0
    for block in document.iter_inner_content():
        if isinstance(block, DocxTable):
            rows = _grid(block)
            cells += sum(len(row.cells) for row in rows)
            if cells > limits.PARSE_CELLS_MAX:
                raise refusal("document.too_many_cells")
            for table in _tables(rows):
                stretches.table(table)
            continue
        if _CHAPTER.match((block.style.name if block.style is not None else None) or ""):
            stretches.chapter()
        for line in block.text.splitlines():
            stretches.line(line)
    pages = stretches.pages()
    if not pages:
        raise refusal("document.empty")
    if progress is not None:
        progress(1, 1)
    return Parsed(Kind.DOCX, pages, (document.core_properties.title or "")[:200])


def _tables(rows: list[GridRow]) -> list[Table]:
    _, tables = tables_in(rows)
    return tables


def _grid(table: DocxTable) -> list[GridRow]:
    """The filled cells of a table; one merged over several columns counts once."""
    rows: list[GridRow] = []
    for index, row in enumerate(table.rows, 1):
        cells: list[GridCell] = []
        seen: set[int] = set()
        for column, cell in enumerate(row.cells):
            text = " ".join(cell.text.split())
            if text and id(cell._tc) not in seen:  # noqa: SLF001 - the library offers no other identity of a merged cell
                seen.add(id(cell._tc))  # noqa: SLF001
                cells.append(GridCell(column, text, number=is_number(text), date=is_date(text)))
        if cells:
            rows.append(GridRow(index, cells))
    return rows
