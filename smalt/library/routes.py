"""Documents under ``/api/v1``: take in, list, follow, read page by page, delete."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Failure
from smalt.kernel.ids import DocumentId
from smalt.library import document, reading, replies
from smalt.library.document import Document, State
from smalt.library.page_view import page_number, page_view
from smalt.library.upload import is_same, receive
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit
from smalt.web import idempotency
from smalt.web.doors import Member, knock_again, routes
from smalt.web.idempotency import KeyHeader
from smalt.web.multipart import read_upload
from smalt.web.paging import LIMIT_DEFAULT, After, Cursor, Limit, after, as_json, page_of
from smalt.web.stream import EventStream, ServerEvent, while_welcome

router = routes()
FOLLOW_EVERY_S = 0.4
PageNumber = Annotated[int, Path(ge=0, le=1_000_000)]
SheetName = Annotated[str, Query(max_length=400)]


def clock_of(request: Request) -> Clock:
    found: Clock = request.app.state.clock
    return found


def readings_of(request: Request) -> reading.Readings:
    found: reading.Readings = request.app.state.readings
    return found


_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.post("/api/v1/documents", status_code=201, response_model=replies.Document, openapi_extra=_UPLOAD)
async def add_document(request: Request, visit: Member, key: KeyHeader = None) -> dict[str, Any]:
    """Take in the file of the part ``file``. The answer comes when it is stored; reading goes on in the background."""
    upload = await read_upload(request)
    name, clock = document.clean_name(upload.name), clock_of(request)
    repeat = None
    if key is not None:
        async with visit.enter(Act.DOCUMENT_ADD) as scope:
            repeat = await idempotency.claim(scope, key, "document.add", name, clock)
    if repeat is not None:
        return document.view(await _again(visit, json.loads(repeat.body), upload.chunks()))
    try:
        stored = await receive(visit, clock, name, _still_welcome(request, upload.chunks()), key)
    except BaseException:  # also what the guard cut off, and a request that was cancelled
        if key is not None:
            await visit.gateway.see_through(_released(visit, key))
        raise
    return document.view(stored)


async def _still_welcome(request: Request, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``chunks``; at their end `Unauthenticated` if the credential ended while they came, which may take minutes."""
    async for chunk in chunks:
        yield chunk
    await knock_again(request)


async def _again(visit: Visit, first: dict[str, str], chunks: AsyncIterator[bytes]) -> Document:
    """The document that an earlier request with the same key stored; `Conflict` when that had other bytes."""
    if not await is_same(chunks, first["digest"]):
        raise idempotency.reused()
    return await _get(visit, DocumentId.parse(first["id"]))


async def _released(visit: Visit, key: str) -> None:
    with contextlib.suppress(Failure):  # the first failure is the answer; a sweep frees the key later
        async with visit.enter(Act.DOCUMENT_ADD) as scope:
            await idempotency.release(scope, key)


async def _get(visit: Visit, identity: DocumentId) -> Document:
    async with visit.enter(Act.DOCUMENT_READ, identity) as scope:
        return await document.get(scope, identity)


@router.get("/api/v1/documents", response_model=replies.Documents)
async def list_documents(visit: Member, limit: Limit = LIMIT_DEFAULT, cursor: After = None) -> dict[str, Any]:
    """The workspace's documents, newest first."""
    async with visit.enter(Act.DOCUMENT_READ) as scope:
        found = await document.page(scope, limit + 1, after(cursor).id)
    return as_json(page_of(found, limit, lambda d: Cursor(d.created_at, d.id.uuid), document.view))


@router.get("/api/v1/documents/{document_id}", response_model=replies.Document)
async def get_document(visit: Member, document_id: str) -> dict[str, Any]:
    """One document with its status and progress."""
    return document.view(await _get(visit, DocumentId.parse(document_id)))


@router.delete("/api/v1/documents/{document_id}", status_code=204)
async def delete_document(request: Request, visit: Member, document_id: str) -> Response:
    """Delete the document, its original bytes, everything read out of it and its index."""
    identity = DocumentId.parse(document_id)
    async with visit.enter(Act.DOCUMENT_DELETE, identity) as scope:
        await document.delete(scope, identity)
    readings_of(request).forget(visit.tenant, identity)
    request.app.state.shelf.drop(str(visit.tenant), str(identity))
    return Response(status_code=204)


@router.get("/api/v1/documents/{document_id}/events", status_code=200, response_class=EventStream)
async def follow_document(request: Request, visit: Member, document_id: str) -> EventStream:
    """The document each time its status or progress changes, until it is ready or failed."""
    identity = DocumentId.parse(document_id)
    first = await _get(visit, identity)
    return EventStream(while_welcome(request, _followed(visit, first)))


async def _followed(visit: Visit, found: Document) -> AsyncGenerator[ServerEvent, None]:
    shown = None
    while True:
        view = document.view(found)
        if view != shown:
            yield ServerEvent("document", view)
            shown = view
        if found.state in (State.READY, State.FAILED):
            return
        await asyncio.sleep(FOLLOW_EVERY_S)
        found = await _get(visit, found.id)


_PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}}}}
}


@router.get("/api/v1/documents/{document_id}/pages/{number}.png", response_class=Response, responses=_PNG)
async def get_page_image(request: Request, visit: Member, document_id: str, number: PageNumber) -> Response:
    """A picture of one page of a PDF, 144 dots an inch."""
    image = await readings_of(request).image(visit, DocumentId.parse(document_id), number)
    return Response(image, media_type="image/png", headers={"cache-control": "private, max-age=300"})


@router.get("/api/v1/documents/{document_id}/pages/{number}", response_model=replies.Page)
async def get_page(
    request: Request, visit: Member, document_id: str, number: PageNumber, sheet: SheetName = ""
) -> dict[str, Any]:
    """What was read on one page (0-based), or on the sheet of a name: lines, tables and cells with their places."""
    read = await readings_of(request).parsed(visit, DocumentId.parse(document_id))
    return page_view(read.pages[page_number(read, number, sheet)])
