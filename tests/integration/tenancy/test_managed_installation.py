"""Roles and schema on a managed service: installed by an ordinary role that may create roles and owns the database."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from schema_rules import violations
from tenant_world import TICKET_KEY, TICKET_KEY_ID

from smalt.kernel.clock import SystemClock
from smalt.kernel.ids import TenantId
from smalt.seal.tickets import Tickets
from smalt.store.gate import install_ticket_key, retire_ticket_key
from smalt.store.migrate import migrate
from smalt.store.postgres import EmbeddedPostgres


def let_in(admin: psycopg.Connection[Any], role: str) -> None:
    """Let whoever may be `postgres` on this server be ``role`` as well."""
    [names] = admin.execute("show ident_file").fetchone() or ()
    lines = Path(names).read_text("utf-8").splitlines()
    lines += [line[: line.rindex("postgres")] + role for line in lines if line.rstrip().endswith("postgres")]
    Path(names).write_text("\n".join(lines) + "\n", "utf-8")
    admin.execute("select pg_reload_conf()")


def connected(conninfo: str) -> psycopg.Connection[Any]:
    """A session, once the server has read its new list (within 10 s)."""
    last = time.monotonic() + 10
    while True:
        try:
            return psycopg.connect(conninfo)
        except psycopg.OperationalError:
            if time.monotonic() > last:
                raise
            time.sleep(0.05)


def test_no_superuser_is_needed(place: Path, postgres: Any) -> None:
    """On a server of its own: the roles of the run's server were made by its superuser already."""
    assert postgres.binaries is not None
    with EmbeddedPostgres(place / "data", postgres.binaries.folder, settings={"fsync": "off"}) as server:
        with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as admin:
            admin.execute("create role cloud_admin login createrole createdb")
            admin.execute("create database managed owner cloud_admin template template0")
            let_in(admin, "cloud_admin")
        superuser, cloud, app = (server.conninfo(r, "managed") for r in ("postgres", "cloud_admin", "smalt_app"))
        with connected(cloud) as c:
            who = c.execute("select session_user::text, current_user::text, current_setting('is_superuser')").fetchone()
        assert who == ("cloud_admin", "cloud_admin", "off")

        assert len(migrate(cloud)) >= 5
        assert migrate(cloud) == []
        install_ticket_key(cloud, TICKET_KEY_ID, TICKET_KEY, SystemClock().now() + timedelta(hours=1))

        with psycopg.connect(superuser) as c:
            assert violations(c) == []
        ticket = Tickets(TICKET_KEY, TICKET_KEY_ID).issue(TenantId.new(), int(time.time()) + 60)
        with psycopg.connect(app) as c:
            c.execute("select set_config('smalt.ticket', %s, true)", (ticket,))
            assert c.execute("select count(*) from smalt.person").fetchone() == (0,)
        retire_ticket_key(cloud, TICKET_KEY_ID)


def test_a_role_of_ours_that_is_too_strong_is_not_taken_over(place: Path, postgres: Any) -> None:
    assert postgres.binaries is not None
    with EmbeddedPostgres(place / "data", postgres.binaries.folder, settings={"fsync": "off"}) as server:
        with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as admin:
            admin.execute("create role smalt_app login bypassrls")
        refused = None
        try:
            migrate(server.conninfo("postgres"))
        except Exception as error:
            refused = error
        assert getattr(refused, "code", "") == "boundary.refused"
