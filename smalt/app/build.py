"""The web application over an installation, with every feature's routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from smalt import __version__
from smalt.app.installation import Installation, address
from smalt.app.life import living
from smalt.chat import routes as chat_routes
from smalt.chat import screens as chat_screens
from smalt.chat.ask import Asker
from smalt.chat.engines import LocalEngine
from smalt.chat.running import Running
from smalt.kernel.limits import SHELF_MAX_BYTES, UPLOAD_MAX_BYTES
from smalt.library import routes as library_routes
from smalt.library import screens as library_screens
from smalt.library import usage
from smalt.library.reading import Readings
from smalt.people import account, administration, factor_pages
from smalt.people import audit_routes as people_audit
from smalt.people import routes as people_routes
from smalt.people.credentials import Credentials
from smalt.people.signin import SignIn
from smalt.search.shelf import Shelf
from smalt.tenancy.gateway import Gateway
from smalt.trust import (
    audit_routes,
    challenge_routes,
    document_routes,
    export_routes,
    grants,
    notice_routes,
    register_routes,
    witness_routes,
)
from smalt.trust import page_routes as trust_pages
from smalt.trust import routes as trust_routes
from smalt.trust.exports import Exports
from smalt.trust.journal import Journal
from smalt.trust.keeper import TRUST
from smalt.trust.letters import Letters
from smalt.trust.pace import LOOKS, Pace
from smalt.trust.registry import load
from smalt.trust.telling import Telling
from smalt.trust.view import Trust
from smalt.web import health
from smalt.web.build import Web, build_web
from smalt.web.guard import Rules
from smalt.web.multipart import ENVELOPE_MAX_BYTES
from smalt.web.pages import Pages, Static

_PACKAGE = Path(__file__).parent.parent

ROUTERS = (
    health.router,
    people_routes.router,
    account.router,
    administration.router,
    factor_pages.router,
    people_audit.router,
    library_routes.router,
    library_screens.router,
    usage.router,
    chat_routes.router,
    chat_screens.router,
    trust_routes.router,
    trust_pages.router,
    export_routes.router,
    register_routes.router,
    notice_routes.router,
    document_routes.router,
    audit_routes.router,
    challenge_routes.router,
    witness_routes.router,
)


def build(installation: Installation) -> Web:
    """The web application over ``installation``, with its worker and janitor in its life span."""
    gateway = installation.gateway()
    credentials = Credentials.of(installation.keystore)
    running = Running()
    shelf = Shelf(SHELF_MAX_BYTES)
    signin = SignIn.of(gateway, credentials)
    pages = Pages([_PACKAGE / "web" / "templates"], Static(_PACKAGE / "static"), __version__)
    trust = Trust(load(), Journal(installation.settings.data_dir / TRUST))
    data_dir, clock = installation.settings.data_dir, installation.clock
    rounds = [Telling(trust, Letters.of(data_dir)).tell, grants.Forgetting(data_dir, clock).forget]
    rules = Rules(
        hosts=frozenset(installation.settings.public_host),
        larger={
            ("POST", "/api/v1/documents"): UPLOAD_MAX_BYTES + ENVELOPE_MAX_BYTES,
            ("POST", "/trust/questionnaire/fill"): export_routes.SPREADSHEET_MAX_BYTES + ENVELOPE_MAX_BYTES,
        },
    )
    return build_web(
        routers=ROUTERS,
        pages=pages,
        doorkeeper=signin.keeper,
        rules=rules,
        version=__version__,
        parts={
            "signin": signin,
            "ready": lambda: _ready(gateway),
            "trust": trust,
            "exports": Exports(trust),
            "data_dir": data_dir,
            "pace": Pace(clock),
            "look_pace": Pace(clock, LOOKS),
            "public_url": address(installation.settings).removesuffix(":443"),
            "clock": installation.clock,
            "shelf": shelf,
            "readings": Readings(),
            "asker": Asker(LocalEngine(), shelf, running, installation.clock),
        },
        lifespan=lambda _: _lived(trust, living(installation, gateway, running, rounds)),
    )


@asynccontextmanager
async def _lived(trust: Trust, living: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
    trust.warm()
    async with living:
        yield


async def _ready(gateway: Gateway) -> None:
    """Raise `Unavailable` when the database does not answer or the disk is full."""
    await gateway.database.ready()
    await asyncio.to_thread(gateway.blobs.require_room)
