"""The composition root: an installation opened, the web application over it, and what an operator does at the machine.

Everything that knows every part stands here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from smalt import __version__
from smalt.chat import routes as chat_routes
from smalt.chat import screens as chat_screens
from smalt.chat.ask import Asker
from smalt.chat.engines import LocalEngine
from smalt.chat.janitor import ABANDONED_AFTER as TURN_ABANDONED_AFTER
from smalt.chat.janitor import sweep_turns
from smalt.chat.running import Running
from smalt.kernel.clock import Clock, SystemClock
from smalt.kernel.errors import Conflict, Missing, Unavailable
from smalt.kernel.ids import PersonId, TenantId
from smalt.kernel.limits import SHELF_MAX_BYTES, UPLOAD_MAX_BYTES
from smalt.library import jobs as library_jobs
from smalt.library import routes as library_routes
from smalt.library import screens as library_screens
from smalt.library import upload, usage
from smalt.library.reading import Readings
from smalt.people import account
from smalt.people import routes as people_routes
from smalt.people import tenant as tenants
from smalt.people import token as tokens
from smalt.people.credentials import Credentials
from smalt.people.invitation import LIFE as LINK_LIFE
from smalt.people.person import queries as people_queries
from smalt.people.signin import SignIn
from smalt.seal.keyring import Keyring
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
from smalt.seal.tickets import Tickets
from smalt.search import jobs as search_jobs
from smalt.search.shelf import Shelf
from smalt.settings import Settings
from smalt.store import remote
from smalt.store.blobs import Blobs
from smalt.store.gate import install_ticket_key
from smalt.store.migrate import check_schema, migrate
from smalt.store.pool import Database
from smalt.store.postgres import EmbeddedPostgres, conninfo_of_running
from smalt.store.queue import Queue, Worker
from smalt.telemetry.events import Slug
from smalt.telemetry.log import report
from smalt.tenancy.actor import Role
from smalt.tenancy.actor import person as person_actor
from smalt.tenancy.gateway import ABANDONED_AFTER, Gateway
from smalt.tenancy.policy import Act
from smalt.web import health
from smalt.web.build import Web, build_web
from smalt.web.guard import Rules
from smalt.web.multipart import ENVELOPE_MAX_BYTES
from smalt.web.pages import Pages, Static

_PACKAGE = Path(__file__).parent
TICKET_KEY_ID = 1
TICKET_KEY_LIFE = timedelta(days=400)
TICKET_KEY_RENEWAL = timedelta(days=30)
SWEEP_EVERY_S = 300.0
DRAIN_S = 5.0
PORT_FILE = "server.port"
"""In the data directory: the port of the server that runs, for the operator's commands."""


@dataclass(frozen=True, slots=True)
class Connections:
    """Connection strings by role."""

    app: str
    worker: str


@dataclass(frozen=True, repr=False)
class Installation:
    """One data directory, opened: keys, blobs and the way to its database."""

    settings: Settings
    connections: Connections
    keystore: KeyStore
    clock: Clock
    postgres: EmbeddedPostgres | None = None
    admin: str | None = None
    """The connection string of the role that migrates, where this process may use it."""

    def renew_ticket_key(self) -> None:
        """Let the database accept our tickets for another `TICKET_KEY_LIFE`; nothing where another role sees to it."""
        if self.admin is not None:
            key, until = self.keystore.purpose_key("ticket"), self.clock.now() + TICKET_KEY_LIFE
            install_ticket_key(self.admin, TICKET_KEY_ID, key, until)

    def gateway(self) -> Gateway:
        """A gateway with a pool of its own, not yet connected."""
        return Gateway(
            Database(self.connections.app, explain=None if self.postgres is None else self.postgres.explain),
            self.keystore,
            Keyring(self.keystore),
            Tickets(self.keystore.purpose_key("ticket"), TICKET_KEY_ID),
            Blobs(self.settings.data_dir / "blobs"),
            Queue(),
            self.clock,
        )


