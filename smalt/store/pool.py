"""The application's way to PostgreSQL: a pool of sessions, transactions under a tenant's ticket, failures in our words.

``BEGIN``, the ticket and the first statement travel in one round trip; with the one-statement forms of `Database`
(``fetch_all`` and so on) ``COMMIT`` travels along too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Self, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from smalt.kernel.errors import Failure, Missing
from smalt.store import adapters
from smalt.store.failures import down, failure_of
from smalt.store.sql import Query, R

Connection = psycopg.AsyncConnection[dict[str, Any]]
Cursor = psycopg.AsyncCursor[dict[str, Any]]
Params = Mapping[str, Any]
T = TypeVar("T")

_NONE: Params = MappingProxyType({})
_TICKET = b"select set_config('smalt.ticket', %s, true)"
_SESSION = (
    b"select set_config('search_path', '', false), set_config('statement_timeout', %s, false),"
    b" set_config('lock_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false)"
)


class Tx:
    """One transaction. It begins with its first statement; a block without statements costs nothing."""

    def __init__(self, connection: Connection, ticket: str | None) -> None:
        self._connection = connection
        self._ticket = ticket
        self._begun = False

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
        connection = self._connection
        try:
            if self._begun:
                async with connection.cursor() as cursor:
                    await go(cursor)
                    return await read(cursor)
            self._begun = True
            async with connection.pipeline() as pipeline, connection.cursor() as cursor:
                await self._begin()
                await go(cursor)
                await pipeline.sync()
                return await read(cursor)
        except psycopg.Error as error:
            failure = failure_of(error, name)
        raise failure

    async def _begin(self) -> None:
        await self._connection.execute(b"begin")
        if self._ticket is not None:
            await self._connection.execute(_TICKET, (self._ticket,))

    async def _commit(self) -> None:
        if self._begun:
            await self._end(b"commit")

    async def _rollback(self) -> None:
        if self._begun and not self._connection.closed:
            await self._end(b"rollback")

    async def _end(self, word: bytes) -> None:
        try:
            await self._connection.execute(word)
        except psycopg.Error as error:
            failure = failure_of(error, "end")
        else:
            return
        raise failure


async def _rows(cursor: Cursor) -> list[dict[str, Any]]:
    return await cursor.fetchall()


async def _count(cursor: Cursor) -> int:
    return cursor.rowcount


class Database:
    """A pool of sessions of one role."""

    def __init__(
        self,
        conninfo: str,
        *,
        size: int = 8,
        statement_timeout_s: int = 15,
        wait_timeout_s: float = 3.0,
    ) -> None:
        """``wait_timeout_s``: how long a caller waits for a session before it hears that there is none."""
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
        return self._transaction(ticket)

    @asynccontextmanager
    async def _transaction(self, ticket: str | None) -> AsyncIterator[Tx]:
        connection = await self._take()
        try:
            tx = Tx(connection, ticket)
            try:
                yield tx
            except BaseException:
                try:
                    await tx._rollback()  # noqa: SLF001  # the one caller
                except Failure:
                    await connection.close()  # the server rolls back what a lost session had begun
                raise
            await tx._commit()  # noqa: SLF001  # the one caller
        finally:
            await self._pool.putconn(connection)

    async def ready(self) -> None:
        """Return when the database answers; raise `Unavailable` when it does not."""
        connection = await self._take()
        await self._pool.putconn(connection)

    async def _take(self) -> Connection:
        try:
            return await self._pool.getconn()
        except PoolTimeout:
            # Nobody holds a session and none could be opened: it is not a queue, it is a database that is gone.
            lost = self._pool.get_stats().get("pool_size", 0) == 0
            failure = down() if lost else failure_of(PoolTimeout())
        except psycopg.Error as error:
            failure = failure_of(error)
        raise failure

    async def _configure(self, connection: Connection) -> None:
        adapters.register(connection)
        await connection.execute(_SESSION, self._timeouts)
