"""An installation opened: keys, blobs and the way to its database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from smalt.kernel.clock import Clock, SystemClock
from smalt.kernel.errors import Conflict
from smalt.seal.keyring import Keyring
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
from smalt.seal.tickets import Tickets
from smalt.settings import Settings
from smalt.store import remote
from smalt.store.blobs import Blobs
from smalt.store.gate import install_ticket_key
from smalt.store.migrate import check_schema, migrate
from smalt.store.pool import Database
from smalt.store.postgres import EmbeddedPostgres, conninfo_of_running, port_of_running
from smalt.store.queue import Queue
from smalt.tenancy.gateway import Gateway

TICKET_KEY_ID = 1
TICKET_KEY_LIFE = timedelta(days=400)
PORT_FILE = "server.port"
"""In the data directory: the port of the server that runs, for those who look at it from outside."""
START_WAIT_S = 30.0
"""How long a command waits for a server that is starting, and a server for a command that is at work."""


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


def keystore_of(settings: Settings, clock: Clock) -> KeyStore:
    """The key store of the data directory."""
    keys = settings.data_dir / "keys"
    passphrase = None if settings.passphrase is None else settings.passphrase.get_secret_value()
    return KeyStore(FileKms(keys / "root", passphrase), keys / "store", clock)


@contextmanager
def opened(settings: Settings) -> Iterator[Installation]:
    """The installation, with its own PostgreSQL running unless `database_url` names another. Blocks while starting."""
    clock = SystemClock()
    if settings.database_url is not None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        keystore = keystore_of(settings, clock)
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
    with EmbeddedPostgres(settings.data_dir, settings.pg_bin, patience_s=START_WAIT_S) as postgres:
        keystore = keystore_of(settings, clock)
        admin = postgres.conninfo("postgres")
        migrate(admin)
        connections = Connections(postgres.conninfo("smalt_app"), postgres.conninfo("smalt_worker"))
        installation = Installation(settings, connections, keystore, clock, postgres, admin)
        installation.renew_ticket_key()
        yield installation


@contextmanager
def beside(settings: Settings) -> Iterator[Installation]:
    """The installation for one command: over the running server's database, or else started for the moment."""
    with contextlib.ExitStack() as held:
        yield _beside(settings, held)


def _beside(settings: Settings, held: contextlib.ExitStack) -> Installation:
    while True:
        port = None if settings.database_url is not None else port_of_running(settings.data_dir, START_WAIT_S)
        if port is not None:
            # Links are to lead to the server that runs, not to the usual port.
            settings, clock = settings.model_copy(update={"port": port}), SystemClock()
            connections = Connections(conninfo_of_running(settings.data_dir, "smalt_app"), "")
            return Installation(settings, connections, keystore_of(settings, clock), clock)
        try:
            return held.enter_context(opened(settings))
        except Conflict as taken:  # a server may have been faster since we looked: then look again
            if taken.code != "data_dir.in_use":
                raise


def address(settings: Settings) -> str:
    """Where people reach this installation."""
    return f"https://{settings.public_host[0]}:{settings.port}"
