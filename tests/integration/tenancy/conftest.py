"""A gateway over the real database, real keys and a tenant or two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tenant_world import TICKET_KEY, TICKET_KEY_ID, add_person

from smalt.kernel.clock import SystemClock
from smalt.kernel.ids import TenantId
from smalt.seal.keyring import Keyring
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
from smalt.seal.tickets import Tickets
from smalt.store.blobs import Blobs
from smalt.store.gate import install_ticket_key
from smalt.store.pool import Database
from smalt.store.queue import Queue
from smalt.tenancy.actor import Role, person
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.visit import Visit


@pytest.fixture
def tickets(migrated: Any) -> Tickets:
    install_ticket_key(migrated.admin, TICKET_KEY_ID, TICKET_KEY, SystemClock().now() + timedelta(hours=1))
    return Tickets(TICKET_KEY, TICKET_KEY_ID)


@pytest.fixture
def keystore(tmp_path: Path) -> KeyStore:
    return KeyStore(FileKms(tmp_path / "kms"), tmp_path / "keys", SystemClock())


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
async def gateway(database: Database, keystore: KeyStore, tickets: Tickets, blobs: Blobs) -> AsyncIterator[Gateway]:
    made = Gateway(database, keystore, Keyring(keystore), tickets, blobs, Queue(), SystemClock())
    yield made
    await made.settle()


@pytest.fixture
async def tenant(gateway: Gateway) -> TenantId:
    return await gateway.create_tenant("First")


@pytest.fixture
async def other(gateway: Gateway) -> TenantId:
    return await gateway.create_tenant("Second")


@pytest.fixture
async def owner(gateway: Gateway, tenant: TenantId) -> Visit:
    return gateway.visit(tenant, person(await add_person(gateway, tenant), Role.OWNER))
