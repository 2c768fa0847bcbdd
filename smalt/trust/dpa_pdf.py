"""The agreement as a page well set: serif text, one blue, hairlines, the page's number of all pages at its foot."""

from __future__ import annotations

import unicodedata
from dataclasses import fields
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, KeepTogether, PageBreak, PageTemplate, Spacer
from reportlab.platypus import Paragraph as Set
from reportlab.platypus import Table as Grid

from smalt.kernel.errors import Malformed
from smalt.trust.dpa import Agreement, Block, Break, Heading, Paragraph, Parties, Signatures, Table

INK, QUIET, BLUE, RULE = HexColor("#12161d"), HexColor("#5c6471"), HexColor("#1d3f94"), HexColor("#c3cad4")
WIDTH, HEIGHT = A4
SIDE, TOP, FOOT = 25 * mm, 24 * mm, 24 * mm
MEASURE = WIDTH - 2 * SIDE

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.5, leading=14.4, textColor=INK, spaceAfter=6)
NOTE = ParagraphStyle("note", parent=BODY, fontName="Times-Italic", textColor=QUIET, spaceAfter=10)
TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=21, leading=26, textColor=BLUE, spaceAfter=4)
SUB = ParagraphStyle("sub", fontName="Helvetica", fontSize=9, leading=13, textColor=QUIET, spaceAfter=14)
HEADS = {
    1: ParagraphStyle("h1", parent=TITLE, fontSize=15, leading=19, spaceBefore=14, spaceAfter=8, keepWithNext=1),
    2: ParagraphStyle(
        "h2", fontName="Helvetica-Bold", fontSize=10.5, leading=14, textColor=INK, spaceBefore=10, spaceAfter=3,
        keepWithNext=1,
    ),
}  # fmt: skip
CELL = ParagraphStyle("cell", fontName="Helvetica", fontSize=7.8, leading=10.2, textColor=INK)
CELL_HEAD = ParagraphStyle("cell-head", parent=CELL, fontName="Helvetica-Bold", textColor=QUIET)


class Numbered(Canvas):
    """Writes "page n of m" when m is known."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._pages: list[dict[str, Any]] = []
        self.foot = ""

    def showPage(self) -> None:  # noqa: N802  # reportlab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        foot = self.foot
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self.setStrokeColor(RULE)
            self.setLineWidth(0.5)
            self.line(SIDE, FOOT - 6 * mm, WIDTH - SIDE, FOOT - 6 * mm)
            self.setFont("Helvetica", 8)
            self.setFillColor(QUIET)
            self.drawString(SIDE, FOOT - 11 * mm, foot)
            self.drawRightString(WIDTH - SIDE, FOOT - 11 * mm, f"page {number} of {len(self._pages)}")
            super().showPage()
        super().save()


def require_letters(parties: Parties) -> None:
    """`Malformed` for a name in letters that the fonts of every PDF reader lack; the other forms take them."""
    for one in fields(parties):
        try:
            str(getattr(parties, one.name)).encode("cp1252")
        except UnicodeEncodeError:
            raise Malformed(
                "dpa.letters",
                "The PDF cannot show all letters of a name.",
                todo="Take the DOCX or Markdown, which can, or write the name in Latin letters.",
            ) from None


def pdf(made: Agreement) -> bytes:
    """Letters that the fonts lack, in a register, lose their marks, or show as a question mark."""
    found = BytesIO()
    document = BaseDocTemplate(
        found, pagesize=A4, title=made.title, author="", subject=made.subtitle, lang="en", invariant=1,
        pageTemplates=[PageTemplate("page", [Frame(SIDE, FOOT, MEASURE, HEIGHT - TOP - FOOT, 0, 0, 0, 0)])],
    )  # fmt: skip

    def canvas(*given: Any, **named: Any) -> Canvas:
        page = Numbered(*given, **named)
        page.foot = f"{made.title} · {made.subtitle}"
        return page

    story: list[Flowable] = [Set(_text(made.title), TITLE), Set(_text(made.subtitle), SUB)]
    for block in made.blocks:
        story += _set(block)
    document.build(story, canvasmaker=canvas)
    return found.getvalue()


def _text(text: str) -> str:
    shown = "".join(_letter(char) for char in text)
    return escape(shown)


def _letter(char: str) -> str:
    for tried in (char, unicodedata.normalize("NFKD", char)[:1]):
        if tried.encode("cp1252", "ignore"):
            return tried
    return "?"


def _set(block: Block) -> list[Flowable]:
    match block:
        case Heading(level, text):
            return [Set(_text(text), HEADS[level])]
        case Paragraph(text, quiet):
            return [Set(_text(text), NOTE if quiet else BODY)]
        case Table():
            return [_grid(block), Spacer(1, 8)]
        case Signatures(parties):
            return [KeepTogether([_signatures(parties)])]
        case Break():
            return [PageBreak()]


def _grid(table: Table) -> Flowable:
    rows = [[Set(_text(text), CELL_HEAD) for text in table.head]]
    rows += [[Set(_text(text), CELL) for text in row] for row in table.rows]
    style: list[tuple[Any, ...]] = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, QUIET),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("LEFTPADDING", (1, 0), (-1, -1), 5),
        ("RIGHTPADDING", (0, 0), (-1, -1), 5),
        ("TOPPADDING", (0, 0), (-1, -1), 3.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]
    whole = sum(table.widths)
    return Grid(rows, [MEASURE * part / whole for part in table.widths], style=style, repeatRows=1, hAlign="LEFT")


def _signatures(parties: tuple[tuple[str, str], ...]) -> Flowable:
    """Both parties side by side, three lines each."""
    half = MEASURE / 2
    rows: list[list[Any]] = [[Set(_text(f"{role} {name}".strip()), CELL_HEAD) for role, name in parties]]
    style: list[tuple[Any, ...]] = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 24)]
    for line in ("Place and date", "Name and function", "Signature"):
        rows.append([Spacer(1, 26), Spacer(1, 26)])
        rows.append([Set(line, CELL), Set(line, CELL)])
        style.append(("LINEABOVE", (0, len(rows) - 1), (0, len(rows) - 1), 0.6, INK))
        style.append(("LINEABOVE", (1, len(rows) - 1), (1, len(rows) - 1), 0.6, INK))
    return Grid(rows, [half, half], style=style, hAlign="LEFT")
