"""What the API shows of documents, their pages and usage, as types: the views are checked against them and described by them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from smalt.library.parsed import Kind
from smalt.web.replies import Time

Box = Annotated[
    list[float], Field(min_length=4, max_length=4, description="x0, y0, x1, y1 in points from the page's top left")
]
Status = Literal["uploading", "queued", "reading", "indexing", "ready", "failed"]


class Refusal(BaseModel):
    """Why a document could not be read."""

    code: str
    happened: str
    kept: str
    todo: str


class Document(BaseModel):
    """A document with its status and progress (per cent). ``kind`` and ``pages`` are known once it was read."""

    id: str
    name: str
    kind: Kind | None
    size_bytes: int
    status: Status
    progress: int
    pages: int | None
    failure: Refusal | None
    created_at: Time


class Documents(BaseModel):
    items: list[Document]
    next: str | None


class Line(BaseModel):
    text: str
    box: Box | None


class Cell(BaseModel):
    """``ref`` is the cell's name in a sheet ("B7")."""

    text: str
    column: int
    box: Box | None
    ref: str | None
    formula: str | None


class Row(BaseModel):
    """``index`` is the sheet's row, from 1, or the row's order in its table."""

    label: str
    label_box: Box | None
    label_ref: str | None
    box: Box | None
    index: int
    indent: float
    bold: bool
    cells: list[Cell]


class Table(BaseModel):
    """``above`` holds the lines above it, the nearest last."""

    above: list[str]
    header: list[Row]
    rows: list[Row]
    box: Box | None


class GridCell(BaseModel):
    ref: str
    text: str
    formula: str | None


class GridRow(BaseModel):
    """``cells`` has one entry for each of the grid's columns."""

    index: int
    bold: bool
    cells: list[GridCell | None]


class Grid(BaseModel):
    """The filled rows and columns of a sheet."""

    columns: list[str]
    rows: list[GridRow]


class Page(BaseModel):
    """What was read on one page, or on one sheet: ``grid`` is null unless cells carry references."""

    number: int
    width: float
    height: float
    sheet: str | None
    lines: list[Line]
    tables: list[Table]
    grid: Grid | None


class Sums(BaseModel):
    """``sent`` counts uses that left the machine."""

    questions: int
    answered: int
    declined: int
    documents: int
    sent: int
    input_chars: int
    output_chars: int
    input_tokens: int
    output_tokens: int
    figures: int
    traced: int
    pages: int


class EngineSums(Sums):
    engine: str
    median_ms: int | None


class DaySums(Sums):
    date: Annotated[str, Field(json_schema_extra={"format": "date"})]


class Use(BaseModel):
    """One use: an answer or the reading of a document."""

    id: str
    turn_id: str | None
    kind: Literal["answer", "reading"]
    engine: str | None
    input_chars: int
    output_chars: int
    input_tokens: int
    output_tokens: int
    figures: int
    traced: int
    pages: int
    elapsed_ms: int | None
    at: Time


class Usage(BaseModel):
    """Sums since a time, in all, by engine and by day; then single uses, newest first."""

    since: Time
    totals: Sums
    engines: list[EngineSums]
    days: list[DaySums]
    items: list[Use]
    next: str | None
