"""A gateway over the real database, real keys and a tenant or two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from smalt.kernel.clock import SystemClock
from smalt.kernel.ids import PersonId, TenantId
from smalt.kernel.sealed import Place
from smalt.seal.keyring import Keyring
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
from smalt.seal.tickets import Tickets
from smalt.store.gate import install_ticket_key
from smalt.store.pool import Database
from smalt.store.sql import query
from smalt.tenancy.actor import Actor, PersonState, Role, person
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


@pytest.fixture
def tickets(migrated: Any) -> Tickets:
    install_ticket_key(migrated.admin, TICKET_KEY_ID, TICKET_KEY, SystemClock().now() + timedelta(hours=1))
    return Tickets(TICKET_KEY, TICKET_KEY_ID)


@pytest.fixture
def keystore(tmp_path: Path) -> KeyStore:
    return KeyStore(FileKms(tmp_path / "kms"), tmp_path / "keys", SystemClock())


@pytest.fixture
async def gateway(database: Database, keystore: KeyStore, tickets: Tickets) -> AsyncIterator[Gateway]:
    made = Gateway(database, keystore, Keyring(keystore), tickets, MemoryBlobs(), NoQueue(), SystemClock())  # type: ignore[arg-type]
    yield made
    await made.settle()


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


@pytest.fixture
async def tenant(gateway: Gateway) -> TenantId:
    return await gateway.create_tenant("First")


@pytest.fixture
async def other(gateway: Gateway) -> TenantId:
    return await gateway.create_tenant("Second")


@pytest.fixture
async def owner(gateway: Gateway, tenant: TenantId) -> Visit:
    return gateway.visit(tenant, person(await add_person(gateway, tenant), Role.OWNER))


async def visit_as(gateway: Gateway, tenant: TenantId, role: Role) -> Visit:
    return gateway.visit(tenant, person(await add_person(gateway, tenant, role), role))


def actor_of(visit: Visit) -> Actor:
    return visit.actor
