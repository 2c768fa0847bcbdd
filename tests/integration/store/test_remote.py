"""A PostgreSQL of the operator's own, with passwords: the same schema, the same roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from smalt.kernel.errors import Unavailable
from smalt.store.migrate import check_schema, migrate
from smalt.store.pool import Database
from smalt.store.postgres import EmbeddedPostgres
from smalt.store.remote import check_server, logins, set_passwords
from smalt.store.sql import query

WHO = query("who", "select current_user::text as who, session_user::text as login")


@pytest.fixture
def server(place: Path) -> Iterator[EmbeddedPostgres]:
    """One that wants a password of everybody but its superuser."""
    hba = place / "hba.conf"
    hba.write_text("local all postgres peer map=smalt\nlocal all all scram-sha-256\n")
    hba.chmod(0o644)
    with EmbeddedPostgres(place / "data", settings={"hba_file": f"'{hba}'"}) as made:
        yield made


def password_of(role: str) -> str:
    return f"derived for {role}"


async def test_an_administrators_url_is_enough(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("create role boss login createrole password 'secret'")
        connection.execute("create database books owner boss")
    found = logins(make_conninfo(server.conninfo("boss", "books"), password="secret"), None, password_of)
    assert found.admin is not None
    for _ in range(2):  # every start does the same
        check_server(found.admin)
        migrate(found.admin)
        set_passwords(found)
        for conninfo, role in ((found.app, "smalt_app"), (found.worker, "smalt_worker")):
            check_schema(conninfo)
            async with Database(conninfo) as pool, pool.single(None) as tx:
                assert await tx.fetch_one(WHO) == {"who": role, "login": role}
    with pytest.raises(Unavailable):
        check_server(make_conninfo(found.app, password="wrong"))


async def test_the_applications_url_after_a_migration_by_another(server: EmbeddedPostgres) -> None:
    admin = server.conninfo("postgres")
    found = logins(make_conninfo(server.conninfo("smalt_app"), password="chosen"), admin, password_of)
    migrate(admin)
    set_passwords(found)
    later = logins(found.app, None, password_of)
    set_passwords(later)  # nothing to do and nobody to do it as
    async with Database(later.worker) as pool, pool.single(None) as tx:
        assert await tx.fetch_one(WHO) == {"who": "smalt_worker", "login": "smalt_worker"}
