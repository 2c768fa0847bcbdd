"""What lives as long as the server: the pool, the worker of jobs, and the janitor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

from smalt.app.installation import Installation
from smalt.chat.janitor import ABANDONED_AFTER as TURN_ABANDONED_AFTER
from smalt.chat.janitor import sweep_turns
from smalt.chat.running import Running
from smalt.kernel.errors import Missing
from smalt.kernel.ids import TenantId
from smalt.library import jobs as library_jobs
from smalt.library import upload
from smalt.search import jobs as search_jobs
from smalt.store.queue import Worker
from smalt.telemetry.events import Slug
from smalt.telemetry.log import report
from smalt.tenancy.gateway import ABANDONED_AFTER, Gateway
from smalt.tenancy.visit import Visit

TICKET_KEY_RENEWAL = timedelta(days=30)
SWEEP_EVERY_S = 300.0
Round = Callable[[Visit], Awaitable[object]]
"""What the janitor does for every tenant beside sweeping."""
DRAIN_S = 5.0


@asynccontextmanager
async def living(
    installation: Installation, gateway: Gateway, running: Running, rounds: Sequence[Round] = ()
) -> AsyncIterator[None]:
    """Pool, worker and janitor while the server runs. At the end turns under way settle before the pool closes."""
    stop = asyncio.Event()
    alone_since = None
    if installation.postgres is not None:  # it holds the lock of the data directory: nobody else works here
        alone_since = installation.clock.now()
        await asyncio.to_thread(gateway.blobs.clear_arriving)
    async with gateway.database:
        worker = asyncio.create_task(worker_of(installation, gateway).run(stop, alone=alone_since is not None))
        janitor = asyncio.create_task(_sweep_for_ever(installation, gateway, alone_since, rounds))
        try:
            yield
        finally:
            await running.drain(DRAIN_S)
            stop.set()
            janitor.cancel()
            await asyncio.gather(worker, janitor, return_exceptions=True)
            await gateway.settle()


def worker_of(installation: Installation, gateway: Gateway) -> Worker:
    """A worker that knows every task."""
    worker = Worker(installation.connections.worker, on_error=lambda task, error: report(error, Slug(f"job.{task}")))
    library_jobs.register(worker, gateway)
    search_jobs.register(worker, gateway)
    return worker


async def _sweep_for_ever(
    installation: Installation, gateway: Gateway, alone_since: datetime | None, rounds: Sequence[Round]
) -> None:
    """Close what crashes left open, tenant by tenant; rotate and renew keys when their time has come.

    Elsewhere another process may still be at work on what looks left open, so it must be old. Where nobody else has
    worked since ``alone_since``, everything before that was cut off.
    """
    first, renewed_at = True, installation.clock.now()
    while True:
        tenants: Sequence[TenantId] = ()
        if installation.clock.now() >= renewed_at + TICKET_KEY_RENEWAL:
            with _reported():
                await asyncio.to_thread(installation.renew_ticket_key)
                renewed_at = installation.clock.now()
        with _reported():
            await asyncio.to_thread(gateway.keystore.tick)
            tenants = await asyncio.to_thread(gateway.keystore.tenants)
        for tenant in tenants:
            with _reported(), contextlib.suppress(Missing):  # keys without rows: a tenant that is not finished
                await _sweep(gateway, tenant, alone_since)
                if first:
                    await upload.clear_orphans(gateway.system(tenant))
                for one in rounds:
                    await one(gateway.system(tenant))
        first = False
        await asyncio.sleep(SWEEP_EVERY_S)


@contextmanager
def _reported() -> Iterator[None]:
    """The janitor goes on and comes again; what it met is reported."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever it is, the other tenants are swept all the same
        report(error, Slug("janitor"))


async def _sweep(gateway: Gateway, tenant: TenantId, alone_since: datetime | None) -> None:
    visit, now = gateway.system(tenant), gateway.clock.now()

    def cut_off(age: timedelta) -> datetime:
        return now - age if alone_since is None else max(now - age, alone_since)

    await gateway.sweep(tenant, cut_off(ABANDONED_AFTER))
    await upload.clear_stale(visit, cut_off(upload.STALE_UPLOAD))
    await sweep_turns(visit, gateway.clock, cut_off(TURN_ABANDONED_AFTER))
