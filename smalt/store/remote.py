"""Another PostgreSQL than the embedded one: who connects to it as whom (docs/operate/postgres.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from smalt.kernel.errors import Failure, Malformed, Unavailable
from smalt.store.binaries import OLDEST_MAJOR
from smalt.store.failures import failure_of

APP_ROLE = "smalt_app"
WORKER_ROLE = "smalt_worker"
CHECKER_ROLE = "smalt_checker"


@dataclass(frozen=True, slots=True, repr=False)
class Logins:
    """Connection strings; they can hold passwords, so they are never shown."""

    admin: str | None
    app: str
    worker: str
    checker: str


def logins(database_url: str, admin_url: str | None, password_of: Callable[[str], str]) -> Logins:
    """Who connects as whom.

    When ``database_url`` names the role smalt_app, it is the application's, and migrations need ``admin_url``.
    Otherwise it is an administrator's: the application, the worker and the checker get roles of their own with passwords from
    ``password_of(role)``, which must give the same at every start. Neither ever works with an administrator's rights.
    """
    try:
        given = conninfo_to_dict(database_url)
        if admin_url is not None:
            conninfo_to_dict(admin_url)
    except psycopg.ProgrammingError:
        given = {}
    if not given:
        raise Malformed(
            "database.url",
            "SMALT_DATABASE_URL or SMALT_DATABASE_ADMIN_URL cannot be read.",
            todo="Write it as postgresql://user:password@host:port/database.",
        )
    if given.get("user") == APP_ROLE:
        return Logins(
            None if admin_url is None else _guarded(admin_url),
            _guarded(database_url),
            _guarded(database_url, user=WORKER_ROLE),
            _guarded(database_url, user=CHECKER_ROLE),
        )
    app, worker, checker = (
        _guarded(database_url, user=role, password=password_of(role)) for role in (APP_ROLE, WORKER_ROLE, CHECKER_ROLE)
    )
    return Logins(_guarded(admin_url or database_url), app, worker, checker)


def set_passwords(found: Logins) -> None:
    """Give the three roles the passwords of their connection strings. After `migrate`, which makes the roles."""
    if found.admin is None:
        return
    try:
        with psycopg.connect(found.admin, autocommit=True, connect_timeout=10) as connection:
            for conninfo in (found.app, found.worker, found.checker):
                parts = conninfo_to_dict(conninfo)
                role, password = str(parts["user"]), parts.get("password")
                if not password:
                    continue  # peer, certificate or .pgpass: the operator's own arrangement
                # Only the verifier travels, so nothing on the way or in a log opens the door.
                verifier = connection.pgconn.encrypt_password(
                    str(password).encode(), role.encode(), b"scram-sha-256"
                ).decode()
                connection.execute(
                    sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(verifier))
                )
    except psycopg.Error as error:
        failure: Failure = failure_of(error, "set_passwords")
    else:
        return
    raise failure


def check_server(conninfo: str) -> None:
    """Raise `Unavailable` unless a server of a supported version answers."""
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
            major = connection.info.server_version // 10_000
    except psycopg.Error as error:
        failure: Failure = failure_of(error, "check_server")
    else:
        if major >= OLDEST_MAJOR:
            return
        failure = Unavailable(
            "postgres.version",
            "The database server is older than PostgreSQL 15.",
            todo="Bring it up to date, or use the embedded one.",
            facts={"found": major},
        )
    raise failure


def _guarded(conninfo: str, **changed: str) -> str:
    """With TLS asked for, where the operator said nothing and the server is on another machine."""
    parts = conninfo_to_dict(conninfo)
    hosts = str(parts.get("host") or "").split(",")
    near = all(not h or h.startswith(("/", "@")) or h in {"localhost", "127.0.0.1", "::1"} for h in hosts)
    if not near and "sslmode" not in parts:
        changed["sslmode"] = "require"
    return make_conninfo(conninfo, **changed)
