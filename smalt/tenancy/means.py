"""What a visit works with: database, keys, tickets, blobs, queue and clock, and how each is opened for one tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Missing
from smalt.kernel.ids import DocumentId, TenantId
from smalt.kernel.limits import TICKET_TTL_S
from smalt.seal.keyring import Keyring, TenantKeys, WrappedKey
from smalt.seal.keystore import KeyStore
from smalt.seal.tickets import Tickets
from smalt.store.blobs import Blobs
from smalt.store.pool import Database, Tx
from smalt.store.queue import Queue
from smalt.tenancy.record import queries

FIRST_KEY_NO = 1


@dataclass(frozen=True, repr=False)
class Means:
    """One for a process. Everything here is shared by all tenants; `Visit.enter` narrows it to one."""

    database: Database
    keystore: KeyStore
    keyring: Keyring
    tickets: Tickets
    blobs: Blobs
    queue: Queue
    clock: Clock
    _notes: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    @asynccontextmanager
    async def transaction(self, tenant: TenantId) -> AsyncIterator[Tx]:
        """A transaction that sees this tenant's rows and no others."""
        ticket = self.tickets.current(tenant, int(self.clock.now().timestamp()), TICKET_TTL_S)
        async with self.database.transaction(ticket) as tx:
            yield tx

    async def keys(self, tenant: TenantId) -> TenantKeys:
        """The tenant's keys, remembered for some minutes; the first data key is made when there is none."""
        return self.keyring.cached(tenant) or await self.load_keys(tenant)

    async def load_keys(self, tenant: TenantId) -> TenantKeys:
        """The tenant's keys as the database has them now.

        A new data key is lent only out of a committed row: were it remembered from a transaction that then rolls back,
        content would be sealed under a key that exists nowhere. No transaction is open while the KMS is asked.
        """
        rows = await self._data_keys(tenant)
        if not rows:
            kek_version, wrapped, _ = await asyncio.to_thread(self.keyring.new_dek, tenant)
            first = {
                "tenant_id": tenant.uuid, "key_no": FIRST_KEY_NO, "kek_version": kek_version, "wrapped": wrapped
            }  # fmt: skip
            try:
                async with self.transaction(tenant) as tx:
                    await tx.execute(queries.add_data_key, first)
            except Conflict:  # no row of the tenant: it is still being made, or never was
                raise Missing("tenant.unknown", "There is no such workspace.") from None
            rows = await self._data_keys(tenant)  # another process may have been first: its key is the one
        return await asyncio.to_thread(self.keyring.lend, tenant, rows)

    async def _data_keys(self, tenant: TenantId) -> list[WrappedKey]:
        async with self.transaction(tenant) as tx:
            return [WrappedKey(**row) for row in await tx.fetch_all(queries.data_keys, {"tenant_id": tenant.uuid})]

    async def documents_with_blobs(self, tenant: TenantId) -> AsyncIterator[DocumentId]:
        """The documents of which something is stored, each as often as it has parts. Ids only."""
        async for key in self.blobs.list(str(tenant.uuid)):
            yield DocumentId(UUID(key.split("/")[1]))

    async def see_through(self, work: Coroutine[None, None, None]) -> None:
        """Run ``work`` to its end even when the caller is cancelled meanwhile (the caller then stops waiting)."""
        task = asyncio.create_task(work)
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)
        await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait for what `see_through` still has under way. Call it before the pool is closed."""
        await asyncio.gather(*self._notes, return_exceptions=True)
