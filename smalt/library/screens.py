"""The library page and the page of one document. Readable without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from smalt.kernel.ids import DocumentId
from smalt.library import document
from smalt.library.document import State
from smalt.library.page_view import page_number, page_view, window_start
from smalt.library.parsed import Page, Parsed, Table
from smalt.library.routes import readings_of
from smalt.people.frame import frame
from smalt.tenancy.policy import Act
from smalt.web.doors import Browser, routes
from smalt.web.pages import pages_of
from smalt.web.paging import LIMIT_DEFAULT, After, Cursor, after, page_of

router = routes()
FOUND_MAX = 100
AROUND_CHARS = 60
TITLE_CHARS = 80
_BOX = re.compile(r"-?\d{1,6}(?:\.\d{1,4})?(?:,-?\d{1,6}(?:\.\d{1,4})?){3}")
Short = Annotated[str, Query(max_length=400)]


@router.get("/library", include_in_schema=False)
async def library(request: Request, visit: Browser, cursor: After = None) -> Response:
    """The documents of the workspace, newest first."""
    async with visit.enter(Act.DOCUMENT_READ) as scope:
        found = await document.page(scope, LIMIT_DEFAULT + 1, after(cursor).id)
        around = await frame(scope, "library")
    listed = page_of(found, LIMIT_DEFAULT, lambda d: Cursor(d.created_at, d.id.uuid), document.view)
    return pages_of(request).page("library.html", documents=listed.items, more=listed.next, **around)


@router.get("/d/{document_id}", include_in_schema=False)
async def document_page(
    request: Request,
    visit: Browser,
    document_id: str,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    sheet: Short = "",
    cell: Short = "",
    box: Short = "",
    quote: Short = "",
    find: Short = "",
    row: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """One page of a document, with the place that an answer cites marked."""
    identity = DocumentId.parse(document_id)
    async with visit.enter(Act.DOCUMENT_READ, identity) as scope:
        found = await document.get(scope, identity)
        around = await frame(scope, "library")
    mark = {"box": _box(box), "cell": cell or None, "quote": quote or None}
    if found.state not in (State.READY, State.INDEXING):
        return _page(request, found, around, _unread(mark, find))
    read = await readings_of(request).parsed(visit, identity)
    number = page_number(read, page - 1, sheet)
    shown = page_view(read.pages[number])
    variables = {
        "page": shown,
        "number": number + 1,
        "total": len(read.pages),
        "names": [each.sheet for each in read.pages if each.sheet is not None],
        "tables": _tables(read),
        "mark": mark,
        "find": find,
        "found": list(_found(read, find)) if find.strip() else [],
        "row": row or (window_start(shown["grid"], cell) if shown["grid"] else 0),
    }
    return _page(request, found, around, variables)


def _page(request: Request, found: document.Document, around: dict[str, Any], variables: dict[str, Any]) -> Response:
    return pages_of(request).page("document.html", document=document.view(found), **around, **variables)


def _unread(mark: dict[str, Any], find: str) -> dict[str, Any]:
    """The page of a document that is still being read, or could not be."""
    empty = page_view(Page(0, 612.0, 792.0, [], []))
    return {
        "page": empty,
        "number": 1,
        "total": 0,
        "names": [],
        "tables": [],
        "mark": mark,
        "find": find,
        "found": [],
        "row": 0,
    }


def _tables(read: Parsed) -> list[dict[str, Any]]:
    return [
        {"page": page.number, "title": _title(table), "rows": len(table.rows)}
        for page in read.pages
        for table in page.tables
        if len(table.rows) > 1
    ]


def _title(table: Table) -> str:
    """The nearest line above that reads as a heading: short, begun with a capital or figure, no sentence, no note of units."""
    for line in reversed(table.above):
        text = line.strip()
        if text and len(text) <= TITLE_CHARS and not text.endswith(".") and (text[0].isupper() or text[0].isdigit()):
            return text.rstrip(":")
    return next((row.label for row in table.rows if row.label), "").rstrip(":")


def _box(text: str) -> list[float] | None:
    return [float(part) for part in text.split(",")] if _BOX.fullmatch(text) else None


def _found(read: Parsed, wanted: str) -> Iterator[dict[str, Any]]:
    """Where ``wanted`` stands, ignoring case, in reading order, at most `FOUND_MAX` places."""
    needle = re.compile(re.escape(" ".join(wanted.split())), re.IGNORECASE)
    count = 0
    for page in read.pages:
        for text, box, cell in _texts(page):
            match = needle.search(text)
            if match is None:
                continue
            yield {
                "page": page.number,
                "before": text[max(0, match.start() - AROUND_CHARS) : match.start()],
                "match": match[0],
                "after": text[match.end() : match.end() + AROUND_CHARS],
                "box": box,
                "cell": cell,
            }
            count += 1
            if count >= FOUND_MAX:
                return


def _texts(page: Page) -> Iterator[tuple[str, list[float] | None, str | None]]:
    """Each line of the page, or for a sheet each cell: text, box, reference."""
    for line in page.lines:
        box = None if line.box is None else [line.box.x0, line.box.y0, line.box.x1, line.box.y1]
        yield line.text, box, None
    if page.lines:
        return
    for table in page.tables:
        for row in (*table.header, *table.rows):
            yield row.label, None, row.label_ref
            for cell in row.cells:
                yield cell.text, None, cell.ref
