"""What the tests of the boundary have in common, besides fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from smalt.kernel.ids import PersonId, TenantId
from smalt.kernel.sealed import Place
from smalt.store.sql import query
from smalt.tenancy.actor import PersonState, Role, person
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit

TICKET_KEY = bytes(range(32))
TICKET_KEY_ID = 7

ADD_PERSON = query(
    "add_person",
    "insert into smalt.person (tenant_id, id, name, email, role, state) "
    "values (%(tenant_id)s, %(id)s, %(name)s, %(email)s, %(role)s, %(state)s)",
)


class MemoryBlobs:
    """Blobs as a dictionary: what happens to them is the question here, not where they lie."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        self.kept[key] = b"".join([chunk async for chunk in chunks])

    async def get(self, key: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.kept[key]), 1000):
            yield self.kept[key][start : start + 1000]

    async def delete(self, prefix: str) -> None:
        for key in [key for key in self.kept if key.startswith(prefix)]:
            del self.kept[key]


class NoQueue:
    def __init__(self) -> None:
        self.deferred: list[tuple[str, dict[str, Any]]] = []

    async def defer(self, tx: object, task: str, **ids: Any) -> None:
        self.deferred.append((task, ids))


async def add_person(gateway: Gateway, tenant: TenantId, role: Role = Role.OWNER, **more: Any) -> PersonId:
    who = PersonId.new()
    async with gateway.system(tenant).enter(Act.PERSON_INVITE, who) as scope:
        await scope.execute(
            ADD_PERSON,
            {
                "id": who,
                "name": scope.seal_text("Someone", Place("person", "name", who.uuid)),
                "email": scope.seal_text("someone@example.org", Place("person", "email", who.uuid)),
                "role": int(role),
                "state": int(more.get("state", PersonState.ACTIVE)),
            },
        )
    return who


async def visit_as(gateway: Gateway, tenant: TenantId, role: Role) -> Visit:
    return gateway.visit(tenant, person(await add_person(gateway, tenant, role), role))
