"""The doorkeeper: from a cookie or a token to a `Visit`. When it is done it holds no key and no connection.

Knowing who knocks is not yet a visit: it reads no content, needs no key and writes no audit entry (the visit that
follows does). So it is the one place outside `smalt.tenancy` that opens a tenant's transaction, for the two statements
of each kind in people.sql. `Visit.enter` looks again whether the person is still a member.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from smalt.kernel.errors import Unauthenticated
from smalt.kernel.ids import PersonId, SessionId, TokenId
from smalt.people.credentials import Credentials
from smalt.people.person import queries
from smalt.people.session import IDLE, SEEN_EVERY, Factor, good_until
from smalt.people.token import USED_EVERY, acts_of
from smalt.tenancy.actor import Actor, ActorKind, Role
from smalt.tenancy.actor import person as person_actor
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.visit import Visit


@dataclass(frozen=True, slots=True)
class _Session:
    person_id: UUID
    seen_at: datetime
    expires_at: datetime
    factor: Factor
    role: Role


@dataclass(frozen=True, slots=True)
class _Token:
    person_id: UUID
    scopes: str
    last_used_at: datetime | None
    role: Role


_session = queries.session_bearer.rows(_Session)
_token = queries.token_bearer.rows(_Token)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Fulfils `smalt.web.doors.Doorkeeper`."""

    gateway: Gateway
    credentials: Credentials

    async def by_session(self, cookie: str) -> Visit:
        """`Unauthenticated` for a cookie that is forged, unknown, expired, idle too long, revoked or of one removed, and
        for a session that still waits for its second factor.
        """
        visit, _, factor = await self.session(cookie)
        if factor is Factor.AWAITED:
            raise Unauthenticated(
                "session.factor", "The second step of signing in is missing.", todo="Enter the code at /signin/factor."
            )
        return visit

    async def session(self, cookie: str) -> tuple[Visit, SessionId, Factor]:
        """The visit, which session it comes by, and whether that one waits for a second factor: then it opens nothing."""
        session = self.credentials.session_of(cookie)
        digest = self.credentials.of_cookie(cookie)
        found = await self.gateway.find(CredentialKind.SESSION, digest)
        if len(found) != 1 or found[0][1] != session.uuid:
            raise _session_over()
        tenant, now = found[0][0], self.gateway.clock.now()
        async with self.gateway.transaction(tenant) as tx:
            key = {"tenant_id": tenant.uuid, "id": session.uuid, "now": now}
            row = await tx.fetch_maybe(_session, key)
            if row is None or row.seen_at + IDLE <= now:
                raise _session_over()
            if row.seen_at + SEEN_EVERY <= now:
                await tx.execute(queries.see_session, key)
                await tx.execute(
                    queries.put_credential,
                    {
                        "kind": int(CredentialKind.SESSION),
                        "digest": digest,
                        "id": session.uuid,
                        "valid_until": good_until(now, row.expires_at),
                    },
                )
        return self.gateway.visit(tenant, person_actor(PersonId(row.person_id), row.role)), session, row.factor

    async def by_token(self, bearer: str) -> Visit:
        """`Unauthenticated` for a token that is unknown, expired, revoked or of a person who was removed."""
        digest = self.credentials.of_token(bearer)
        found = [] if digest is None else await self.gateway.find(CredentialKind.TOKEN, digest)
        if len(found) != 1:
            raise _token_over()
        tenant, token = found[0]
        now = self.gateway.clock.now()
        async with self.gateway.transaction(tenant) as tx:
            row = await tx.fetch_maybe(_token, {"tenant_id": tenant.uuid, "id": token, "now": now})
            if row is None:
                raise _token_over()
            if row.last_used_at is None or row.last_used_at + USED_EVERY <= now:
                # To the hour: when a person works is nobody's business.
                hour = now.replace(minute=0, second=0, microsecond=0)
                await tx.execute(queries.use_token, {"tenant_id": tenant.uuid, "id": token, "at": hour})
        person = PersonId(row.person_id)
        actor = Actor(ActorKind.TOKEN, TokenId(token), person, row.role, acts_of(row.scopes))
        return self.gateway.visit(tenant, actor)


def _session_over() -> Unauthenticated:
    return Unauthenticated("session.over", "The session is over.", todo="Sign in again.")


def _token_over() -> Unauthenticated:
    return Unauthenticated(
        "token.unknown",
        "The token is not known, was revoked or has expired.",
        todo="Create a new one in the settings.",
    )
