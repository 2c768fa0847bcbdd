"""PDF files: pages with lines, tables and boxes, and page images. PDFium does the decoding, our own layer the layout."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import cache

import pypdfium2 as pdfium

from smalt.kernel import limits
from smalt.library.parsed import Kind, Line, Page, Parsed
from smalt.library.readers.layout import laid_lines
from smalt.library.readers.pdf_words import page_rules, page_words, visual_lines
from smalt.library.readers.pieces import box_of
from smalt.library.readers.tables import tables_of
from smalt.library.refusals import refusal

Progress = Callable[[int, int], None]


def prepare() -> None:
    """Load what reading loads late, while files can still be opened."""


def read(data: bytes, progress: Progress | None = None) -> Parsed:
    """Parse all pages; ``progress(done, total)`` is called after each."""
    document = open_document(data)
    try:
        total = len(document)
        pages: list[Page] = []
        for number in range(total):
            pages.append(_page(document, number))
            if progress is not None:
                progress(number + 1, total)
        if not any(page.lines for page in pages):
            raise refusal("document.no_text")
        return Parsed(Kind.PDF, pages, _title(document))
    except pdfium.PdfiumError:  # a page of it cannot be loaded: part of a report is worse than none
        raise refusal("document.truncated") from None
    finally:
        document.close()


def open_document(data: bytes) -> pdfium.PdfDocument:
    """The opened document, or the failure that says why not."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        code = "document.encrypted" if "password" in str(error).lower() else "document.truncated"
        raise refusal(code) from None
    if len(document) == 0:
        raise refusal("document.empty")
    if len(document) > limits.PARSE_PAGES_MAX:
        raise refusal("document.too_many_pages")
    return document


def _page(document: pdfium.PdfDocument, number: int) -> Page:
    page = document[number]
    try:
        width, height = page.get_size()
        laid = laid_lines(visual_lines(page_words(page)))
        tables = tables_of(laid, width, cache(lambda: page_rules(page)))
    finally:
        page.close()
    lines = [Line(line.line.text, box_of(line.line.words)) for line in laid]
    return Page(number, round(width, 1), round(height, 1), lines, tables)


def _title(document: pdfium.PdfDocument) -> str:
    try:
        return str(document.get_metadata_value("Title"))[:200]
    except pdfium.PdfiumError:
        return ""


def render(data: bytes, page: int, dpi: int) -> bytes:
    """One page as PNG."""
    document = open_document(data)
    try:
        if not 0 <= page < len(document):
            raise refusal("document.no_such_page")
        bitmap = document[page].render(scale=dpi / 72, rev_byteorder=True, prefer_bgrx=False)
        return png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels)
    finally:
        document.close()


def png(pixels: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """8-bit grey, RGB or RGBA ``pixels`` as a PNG file (ISO/IEC 15948)."""
    colour = {1: 0, 3: 2, 4: 6}[channels]
    # Lines equal to the one above are sent as "Up, nothing changed"; the others as they are.
    lines = bytearray()
    line = width * channels
    above = bytes(line)
    for start in range(0, height * stride, stride):
        here = pixels[start : start + line]
        if here == above:
            lines += b"\x02" + bytes(line)
        else:
            lines += b"\x00" + here
        above = here
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(lines), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
