"""Jobs exist with their transaction, carry ids, survive their worker, and end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from smalt.kernel.errors import Failure, Malformed, Untrusted
from smalt.kernel.ids import DocumentId, TenantId
from smalt.store.pool import Database
from smalt.store.queue import Queue, Worker
from smalt.store.sql import query
from tests.conftest import TestDatabase

KEY = b"k" * 32


@pytest.fixture
def tenant(own_database: TestDatabase) -> TenantId:
    with psycopg.connect(own_database.admin, autocommit=True) as connection:
        connection.execute("set role smalt_owner")
        connection.execute("select gate.install_key(1, %s, now() + interval '1 day')", (KEY,))
    return TenantId.new()


def ticket(tenant: TenantId) -> str:
    body = tenant.uuid.bytes + int(time.time() + 60).to_bytes(8, "big") + (1).to_bytes(4, "big")
    return (body + hmac.digest(KEY, body, hashlib.sha256)).hex()


async def until(true: Callable[[], bool], worker: Awaitable[None] | None = None) -> None:
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


def states(database: TestDatabase) -> list[str]:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        rows = connection.execute("select status::text from jobs.procrastinate_jobs order by id").fetchall()
    return [row[0] for row in rows]


async def defer(database: TestDatabase, tenant: TenantId, task: str, **ids: object) -> None:
    async with Database(database.app, size=1) as pool, pool.transaction(ticket(tenant)) as tx:
        await Queue().defer(tx, task, tenant=tenant, **ids)


async def test_a_job_exists_exactly_when_its_transaction_commits(own_database: TestDatabase, tenant: TenantId) -> None:
    await defer(own_database, tenant, "kept", document=DocumentId.new())

    async def lost() -> None:
        async with Database(own_database.app, size=1) as pool, pool.transaction(ticket(tenant)) as tx:
            await Queue().defer(tx, "lost", tenant=tenant)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lost()
    assert states(own_database) == ["todo"]


@pytest.mark.parametrize("content", ["a question", "doc_1", 1.5, None, True, ["x"], -1])
async def test_content_cannot_be_queued(own_database: TestDatabase, tenant: TenantId, content: object) -> None:
    with pytest.raises(TypeError):
        await defer(own_database, tenant, "read", document=content)
    around = query(
        "around", "select jobs.defer('t', 'q', null, jsonb_build_object('tenant', %(t)s::text, 'd', %(d)s::jsonb))"
    )
    async with Database(own_database.app, size=1) as pool:
        with pytest.raises(Failure) as caught:
            async with pool.transaction(ticket(tenant)) as tx:
                await tx.fetch_all(around, {"t": str(tenant), "d": json.dumps(content)})
    assert caught.value.facts["sqlstate"] == "22023"
    assert states(own_database) == []


async def test_another_tenants_job_is_refused(own_database: TestDatabase, tenant: TenantId) -> None:
    async with Database(own_database.app, size=1) as pool:
        with pytest.raises(Untrusted):
            async with pool.transaction(ticket(tenant)) as tx:
                await Queue().defer(tx, "read", tenant=TenantId.new())


@pytest.mark.parametrize(
    "statement",
    [
        "select * from jobs.procrastinate_jobs",
        "delete from jobs.procrastinate_jobs",
        "select jobs.procrastinate_fetch_job_v2(null, 1)",
        "select jobs.procrastinate_defer_jobs_v1(null)",
        "select jobs.procrastinate_cancel_job_v1(1, true, true)",
    ],
)
async def test_the_application_can_only_defer(own_database: TestDatabase, tenant: TenantId, statement: str) -> None:
    async with Database(own_database.app, size=1) as pool:
        with pytest.raises(Untrusted) as caught:
            async with pool.transaction(ticket(tenant)) as tx:
                await tx.execute(query("raw", statement))
    assert caught.value.code == "boundary.refused"


async def test_the_worker_sees_no_tenants_table(own_database: TestDatabase) -> None:
    async with Database(own_database.worker, size=1) as pool:
        with pytest.raises(Untrusted):
            async with pool.transaction(None) as tx:
                await tx.fetch_all(query("raw", "select * from smalt.document"))


async def test_jobs_run_are_retried_and_abandoned(own_database: TestDatabase, tenant: TenantId) -> None:
    did: list[tuple[str, object]] = []
    heard: list[str] = []

    async def work(**ids: object) -> None:
        did.append(("work", ids["document"]))

    async def fails(**ids: object) -> None:
        did.append(("fails", ids["document"]))
        raise ValueError("the words of a document")

    async def hopeless(**ids: object) -> None:
        did.append(("hopeless", ids["document"]))
        raise Malformed("document.empty")

    async def abandoned(**ids: object) -> None:
        did.append(("abandoned", ids["document"]))

    worker = Worker(own_database.worker, on_error=lambda name, error: heard.append(f"{name} {type(error).__name__}"))
    worker.add("work", work)
    worker.add("fails", fails, attempts=2, abandoned=abandoned)
    worker.add("hopeless", hopeless, attempts=5, abandoned=abandoned)
    for number, task in enumerate(["work", "fails", "hopeless"]):
        await defer(own_database, tenant, task, document=number)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await until(lambda: sorted(states(own_database)) == ["failed", "failed", "succeeded"])
    stop.set()
    await running
    assert sorted(did) == sorted(
        [("work", 0), ("fails", 1), ("fails", 1), ("abandoned", 1), ("hopeless", 2), ("abandoned", 2)]
    )
    assert sorted(heard) == ["fails ValueError", "fails ValueError", "hopeless Malformed"]


async def test_stopping_lets_a_job_finish(own_database: TestDatabase, tenant: TenantId) -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def slow(**_: object) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        finished.set()

    worker = Worker(own_database.worker)
    worker.add("slow", slow)
    await defer(own_database, tenant, "slow")
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await asyncio.wait_for(begun.wait(), 30)
    stop.set()
    await running
    assert finished.is_set()
    assert states(own_database) == ["succeeded"]


async def test_a_killed_workers_job_is_done_by_another(own_database: TestDatabase, tenant: TenantId) -> None:
    code = """
        import asyncio, sys
        from smalt.store.queue import Worker
        async def hang(**ids):
            print("begun", flush=True)
            await asyncio.sleep(600)
        worker = Worker(sys.argv[1])
        worker.add("read", hang)
        asyncio.run(worker.run(asyncio.Event()))
    """
    await defer(own_database, tenant, "read")
    doomed = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), own_database.worker], stdout=subprocess.PIPE, text=True
    )
    assert doomed.stdout is not None
    assert await asyncio.to_thread(doomed.stdout.readline) == "begun\n"
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.wait()
    done = asyncio.Event()

    async def work(**_: object) -> None:
        done.set()

    worker = Worker(own_database.worker, stalled_s=1.0)
    worker.add("read", work)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await asyncio.wait_for(done.wait(), 60)
    await until(lambda: states(own_database) == ["succeeded"])
    stop.set()
    await running


async def test_the_worker_goes_on_after_its_sessions_were_cut(own_database: TestDatabase, tenant: TenantId) -> None:
    done: list[int] = []

    async def work(**ids: object) -> None:
        done.append(1)

    worker = Worker(own_database.worker)
    worker.add("work", work)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await defer(own_database, tenant, "work")
    await until(lambda: len(done) == 1)
    with psycopg.connect(own_database.admin, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'smalt_worker'")
    await defer(own_database, tenant, "work")
    await until(lambda: len(done) == 2)
    stop.set()
    await running
