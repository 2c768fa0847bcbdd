"""Small documents of every kind that is read, made in memory around the words they are given. For the checks."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

Row = tuple[str, int, int]
HEAD = ("USD in millions", "2024", "2023")


def pdf(company: str, rows: Sequence[Row], prose: Sequence[str]) -> bytes:
    """One page with prose and a table of two years."""
    from reportlab.lib.pagesizes import letter
    from reportlab.pdfgen import canvas

    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=letter, pageCompression=1)
    page.setFont("Helvetica-Bold", 14)
    page.drawString(72, 720, f"{company} Annual Report 2024")
    page.setFont("Helvetica", 10)
    for number, line in enumerate(prose):
        page.drawString(72, 690 - 14 * number, line)
    top = 670 - 14 * len(prose)
    page.drawString(72, top, "Consolidated statements of operations (in millions)")
    page.drawString(330, top - 18, "Year ended December 31,")
    for x, year in ((400, "2024"), (480, "2023")):
        page.drawRightString(x, top - 32, year)
    for number, (label, now, before) in enumerate(rows):
        y = top - 50 - 16 * number
        page.drawString(72, y, label)
        page.drawRightString(400, y, f"${now:,}" if number == 0 else f"{now:,}")
        page.drawRightString(480, y, f"${before:,}" if number == 0 else f"{before:,}")
    page.showPage()
    page.save()
    return out.getvalue()


def xlsx(sheet: str, rows: Sequence[Row]) -> bytes:
    """A workbook of one sheet."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet(sheet)
    page.write_row(0, 0, [HEAD[0], 2024, 2023])
    for number, row in enumerate(rows, start=1):
        page.write_row(number, 0, row)
    book.close()
    return out.getvalue()


def docx(title: str, rows: Sequence[Row], prose: Sequence[str]) -> bytes:
    """A Word document with prose and a table."""
    import docx as word

    made = word.Document()
    made.add_heading(title, 1)
    for line in prose:
        made.add_paragraph(line)
    table = made.add_table(rows=1, cols=3)
    for cell, text in zip(table.rows[0].cells, HEAD, strict=True):
        cell.text = text
    for row in rows:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = str(value)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def csv(rows: Sequence[Row]) -> bytes:
    """A table with commas."""
    lines = [",".join(HEAD), *(f"{label},{now},{before}" for label, now, before in rows)]
    return ("\r\n".join(lines) + "\r\n").encode()


def markdown(title: str, rows: Sequence[Row], prose: Sequence[str]) -> bytes:
    """Prose and a table."""
    head = [f"| {' | '.join(HEAD)} |", "|---|---|---|"]
    lines = [f"# {title}", "", *prose, "", *head, *(f"| {label} | {now} | {before} |" for label, now, before in rows)]
    return ("\n".join(lines) + "\n").encode()


def bomb() -> bytes:
    """A workbook of a few kilobytes whose sheet unpacks to a quarter of a gibibyte."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        with made.open("xl/worksheets/sheet1.xml", "w") as sheet:
            block = bytes(1 << 20)
            for _ in range(256):
                sheet.write(block)
    return out.getvalue()


def pages(count: int) -> bytes:
    """A PDF of so many pages with a line each."""
    from reportlab.pdfgen import canvas

    out = io.BytesIO()
    page = canvas.Canvas(out)
    for number in range(count):
        page.drawString(72, 700, f"Page {number} of a long report that says little.")
        page.showPage()
    page.save()
    return out.getvalue()
