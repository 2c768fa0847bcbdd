"""What reading a document yields: pages, lines, tables, rows and cells, each with its position.

The reader (a child process) writes this, sealed storage keeps it, search and the engine read it. Boxes are in PDF
points with the origin at the page's top left (x right, y down). Numbers stay the text that was printed.
"""

from __future__ import annotations

import enum

import msgspec

FORMAT_VERSION = 1


class Kind(enum.StrEnum):
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    DOCX = "docx"
    MARKDOWN = "markdown"
    TEXT = "text"


class Box(msgspec.Struct, frozen=True, array_like=True):
    x0: float
    y0: float
    x1: float
    y1: float


class Cell(msgspec.Struct, array_like=True):
    """One cell. ``column`` counts the table's columns from 0 (the label column is not counted in PDF rows: see Row).

    A head over several columns has ``span`` > 1 and ``column`` is the first of them. ``format`` is a workbook cell's
    number format when it shows a percentage or a currency; ``text`` is then still the number as stored.
    """

    text: str
    column: int
    box: Box | None = None
    ref: str | None = None  # "B7" in a workbook
    formula: str | None = None
    span: int = 1
    format: str | None = None


class Row(msgspec.Struct, array_like=True):
    """A table row: ``label`` joined over wrapped lines, then its cells left to right.

    For PDF, footnote marks, lone currency signs, percent signs and closing brackets are merged into the cell they
    belong to: ``$``, ``(1,234``, ``)`` become one cell ``$(1,234)``. ``indent`` is how far the label starts right of
    the table's left edge, in points (PDF) or in levels (XLSX). ``index`` is the 1-based sheet row in workbooks
    and CSV, else the row's order.
    """

    label: str
    cells: list[Cell]
    box: Box | None = None
    indent: float = 0.0
    index: int = 0
    bold: bool = False
    label_box: Box | None = None
    label_ref: str | None = None


def figures_of(row: Row) -> list[str]:
    """What the row's cells print that is no text: figures, ranges and dashes, left to right, without dates and names."""
    return [c.text for c in row.cells if not any(ch.isalpha() for ch in c.text.rstrip("x").replace(" to ", " "))]


class Table(msgspec.Struct, array_like=True):
    """``header`` rows carry the column heads (periods, units) as cells with boxes; ``above`` holds the text lines right

    above the table, nearest last (titles, "(In millions, except per share data)"). Rows without cells are section
    heads ("Current assets:") and stay in ``rows`` in order.
    """

    above: list[str]
    header: list[Row]
    rows: list[Row]
    box: Box | None = None


class Line(msgspec.Struct, array_like=True):
    text: str
    box: Box | None = None


class Page(msgspec.Struct, array_like=True):
    """A PDF page, a worksheet (``sheet`` is its name), or a stretch of a text document. ``number`` is 0-based."""

    number: int
    width: float
    height: float
    lines: list[Line]
    tables: list[Table]
    sheet: str | None = None


class Parsed(msgspec.Struct):
    kind: Kind
    pages: list[Page]
    title: str = ""
    version: int = FORMAT_VERSION


def encode(parsed: Parsed) -> bytes:
    """MessagePack bytes of ``parsed``."""
    return msgspec.msgpack.encode(parsed)


def decode(data: bytes) -> Parsed:
    """The inverse of `encode`."""
    return msgspec.msgpack.decode(data, type=Parsed)
