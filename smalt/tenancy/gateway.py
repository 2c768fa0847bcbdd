"""`Gateway`: the composition that hands out visits, finds who a credential belongs to, and makes tenants."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from smalt.kernel.errors import Failure
from smalt.kernel.ids import EntryId, TenantId
from smalt.kernel.sealed import Place
from smalt.seal.keyring import WrappedKey
from smalt.tenancy.actor import SYSTEM, Actor
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.means import FIRST_KEY_NO, Means
from smalt.tenancy.policy import Act
from smalt.tenancy.record import Entry, Outcome, queries
from smalt.tenancy.visit import Visit

ABANDONED_AFTER = timedelta(hours=1)


class Gateway(Means):
    def visit(self, tenant: TenantId, actor: Actor) -> Visit:
        """A person or token at the tenant's door; who that is, the web's doors have established."""
        return Visit(tenant, actor, self)

    def system(self, tenant: TenantId) -> Visit:
        """A job at the tenant's door."""
        return Visit(tenant, SYSTEM, self)

    async def find(self, kind: CredentialKind, digest: bytes) -> list[tuple[TenantId, UUID]]:
        """Whose credential this is: (tenant, id of session, token, invitation or person), usually none or one.

        An e-mail address may belong to people of several tenants: try each.
        """
        async with self.database.transaction(None) as tx:
            rows = await tx.fetch_all(queries.find_credential, {"kind": int(kind), "digest": digest})
        return [(TenantId(row["tenant_id"]), row["id"]) for row in rows]

    async def create_tenant(self, name: str) -> TenantId:
        """A new, empty tenant.

        Its keys are durable before its rows: rows without keys would be lost content, keys without rows are nothing.
        When the rows cannot be written the keys are destroyed again.
        """
        tenant = TenantId.new()
        entry = Entry(EntryId.new(), SYSTEM, Act.TENANT_CREATE, tenant, self.clock.now())
        await asyncio.to_thread(self.keystore.create, tenant)
        try:
            kek_version, wrapped, _ = await asyncio.to_thread(self.keyring.new_dek, tenant)
            first = WrappedKey(FIRST_KEY_NO, kek_version, wrapped)
            keys = await asyncio.to_thread(self.keyring.lend, tenant, [first])
            sealed = keys.seal(name.encode(), Place("tenant", "name", tenant.uuid))
            keys.close()
            async with self.transaction(tenant) as tx:
                await tx.execute(queries.add_tenant, {"tenant_id": tenant.uuid, "name": sealed})
                await tx.execute(
                    queries.add_data_key,
                    {
                        "tenant_id": tenant.uuid,
                        "key_no": FIRST_KEY_NO,
                        "kek_version": kek_version,
                        "wrapped": wrapped,
                    },
                )
                await entry.conclude(tx, tenant.uuid, Outcome.DONE, self.clock.now())
        except Failure:
            await asyncio.to_thread(self.keystore.terminate, tenant)
            raise
        return tenant

    async def sweep(self, tenant: TenantId, before: datetime | None = None) -> int:
        """Close the audit entries that a crash left open and forget expired credentials; how many were closed.

        Entries begun before ``before`` (`ABANDONED_AFTER` ago) count as left open.
        """
        now = self.clock.now()
        before = now - ABANDONED_AFTER if before is None else before
        async with self.system(tenant).enter(Act.TENANT_SWEEP) as scope:
            closed = await scope.fetch_all(
                queries.abandon_entries,
                {"finished_at": now, "outcome": int(Outcome.ABANDONED), "before": before},
            )
            await scope.commit_entries(closed)
        async with self.database.transaction(None) as tx:
            await tx.execute(queries.sweep_credentials, {})
        return len(closed)
