"""What sealing costs: one row, blobs, and a conversation's history read with and without it.

    python bench/sealing.py [--database CONNINFO]

Without --database the history is read from an SQL stand-in in memory (SQLite), which is faster than any server and so
makes the ratio look worse than it will be. With it, real tables in the given PostgreSQL (dropped afterwards).
Medians of several runs; the ratio is of the two medians, the runs interleaved.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import time
import uuid
from collections.abc import Callable

import psycopg

from smalt.kernel.ids import TenantId
from smalt.kernel.sealed import Place, Sealed, envelope_of
from smalt.seal.derivation import new_key
from smalt.seal.lent import TenantKeys

TURNS = 50
QUESTION_CHARS = 120
ANSWER_BYTES = 1_600  # the answer of a turn with its citations, as JSON
MIB = 1 << 20

Fetch = Callable[[str], list[tuple[bytes, bytes, bytes]]]


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
    short, answer = os.urandom(QUESTION_CHARS), os.urandom(ANSWER_BYTES)
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


def history(keys: TenantKeys, fetch: Fetch, store: Callable[[str, list[tuple[bytes, bytes, bytes]]], None]) -> float:
    """Ratio sealed / plain of reading 50 turns: the query, the rows, the opening, the text."""
    rows, sealed_rows = [], []
    for _ in range(TURNS):
        row = uuid.uuid4()
        question, answer = b"q" * QUESTION_CHARS, json.dumps({"text": "a" * (ANSWER_BYTES - 20)}).encode()
        rows.append((row.bytes, question, answer))
        sealed = [keys.seal(t, Place("turn", c, row)) for c, t in (("question", question), ("answer", answer))]
        sealed_rows.append((row.bytes, envelope_of(sealed[0]), envelope_of(sealed[1])))
    store("plain", rows)
    store("sealed", sealed_rows)

    def plain() -> list[tuple[str, str]]:
        return [(bytes(q).decode(), bytes(a).decode()) for _, q, a in fetch("plain")]

    def opened() -> list[tuple[str, str]]:
        texts = []
        for raw, question, answer in fetch("sealed"):
            row = uuid.UUID(bytes=bytes(raw))
            texts.append(
                (
                    keys.open(Sealed(bytes(question)), Place("turn", "question", row)).decode(),
                    keys.open(Sealed(bytes(answer)), Place("turn", "answer", row)).decode(),
                )
            )
        return texts

    if sorted(plain()) != sorted(opened()):
        raise SystemExit("sealed history differs from the plain one")
    times: dict[str, list[float]] = {"plain": [], "sealed": []}
    for _ in range(15):
        times["plain"].append(micros(plain, 20, 1))
        times["sealed"].append(micros(opened, 20, 1))
    print(f"history of {TURNS} turns: plain {statistics.median(times['plain']):.0f} µs, ", end="")
    print(f"sealed {statistics.median(times['sealed']):.0f} µs")
    return statistics.median(times["sealed"]) / statistics.median(times["plain"])


def in_memory(keys: TenantKeys) -> float:
    database = sqlite3.connect(":memory:")

    def store(table: str, rows: list[tuple[bytes, bytes, bytes]]) -> None:
        database.execute(f"create table {table}(id blob primary key, question blob, answer blob)")
        database.executemany(f"insert into {table} values (?, ?, ?)", rows)

    return history(keys, lambda table: database.execute(f"select * from {table}").fetchall(), store)


def in_postgres(keys: TenantKeys, conninfo: str) -> float:
    with psycopg.connect(conninfo, autocommit=True) as connection:

        def store(table: str, rows: list[tuple[bytes, bytes, bytes]]) -> None:
            connection.execute(f"create temp table bench_{table}(id bytea primary key, question bytea, answer bytea)")
            with connection.cursor() as cursor:
                cursor.executemany(f"insert into bench_{table} values (%s, %s, %s)", rows)

        def fetch(table: str) -> list[tuple[bytes, bytes, bytes]]:
            with connection.transaction():
                return connection.execute(f"select * from bench_{table} order by id", binary=True).fetchall()

        return history(keys, fetch, store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="conninfo of a PostgreSQL where temporary tables may be made")
    chosen = parser.parse_args()
    keys = TenantKeys(TenantId.new(), {1: new_key()}, 1, new_key())
    results = {**row_costs(keys), **blob_costs(keys)}
    results["history_ratio"] = in_postgres(keys, chosen.database) if chosen.database else in_memory(keys)
    for name, value in results.items():
        print(f"{name:20} {value:10.2f}")


if __name__ == "__main__":
    main()
