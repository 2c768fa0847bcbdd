"""Fixtures for every test: one embedded PostgreSQL for the whole run, databases with the schema on demand."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from smalt.store.migrate import migrate
from smalt.store.pool import Database
from smalt.store.postgres import EmbeddedPostgres


@dataclass(frozen=True)
class TestDatabase:
    """Connection strings of one database, by role. ``admin`` is the superuser: for setting the scene, not for the act."""

    __test__ = False

    admin: str
    app: str
    worker: str


@pytest.fixture
def place() -> Iterator[Path]:
    """A fresh folder that an unprivileged account can pass through (pytest's own are closed)."""
    folder = Path(tempfile.mkdtemp(prefix="smalt-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The run's server. It need not survive a power cut, so it does not wait for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="smalt-tests-"))
    folder.chmod(0o711)
    chosen = os.environ.get("SMALT_PG_BIN")
    server = EmbeddedPostgres(
        folder / "data", Path(chosen) if chosen else None, settings={"fsync": "off", "full_page_writes": "off"}
    )
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def make_database(postgres: EmbeddedPostgres, template: str = "template0") -> TestDatabase:
    name = f"t_{secrets.token_hex(5)}"
    with psycopg.connect(postgres.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return TestDatabase(*(postgres.conninfo(role, name) for role in ("postgres", "smalt_app", "smalt_worker")))


def drop_database(postgres: EmbeddedPostgres, database: TestDatabase) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database.admin)["dbname"]
    with psycopg.connect(postgres.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(str(name))))


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedPostgres) -> TestDatabase:
    """A database with the whole schema, shared by the run: use tenants of your own in it."""
    database = make_database(postgres)
    migrate(database.admin)
    return database


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[TestDatabase]:
    """A database of the test's own, without schema."""
    database = make_database(postgres)
    yield database
    drop_database(postgres, database)


@pytest.fixture
def own_database(postgres: EmbeddedPostgres, migrated: TestDatabase) -> Iterator[TestDatabase]:
    """A database of the test's own, with the whole schema and nothing else in it."""
    database = make_database(postgres)
    migrate(database.admin)
    yield database
    drop_database(postgres, database)


@pytest.fixture
async def database(migrated: TestDatabase) -> AsyncIterator[Database]:
    """The application's pool on the shared database."""
    async with Database(migrated.app, size=4) as opened:
        yield opened


@pytest.fixture
def pin() -> Callable[[Path, str], None]:
    """Compare with a pinned file, whose change is a review. ``SMALT_PIN=1`` writes it anew."""

    def compare(path: Path, text: str) -> None:
        if os.environ.get("SMALT_PIN") == "1":
            path.write_text(text, "utf-8")
        assert path.exists(), f"{path.name} is not pinned: run once with SMALT_PIN=1 and review it"
        assert text == path.read_text("utf-8"), f"{path.name} changed: if that is meant, run with SMALT_PIN=1"

    return compare
