"""What is told of documents: ids, counts and times."""

from __future__ import annotations

from smalt.kernel.ids import DocumentId
from smalt.library.parsed import Kind
from smalt.telemetry.events import Event, Milliseconds, Slug


class DocumentStored(Event):
    document: DocumentId
    size_bytes: int


class DocumentRead(Event):
    document: DocumentId
    kind: Kind
    pages: int
    size_bytes: int
    elapsed: Milliseconds


class DocumentFailed(Event):
    document: DocumentId
    code: Slug


class DocumentIndexed(Event):
    document: DocumentId
    facts: int
    segment_bytes: int
    elapsed: Milliseconds
