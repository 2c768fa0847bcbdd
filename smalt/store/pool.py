"""The application's way to PostgreSQL: a pool of sessions, transactions under a tenant's ticket, failures in our words.

``BEGIN``, the ticket and the first statement travel in one round trip; in `Database.single`, ``COMMIT`` travels along.
"""

from __future__ import annotations

import select
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Self, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from smalt.kernel.errors import Failure, Missing, Unavailable
from smalt.store import adapters
from smalt.store.failures import down, failure_of, unsure
from smalt.store.sql import Query, R, query

Connection = psycopg.AsyncConnection[dict[str, Any]]
Cursor = psycopg.AsyncCursor[dict[str, Any]]
Params = Mapping[str, Any]
T = TypeVar("T")

_QUICK_S = 0.5
_PING = query("ping", "select 1")
_NONE: Params = MappingProxyType({})
_TICKET = b"select set_config('smalt.ticket', %s, true)"
_SESSION = (
    b"select set_config('search_path', '', false), set_config('statement_timeout', %s, false),"
    b" set_config('lock_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false)"
)


class Tx:
    """One transaction. It begins with its first statement; a block without statements costs nothing."""

    def __init__(self, connection: Connection, ticket: str | None, *, alone: bool = False) -> None:
        """``alone``: the first statement is the only one, so ``COMMIT`` travels with it."""
        self._connection = connection
        self._ticket = ticket
        self._alone = alone
        self._begun = False
        self._ended = False

    async def fetch_all(self, query: Query[R], params: Params = _NONE) -> list[R]:
        """Every row."""
        return [query.build(row) for row in await self._run(query, params, _rows)]

    async def fetch_maybe(self, query: Query[R], params: Params = _NONE) -> R | None:
        """The first row, or None when there is none."""
        rows = await self._run(query, params, _rows)
        return query.build(rows[0]) if rows else None

    async def fetch_one(self, query: Query[R], params: Params = _NONE) -> R:
        """The first row; `Missing` when there is none."""
        rows = await self._run(query, params, _rows)
        if not rows:
            raise Missing("row.unknown", "No such object.")
        return query.build(rows[0])

    async def execute(self, query: Query[Any], params: Params = _NONE) -> int:
        """Run it; the number of rows it touched."""
        return await self._run(query, params, _count)

    async def execute_many(self, query: Query[Any], many: Sequence[Params]) -> int:
        """Run it once for each of ``many`` in one go; the number of rows touched in all."""
        if not many:
            return 0

        async def go(cursor: Cursor) -> None:
            await cursor.executemany(query.text.encode(), many)

        return await self._travel(query.name, go, _count)

    async def _run(self, query: Query[Any], params: Params, read: Callable[[Cursor], Awaitable[T]]) -> T:
        async def go(cursor: Cursor) -> None:
            await cursor.execute(query.text.encode(), params, binary=True)

        return await self._travel(query.name, go, read)

    async def _travel(
        self, name: str, go: Callable[[Cursor], Awaitable[None]], read: Callable[[Cursor], Awaitable[T]]
    ) -> T:
        if self._ended:
            raise RuntimeError("this transaction has ended")
        connection = self._connection
        try:
            if self._begun:
                async with connection.cursor() as cursor:
                    await go(cursor)
                    return await read(cursor)
            self._begun = True
            async with connection.cursor() as cursor:
                async with connection.pipeline():  # its end is the one exchange; what failed is raised there
                    await connection.execute(b"begin")
                    # Without a ticket an empty one: a session must not go on with what was set for its whole length.
                    await connection.execute(_TICKET, (self._ticket or "",))
                    await go(cursor)
                    if self._alone:
                        self._ended = True
                        await connection.execute(b"commit")
                return await read(cursor)
        except psycopg.Error as error:
            failure = failure_of(error, name)
        raise failure

    async def _commit(self) -> None:
        if self._begun and not self._ended:
            self._ended = True
            try:
                await self._connection.execute(b"commit")
            except psycopg.Error as error:
                failure = failure_of(error, "commit")
            else:
                return
            raise unsure() if failure.code == "database.down" else failure

    async def _rollback(self) -> None:
        """Give up what was begun; a session that cannot even do that is closed, and the server rolls it back."""
        self._ended = True
        if self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return
        try:
            await self._connection.execute(b"rollback")
        except psycopg.Error:
            await self._connection.close()


