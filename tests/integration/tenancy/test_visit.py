from __future__ import annotations

from smalt.kernel.sealed import Place, Sealed
from smalt.store.sql import query
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit

NAME = query("name", "select name from smalt.tenant where tenant_id = %(tenant_id)s")


async def test_a_visit_reads_its_own_tenant(owner: Visit) -> None:
    async with owner.enter(Act.TENANT_READ) as scope:
        row = await scope.fetch_one(NAME)
        assert scope.open_text(Sealed(row["name"]), Place("tenant", "name", owner.tenant.uuid)) == "First"
