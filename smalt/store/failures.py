"""PostgreSQL's errors as the product's failures. What the server said never goes along: it can quote a row's values.

Callers raise the result *outside* the ``except`` block, so that it has no cause and no context.
"""

from __future__ import annotations

import psycopg
import psycopg_pool

from smalt.kernel.errors import Conflict, Failure, TooLarge, Unavailable, Untrusted

_BUSY = frozenset({"40001", "40P01", "55P03", "53300", "53200", "25P03"})
_DOWN = frozenset({"57P01", "57P02", "57P03"})


def failure_of(error: psycopg.Error, query: str = "") -> Failure:
    """The failure that stands for ``error``. ``query`` is the statement's name, which the product chose."""
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests):
        return busy()
    state = error.sqlstate or ""
    if state in _DOWN or state.startswith("08") or (not state and isinstance(error, psycopg.OperationalError)):
        return down()
    if state == "53100":
        return full()
    if state in _BUSY:
        return busy()
    if state == "57014":
        return Unavailable("database.slow", "The database took too long.", todo="Try again.", retry_after_s=5)
    if state == "28000":
        return Untrusted("ticket.refused", "The database refused the tenant's ticket.")
    if state == "42501":
        return Untrusted(
            "boundary.refused", "The database refused an access that the product should not have tried.",
            facts={"query": query},
        )  # fmt: skip
    if state in {"23505", "23503", "23P01"}:
        return _conflict(error, state, query)
    if state == "54000":
        return TooLarge("database.limit", "This is more than the database takes at once.")
    return Failure(
        "database.query", "The database could not do what the product asked of it.",
        facts={"sqlstate": state, "query": query},
    )  # fmt: skip


def _conflict(error: psycopg.Error, state: str, query: str) -> Failure:
    facts = {"constraint": error.diag.constraint_name or "", "query": query}
    if state == "23503":
        return Conflict(
            "database.reference", "Something that this belongs to is not there, or is still in use.", facts=facts
        )
    return Conflict("database.duplicate", "This exists already.", facts=facts)


def down() -> Failure:
    return Unavailable(
        "database.down",
        "The database does not answer.",
        kept="What was saved before is kept; this change was not made.",
        todo="Try again in a moment.",
        retry_after_s=2,
    )


def busy() -> Failure:
    return Unavailable("database.busy", "The database is busy.", todo="Try again in a moment.", retry_after_s=1)


def full() -> Failure:
    return Unavailable(
        "disk.full",
        "The database's disk is full.",
        kept="What was saved before is kept; this change was not made.",
        todo="Make room, then try again.",
        retry_after_s=60,
    )


def unsure() -> Failure:
    """The session was lost between ``COMMIT`` and its answer."""
    return Unavailable(
        "database.commit_unknown",
        "The database stopped answering while it was saving.",
        kept="What was saved before is kept; this change was made whole or not at all.",
        todo="Look whether it was made before you try again.",
        retry_after_s=2,
    )
