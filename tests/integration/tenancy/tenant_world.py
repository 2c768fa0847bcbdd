"""What the tests of the boundary have in common, besides fixtures."""

from __future__ import annotations

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
