"""Usage: what was read, asked and answered, by which engine, when. Counts and times, never content."""

from __future__ import annotations

import dataclasses
import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from smalt.kernel.ids import TurnId, UsageId
from smalt.store.sql import load
from smalt.tenancy.scope import TenantScope

QUERIES = load(Path(__file__).with_name("metering.sql"))
ENGINES: Mapping[int, str] = {1: "local"}
ANSWERED: Final = 2
DECLINED: Final = 3
"""The two outcomes that count as done; the numbers are those of a turn's state."""


class Use(enum.IntEnum):
    """Stored in ``usage_entry.kind``."""

    ANSWER = 1
    READING = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One use. The local engine counts characters; tokens are a model's."""

    kind: Use
    at: datetime
    turn: TurnId | None = None
    engine: int | None = None
    outcome: int | None = None
    input_chars: int = 0
    output_chars: int = 0
    figures: int = 0
    traced: int = 0
    pages: int = 0
    elapsed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    id: UUID
    turn_id: UUID | None
    kind: Use
    engine: int | None
    outcome: int | None
    input_chars: int
    output_chars: int
    input_tokens: int
    output_tokens: int
    figures: int
    traced: int
    pages: int
    elapsed_ms: int | None
    at: datetime


_LIST = QUERIES.list_usage.rows(Row)
_COUNTS = ("input_chars", "output_chars", "input_tokens", "output_tokens", "figures", "traced", "pages")


async def add(scope: TenantScope, entry: Entry) -> None:
    """Count one use."""
    values = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    turn = values.pop("turn")
    await scope.execute(
        QUERIES.add_usage,
        {
            **values,
            "id": UsageId.new().uuid,
            "turn_id": None if turn is None else turn.uuid,
            "kind": int(entry.kind),
        },
    )


async def page(scope: TenantScope, limit: int, before: UUID) -> list[Row]:
    """Newest first."""
    return await scope.fetch_all(_LIST, {"limit": limit, "before": before})


@dataclass(frozen=True, slots=True)
class Summary:
    """Usage since ``since``: sums over all, by engine and by day (newest first)."""

    since: datetime
    totals: dict[str, int]
    engines: list[dict[str, Any]]
    days: list[dict[str, Any]]


async def summary(scope: TenantScope, since: datetime) -> Summary:
    """What was used since ``since``."""
    rows = await scope.fetch_all(QUERIES.usage_by_day, {"since": since})
    medians = await scope.fetch_all(QUERIES.median_by_engine, {"since": since})
    median_of = {row["engine"]: row["median_ms"] for row in medians}
    by_engine: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    by_day: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_day[row["day"].isoformat()].append(row)
        if row["engine"] is not None:
            by_engine[row["engine"]].append(row)
    return Summary(
        since=since,
        totals=_sums(rows),
        engines=[
            {"engine": ENGINES[engine], "median_ms": median_of.get(engine), **_sums(own)}
            for engine, own in sorted(by_engine.items())
        ],
        days=[{"date": day, **_sums(own)} for day, own in by_day.items()],
    )


def _sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Counts over ``rows``. ``sent`` is how many uses left the machine: none of the local engine's do."""
    rows = list(rows)
    answers = [row for row in rows if row["kind"] == Use.ANSWER]
    sums = {name: sum(row[name] for row in rows) for name in _COUNTS}
    return {
        "questions": sum(row["uses"] for row in answers),
        "answered": sum(row["uses"] for row in answers if row["outcome"] == ANSWERED),
        "declined": sum(row["uses"] for row in answers if row["outcome"] == DECLINED),
        "documents": sum(row["uses"] for row in rows if row["kind"] == Use.READING),
        "sent": 0,
        **sums,
    }


def view(row: Row) -> dict[str, Any]:
    """One entry as the API shows it."""
    return {
        "id": str(UsageId(row.id)),
        "turn_id": None if row.turn_id is None else str(TurnId(row.turn_id)),
        "kind": row.kind.name.lower(),
        "engine": None if row.engine is None else ENGINES[row.engine],
        **{name: getattr(row, name) for name in _COUNTS},
        "elapsed_ms": row.elapsed_ms,
        "at": row.at.isoformat(),
    }
