"""Gated documents: sealed in a row of the house tenant, listed to anybody by title, given only to who holds a grant."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from smalt.kernel.errors import Malformed, Missing, TooLarge
from smalt.kernel.ids import GatedId
from smalt.kernel.limits import FILE_NAME_MAX_CHARS, MIB, TITLE_MAX_CHARS
from smalt.kernel.sealed import Place, Sealed
from smalt.store.sql import load
from smalt.tenancy.scope import TenantScope

queries = load(Path(__file__).with_name("documents.sql"))
BODY_MAX_BYTES = 20 * MIB
DAYS_DEFAULT, DAYS_MAX = 14, 366


@dataclass(frozen=True, slots=True)
class _Row:
    id: GatedId
    title: Sealed
    name: Sealed
    size_bytes: int
    days: int
    approval: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Body:
    body: Sealed


_documents = queries.documents.rows(_Row)
_document = queries.document.rows(_Row)
_body = queries.body.rows(_Body)


@dataclass(frozen=True, slots=True)
class Gated:
    """Opened. ``days``: how long a grant lasts; ``approval``: whether the operator decides about each."""

    id: GatedId
    title: str
    name: str
    size_bytes: int
    days: int
    approval: bool
    created_at: datetime

    def plain(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "title": self.title,
            "name": self.name,
            "size_bytes": self.size_bytes,
            "days": self.days,
            "approval": self.approval,
            "created_at": self.created_at.isoformat(timespec="seconds"),
        }


def _place(document: GatedId, column: str) -> Place:
    return Place("gated_document", column, document.uuid)


def plain_line(text: str, most: int) -> str:
    """``text`` as one printable line; `Malformed` when it is empty, too long or more than that."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(plain) <= most or not plain.isprintable():
        raise Malformed(
            "gated.text",
            "A field is empty, too long or cannot be printed.",
            kept="Nothing was changed.",
            facts={"max_characters": most},
        )
    return plain


async def add(
    scope: TenantScope, title: str, name: str, body: bytes, now: datetime, *, days: int, approval: bool
) -> GatedId:
    """Store a document, sealed. ``name`` is the file's name without folders."""
    if len(body) > BODY_MAX_BYTES:
        raise TooLarge("gated.large", "The document is too large.", facts={"max_bytes": BODY_MAX_BYTES})
    made = GatedId.new()
    await scope.execute(
        queries.add_document,
        {
            "id": made.uuid,
            "title": scope.seal_text(plain_line(title, TITLE_MAX_CHARS), _place(made, "title")),
            "name": scope.seal_text(plain_line(name, FILE_NAME_MAX_CHARS), _place(made, "name")),
            "body": scope.seal(body, _place(made, "body")),
            "size_bytes": len(body),
            "days": days,
            "approval": int(approval),
            "now": now,
        },
    )
    return made


def _opened(scope: TenantScope, row: _Row) -> Gated:
    title = scope.open_text(row.title, _place(row.id, "title"))
    name = scope.open_text(row.name, _place(row.id, "name"))
    return Gated(row.id, title, name, row.size_bytes, row.days, bool(row.approval), row.created_at)


async def listed(scope: TenantScope) -> list[Gated]:
    """What is given out now, newest first."""
    return [_opened(scope, row) for row in await scope.fetch_all(_documents)]


async def find(scope: TenantScope, document: GatedId) -> Gated:
    """`Missing` when there is no such document, or no longer."""
    row = await scope.fetch_maybe(_document, {"id": document.uuid})
    if row is None:
        raise unknown()
    return _opened(scope, row)


async def body_of(scope: TenantScope, document: GatedId) -> bytes:
    """The document itself, for who holds a grant."""
    row = await scope.fetch_one(_body, {"id": document.uuid})
    return scope.open(row.body, _place(document, "body"))


async def remove(scope: TenantScope, document: GatedId, now: datetime) -> None:
    """It is given out no more, to nobody, and its bytes are gone."""
    nothing = scope.seal(b"", _place(document, "body"))
    if not await scope.fetch_all(queries.remove_document, {"id": document.uuid, "now": now, "body": nothing}):
        raise unknown()


def unknown() -> Missing:
    return Missing("gated.unknown", "There is no such document.", kept="Nothing was changed.", todo="See the list.")
