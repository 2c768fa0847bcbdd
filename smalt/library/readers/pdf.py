"""PDF files: pages with lines, tables and boxes, and page images. PDFium does the decoding, our own layer the layout."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import pypdfium2 as pdfium

from smalt.kernel import limits
from smalt.kernel.errors import Malformed, TooLarge
from smalt.library.parsed import Kind, Line, Page, Parsed
from smalt.library.readers.layout import laid_lines
from smalt.library.readers.pdf_words import page_rules, page_words, visual_lines
from smalt.library.readers.pieces import box_of
from smalt.library.readers.tables import tables_of

Progress = Callable[[int, int], None]


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
        return Parsed(Kind.PDF, pages, _title(document))
    finally:
        document.close()


def open_document(data: bytes) -> pdfium.PdfDocument:
    """The opened document, or the failure that says why not."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise Malformed(
                "document.encrypted",
                "The file is protected by a password.",
                kept="Nothing of it was read.",
                todo="Save a copy without a password and add that.",
            ) from None
        raise Malformed(
            "document.truncated",
            "The PDF is damaged or incomplete.",
            kept="Nothing of it was read.",
            todo="Export or download the file again and add it.",
        ) from None
    if len(document) > limits.PARSE_PAGES_MAX:
        document.close()
        raise TooLarge(
            "document.too_many_pages",
            "The document has more pages than are accepted.",
            kept="Nothing of it was read.",
            todo="Split it into parts and add those.",
            facts={"pages_max": limits.PARSE_PAGES_MAX},
        )
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
        image = document[page].render(scale=dpi / 72).to_pil()
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=3)
        return out.getvalue()
    finally:
        document.close()
