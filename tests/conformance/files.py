"""Documents made on the fly, each holding the words it is given."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Sequence

import docx
import xlsxwriter
from reportlab.lib import pdfencrypt
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen import canvas

Row = tuple[str, int, int]
ROWS: tuple[Row, ...] = (("Net sales", 1234, 1100), ("Cost of sales", 734, 700), ("Operating income", 500, 400))


def pdf(
    company: str = "Quill Holdings", rows: Sequence[Row] = ROWS, prose: Sequence[str] = (), pages: int = 1
) -> bytes:
    """A report of ``pages`` pages; the last one holds the table."""
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=letter, pageCompression=1)
    for number in range(pages):
        page.setFont("Helvetica-Bold", 14)
        page.drawString(72, 720, f"{company} Annual Report 2024")
        page.setFont("Helvetica", 10)
        at = 690
        for line in prose:
            page.drawString(72, at, line)
            at -= 14
        if number == pages - 1:
            _table(page, at - 20, rows)
        page.showPage()
    page.save()
    return out.getvalue()


def _table(page: canvas.Canvas, at: float, rows: Sequence[Row]) -> None:
    page.drawString(72, at, "Consolidated statements of operations (in millions)")
    page.drawString(330, at - 18, "Year ended December 31,")
    for x, year in ((400, "2024"), (480, "2023")):
        page.drawRightString(x, at - 32, year)
    for index, (label, now, before) in enumerate(rows):
        y = at - 50 - 16 * index
        page.drawString(72, y, label)
        page.drawRightString(400, y, f"${now:,}" if index == 0 else f"{now:,}")
        page.drawRightString(480, y, f"${before:,}" if index == 0 else f"{before:,}")


def xlsx(sheet: str = "Income", rows: Sequence[Row] = ROWS, *, far: str | None = None, macro: bool = False) -> bytes:
    """A workbook; ``far`` is a cell with something in it, ``macro`` makes it one that carries macros."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet(sheet)
    page.write_row(0, 0, ["USD in millions", 2024, 2023])
    for index, row in enumerate(rows, start=1):
        page.write_row(index, 0, row)
    if far is not None:
        page.write(far, 1)
    book.close()
    data = out.getvalue()
    return _with_macro(data) if macro else data


def _with_macro(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry, source.read(entry))
        target.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0" + bytes(600))
    return out.getvalue()


def table_csv(rows: Sequence[Row] = ROWS) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["USD in millions", "2024", "2023"])
    writer.writerows(rows)
    return out.getvalue().encode()


def word(title: str = "Quill Holdings", rows: Sequence[Row] = ROWS, prose: Sequence[str] = ()) -> bytes:
    made = docx.Document()
    made.add_heading(title, 1)
    for line in prose:
        made.add_paragraph(line)
    table = made.add_table(rows=1, cols=3)
    for cell, text in zip(table.rows[0].cells, ("USD in millions", "2024", "2023"), strict=True):
        cell.text = text
    for row in rows:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = str(value)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def markdown(title: str = "Quill Holdings", rows: Sequence[Row] = ROWS, prose: Sequence[str] = ()) -> bytes:
    head = ["| USD in millions | 2024 | 2023 |", "|---|---|---|"]
    lines = [f"# {title}", "", *prose, "", *head, *(f"| {label} | {now} | {before} |" for label, now, before in rows)]
    return ("\n".join(lines) + "\n").encode()


def bomb() -> bytes:
    """A workbook whose sheet unpacks to half a gibibyte."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("[Content_Types].xml", "<Types/>")
        with target.open("xl/worksheets/sheet1.xml", "w") as sheet:
            block = bytes(1 << 20)
            for _ in range(512):
                sheet.write(block)
    return out.getvalue()


def encrypted_pdf() -> bytes:
    out = io.BytesIO()
    page = canvas.Canvas(out, encrypt=pdfencrypt.StandardEncryption("secret", canPrint=0))
    page.drawString(72, 720, "Nobody reads this")
    page.save()
    return out.getvalue()


def encrypted_xlsx() -> bytes:
    """The container that Office wraps encrypted workbooks in, with nothing useful in it."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16le") + bytes(2048)


def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 16


def noise(size_bytes: int) -> bytes:
    """Bytes that are no document and that nothing compresses."""
    return b"\x00\x01" + os.urandom(size_bytes)
