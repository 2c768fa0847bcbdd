"""The real application (guard, doors, people, pages) over the real database and keys, in process."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import smalt
from smalt.kernel.clock import SetClock, SystemClock
from smalt.kernel.ids import TenantId
from smalt.people import account, routes, tenant
from smalt.people.credentials import Credentials
from smalt.people.signin import SignIn
from smalt.seal.keyring import Keyring
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
from smalt.seal.tickets import Tickets
from smalt.store.gate import install_ticket_key
from smalt.store.pool import Database
from smalt.telemetry import events
from smalt.tenancy.gateway import Gateway
from smalt.web.build import Web, build_web
from smalt.web.doors import Api, Member
from smalt.web.doors import routes as new_routes
from smalt.web.guard import Rules
from smalt.web.pages import Pages, Static

HOME = Path(smalt.__file__).parent
TICKET_KEY, TICKET_KEY_ID = bytes(range(100, 132)), 9
EMAIL, PASSWORD, NAME = "Ada.Quillfeather@Example.com", "a long enough sentence", "Ada Quillfeather"


@pytest.fixture
def log() -> Iterator[Callable[[], list[dict]]]:
    stream = io.StringIO()
    events.write_to(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    events.write_to(None)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(SystemClock().now())


@pytest.fixture
async def gateway(database: Database, tmp_path: Path, migrated: Any, clock: SetClock) -> AsyncIterator[Gateway]:
    install_ticket_key(migrated.admin, TICKET_KEY_ID, TICKET_KEY, SystemClock().now() + timedelta(hours=1))
    keystore = KeyStore(FileKms(tmp_path / "kms"), tmp_path / "keys", SystemClock())
    tickets = Tickets(TICKET_KEY, TICKET_KEY_ID)
    made = Gateway(database, keystore, Keyring(keystore), tickets, None, None, clock)  # type: ignore[arg-type]
    yield made
    await made.settle()


@pytest.fixture
def signin(gateway: Gateway) -> SignIn:
    made = SignIn.of(gateway, Credentials.of(gateway.keystore))
    made.refusal_min_s = 0.0
    return made


extra = new_routes()


@extra.get("/api/v1/tests/member")
async def member_route(visit: Member) -> dict[str, str]:
    return {"actor": str(visit.actor.id), "role": visit.actor.role.name}


@extra.get("/api/v1/tests/api")
async def api_route(visit: Api) -> dict[str, str]:
    return {"actor": str(visit.actor.id)}


@pytest.fixture
def web(signin: SignIn) -> Web:
    pages = Pages([HOME / "web" / "templates"], Static(HOME / "static"), "test")
    return build_web(
        routers=[routes.router, account.router, extra],
        pages=pages,
        doorkeeper=signin.keeper,
        rules=Rules(),
        version="test",
        parts={"signin": signin},
    )


@dataclass
class Site:
    """A browser-like client: it keeps cookies, says where its requests come from, and does not follow redirects."""

    web: Web

    def browser(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.web.asgi, raise_app_exceptions=False)
        sent = {"accept": "text/html", "sec-fetch-site": "same-origin", "user-agent": "Firefox/140.0 Linux", **headers}
        return httpx.AsyncClient(transport=transport, base_url="https://localhost:8443", headers=sent)

    def program(self, token: str | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.web.asgi, raise_app_exceptions=False)
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=transport, base_url="https://localhost:8443", headers=headers)


@pytest.fixture
def site(web: Web, log) -> Site:
    return Site(web)


@pytest.fixture
async def workspace(gateway: Gateway, signin: SignIn) -> tuple[TenantId, str]:
    """A new workspace and its owner's link."""
    made, _, secret = await tenant.create(gateway, signin.credentials, "Quillfeather & Sons")
    return made, secret


@pytest.fixture
async def owner(site: Site, workspace) -> httpx.AsyncClient:
    """A browser of the owner, signed in by the link."""
    browser = site.browser()
    reply = await browser.post(f"/link/{workspace[1]}", data={"name": NAME, "email": EMAIL, "password": PASSWORD})
    assert reply.status_code == 303, reply.text
    return browser
