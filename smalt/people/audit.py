"""The audit log as its tenant reads it: who did what to what, when, and how it ended. Ids and the product's words only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

from smalt.kernel.errors import Malformed, Missing
from smalt.kernel.ids import EntryId, Id, PersonId, TokenId
from smalt.store.sql import load
from smalt.tenancy.actor import ActorKind
from smalt.tenancy.record import Outcome
from smalt.tenancy.scope import TenantScope
from smalt.web.paging import Cursor

queries = load(Path(__file__).with_name("audit.sql"))

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 1, 1, tzinfo=UTC)
_ACT = re.compile(r"[a-z_]{1,32}\.(?:[a-z_]{1,32})?")


@dataclass(frozen=True, slots=True)
class _Row:
    id: EntryId
    actor_kind: ActorKind
    actor_id: UUID | None
    act: str
    target: str | None
    begun_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None


_page = queries.audit_page.rows(_Row)


@dataclass(frozen=True, slots=True)
class Entry:
    """``actor`` is the person or token, None for the installation itself; ``outcome`` is None while it is under way."""

    id: EntryId
    kind: ActorKind
    actor: Id | None
    act: str
    target: str | None
    begun_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; all of it must fit. ``act`` is a whole act, or a group with its dot."""

    act: str | None = None
    actor: UUID | None = None
    outcome: Outcome | None = None
    since: datetime = EARLIEST
    until: datetime = LATEST


def wanted_of(
    act: str | None, actor: str | None, outcome: str | None, since: datetime | None, until: datetime | None
) -> Wanted:
    """What a reader asks for in words; `Malformed` names the word that does not fit."""
    if act and _ACT.fullmatch(act) is None:
        raise _unknown("An act is written like document.add, a group of acts like document. with its dot.")
    named = {one.name.lower(): one for one in Outcome}
    if outcome and outcome not in named:
        raise _unknown("An outcome is done, denied, failed, cancelled or abandoned.")
    return Wanted(
        act or None,
        _actor_of(actor) if actor else None,
        named.get(outcome or ""),
        _utc(since) or EARLIEST,
        _utc(until) or LATEST,
    )


def _actor_of(text: str) -> UUID:
    for kind in (PersonId, TokenId):
        try:
            return kind.parse(text).uuid
        except Missing:
            continue
    raise _unknown("An actor is a person (per_…) or a token (tok_…).")


def _utc(at: datetime | None) -> datetime | None:
    """A time without a zone is taken as UTC, in which everything here is."""
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


def _unknown(todo: LiteralString) -> Malformed:
    return Malformed("audit.filter", "This cannot be looked for in the audit log.", todo=todo)


async def page(scope: TenantScope, wanted: Wanted, limit: int, after: Cursor) -> list[Entry]:
    """Entries that fit, newest first, from after the cursor on."""
    rows = await scope.fetch_all(
        _page,
        {
            "at": after.at,
            "before": after.id,
            "since": wanted.since,
            "until": wanted.until,
            "act": wanted.act,
            "actor": wanted.actor,
            "outcome": None if wanted.outcome is None else int(wanted.outcome),
            "limit": limit,
        },
    )
    return [
        Entry(
            row.id,
            row.actor_kind,
            _id_of(row.actor_kind, row.actor_id),
            row.act,
            row.target,
            row.begun_at,
            row.finished_at,
            row.outcome,
        )
        for row in rows
    ]


def _id_of(kind: ActorKind, actor: UUID | None) -> Id | None:
    if actor is None:
        return None
    return TokenId(actor) if kind is ActorKind.TOKEN else PersonId(actor)


def view(entry: Entry) -> dict[str, Any]:
    """The entry as JSON has it."""
    return {
        "id": str(entry.id),
        "actor_kind": entry.kind.name.lower(),
        "actor": None if entry.actor is None else str(entry.actor),
        "act": entry.act,
        "target": entry.target,
        "begun_at": entry.begun_at.isoformat(timespec="milliseconds"),
        "finished_at": None if entry.finished_at is None else entry.finished_at.isoformat(timespec="milliseconds"),
        "outcome": "under_way" if entry.outcome is None else entry.outcome.name.lower(),
    }
