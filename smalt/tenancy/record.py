"""The audit record of a visit: what was begun, by whom, and how it ended. Words and ids only, never content."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from smalt.kernel.errors import Conflict, Forbidden, Unauthenticated
from smalt.kernel.ids import EntryId, Id
from smalt.store.pool import Tx
from smalt.store.sql import load
from smalt.tenancy import commitment
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

    async def begin(self, tx: Tx, tenant: UUID) -> None:
        """Write the entry as under way; `finish` ends it in another transaction, or a sweep does."""
        await tx.execute(queries.begin_entry, {"tenant_id": tenant, **self._row()})

    async def conclude(self, tx: Tx, tenant: UUID, outcome: Outcome, at: datetime) -> None:
        """Write the entry, begun and finished, in one go, with its commitment for the transparency log."""
        row = {**self._row(), "finished_at": at, "outcome": int(outcome)}
        digest = commitment.digest_of(tenant, row)
        await tx.execute(queries.conclude_entry, {"tenant_id": tenant, **row, "digest": digest})

    def _row(self) -> dict[str, Any]:
        return {
            "id": self.id.uuid,
            "actor_kind": int(self.actor.kind),
            "actor_id": None if self.actor.id is None else self.actor.id.uuid,
            "act": str(self.act),
            "target": None if self.target is None else str(self.target),
            "begun_at": self.begun_at,
            "salt": commitment.new_salt(),
        }


async def finish(tx: Tx, tenant: UUID, entry: EntryId, outcome: Outcome, at: datetime) -> None:
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
    await commit(tx, tenant, [row])


async def commit(tx: Tx, tenant: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let the commitments to entries that ended just now wait for the log. Those begun before there were any have none."""
    digests = [commitment.digest_of(tenant, row) for row in rows if row["salt"] is not None]
    if digests:
        await tx.execute(queries.commit_entries, {"digests": digests})
