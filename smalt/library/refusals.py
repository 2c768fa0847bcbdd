"""Why a document was not read: one table from stable codes to failures.

The child process that reads documents sends codes only, so that no text of a hostile file can travel as a sentence.
"""

from __future__ import annotations

from typing import LiteralString

from smalt.kernel import limits
from smalt.kernel.errors import Fact, Failure, Malformed, TooLarge, Unavailable

_NOTHING_READ = "Nothing of it was read; the document is kept only as a failed entry."
_SPLIT = "Split it into smaller files and add those."

_TABLE: dict[LiteralString, tuple[type[Failure], LiteralString, LiteralString, LiteralString]] = {
    "document.encrypted": (
        Malformed,
        "The file is protected by a password.",
        _NOTHING_READ,
        "Save a copy without a password and add that.",
    ),
    "document.truncated": (
        Malformed,
        "The file is damaged or incomplete.",
        _NOTHING_READ,
        "Export or download it again and add the new file.",
    ),
    "document.empty": (
        Malformed,
        "The file holds nothing to read.",
        _NOTHING_READ,
        "Check that the right file was chosen.",
    ),
    "document.no_text": (
        Malformed,
        "The PDF holds pictures of pages but no text.",
        _NOTHING_READ,
        "Run text recognition on it and add the result.",
    ),
    "document.macros": (
        Malformed,
        "The file carries macros, which Smalt does not accept.",
        _NOTHING_READ,
        "Save it as .xlsx or .docx, which carry no macros, and add that.",
    ),
    "document.bomb": (
        TooLarge,
        "The file unpacks to far more than its size, as a decompression bomb does.",
        _NOTHING_READ,
        "If it is genuine, split it into smaller files and add those.",
    ),
    "document.too_many_pages": (
        TooLarge,
        "The document has more pages than are accepted.",
        _NOTHING_READ,
        _SPLIT,
    ),
    "document.too_many_cells": (
        TooLarge,
        "The workbook spans more cells than are accepted.",
        _NOTHING_READ,
        "Delete stray cells far from the data, or split the workbook.",
    ),
    "document.too_large": (
        TooLarge,
        "The file is larger than is accepted.",
        _NOTHING_READ,
        _SPLIT,
    ),
    "document.unsupported": (
        Malformed,
        "This kind of file cannot be read: PDF, XLSX, CSV, DOCX, Markdown and plain text can.",
        _NOTHING_READ,
        "Save it as one of these and add that.",
    ),
    "document.crashed": (
        Malformed,
        "Reading the file failed inside the reader; the reader ran apart, so nothing else was affected.",
        _NOTHING_READ,
        "Save or print it to a new file with its own program and add that.",
    ),
    "document.too_slow": (
        TooLarge,
        "Reading the file took longer than is allowed and was stopped.",
        _NOTHING_READ,
        _SPLIT,
    ),
    "document.too_much_memory": (
        TooLarge,
        "Reading the file needed more memory than is allowed and was stopped.",
        _NOTHING_READ,
        _SPLIT,
    ),
    "document.no_such_page": (
        Malformed,
        "The document has no page of this number.",
        "The document is unchanged.",
        "Ask for a page that it has.",
    ),
    "document.reader_down": (
        Unavailable,
        "The document reader could not be started.",
        "The file is kept and will be read again.",
        "Run the doctor command; it names what is missing.",
    ),
}
_FACTS: dict[str, dict[str, Fact]] = {
    "document.too_many_pages": {"pages_max": limits.PARSE_PAGES_MAX},
    "document.too_many_cells": {"cells_max": limits.PARSE_CELLS_MAX},
    "document.too_large": {"bytes_max": limits.UPLOAD_MAX_BYTES},
    "document.too_slow": {"seconds_max": limits.PARSE_WALL_S},
    "document.too_much_memory": {"bytes_max": limits.PARSE_MEMORY_BYTES},
}
CODES = frozenset(_TABLE)


def refusal(code: str) -> Failure:
    """The failure for ``code``; a code that is not in the table means that the reader broke."""
    for known, (family, happened, kept, todo) in _TABLE.items():
        if known == code:
            retry = 30 if family is Unavailable else None
            return family(known, happened, kept=kept, todo=todo, facts=_FACTS.get(known, {}), retry_after_s=retry)
    return refusal("document.crashed")
