"""Usage: how much was asked and answered, by which engine, when. Counts and times, never content."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from smalt.chat.thread import QUERIES
from smalt.chat.turn import Engine
from smalt.kernel.ids import TurnId, UsageId
from smalt.tenancy.scope import TenantScope


class Use(enum.IntEnum):
    """Stored in ``usage_entry.kind``."""

    ANSWER = 1


@dataclass(frozen=True, slots=True)
class UsageRow:
    id: UUID
    turn_id: UUID | None
    kind: Use
    engine: Engine
    input_chars: int
    output_chars: int
    input_tokens: int
    output_tokens: int
    at: datetime


_LIST = QUERIES.list_usage.rows(UsageRow)


async def add(
    scope: TenantScope, turn: TurnId, engine: Engine, input_chars: int, output_chars: int, at: datetime
) -> None:
    """One answer. The local engine counts characters; tokens are a model's."""
    await scope.execute(
        QUERIES.add_usage,
        {
            "id": UsageId.new().uuid,
            "turn_id": turn.uuid,
            "kind": int(Use.ANSWER),
            "engine": int(engine),
            "input_chars": input_chars,
            "output_chars": output_chars,
            "at": at,
        },
    )


async def page(scope: TenantScope, limit: int, before: UUID) -> list[UsageRow]:
    """Newest first."""
    return await scope.fetch_all(_LIST, {"limit": limit, "before": before})


async def totals(scope: TenantScope, since: datetime) -> list[dict[str, Any]]:
    """Sums by kind and engine since ``since``."""
    rows = await scope.fetch_all(QUERIES.sum_usage, {"since": since})
    return [
        {**row, "kind": Use(row["kind"]).name.lower(), "engine": Engine(row["engine"]).name.lower()} for row in rows
    ]


def view(row: UsageRow) -> dict[str, Any]:
    """One entry as the API shows it."""
    return {
        "id": str(UsageId(row.id)),
        "turn_id": None if row.turn_id is None else str(TurnId(row.turn_id)),
        "kind": row.kind.name.lower(),
        "engine": row.engine.name.lower(),
        "input_chars": row.input_chars,
        "output_chars": row.output_chars,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "at": row.at.isoformat(),
    }