async def _rows(cursor: Cursor) -> list[dict[str, Any]]:
    return await cursor.fetchall()


async def _count(cursor: Cursor) -> int:
    return cursor.rowcount


def _hung_up(connection: Connection) -> bool:
    if connection.closed:
        return True
    watch = select.poll()
    watch.register(connection.fileno(), select.POLLIN)
    return bool(watch.poll(0))


class Database:
    """A pool of sessions of one role."""

    def __init__(
        self,
        conninfo: str,
        *,
        size: int = 8,
        statement_timeout_s: int = 15,
        wait_timeout_s: float = 3.0,
        explain: Callable[[], Failure | None] | None = None,
    ) -> None:
        """``wait_timeout_s``: how long a caller waits for a session before it hears that there is none. ``explain``: asked
        why a database of our own does not answer (`EmbeddedPostgres.explain`).
        """
        self._conninfo = conninfo
        self._explain = explain
        self._timeouts = (f"{statement_timeout_s}s", "5s", f"{4 * statement_timeout_s}s")
        self._wait_timeout_s = wait_timeout_s
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo,
            connection_class=psycopg.AsyncConnection[dict[str, Any]],
            kwargs={"autocommit": True, "row_factory": dict_row, "connect_timeout": 5},
            min_size=1,
            max_size=size,
            max_idle=120.0,
            timeout=wait_timeout_s,
            reconnect_timeout=2.0,  # then each caller has it tried afresh: no long pause once the server is back
            open=False,
            configure=self._configure,
            name="smalt",
        )

    async def open(self) -> None:
        """Start connecting. Does not fail when the database is down: the first caller hears of it."""
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def transaction(self, ticket: str | None) -> AbstractAsyncContextManager[Tx]:
        """One transaction under ``ticket``: committed at the block's end, rolled back when it raises."""
        return self._transaction(ticket, alone=False)

    def single(self, ticket: str | None) -> AbstractAsyncContextManager[Tx]:
        """The same for exactly one statement, all of it in one round trip; a second one is an error."""
        return self._transaction(ticket, alone=True)

    @asynccontextmanager
    async def _transaction(self, ticket: str | None, *, alone: bool) -> AsyncIterator[Tx]:
        connection = await self._take()
        tx = Tx(connection, ticket, alone=alone)
        try:
            try:
                yield tx
                await tx._commit()  # noqa: SLF001  # the one caller
            except BaseException as error:
                await tx._rollback()  # noqa: SLF001  # the one caller
                failure = self._explained(error)
                if failure is error:
                    raise
            else:
                return
        finally:
            await self._pool.putconn(connection)
        raise failure

    def _explained(self, error: BaseException) -> BaseException:
        """The reason of a database that is down, where it is known."""
        if self._explain is None or not isinstance(error, Unavailable) or error.code != "database.down":
            return error
        return self._explain() or error

    async def ready(self) -> None:
        """Return when the database answers; raise `Unavailable` when it does not."""
        async with self.single(None) as tx:
            await tx.execute(_PING)

    async def _take(self) -> Connection:
        """A session that was alive a moment ago.

        After a restart of the server every pooled session is dead. That shows without a round trip: the server has hung
        up, so there is something to read where nothing was asked.
        """
        for patience_s in (_QUICK_S, self._wait_timeout_s):
            try:
                while True:
                    connection = await self._pool.getconn(patience_s)
                    if not _hung_up(connection):
                        return connection
                    await connection.close()
                    await self._pool.putconn(connection)
            except psycopg.Error as error:
                failure = failure_of(error)
            if failure.code == "database.busy" and not await self._answers():
                failure = down()
                break
        raise self._explained(failure)

    async def _answers(self) -> bool:
        """Whether a session of our own can be had: tells a long queue from a dead server."""
        try:
            probe = await psycopg.AsyncConnection.connect(self._conninfo, connect_timeout=2)
        except psycopg.Error:
            return False
        await probe.close()
        return True

    async def _configure(self, connection: Connection) -> None:
        adapters.register(connection)
        await connection.execute(_SESSION, self._timeouts)
