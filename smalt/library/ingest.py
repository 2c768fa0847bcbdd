"""Reading an uploaded file: the original is opened, parsed in the child process, and what was read is sealed.

The job is idempotent: it may run again after a crash at any point and ends in the same state. A file that cannot be
read is not a fault of the service: its failure's code becomes the document's, and the original stays until deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib
from collections.abc import AsyncIterator
from typing import Final

from smalt.kernel.errors import Failure, Gone, Missing, Unavailable
from smalt.kernel.ids import DocumentId, EntryId
from smalt.library import document, metering, parsed
from smalt.library.document import QUERIES, Part, State
from smalt.library.events import DocumentFailed, DocumentRead
from smalt.library.metering import Use
from smalt.library.sandbox import parse
from smalt.telemetry.events import Milliseconds, Slug, emit
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.tenancy.visit import Visit

INDEX_TASK: Final = "index_document"
PROGRESS_EVERY_S = 0.5
READING_SHARE = 85
"""Reading moves the progress from 0 to this many per cent; indexing takes the rest."""
_PIECE_BYTES = 1 << 20


async def read_document(visit: Visit, identity: DocumentId) -> None:
    """The job. `Unavailable` is retried by the queue; every other failure ends in the document's state."""
    started = time.monotonic()
    try:
        entry, name, data = await _original(visit, identity)
    except (Missing, Gone):
        return  # deleted meanwhile
    progress = _Progress(visit, identity, entry)
    try:
        read = await parse(data, name, progress.report)
    except Unavailable:
        raise
    except Failure as failure:
        await progress.settled()
        await fail(visit, identity, entry, failure)
        return
    await progress.settled()
    size = len(data)
    del data
    await _store(visit, identity, entry, read)
    elapsed = Milliseconds((time.monotonic() - started) * 1000)
    emit(DocumentRead(document=identity, kind=read.kind, pages=len(read.pages), size_bytes=size, elapsed=elapsed))


async def _original(visit: Visit, identity: DocumentId) -> tuple[EntryId, str, bytes]:
    async with visit.enter(Act.DOCUMENT_PROCESS, identity, leave_open=True) as scope:
        found = await document.get(scope, identity)
        await _set_progress(scope, identity, 1)
        data = await read_blob(scope, identity, Part.ORIGINAL)
        return scope.entry, found.name, data


async def read_blob(scope: TenantScope, identity: DocumentId, part: str) -> bytes:
    """One part of the document, whole."""
    return b"".join([piece async for piece in scope.get_blob(identity, part)])


async def _set_progress(scope: TenantScope, identity: DocumentId, percent: int) -> None:
    await scope.execute(
        QUERIES.set_progress,
        {"id": identity.uuid, "state": int(State.READING), "progress": percent, "ready": int(State.READY)},
    )


async def _store(visit: Visit, identity: DocumentId, entry: EntryId, read: parsed.Parsed) -> None:
    """The parsed pages and the row that says so in one visit: a crash before its commit reads again."""
    async with visit.enter(Act.DOCUMENT_PROCESS, identity, finishes=entry) as scope:
        await scope.put_blob(identity, Part.PARSED, pieces(zlib.compress(parsed.encode(read), 1)))
        kept = await scope.execute(
            QUERIES.set_read,
            {
                "id": identity.uuid,
                "state": int(State.INDEXING),
                "progress": READING_SHARE,
                "kind": document.KIND_NUMBERS[read.kind],
                "pages": len(read.pages),
            },
        )
        if kept:
            now = visit.gateway.clock.now()
            await metering.add(scope, metering.Entry(kind=Use.READING, at=now, pages=len(read.pages)))
            await scope.defer(INDEX_TASK, document=identity)
        else:  # deleted while it was read
            await scope.delete_blobs(identity)


async def open_parsed(scope: TenantScope, identity: DocumentId) -> parsed.Parsed:
    """The document as it was read; `Missing` before that."""
    return parsed.decode(zlib.decompress(await read_blob(scope, identity, Part.PARSED)))


async def fail(visit: Visit, identity: DocumentId, entry: EntryId, failure: Failure) -> None:
    """End the document as failed; of the failure its code is kept."""
    async with visit.enter(Act.DOCUMENT_PROCESS, identity, finishes=entry) as scope:
        await scope.execute(
            QUERIES.set_failed, {"id": identity.uuid, "state": int(State.FAILED), "failure": failure.code}
        )
    emit(DocumentFailed(document=identity, code=Slug(failure.code)))


async def give_up(visit: Visit, identity: DocumentId) -> None:
    """The last attempt of a job failed: end the document as failed, so that it does not stay "reading" for ever."""
    async with visit.enter(Act.DOCUMENT_PROCESS, identity) as scope:
        await scope.execute(
            QUERIES.set_failed, {"id": identity.uuid, "state": int(State.FAILED), "failure": "document.internal"}
        )
    emit(DocumentFailed(document=identity, code=Slug("document.internal")))


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    """``data`` in pieces of 1 MiB."""
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]


class _Progress:
    """Writes the progress to the row, at most every `PROGRESS_EVERY_S` seconds and one write at a time."""

    def __init__(self, visit: Visit, identity: DocumentId, entry: EntryId) -> None:
        self._visit = visit
        self._identity = identity
        self._entry = entry
        self._last_s = time.monotonic()
        self._writing: asyncio.Task[None] | None = None

    def report(self, done: int, total: int) -> None:
        """``done`` of ``total`` pages are read."""
        now = time.monotonic()
        writing = self._writing is not None and not self._writing.done()
        if writing or now - self._last_s < PROGRESS_EVERY_S or total <= 0:
            return
        self._last_s = now
        percent = max(1, min(READING_SHARE - 1, done * READING_SHARE // total))
        self._writing = asyncio.create_task(self._write(percent))

    async def _write(self, percent: int) -> None:
        # Progress that could not be written is not worth failing for: the next report tries again.
        with contextlib.suppress(Failure):
            async with self._visit.enter(Act.DOCUMENT_PROCESS, self._identity, within=self._entry) as scope:
                await _set_progress(scope, self._identity, percent)

    async def settled(self) -> None:
        """Return when nothing is being written any more, so that no late report overwrites what comes next."""
        if self._writing is not None:
            await self._writing
