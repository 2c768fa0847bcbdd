"""Sessions: an opaque signed cookie outside, a row inside, and the directory entry that leads from one to the other.

A session ends 12 hours after it was last seen, 7 days after it began, when its person signs out or is removed,
whichever comes first. Signing in always makes a new one: a cookie that was there before never becomes anybody's.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Missing
from smalt.kernel.ids import PersonId, SessionId
from smalt.kernel.limits import SESSION_ABSOLUTE_S, SESSION_IDLE_S
from smalt.kernel.sealed import Place, Sealed
from smalt.people.credentials import Credentials
from smalt.people.person import queries
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.scope import TenantScope
from smalt.web.guard import SESSION_COOKIE


class Factor(enum.IntEnum):
    """Where a session stands with the second factor. The numbers are what the database keeps."""

    NONE = 0
    AWAITED = 1
    GIVEN = 2


AWAITED_LIFE = timedelta(minutes=10)
"""How long a session waits for its second factor."""
IDLE = timedelta(seconds=SESSION_IDLE_S)
ABSOLUTE = timedelta(seconds=SESSION_ABSOLUTE_S)
SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Row:
    id: SessionId
    agent: Sealed | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """``agent`` is `agent_name`; ``expires_at`` is when it ends however often it is used."""

    id: SessionId
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_of_person = queries.sessions_of.rows(_Row)


def good_until(seen_at: datetime, expires_at: datetime) -> datetime:
    """When a session ends by itself."""
    return min(seen_at + IDLE, expires_at)


_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def agent_name(user_agent: str) -> str:
    """``Firefox on Linux``: enough to know one's own browser again, and no more of what it tells about itself."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "A program")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


async def begin(
    scope: TenantScope,
    person: PersonId,
    credentials: Credentials,
    clock: Clock,
    user_agent: str = "",
    factor: Factor = Factor.NONE,
) -> str:
    """A new session of ``person``; its cookie."""
    session, now = SessionId.new(), clock.now()
    cookie = credentials.new_cookie(session)
    expires_at = now + (AWAITED_LIFE if factor is Factor.AWAITED else ABSOLUTE)
    await scope.execute(
        queries.add_session,
        {
            "id": session.uuid,
            "person_id": person.uuid,
            "now": now,
            "expires_at": expires_at,
            "agent": scope.seal_text(agent_name(user_agent), _place(session)),
            "factor": int(factor),
        },
    )
    await scope.put_credential(
        CredentialKind.SESSION, credentials.of_cookie(cookie), session, good_until(now, expires_at)
    )
    return cookie


async def end(scope: TenantScope, person: PersonId, session: SessionId, clock: Clock) -> None:
    """`Missing` when it is not a live session of ``person``."""
    ended = await scope.execute(queries.end_session, {"id": session.uuid, "person_id": person.uuid, "now": clock.now()})
    if ended == 0:
        raise Missing("session.unknown", "There is no such session.", kept="Nothing was changed.")
    await scope.drop_credentials_of(CredentialKind.SESSION, session)


async def list_of(scope: TenantScope, person: PersonId, clock: Clock) -> list[Session]:
    """The live sessions of ``person``, newest first."""
    now = clock.now()
    rows = await scope.fetch_all(_of_person, {"person_id": person.uuid, "now": now, "idle_since": now - IDLE})
    return [
        Session(
            row.id,
            "" if row.agent is None else scope.open_text(row.agent, _place(row.id)),
            row.created_at,
            row.seen_at,
            row.expires_at,
        )
        for row in rows
    ]


async def end_others(scope: TenantScope, person: PersonId, keep: SessionId, clock: Clock) -> int:
    """End every other session of ``person``; how many there were."""
    others = [row.id for row in await list_of(scope, person, clock) if row.id != keep]
    for other in others:
        await end(scope, person, other, clock)
    return len(others)


def set_cookie(response: Response, cookie: str) -> None:
    """``__Host-``: only over TLS, only this very host, the whole of it. Lax, so that a link from elsewhere arrives
    signed in; what changes something is checked by its origin (smalt.web.guard).
    """
    response.set_cookie(
        SESSION_COOKIE, cookie, max_age=SESSION_ABSOLUTE_S, path="/", secure=True, httponly=True, samesite="lax"
    )


def clear_cookie(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _place(session: SessionId) -> Place:
    return Place("session", "agent", session.uuid)
