"""The audit record of a visit: what was begun, by whom, and how it ended. Words and ids only, never content."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from smalt.kernel.errors import Conflict, Forbidden, Unauthenticated
from smalt.kernel.ids import EntryId, Id
from smalt.store.pool import Tx
from smalt.store.sql import load
from smalt.tenancy.actor import Actor
from smalt.tenancy.policy import Act

queries = load(Path(__file__).with_name("tenancy.sql"))


class Outcome(enum.IntEnum):
    """How an act ended. The numbers are what the database keeps."""

    DONE = 1
    DENIED = 2
    FAILED = 3
    CANCELLED = 4
    ABANDONED = 5


def outcome_of(error: BaseException) -> Outcome:
    if isinstance(error, Forbidden | Unauthenticated):
        return Outcome.DENIED
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return Outcome.CANCELLED
    return Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Entry:
    """One act under way."""

    id: EntryId
    actor: Actor
    act: Act
    target: Id | None
    begun_at: datetime

    async def begin(self, tx: Tx, tenant: object) -> None:
        """Write the entry as under way; `finish` ends it in another transaction, or a sweep does."""
        await self._write(tx, tenant, None, None)

    async def conclude(self, tx: Tx, tenant: object, outcome: Outcome, at: datetime) -> None:
        """Write the entry, begun and finished, in one go."""
        await self._write(tx, tenant, outcome, at)

    async def _write(self, tx: Tx, tenant: object, outcome: Outcome | None, at: datetime | None) -> None:
        await tx.execute(
            queries.add_entry,
            {
                "tenant_id": tenant,
                "id": self.id.uuid,
                "actor_kind": int(self.actor.kind),
                "actor_id": None if self.actor.id is None else self.actor.id.uuid,
                "act": str(self.act),
                "target": None if self.target is None else str(self.target),
                "begun_at": self.begun_at,
                "finished_at": at,
                "outcome": None if outcome is None else int(outcome),
            },
        )


async def finish(tx: Tx, tenant: object, entry: EntryId, outcome: Outcome, at: datetime) -> None:
    """End an entry that was left open; `Conflict` when it has ended already or is not this tenant's."""
    row = await tx.fetch_maybe(
        queries.finish_entry,
        {"tenant_id": tenant, "id": entry.uuid, "outcome": int(outcome), "finished_at": at},
    )
    if row is None:
        raise Conflict(
            "audit.entry_closed",
            "This has come to its end already.",
            kept="What was written first stays as it is.",
        )
