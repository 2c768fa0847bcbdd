"""Small documents made for the tests, each the least that shows one thing."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import xlsxwriter
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen import canvas

WIDTH, HEIGHT = 612, 792
Drawn = tuple[float, float, str, str]  # x, y from the top, text, how: l(eft), r(ight), c(entre), + b(old), s(mall)


def pdf_of(*pages: list[Drawn], rules: tuple[tuple[float, float, float], ...] = (), password: str = "") -> bytes:
    """A PDF with texts at given places; ``rules`` are (y, x0, x1) on the first page."""
    out = io.BytesIO()
    encrypt = StandardEncryption(password, strength=128) if password else None
    page = canvas.Canvas(out, pagesize=(WIDTH, HEIGHT), encrypt=encrypt, pageCompression=0)
    for number, texts in enumerate(pages):
        for x, y, text, how in texts:
            page.setFont("Helvetica-Bold" if "b" in how else "Helvetica", 5.5 if "s" in how else 9)
            draw = {"l": page.drawString, "r": page.drawRightString, "c": page.drawCentredString}[how[0]]
            draw(x, HEIGHT - y, text)
        if number == 0:
            for y, x0, x1 in rules:
                page.rect(x0, HEIGHT - y, x1 - x0, 0.5, stroke=0, fill=1)
        page.showPage()
    page.save()
    return out.getvalue()


def row(y: float, label: str, *figures: str, at: tuple[float, ...] = (400, 480, 560), x: float = 40) -> list[Drawn]:
    """A label at the left and figures right-aligned at ``at``; an empty figure leaves its column blank."""
    drawn: list[Drawn] = [(x, y, label, "l")] if label else []
    return drawn + [(right, y, figure, "r") for right, figure in zip(at, figures, strict=False) if figure]


def xlsx_of(rows: list[list[object]], formats: dict[int, str] | None = None) -> bytes:
    """A workbook of one sheet; ``formats`` gives columns a number format."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Data")
    styles = {column: book.add_format({"num_format": code}) for column, code in (formats or {}).items()}
    for r, cells in enumerate(rows):
        for c, value in enumerate(cells):
            if value is not None:
                sheet.write(r, c, value, styles.get(c))
    book.close()
    return out.getvalue()


def sparse_xlsx(reference: str = "XFD1048576") -> bytes:
    """A tiny workbook whose only far cell makes the widest grid there is."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "near"
    sheet["B1"] = 1
    sheet[reference] = 42
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zip_of(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


SHEET_TYPES = b'<Types><Override ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
