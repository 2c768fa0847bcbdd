"""The audit log as its tenant reads it: who did what to what, when, and how it ended. Ids and the product's words only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

from smalt.kernel.errors import Malformed, Missing
from smalt.kernel.ids import PersonId, TenantId, TokenId
from smalt.store.sql import load
from smalt.tenancy import commitment
from smalt.tenancy.record import Outcome
from smalt.tenancy.scope import TenantScope
from smalt.web.paging import Cursor

queries = load(Path(__file__).with_name("audit.sql"))

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 1, 1, tzinfo=UTC)
_ACT = re.compile(r"[a-z_]{1,32}\.(?:[a-z_]{1,32})?")


Entry = Mapping[str, Any]
"""The columns of ``smalt.audit_entry`` but the tenant's. ``finished_at`` and ``outcome`` are None while it is under way;
``salt`` is None for an entry that is older than commitments.
"""


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
    return await scope.fetch_all(
        queries.audit_page,
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


def position(entry: Entry) -> Cursor:
    return Cursor(entry["begun_at"], entry["id"])


def committed(tenant: TenantId, entry: Entry) -> dict[str, Any]:
    """The entry just as the transparency log is committed to it, salt included, so that what was listed or exported can be
    proved later. What is under way has no end yet.
    """
    ended = entry["finished_at"] is not None
    filled = {**entry, "finished_at": entry["finished_at"] or entry["begun_at"], "outcome": entry["outcome"] or 0}
    members = commitment.members(tenant.uuid, {**filled, "salt": entry["salt"] or b""})
    return members if ended else {**members, "finished_at": None, "outcome": None}


def told(tenant: TenantId, entry: Entry) -> dict[str, Any]:
    """The entry for people: the outcome as a word, and no salt."""
    shown = committed(tenant, entry)
    word = "under way" if entry["outcome"] is None else Outcome(entry["outcome"]).name.lower()
    return {**{name: value for name, value in shown.items() if name not in {"salt", "tenant"}}, "outcome": word}
