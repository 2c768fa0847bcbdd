"""Brings a database to the schema of this release: the numbered SQL of ``db/``, then the queue.

Each file runs in one transaction together with the row that records it, so a crash leaves it done or not begun. A
session lock keeps two runners apart: the second waits, then finds the work done.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from smalt.kernel.errors import Conflict, Failure
from smalt.store import queue_schema
from smalt.store.failures import failure_of

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LOCK = 0x534D_414C_5400  # "SMALT", any constant: the same in every release
_LOCK_TIMEOUT: LiteralString = "set lock_timeout = '60s'"

_RECORD: LiteralString = """
create schema if not exists installed;
create table if not exists installed.migration (
    number smallint primary key,
    name text not null,
    checksum bytea not null,
    applied_at timestamptz not null default now()
);
create table if not exists installed.queue_step (name text primary key, applied_at timestamptz not null default now());
"""
# The roles come with the first migration. Every role of ours may ask which schema it meets (`check_schema`).
_READABLE: LiteralString = """
grant usage on schema installed to smalt_app, smalt_worker;
grant select on installed.migration to smalt_app, smalt_worker;
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``db/``."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest()


def migrations_folder() -> Path:
    """``db/`` of the installed package, or of the checkout."""
    package = Path(__file__).resolve().parent.parent
    return next(p for p in (package / "db", package.parent / "db") if p.is_dir() or p.parent != package)


def load_migrations(folder: Path | None = None) -> list[Migration]:
    """The files in order: 0001, 0002 … without a gap. A file named otherwise is an error, not overlooked."""
    found = []
    for path in sorted((folder or migrations_folder()).glob("*.sql")):
        name = _FILE.fullmatch(path.name)
        if name is None:
            raise ValueError(f"{path.name}: the files of db/ are named 0001_like_this.sql")
        found.append(Migration(int(name[1]), name[2], path.read_text("utf-8")))
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise ValueError("the numbers of db/*.sql must run from 0001 without a gap")
    return found


def migrate(admin_conninfo: str, migrations: list[Migration] | None = None) -> list[str]:
    """Apply what is missing; the names of what was applied. ``admin_conninfo``: a role that may create roles.

    Raises `Conflict`: ``schema.newer`` (made by a later release), ``schema.altered`` (a file changed after it was
    applied). Nothing is changed then.
    """
    wanted = load_migrations() if migrations is None else migrations
    try:
        with psycopg.connect(admin_conninfo, autocommit=True, connect_timeout=10) as connection:
            connection.execute(_LOCK_TIMEOUT)
            connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
            with connection.transaction():
                connection.execute(_RECORD)
            missing = _compare(connection, wanted)
            for migration in missing:
                _apply(connection, migration)
            with connection.transaction():
                connection.execute(_READABLE)
                queue_schema.install(connection)
            return [f"{m.number:04}_{m.name}" for m in missing]
    except psycopg.Error as error:
        failure: Failure = failure_of(error, "migrate")
    raise failure


def check_schema(conninfo: str, migrations: list[Migration] | None = None) -> None:
    """Raise `Conflict` unless the database has exactly this release's schema. Any of our roles may ask."""
    wanted = load_migrations() if migrations is None else migrations
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
            there = connection.execute("select to_regclass('installed.migration') is not null").fetchone()
            missing = _compare(connection, wanted) if there and there[0] else wanted
    except psycopg.Error as error:
        failure: Failure = failure_of(error, "check_schema")
    else:
        if not missing:
            return
        failure = Conflict(
            "schema.older",
            "The database's schema is older than this release.",
            todo="Start Smalt once with SMALT_DATABASE_ADMIN_URL set, so that it can bring the schema up to date.",
        )
    raise failure


def _compare(connection: psycopg.Connection[tuple[object, ...]], wanted: list[Migration]) -> list[Migration]:
    rows = connection.execute("select number, checksum from installed.migration").fetchall()
    applied = {int(str(number)): checksum for number, checksum in rows}
    known = {m.number: m for m in wanted}
    if any(number not in known for number in applied):
        raise Conflict(
            "schema.newer",
            "The database was made by a later release of Smalt.",
            kept="Nothing was changed.",
            todo="Run that release, or a later one.",
        )
    changed = [m for m in wanted if m.number in applied and applied[m.number] != m.checksum]
    if changed:
        raise Conflict(
            "schema.altered",
            "A migration was changed after it was applied to this database.",
            kept="Nothing was changed.",
            todo="Restore the file of that number from the release.",
            facts={"number": changed[0].number},
        )
    return [m for m in wanted if m.number not in applied]


def _apply(connection: psycopg.Connection[tuple[object, ...]], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.text.encode())
        connection.execute("reset role")
        connection.execute(
            "insert into installed.migration (number, name, checksum) values (%s, %s, %s)",
            (migration.number, migration.name, migration.checksum),
        )
