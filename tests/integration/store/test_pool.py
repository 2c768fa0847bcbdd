"""Transactions, tickets, and what a caller hears when the database cannot."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
import uuid
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import psycopg
import pytest

from smalt.kernel.errors import Conflict, Failure, Missing, Unavailable, Untrusted
from smalt.kernel.ids import DocumentId
from smalt.kernel.sealed import Sealed, envelope_of
from smalt.store.pool import Database
from smalt.store.postgres import EmbeddedPostgres
from smalt.store.server_log import disk_full
from smalt.store.sql import query
from tests.conftest import TestDatabase

SECRET = "Zirkonia Umsatz 4711"
WHO = query("who", "select current_setting('smalt.ticket') as ticket, current_user::text as role")
PID = query("pid", "select pg_backend_pid() as pid")


class Kind(IntEnum):
    PDF = 1


@dataclass(frozen=True)
class Paper:
    id: DocumentId
    name: Sealed
    kind: Kind
    note: Sealed | None
    pages: int


@pytest.fixture
def table(own_database: TestDatabase) -> TestDatabase:
    with psycopg.connect(own_database.admin, autocommit=True) as connection:
        connection.execute("create schema play")
        connection.execute(
            "create table play.paper (id uuid primary key, name bytea, kind smallint, note bytea, pages int)"
        )
        connection.execute("create table play.word (word text unique check (length(word) < 90))")
        connection.execute("grant usage on schema play to smalt_app")
        connection.execute("grant select, insert, update, delete on all tables in schema play to smalt_app")
    return own_database


def words(database: TestDatabase) -> list[str]:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        return [row[0] for row in connection.execute("select word from play.word order by word").fetchall()]


ADD = query("add_word", "insert into play.word (word) values (%(word)s)")


async def test_a_transaction_carries_its_ticket_as_a_value(database: Database) -> None:
    async with database.transaction("abc'; drop") as tx:
        assert await tx.fetch_one(WHO) == {"ticket": "abc'; drop", "role": "smalt_app"}


async def test_the_ticket_ends_with_its_transaction(database: Database) -> None:
    async with Database(database._conninfo, size=1) as one:
        async with one.transaction("mine") as tx:
            await tx.fetch_one(WHO)
        async with one.transaction(None) as tx:  # the same session: nothing is left in it
            assert (await tx.fetch_one(WHO))["ticket"] == ""


async def test_no_row_is_missing(database: Database) -> None:
    nothing = query("nothing", "select 1 as one where false")
    async with database.transaction(None) as tx:
        assert await tx.fetch_maybe(nothing) is None
        with pytest.raises(Missing):
            await tx.fetch_one(nothing)


async def test_rows_become_what_their_fields_say(table: TestDatabase) -> None:
    document = DocumentId.new()
    add = query("add", "insert into play.paper values (%(id)s, %(name)s, %(kind)s, null, 3)")
    find = query("find", "select * from play.paper where id = %(id)s").rows(Paper)
    async with Database(table.app) as pool, pool.transaction(None) as tx:
        assert await tx.execute(add, {"id": document, "name": Sealed(b"\x00\xffenvelope"), "kind": Kind.PDF}) == 1
        paper = await tx.fetch_one(find, {"id": document})
    assert (paper.id, paper.kind, paper.note, paper.pages) == (document, Kind.PDF, None, 3)
    assert isinstance(paper.name, Sealed)
    assert envelope_of(paper.name) == b"\x00\xffenvelope"


async def test_a_block_commits_whole_or_not_at_all(table: TestDatabase) -> None:
    async def fails(pool: Database) -> None:
        async with pool.transaction(None) as tx:
            await tx.execute(ADD, {"word": "lost"})
            raise ZeroDivisionError

    async with Database(table.app) as pool:
        async with pool.transaction(None) as tx:
            assert await tx.execute_many(ADD, [{"word": "a"}, {"word": "b"}]) == 2
            assert await tx.execute(ADD, {"word": "c"}) == 1
        with pytest.raises(ZeroDivisionError):
            await fails(pool)
        async with pool.single(None) as tx:
            await tx.execute(ADD, {"word": "d"})
        async with pool.single(None) as tx:
            await tx.execute(ADD, {"word": "e"})
            with pytest.raises(RuntimeError):
                await tx.execute(ADD, {"word": "never"})
    assert words(table) == ["a", "b", "c", "d", "e"]


async def test_a_cancelled_block_is_rolled_back_and_its_session_used_again(table: TestDatabase) -> None:
    begun = asyncio.Event()

    async def hang(pool: Database) -> None:
        async with pool.transaction(None) as tx:
            await tx.execute(ADD, {"word": "lost"})
            begun.set()
            await tx.execute(query("sleep", "select pg_sleep(600)"))

    async with Database(table.app, size=1) as pool:
        task = asyncio.create_task(hang(pool))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with pool.transaction(None) as tx:
            await tx.execute(ADD, {"word": "next"})
    assert words(table) == ["next"]


@pytest.mark.parametrize(
    ("statement", "kind", "code"),
    [
        ("insert into play.word values (%(word)s), (%(word)s)", Conflict, "database.duplicate"),
        ("insert into play.word values (repeat(%(word)s, 9))", Failure, "database.query"),
        ("select %(word)s::int", Failure, "database.query"),
        ("select %(word)s::uuid", Failure, "database.query"),
        ("select * from play.absent where a = %(word)s", Failure, "database.query"),
        ("update installed.migration set name = %(word)s", Untrusted, "boundary.refused"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
async def test_no_failure_repeats_a_value(
    table: TestDatabase, statement: str, kind: type[Failure], code: str, alone: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Database(table.app) as pool:
        with pytest.raises(kind) as caught:
            async with pool.single(None) if alone else pool.transaction(None) as tx:
                await tx.fetch_all(query("bad", statement), {"word": SECRET})
        assert await reachable(pool)
    failure = caught.value
    assert failure.code == code
    assert failure.__cause__ is None
    assert failure.__context__ is None
    assert SECRET not in f"{failure!r} {vars(failure)} {caplog.text}"


async def reachable(pool: Database) -> bool:
    await pool.ready()
    return True


async def test_a_forged_ticket_is_untrusted(database: Database) -> None:
    for ticket in (None, "", "0" * 120, str(uuid.uuid4())):
        with pytest.raises(Untrusted) as caught:
            async with database.transaction(ticket) as tx:
                await tx.fetch_all(query("all", "select * from smalt.document"))
        assert caught.value.code == "ticket.refused"


async def test_a_long_statement_is_cut_off(database: Database) -> None:
    async with Database(database._conninfo, statement_timeout_s=1) as pool:
        with pytest.raises(Unavailable) as caught:
            async with pool.transaction(None) as tx:
                await tx.execute(query("sleep", "select pg_sleep(600)"))
        assert caught.value.code == "database.slow"


async def test_a_queue_for_sessions_is_not_a_dead_database(database: Database) -> None:
    async with Database(database._conninfo, size=1, wait_timeout_s=0.2) as pool, pool.transaction(None) as tx:
        await tx.execute(PID)
        with pytest.raises(Unavailable) as caught:
            await pool.ready()
    assert caught.value.code == "database.busy"


async def test_cut_sessions_are_replaced_unnoticed(table: TestDatabase) -> None:
    async with Database(table.app, size=3) as pool:

        async def use() -> None:
            async with pool.transaction(None) as tx:
                await tx.fetch_one(query("nap", "select pg_sleep(0.1)"))

        await asyncio.gather(use(), use(), use())
        with psycopg.connect(table.admin, autocommit=True) as connection:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'smalt_app'")
        await asyncio.sleep(0.1)
        await asyncio.gather(use(), use(), use())


async def test_a_dead_database_is_named_and_its_return_noticed(place: Path) -> None:
    server = EmbeddedPostgres(place / "data")
    await asyncio.to_thread(server.start)
    try:
        async with Database(server.conninfo("postgres")) as pool:
            await pool.ready()
            await asyncio.to_thread(server.stop)
            for _ in range(2):
                with pytest.raises(Unavailable) as caught:
                    await pool.ready()
                assert caught.value.code == "database.down"
                assert caught.value.retry_after_s
            await asyncio.to_thread(server.start)
            deadline = time.monotonic() + 30
            while True:
                try:
                    await pool.ready()
                    break
                except Unavailable:
                    assert time.monotonic() < deadline
    finally:
        await asyncio.to_thread(server.stop)


async def die(pool: Database) -> None:
    async with pool.transaction(None) as tx:
        os.kill((await tx.fetch_one(PID))["pid"], signal.SIGKILL)
        await tx.fetch_one(PID)


async def test_a_database_that_dies_within_a_transaction(place: Path) -> None:
    server = EmbeddedPostgres(place / "data")
    await asyncio.to_thread(server.start)
    try:
        async with Database(server.conninfo("postgres")) as pool:
            with pytest.raises(Unavailable) as caught:
                await die(pool)
            assert caught.value.code == "database.down"
    finally:
        await asyncio.to_thread(server.stop)


async def test_a_session_lost_at_commit_leaves_the_outcome_open(table: TestDatabase) -> None:
    async def cut(pool: Database) -> None:
        async with pool.transaction(None) as tx:
            await tx.execute(ADD, {"word": "perhaps"})
            with psycopg.connect(table.admin, autocommit=True) as connection:
                connection.execute("select pg_terminate_backend(%s)", ((await tx.fetch_one(PID))["pid"],))
            await asyncio.sleep(0.1)

    async with Database(table.app) as pool:
        with pytest.raises(Unavailable) as caught:
            await cut(pool)
    assert caught.value.code == "database.commit_unknown"


async def test_a_database_never_there_does_not_keep_the_pool_from_opening(place: Path) -> None:
    async with Database(f"host={place} dbname=none user=none") as pool:
        with pytest.raises(Unavailable) as caught:
            await pool.ready()
    assert caught.value.code == "database.down"


async def test_a_dead_database_is_explained(place: Path, table: TestDatabase) -> None:
    async with Database(f"host={place} dbname=none user=none", explain=disk_full) as pool:
        with pytest.raises(Unavailable) as caught:
            await pool.ready()
    assert caught.value.code == "disk.full"

    async def cut(pool: Database) -> None:
        async with pool.transaction(None) as tx:
            with psycopg.connect(table.admin, autocommit=True) as connection:
                connection.execute("select pg_terminate_backend(%s)", ((await tx.fetch_one(PID))["pid"],))
            await tx.fetch_one(PID)

    async with Database(table.app, explain=disk_full) as pool:
        with pytest.raises(Unavailable) as caught:
            await cut(pool)
        assert caught.value.code == "disk.full"