def _keystore(settings: Settings, clock: Clock) -> KeyStore:
    keys = settings.data_dir / "keys"
    passphrase = None if settings.passphrase is None else settings.passphrase.get_secret_value()
    return KeyStore(FileKms(keys / "root", passphrase), keys / "store", clock)


@contextmanager
def opened(settings: Settings) -> Iterator[Installation]:
    """The installation, with its own PostgreSQL running unless `database_url` names another. Blocks while starting."""
    clock = SystemClock()
    if settings.database_url is not None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        keystore = _keystore(settings, clock)
        found = remote.logins(
            settings.database_url,
            settings.database_admin_url,
            lambda role: keystore.purpose_key(f"database.{role}").hex(),
        )
        remote.check_server(found.admin or found.app)
        if found.admin is None:
            check_schema(found.app)  # another role migrates; a schema of another release is refused all the same
        if found.admin is not None:
            migrate(found.admin)
        installation = Installation(settings, Connections(found.app, found.worker), keystore, clock, admin=found.admin)
        installation.renew_ticket_key()
        remote.set_passwords(found)
        yield installation
        return
    # It makes the data directory: as root one that the server's account can pass through, though not list.
    with EmbeddedPostgres(settings.data_dir, settings.pg_bin) as postgres:
        keystore = _keystore(settings, clock)
        admin = postgres.conninfo("postgres")
        migrate(admin)
        connections = Connections(postgres.conninfo("smalt_app"), postgres.conninfo("smalt_worker"))
        installation = Installation(settings, connections, keystore, clock, postgres, admin)
        installation.renew_ticket_key()
        yield installation


@contextmanager
def beside(settings: Settings) -> Iterator[Installation]:
    """The installation for one command: over the running server's database, or else started for the moment."""
    try:
        app = conninfo_of_running(settings.data_dir, "smalt_app")
    except (Unavailable, Missing, Conflict):
        app = None
    if settings.database_url is not None or app is None:
        with opened(settings) as installation:
            yield installation
        return
    with contextlib.suppress(OSError, ValueError):  # links are to lead to the server that runs, not to the usual port
        port = int((settings.data_dir / PORT_FILE).read_text("ascii"))
        settings = settings.model_copy(update={"port": port})
    clock = SystemClock()
    yield Installation(settings, Connections(app, ""), _keystore(settings, clock), clock)


ROUTERS = (
    health.router,
    people_routes.router,
    account.router,
    library_routes.router,
    library_screens.router,
    usage.router,
    chat_routes.router,
    chat_screens.router,
)


def build(installation: Installation) -> Web:
    """The web application over ``installation``, with its worker and janitor in its life span."""
    gateway = installation.gateway()
    credentials = Credentials.of(installation.keystore)
    running = Running()
    shelf = Shelf(SHELF_MAX_BYTES)
    signin = SignIn.of(gateway, credentials)
    pages = Pages([_PACKAGE / "web" / "templates"], Static(_PACKAGE / "static"), __version__)
    rules = Rules(
        hosts=frozenset(installation.settings.public_host),
        larger={("POST", "/api/v1/documents"): UPLOAD_MAX_BYTES + ENVELOPE_MAX_BYTES},
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
            "clock": installation.clock,
            "shelf": shelf,
            "readings": Readings(),
            "asker": Asker(LocalEngine(), shelf, running, installation.clock),
        },
        lifespan=lambda _: _life(installation, gateway, running),
    )


async def _ready(gateway: Gateway) -> None:
    """Raise `Unavailable` when the database does not answer or the disk is full."""
    await gateway.database.ready()
    await asyncio.to_thread(gateway.blobs.require_room)


@asynccontextmanager
async def _life(installation: Installation, gateway: Gateway, running: Running) -> AsyncIterator[None]:
    """Pool, worker and janitor while the server runs. At the end turns under way settle before the pool closes."""
    stop = asyncio.Event()
    alone_since = None
    if installation.postgres is not None:  # it holds the lock of the data directory: nobody else works here
        alone_since = installation.clock.now()
        await asyncio.to_thread(gateway.blobs.clear_arriving)
    async with gateway.database:
        worker = asyncio.create_task(worker_of(installation, gateway).run(stop, alone=alone_since is not None))
        janitor = asyncio.create_task(_sweep_for_ever(installation, gateway, alone_since))
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


