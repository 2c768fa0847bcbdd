"""What sealing costs: one row, blobs, and a conversation's history of 50 turns read with and without it.

    python bench/sealing.py [--database CONNINFO]

The history needs a PostgreSQL where temporary tables may be made. It is read as the product reads it (asynchronous,
one pipelined transaction that sets a ticket, rows into dataclasses), from a table with the columns of ``turn``, twice:
as a bare query, and as a visit, which also writes and finishes its audit entry and commits durably. Plain and sealed
runs alternate; the ratio is that of their medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from smalt.kernel.ids import TenantId
from smalt.kernel.sealed import Place, Sealed, envelope_of
from smalt.seal.derivation import new_key
from smalt.seal.lent import TenantKeys

TURNS = 50
QUESTION_CHARS = 120
ANSWER_CHARS = 1_600  # the answer of a turn with its citations, as JSON
MIB = 1 << 20

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Texts = list[tuple[str, str]]


@dataclass
class Turn:
    id: uuid.UUID
    conversation_id: uuid.UUID
    person_id: uuid.UUID
    question: bytes | str
    answer: bytes | str
    state: int
    engine: int
    input_chars: int
    output_chars: int
    first_token_ms: int
    total_ms: int
    started_at: datetime
    finished_at: datetime


COLUMNS = sql.SQL(", ").join(sql.Identifier(name) for name in Turn.__dataclass_fields__)


def micros(act: Callable[[], object], times: int, runs: int = 7) -> float:
    """Median over ``runs`` of the mean time of one call, in µs."""
    means = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(times):
            act()
        means.append((time.perf_counter() - start) / times * 1e6)
    return statistics.median(means)


def row_costs(keys: TenantKeys) -> dict[str, float]:
    place = Place("turn", "question", uuid.uuid4())
    short, answer = os.urandom(QUESTION_CHARS), os.urandom(ANSWER_CHARS)
    sealed, sealed_answer = keys.seal(short, place), keys.seal(answer, place)
    return {
        "seal_120_B_us": micros(lambda: keys.seal(short, place), 5_000),
        "open_120_B_us": micros(lambda: keys.open(sealed, place), 5_000),
        "seal_1600_B_us": micros(lambda: keys.seal(answer, place), 5_000),
        "open_1600_B_us": micros(lambda: keys.open(sealed_answer, place), 5_000),
        "blind_us": micros(lambda: keys.blind("person.email", "someone@example.org"), 5_000),
    }


def blob_costs(keys: TenantKeys) -> dict[str, float]:
    place = Place("document", "blob", uuid.uuid4(), "original")
    chunk = os.urandom(256 * 1024)
    chunks = [chunk] * 256  # 64 MiB

    def seal() -> list[bytes]:
        sealer = keys.sealer(place)
        return [*(sealer.update(one) for one in chunks), sealer.finish()]

    sealed = seal()
    size = len(chunk) * len(chunks) / MIB
    return {
        "blob_seal_MiB_s": size / (micros(seal, 1, 5) / 1e6),
        "blob_open_MiB_s": size / (micros(lambda: sum(map(len, keys.opener(place, sealed))), 1, 5) / 1e6),
    }


async def fill(connection: Connection, keys: TenantKeys) -> uuid.UUID:
    """Both tables with the same 50 turns; the conversation's id."""
    conversation = uuid.uuid4()
    for table, kind in (("plain", "text"), ("sealed", "bytea")):
        await connection.execute(
            f"create temp table {table} (tenant_id uuid, id uuid, conversation_id uuid, person_id uuid, "
            f"question {kind}, answer {kind}, state smallint, engine smallint, input_chars int, output_chars int, "
            "first_token_ms int, total_ms int, started_at timestamptz, finished_at timestamptz, "
            "primary key (tenant_id, id))"
        )
    answer = json.dumps({"text": "a" * (ANSWER_CHARS - 12)})
    for number in range(TURNS):
        row, question = uuid.uuid4(), f"{number:03}".ljust(QUESTION_CHARS, "q")
        texts = (("question", question), ("answer", answer))
        envelopes = [envelope_of(keys.seal(text.encode(), Place("turn", column, row))) for column, text in texts]
        now = datetime.now(UTC)
        for table, values in (("plain", [question, answer]), ("sealed", envelopes)):
            await connection.execute(
                f"insert into {table} values ({', '.join(['%s'] * 14)})",
                (keys.tenant.uuid, row, conversation, conversation, *values, 1, 1, 120, 1600, 10, 20, now, now),
            )
    # The audit entry of a visit goes to an ordinary table: temporary ones are not written ahead, so commit for free.
    await connection.execute("create table if not exists bench_entry (id uuid primary key, act text, outcome smallint)")
    return conversation


async def read(connection: Connection, table: str, keys: TenantKeys, conversation: uuid.UUID, *, visit: bool) -> Texts:
    query = sql.SQL("select {} from {} where tenant_id = %s and conversation_id = %s order by id limit 50")
    entry = uuid.uuid4()
    async with connection.pipeline():
        await connection.execute("begin")
        await connection.execute("select set_config('bench.ticket', %s, true)", ("0" * 120,))
        if visit:
            await connection.execute("insert into bench_entry values (%s, 'conversation.read', null)", (entry,))
        cursor = connection.cursor(row_factory=class_row(Turn), binary=table == "sealed")
        await cursor.execute(query.format(COLUMNS, sql.Identifier(table)), (keys.tenant.uuid, conversation))
        if visit:
            await connection.execute("update bench_entry set outcome = 1 where id = %s", (entry,))
        await connection.execute("commit")
    turns = await cursor.fetchall()
    return list(zip(*(texts_of(turns, column, keys) for column in ("question", "answer")), strict=True))


def texts_of(turns: list[Turn], column: str, keys: TenantKeys) -> list[str]:
    values = [(turn.id, getattr(turn, column)) for turn in turns]
    if isinstance(values[0][1], str):
        return [text for _, text in values]
    opened = keys.open_column("turn", column, ((row, Sealed(value)) for row, value in values))
    return [text.decode() for text in opened]


async def alternate(acts: dict[str, Callable[[], Awaitable[Texts]]]) -> dict[str, float]:
    """Median µs of each act, the runs interleaved."""
    times: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(30):
        for name, act in acts.items():
            start = time.perf_counter()
            for _ in range(10):
                await act()
            times[name].append((time.perf_counter() - start) / 10 * 1e6)
    return {name: statistics.median(taken) for name, taken in times.items()}


async def history_costs(keys: TenantKeys, conninfo: str) -> dict[str, float]:
    results: dict[str, float] = {}
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        conversation = await fill(connection, keys)
        for name, visit in (("query", False), ("visit", True)):
            reading = partial(read, connection, keys=keys, conversation=conversation, visit=visit)
            if await reading("plain") != await reading("sealed"):
                raise SystemExit("the sealed history differs from the plain one")
            taken = await alternate({table: partial(reading, table) for table in ("plain", "sealed")})
            results |= {f"history_{name}_{table}_us": value for table, value in taken.items()}
            results[f"history_{name}_ratio"] = taken["sealed"] / taken["plain"]
        await connection.execute("drop table bench_entry")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="conninfo of a PostgreSQL, for the history")
    chosen = parser.parse_args()
    keys = TenantKeys(TenantId.new(), {1: new_key()}, 1, new_key())
    results = {**row_costs(keys), **blob_costs(keys)}
    if chosen.database:
        results |= asyncio.run(history_costs(keys, chosen.database))
    for name, value in results.items():
        print(f"{name:26} {value:10.2f}")


if __name__ == "__main__":
    main()
