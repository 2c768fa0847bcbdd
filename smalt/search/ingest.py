"""Indexing a document that was read, and opening its segment for questions. Segments are content: sealed at rest."""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib
from collections.abc import Sequence

from smalt.kernel.errors import Gone, Missing, Untrusted
from smalt.kernel.ids import DocumentId
from smalt.library import document
from smalt.library.document import QUERIES, Document, Part, State
from smalt.library.events import DocumentIndexed
from smalt.library.ingest import open_parsed, pieces, read_blob
from smalt.library.parsed import Parsed
from smalt.search import segment
from smalt.search.shelf import Shelf
from smalt.telemetry.events import Milliseconds, emit
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.tenancy.visit import Visit


async def index_document(visit: Visit, identity: DocumentId) -> None:
    """The document's segment, then its row is ready. Idempotent: a job, and again for a segment of another version."""
    started = time.monotonic()
    try:
        async with visit.enter(Act.DOCUMENT_PROCESS, identity, leave_open=True) as scope:
            entry = scope.entry
            await document.get(scope, identity)
            read = await open_parsed(scope, identity)
    except (Missing, Gone):
        return  # deleted meanwhile
    facts, data = await asyncio.to_thread(_built, read)
    async with visit.enter(Act.DOCUMENT_PROCESS, identity, finishes=entry) as scope:
        await scope.put_blob(identity, Part.SEGMENT, pieces(data))
        ready = {"id": identity.uuid, "state": int(State.READY), "at": visit.gateway.clock.now()}
        if not await scope.execute(QUERIES.set_ready, ready):  # deleted while it was indexed
            await scope.delete_blobs(identity)
    elapsed = Milliseconds((time.monotonic() - started) * 1000)
    emit(DocumentIndexed(document=identity, facts=facts, segment_bytes=len(data), elapsed=elapsed))


def _built(read: Parsed) -> tuple[int, bytes]:
    made = segment.build(read)
    return len(made.facts), zlib.compress(segment.encode(made), 1)


async def open_documents(shelf: Shelf, scope: TenantScope, found: Sequence[Document]) -> list[segment.Opened]:
    """The documents' segments, from memory or else unsealed now.

    Left out is what must be indexed anew (`left_out`): another version of the product wrote its segment, or indexing it
    anew was cut off.
    """
    tenant = str(scope.tenant)
    opened = []
    for each in found:
        held = shelf.get(tenant, str(each.id))
        if held is None:
            try:
                data = await _segment(scope, each.id)
                held = await asyncio.to_thread(shelf.put, tenant, str(each.id), each.name, data)
            except (Missing, segment.Outdated):
                continue
        opened.append(held)
    return opened


def left_out(found: Sequence[Document], opened: Sequence[segment.Opened]) -> list[Document]:
    """The documents of ``found`` that `open_documents` left out of ``opened``."""
    held = {each.document for each in opened}
    return [each for each in found if str(each.id) not in held]


async def reopen_documents(shelf: Shelf, scope: TenantScope, found: Sequence[Document]) -> list[segment.Opened]:
    """`open_documents` once all are indexed anew. Left out is only what was deleted meanwhile; `Untrusted` for the rest."""
    opened = await open_documents(shelf, scope, found)
    for each in left_out(found, opened):
        with contextlib.suppress(Missing):
            await document.get(scope, each.id)
            raise Untrusted("segment.lost", "What was read of a document is lost.", todo="Upload it again.")
    return opened


async def _segment(scope: TenantScope, identity: DocumentId) -> bytes:
    """The segment's plain bytes, of whatever version."""
    try:
        return zlib.decompress(await read_blob(scope, identity, Part.SEGMENT))
    except zlib.error:
        raise Untrusted("segment.unreadable", "A search index could not be read.", todo="Upload it again.") from None
