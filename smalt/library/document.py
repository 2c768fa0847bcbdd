"""A document: its row, its states, and what may be done with it inside a tenant scope.

The file's bytes and everything read out of them are blobs of the document (`Part`); deleting the document deletes the
row first and the blobs after the commit, so a crash between the two leaves sealed orphans for the janitor, never a row
whose blobs are gone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from smalt.kernel.errors import Conflict, Missing
from smalt.kernel.ids import DocumentId, PersonId
from smalt.kernel.limits import FILE_NAME_MAX_CHARS
from smalt.kernel.sealed import Place, Sealed
from smalt.library.parsed import Kind
from smalt.library.refusals import refusal
from smalt.store.sql import load
from smalt.tenancy.scope import TenantScope

QUERIES = load(Path(__file__).with_name("library.sql"))
WORKSPACE_DOCUMENTS_MAX = 200


class State(enum.IntEnum):
    """Stored in ``document.state``. Everything below READY is under way."""

    UPLOADING = 1
    QUEUED = 2
    READING = 3
    INDEXING = 4
    READY = 10
    FAILED = 11


class Part(enum.StrEnum):
    """The blobs of one document."""

    ORIGINAL = "original"
    PARSED = "parsed"
    SEGMENT = "segment"


KIND_NUMBERS: dict[Kind, int] = {kind: number for number, kind in enumerate(Kind, start=1)}
_KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}
UNKNOWN_KIND = 0


@dataclass(frozen=True, slots=True)
class DocumentRow:
    id: DocumentId
    person_id: PersonId
    name: Sealed
    kind: int
    size_bytes: int
    state: State
    pages: int | None
    progress: int
    failure: str | None
    created_at: datetime
    ready_at: datetime | None


_GET = QUERIES.get_document.rows(DocumentRow)
_LIST = QUERIES.list_documents.rows(DocumentRow)
_READY = QUERIES.ready_documents.rows(DocumentRow)


@dataclass(frozen=True, slots=True)
class Document:
    """A document with its name opened; lives only as long as the act that opened it."""

    id: DocumentId
    name: str
    kind: Kind | None
    size_bytes: int
    state: State
    pages: int | None
    progress: int
    failure: str | None
    created_at: datetime


def name_place(document: DocumentId) -> Place:
    return Place("document", "name", document.uuid)


def clean_name(name: str | None) -> str:
    """A file name fit to show: the last path component, without control characters, of bounded length."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in last if c.isprintable()).strip()
    return kept[:FILE_NAME_MAX_CHARS] or "untitled"


def opened(scope: TenantScope, row: DocumentRow) -> Document:
    """``row`` with its name opened."""
    return Document(
        id=row.id,
        name=scope.open_text(row.name, name_place(row.id)),
        kind=_KINDS.get(row.kind),
        size_bytes=row.size_bytes,
        state=row.state,
        pages=row.pages,
        progress=row.progress,
        failure=row.failure,
        created_at=row.created_at,
    )


async def add(scope: TenantScope, person: PersonId, name: str, at: datetime) -> DocumentId:
    """A new row for a file whose bytes are still arriving."""
    identity = DocumentId.new()
    await scope.execute(
        QUERIES.add_document,
        {
            "id": identity.uuid,
            "person_id": person.uuid,
            "name": scope.seal_text(name, name_place(identity)),
            "kind": UNKNOWN_KIND,
            "state": int(State.UPLOADING),
            "created_at": at,
        },
    )
    return identity


async def get(scope: TenantScope, document: DocumentId) -> Document:
    """The document, or `Missing`."""
    row = await scope.fetch_maybe(_GET, {"id": document.uuid})
    if row is None:
        raise Missing("document.unknown", "There is no such document.")
    return opened(scope, row)


async def require_ready(scope: TenantScope, document: DocumentId) -> Document:
    """The document when it can be asked about; otherwise `Missing` or `Conflict`."""
    found = await get(scope, document)
    if found.state is State.FAILED:
        raise Conflict(
            "document.failed",
            "This document could not be read.",
            kept="The original is kept until you delete it.",
            todo="Open the document to see why, then upload a corrected file.",
        )
    if found.state is not State.READY:
        raise Conflict(
            "document.not_ready",
            "This document is still being read.",
            kept="Nothing is lost.",
            todo="Ask again when its status is ready.",
        )
    return found


async def page(scope: TenantScope, limit: int, before: UUID) -> list[Document]:
    """Newest first, at most ``limit``, older than ``before``."""
    rows = await scope.fetch_all(_LIST, {"limit": limit, "before": before})
    return [opened(scope, row) for row in rows]


async def all_ready(scope: TenantScope) -> list[Document]:
    """Every document that can be asked about, newest first."""
    rows = await scope.fetch_all(_READY, {"ready": int(State.READY), "limit": WORKSPACE_DOCUMENTS_MAX})
    return [opened(scope, row) for row in rows]


async def delete(scope: TenantScope, document: DocumentId) -> None:
    """Delete the row now and the blobs once the scope has committed."""
    if not await scope.execute(QUERIES.delete_document, {"id": document.uuid}):
        raise Missing("document.unknown", "There is no such document.")
    await scope.delete_blobs(document)


def _refusal_view(code: str) -> dict[str, str]:
    told = refusal(code)
    return {"code": code, "happened": told.happened, "kept": told.kept, "todo": told.todo}


def view(document: Document) -> dict[str, Any]:
    """The document as the API shows it; of a failure the code is stored and its sentences are the product's."""
    return {
        "id": str(document.id),
        "name": document.name,
        "kind": None if document.kind is None else str(document.kind),
        "size_bytes": document.size_bytes,
        "status": document.state.name.lower(),
        "progress": document.progress,
        "pages": document.pages,
        "failure": None if document.failure is None else _refusal_view(document.failure),
        "created_at": document.created_at.isoformat(),
    }
