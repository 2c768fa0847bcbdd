"""What the checks of the Trust Center ask of the database: as its administrator, reading; as the application, attacking.

Nothing here changes a row: reads are in read-only transactions, attempts are rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from smalt.kernel.errors import Failure
from smalt.store.failures import failure_of

CONNECT_S = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """What an attempt led to: ``rows`` that came back, how many were ``changed``, or the SQLSTATE it was ``refused`` with."""

    rows: tuple[tuple[Any, ...], ...] = ()
    changed: int = 0
    refused: str = ""

    @property
    def gained(self) -> bool:
        """Whether it got or changed anything."""
        return not self.refused and bool(self.rows or self.changed)


class Database:
    """One session of a role that the checks use. Only inside `session`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def read(self, statement: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """The rows of ``statement``, in a read-only transaction."""
        with self._connection.transaction():
            self._connection.execute("set transaction read only")
            return self._connection.execute(statement.encode(), params or None).fetchall()

    def attempt(self, statement: str, params: Sequence[object] = (), ticket: str | None = None) -> Tried:
        """Try ``statement`` under ``ticket`` (none: without one) in a transaction that is rolled back in any case."""
        try:
            with self._connection.transaction(force_rollback=True):
                if ticket is not None:
                    self._connection.execute("select set_config('smalt.ticket', %s, true)", (ticket,))
                done = self._connection.execute(statement.encode(), params or None)
                rows = tuple(done.fetchall()) if done.description is not None else ()
                changed = 0 if done.description is not None else max(done.rowcount, 0)
                return Tried(rows, changed)
        except psycopg.Error as error:
            return Tried(refused=error.sqlstate or "08000")

    def copy_out(self, table: str, ticket: str | None = None) -> Tried:
        """Try ``COPY … TO STDOUT`` of ``table``."""
        try:
            with self._connection.transaction(force_rollback=True):
                if ticket is not None:
                    self._connection.execute("select set_config('smalt.ticket', %s, true)", (ticket,))
                with self._connection.cursor().copy(f"copy {table} to stdout".encode()) as copied:
                    return Tried(tuple(tuple(row) for row in copied.rows()))
        except psycopg.Error as error:
            return Tried(refused=error.sqlstate or "08000")

    def write_down(self, word: str) -> None:
        """Put ``word`` into the write-ahead log, in clear, then have everything written to the disk.

        A logical message belongs to no table: the word is in the log's file and nowhere else.
        """
        self._connection.execute("select pg_logical_emit_message(false, 'smalt', %s)", (word,))
        self._connection.execute("checkpoint")


@contextmanager
def session(conninfo: str) -> Iterator[Database]:
    """A session of its own; database errors come out as the product's failures, without the server's words."""
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_S) as connection:
            yield Database(connection)
    except psycopg.Error as error:
        failure: Failure = failure_of(error, "outside")
    else:
        return
    raise failure


def cluster_of(data_dir: Path) -> Path:
    """The folder of the embedded cluster of ``data_dir``, wherever it lies."""
    pointer = data_dir / "postgres.place"
    return Path(pointer.read_text("utf-8").strip()) if pointer.exists() else data_dir / "postgres"
