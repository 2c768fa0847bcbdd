"""How the sample report is set: a quiet page, one blue, hairline rules, figures aligned at their last digit."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)
from reportlab.platypus.tableofcontents import TableOfContents

from smalt.cli.sample import statements
from smalt.cli.sample.statements import Weight

INK = HexColor("#1a2230")
QUIET = HexColor("#5b6675")
BLUE = HexColor("#1f3f8f")
RULE = HexColor("#c3cad4")
WIDTH, HEIGHT = letter
MARGIN = 72
MEASURE = WIDTH - 2 * MARGIN
TABLE_SIZE = 9
BRACKET = stringWidth(")", "Helvetica", TABLE_SIZE)

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.5, leading=14.6, textColor=INK, spaceAfter=8)
LEAD = ParagraphStyle("lead", parent=BODY, fontSize=13, leading=19, spaceAfter=12)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=8.5, leading=11.5, textColor=QUIET)
PART = ParagraphStyle(
    "part",
    fontName="Helvetica-Bold",
    fontSize=19,
    leading=24,
    textColor=BLUE,
    spaceBefore=20,
    spaceAfter=14,
    keepWithNext=1,
)
SECTION = ParagraphStyle(
    "section",
    fontName="Helvetica-Bold",
    fontSize=11.5,
    leading=15,
    textColor=INK,
    spaceBefore=12,
    spaceAfter=5,
    keepWithNext=1,
)
UNIT = ParagraphStyle(
    "unit", fontName="Helvetica-Oblique", fontSize=8.5, leading=11, textColor=QUIET, spaceAfter=3, keepWithNext=1
)
LABEL = ParagraphStyle("label", fontName="Helvetica", fontSize=TABLE_SIZE, leading=11.2, textColor=INK)
LABEL_BOLD = ParagraphStyle("label-bold", parent=LABEL, fontName="Helvetica-Bold")
HEAD = ParagraphStyle("head", parent=LABEL_BOLD, fontSize=8.5, leading=10.5, alignment=TA_RIGHT)
CONTENTS = (
    ParagraphStyle("contents-1", parent=BODY, fontSize=11, leading=19, spaceAfter=0),
    ParagraphStyle("contents-2", parent=BODY, fontSize=10, leading=15, leftIndent=16, textColor=QUIET, spaceAfter=0),
)


def text(words: str) -> Paragraph:
    return Paragraph(words, BODY)


def part(words: str) -> Paragraph:
    return Paragraph(words, PART)


def section(words: str) -> Paragraph:
    return Paragraph(words, SECTION)


def gap(points: float = 8) -> Spacer:
    return Spacer(1, points)


def new_page() -> Flowable:
    return PageBreak()


def after_cover() -> Flowable:
    return NextPageTemplate("body")


def contents() -> TableOfContents:
    found = TableOfContents()
    found.levelStyles = list(CONTENTS)
    found.dotsMinLevel = 0
    return found


def figures(table: statements.Table, label_width: float | None = None, above: Sequence[Flowable] = ()) -> Flowable:
    """A table of figures with its unit and what stands ``above`` it, kept on one page where it fits."""
    columns = len(table.heads)
    first = label_width or max(MEASURE - 74 * columns, MEASURE * 0.34)
    widths = [first, *[(MEASURE - first) / columns] * columns]
    rows: list[list[Any]] = []
    style: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), "Helvetica", TABLE_SIZE),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (1, 0), (-1, -1), 4 + BRACKET),
        ("TOPPADDING", (0, 0), (-1, -1), 2.1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.1),
    ]
    if table.spanner:
        rows.append(["", Paragraph(table.spanner, HEAD), *[""] * (columns - 1)])
        style += [("SPAN", (1, 0), (-1, 0)), ("LINEBELOW", (1, 0), (-1, 0), 0.4, RULE)]
    rows.append(["", *(Paragraph(head, HEAD) for head in table.heads)])
    style.append(("LINEBELOW", (0, len(rows) - 1), (-1, len(rows) - 1), 0.8, BLUE))
    repeat = len(rows)
    for row in table.rows:
        _set_row(row, rows, style, columns)
    set_table = Table(rows, widths, repeatRows=repeat, style=style, hAlign="LEFT")
    unit = [Paragraph(f"({table.unit})", UNIT)] if table.unit else []
    return KeepTogether([*above, *unit, set_table, gap(10)])


def _set_row(row: statements.Row, rows: list[list[Any]], style: list[tuple[Any, ...]], columns: int) -> None:
    at = len(rows)
    bold = row.weight is not Weight.LINE
    label = ParagraphStyle("indented", parent=LABEL_BOLD if bold else LABEL, leftIndent=10 * row.indent + 8)
    label.firstLineIndent = -8
    rows.append([Paragraph(row.label, label), *(row.values or [""] * columns)])
    if row.weight is Weight.HEAD:
        style.append(("TOPPADDING", (0, at), (-1, at), 5))
        return
    if bold:
        style.append(("FONT", (1, at), (-1, at), "Helvetica-Bold", TABLE_SIZE))
        style.append(("LINEABOVE", (1, at), (-1, at), 0.4, INK))
    if row.weight is Weight.TOTAL:
        style.append(("LINEBELOW", (1, at), (-1, at), 0.4, INK, 0, None, None, 2, 1.2))
        style.append(("BOTTOMPADDING", (0, at), (-1, at), 4.5))
    for column, value in enumerate(row.values, 1):
        if value.endswith((")", "%")):  # the bracket hangs in the margin, so that digits stand under digits
            hanging = stringWidth(value.lstrip("$(0123456789,.—"), "Helvetica", TABLE_SIZE)
            style.append(("RIGHTPADDING", (column, at), (column, at), max(4 + BRACKET - hanging, 0)))


def bars(caption: str, values: list[tuple[str, int]]) -> Drawing:
    """A small bar chart: one blue, values on the bars, a hairline under them."""
    width, height, bar = MEASURE / 2 - 12, 118, 34
    drawing = Drawing(width, height)
    drawing.add(String(0, height - 10, caption, fontName="Helvetica-Bold", fontSize=8.5, fillColor=INK))
    top = max(value for _, value in values)
    step = width / len(values)
    for index, (name, value) in enumerate(values):
        x = index * step + (step - bar) / 2
        tall = 68 * value / top
        shade = BLUE if index == len(values) - 1 else RULE
        column = Rect(x, 16, bar, tall)
        column.fillColor, column.strokeColor = shade, None
        drawing.add(column)
        drawing.add(_label(x + bar / 2, 20 + tall, f"{value:,}", INK))
        drawing.add(_label(x + bar / 2, 4, name, QUIET))
    drawing.add(Line(0, 16, width, 16, strokeColor=RULE, strokeWidth=0.5))
    return drawing


def _label(x: float, y: float, words: str, colour: Color) -> String:
    return String(x, y, words, fontName="Helvetica", fontSize=8.5, fillColor=colour, textAnchor="middle")


def side_by_side(left: Drawing, right: Drawing) -> Table:
    return Table([[left, right]], [MEASURE / 2, MEASURE / 2], style=[("LEFTPADDING", (0, 0), (-1, -1), 0)])


class _Book(BaseDocTemplate):
    """Heads feed the table of contents and the outline as they land on pages."""

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802  # the name is reportlab's
        style = getattr(getattr(flowable, "style", None), "name", "")
        if style not in {"part", "section"} or not isinstance(flowable, Paragraph):
            return
        level = 0 if style == "part" else 1
        words = flowable.getPlainText()
        key = f"{self.page}:{words}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(words, key, level, closed=True)
        if level == 0 or words.startswith("Note"):
            self.notify("TOCEntry", (level, words, self.page, key))


def press(story: list[Flowable], *, title: str, author: str, running: str, foot: str) -> bytes:
    """The story as PDF bytes: the same story gives the same bytes."""

    def furniture(canvas: Canvas, book: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(QUIET)
        canvas.drawString(MARGIN, HEIGHT - 44, running)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, HEIGHT - 50, WIDTH - MARGIN, HEIGHT - 50)
        canvas.drawCentredString(WIDTH / 2, 40, f"{foot} · {book.page}")
        canvas.restoreState()

    def cover(canvas: Canvas, _book: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFillColor(BLUE)
        canvas.rect(0, HEIGHT - 18, WIDTH, 18, stroke=0, fill=1)
        canvas.restoreState()

    out = BytesIO()
    book = _Book(out, pagesize=letter, title=title, author=author, subject=title, creator="Smalt", invariant=1)
    frame = Frame(MARGIN, 62, MEASURE, HEIGHT - 62 - 68, 0, 0, 0, 0)
    book.addPageTemplates(
        [
            PageTemplate("cover", [Frame(MARGIN, 62, MEASURE, HEIGHT - 62 - 60, 0, 0, 0, 0)], onPage=cover),
            PageTemplate("body", [frame], onPage=furniture),
        ]
    )
    book.multiBuild(story)
    return out.getvalue()