async def _sweep_for_ever(installation: Installation, gateway: Gateway, alone_since: datetime | None) -> None:
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


@dataclass(frozen=True, slots=True)
class NewTenant:
    """``link`` signs the first owner in once, until ``expires_at`` (RFC 3339)."""

    tenant: str
    person: str
    link: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """``secret`` is shown once and stored only as a digest."""

    token: str
    secret: str
    scopes: str
    expires_at: str


def create_tenant(settings: Settings, *, name: str, owner_name: str, owner_email: str) -> NewTenant:
    """A tenant with its own keys, an owner, and a link by which the owner comes in."""

    async def create(installation: Installation) -> NewTenant:
        gateway = installation.gateway()
        async with gateway.database:
            credentials = Credentials.of(installation.keystore)
            owner = tenants.Owner(owner_name, owner_email)
            tenant, person, secret = await tenants.create(gateway, credentials, name, owner)
            expires_at = installation.clock.now() + LINK_LIFE
            link = f"{address(installation.settings)}/link/{secret}"
            return NewTenant(str(tenant), str(person), link, expires_at.isoformat(timespec="seconds"))

    with beside(settings) as installation:
        return asyncio.run(create(installation))


def create_token(settings: Settings, *, tenant: str, name: str, scopes: str, days: int) -> NewToken:
    """An API token for the tenant's owner; without ``scopes`` it may do everything a token can."""

    async def create(installation: Installation) -> NewToken:
        gateway = installation.gateway()
        async with gateway.database:
            credentials = Credentials.of(installation.keystore)
            owner = await _owner(gateway, TenantId.parse(tenant))
            visit = gateway.visit(TenantId.parse(tenant), person_actor(owner, Role.OWNER))
            wanted = scopes.split() or list(tokens.SCOPES)
            async with visit.enter(Act.TOKEN_CREATE, owner) as scope:
                made, secret = await tokens.create(
                    scope, owner, credentials, installation.clock, name=name, scopes=wanted, days=days
                )
            ends = "" if made.expires_at is None else made.expires_at.isoformat(timespec="seconds")
            return NewToken(str(made.id), secret, " ".join(made.scopes), ends)

    with beside(settings) as installation:
        return asyncio.run(create(installation))


FIRST_WORKSPACE = "Workspace"


def first_link(installation: Installation) -> str | None:
    """The link by which the first owner comes in: of a first workspace, made when there is none yet.

    None once somebody has come in: whoever runs the machine gets no way into what is there.
    """

    async def make() -> str | None:
        gateway = installation.gateway()
        async with gateway.database:
            credentials = Credentials.of(installation.keystore)
            existing = installation.keystore.tenants()
            if not existing:
                _, _, secret = await tenants.create(gateway, credentials, FIRST_WORKSPACE)
                return secret
            if len(existing) > 1:
                return None
            try:
                return await tenants.owner_link(gateway, credentials, existing[0])
            except (Conflict, Missing):
                return None

    secret = asyncio.run(make())
    return None if secret is None else f"{address(installation.settings)}/link/{secret}"


async def _owner(gateway: Gateway, tenant: TenantId) -> PersonId:
    async with gateway.system(tenant).enter(Act.TENANT_READ, tenant) as scope:
        row = await scope.fetch_maybe(people_queries.active_owner)
    if row is None:
        raise Conflict(
            "tenant.no_owner",
            "This workspace has no active owner yet.",
            kept="Nothing was changed.",
            todo="Let the owner use the link first.",
        )
    return PersonId(row["id"])


def address(settings: Settings) -> str:
    """Where people reach this installation."""
    return f"https://{settings.public_host[0]}:{settings.port}"
