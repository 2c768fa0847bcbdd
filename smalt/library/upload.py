"""Taking in a file: a row, then sealed bytes as they arrive, then the row again.

No transaction is open while bytes arrive, and no byte touches the disk unsealed. Crash points: after the row, after the
blob: the document is still "uploading", and the janitor removes row and blob (`clear_stale`). Only the second
transaction acknowledges the file, and it puts the reading job into the queue in the same commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Malformed, TooLarge
from smalt.kernel.ids import DocumentId
from smalt.kernel.limits import UPLOAD_MAX_BYTES
from smalt.library import document
from smalt.library.document import QUERIES, Document, Part, State
from smalt.library.events import DocumentStored
from smalt.telemetry.events import emit
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.tenancy.visit import Visit
from smalt.web import idempotency

READ_TASK = "read_document"
STALE_UPLOAD = timedelta(hours=2)


@dataclass
class _Counted:
    """Passes chunks on, counts and digests them, and stops a file that is larger than what is accepted."""

    chunks: AsyncIterator[bytes]
    size_bytes: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    async def passing(self) -> AsyncIterator[bytes]:
        async for chunk in self.chunks:
            self.size_bytes += len(chunk)
            self.digest.update(chunk)
            if self.size_bytes > UPLOAD_MAX_BYTES:
                raise TooLarge(
                    "document.too_large",
                    "The file is larger than what is accepted.",
                    kept="Nothing of it was stored.",
                    todo="Split the file, or upload the part you need.",
                    facts={"max_bytes": UPLOAD_MAX_BYTES},
                )
            yield chunk


async def receive(
    visit: Visit, clock: Clock, name: str, chunks: AsyncIterator[bytes], key: str | None = None
) -> Document:
    """Store the file and queue its reading. When anything fails, nothing of the file stays.

    Under the idempotency ``key`` (claimed by the caller) the document's id and the digest of its bytes are remembered.
    """
    async with visit.enter(Act.DOCUMENT_ADD, leave_open=True) as scope:
        entry = scope.entry
        identity = await document.add(scope, visit.actor.person_id, name, clock.now())
        receiver = scope.receiver(identity, Part.ORIGINAL)
    counted = _Counted(chunks)
    try:
        await receiver.receive(counted.passing())
        _require_content(counted.size_bytes)
        async with visit.enter(Act.DOCUMENT_ADD, identity, finishes=entry) as scope:
            await _acknowledge(scope, identity, counted.size_bytes)
            await idempotency.keep(scope, key, 201, {"id": str(identity), "digest": counted.digest.hexdigest()})
            stored = await document.get(scope, identity)
    except BaseException:
        # Also for a cancelled request: an upload that was cut off leaves nothing.
        await discard(visit, identity)
        raise
    emit(DocumentStored(document=identity, size_bytes=counted.size_bytes))
    return stored


def _require_content(size_bytes: int) -> None:
    if size_bytes == 0:
        raise Malformed("document.empty", "The file is empty.", kept="Nothing was stored.", todo="Choose another file.")


async def _acknowledge(scope: TenantScope, identity: DocumentId, size_bytes: int) -> None:
    stored = await scope.execute(
        QUERIES.set_stored,
        {
            "id": identity.uuid,
            "state": int(State.QUEUED),
            "uploading": int(State.UPLOADING),
            "kind": document.UNKNOWN_KIND,
            "size_bytes": size_bytes,
        },
    )
    if not stored:
        raise Conflict("document.deleted", "The document was deleted while it was uploaded.")
    await scope.defer(READ_TASK, document=identity)


async def discard(visit: Visit, identity: DocumentId) -> None:
    """Remove a document that was never acknowledged, row and blobs."""
    async with visit.enter(Act.DOCUMENT_ADD, identity) as scope:
        await scope.execute(QUERIES.delete_document, {"id": identity.uuid})
        await scope.delete_blobs(identity)


async def is_same(chunks: AsyncIterator[bytes], digest: str) -> bool:
    """Whether ``chunks`` are the bytes whose digest was remembered."""
    found = hashlib.sha256()
    async for chunk in chunks:
        found.update(chunk)
    return found.hexdigest() == digest


async def clear_stale(visit: Visit, before: datetime) -> int:
    """Remove uploads begun before ``before`` that a crash cut off, and free their keys; returns how many."""
    async with visit.enter(Act.TENANT_SWEEP) as scope:
        await idempotency.release_cut_off(scope, before)
        rows = await scope.fetch_all(QUERIES.stale_uploads, {"uploading": int(State.UPLOADING), "before": before})
        for row in rows:
            await scope.execute(QUERIES.delete_document, {"id": row["id"]})
            await scope.delete_blobs(DocumentId(row["id"]))
    return len(rows)


async def clear_orphans(visit: Visit) -> int:
    """Remove blobs whose document is gone: a crash came between the deletion's commit and theirs. How many documents.

    The blobs are listed first: the row of an upload that begins meanwhile is there before its blob.
    """
    kept = {document async for document in visit.gateway.documents_with_blobs(visit.tenant)}
    if not kept:
        return 0
    async with visit.enter(Act.TENANT_SWEEP) as scope:
        rows = await scope.fetch_all(QUERIES.existing_documents, {"ids": [document.uuid for document in kept]})
        orphans = kept - {DocumentId(row["id"]) for row in rows}
        for orphan in orphans:
            await scope.delete_blobs(orphan)
    return len(orphans)
