"""Reads an agreement back, as whoever receives the file would: which measures it states, and which sub-processors.

The check of the agreement compares what is read with the registers. A DOCX is walked block by block, so that a row stays
one; a PDF is read by the product's reader in its shut-off child.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator

from smalt.library import sandbox
from smalt.trust.dpa import IN_FORCE, NOT_IN_FORCE

_CLAIM = re.compile(r"^(?:\| )?([a-z]{2,8}\.[a-z0-9_]{2,24})(?=[\s|]|$)", re.MULTILINE)
_VENDOR = re.compile(r"^([a-z0-9][a-z0-9-]*):", re.MULTILINE)
_ANNEX = re.compile(r"^[# ]*Annex ([23]): [A-Z].*$", re.MULTILINE)
Stated = tuple[set[str], set[str], set[str]]


def stated(body: bytes, form: str) -> Stated:
    """The claims in the list of what is in force, those in the list of what is not, and what begins rows of annex 2.

    Ids stand in the first column, or begin a paragraph; words that begin a line may be among them. Empty sets where the lists cannot be found:
    whoever compares sees the difference.
    """
    parts = _ANNEX.split(text(body, form))
    annexes = dict(zip(parts[1::2], parts[2::2], strict=True))
    measures = annexes.get("3", "")
    holding, _, others = measures.partition(NOT_IN_FORCE)
    holding = holding.partition(IN_FORCE)[2]
    return set(_CLAIM.findall(holding)), set(_CLAIM.findall(others)), set(_VENDOR.findall(annexes.get("2", "")))


def text(body: bytes, form: str) -> str:
    """What a reader of the file sees, line by line."""
    if form == "md":
        return body.decode()
    return "\n".join(_of_docx(body) if form == "docx" else _of_pdf(body))


def _of_docx(body: bytes) -> Iterator[str]:
    from docx import Document
    from docx.table import Table

    for block in Document(io.BytesIO(body)).iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                yield "| " + " | ".join(cell.text for cell in row.cells) + " |"
        else:
            yield block.text


def _of_pdf(body: bytes) -> Iterator[str]:
    for page in asyncio.run(sandbox.parse(body, "it.pdf")).pages:
        yield from (line.text for line in page.lines)
        for table in page.tables:
            for row in (*table.header, *table.rows):
                yield " ".join([row.label, *(cell.text for cell in row.cells)])
