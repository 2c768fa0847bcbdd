"""Signing in and coming by a link. What is answered to a wrong password tells nothing about the address.

No transaction is open while argon2id works: the hash is read in one visit, the session is written in another, and both
are one audit entry, which ends as denied when the password was wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from smalt.kernel.errors import Failure, Forbidden, Malformed, Unauthenticated
from smalt.kernel.ids import EntryId, PersonId, SessionId, TenantId
from smalt.people import factor, invitation, person, session
from smalt.people.attempts import Attempts
from smalt.people.credentials import Credentials, plain_email
from smalt.people.keeper import Keeper
from smalt.people.person import PasswordWork
from smalt.people.strength import require_strong
from smalt.seal.passwords import needs_rehash
from smalt.tenancy.actor import PersonState
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit

REFUSAL_MIN_S = 0.5
"""A refused sign-in is answered no sooner: the look-ups of a known address take longer than those of an unknown one."""

_WORKSPACES_MAX = 8


@dataclass(frozen=True, slots=True)
class _Candidate:
    tenant: TenantId
    person: PersonId
    entry: EntryId
    stored: str | None


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody who came in. ``awaited``: the session opens nothing before its second factor."""

    cookie: str
    awaited: bool = False


@dataclass(slots=True)
class SignIn:
    """One for a process."""

    gateway: Gateway
    credentials: Credentials
    keeper: Keeper
    attempts: Attempts
    work: PasswordWork = field(default_factory=PasswordWork)
    refusal_min_s: float = REFUSAL_MIN_S

    @classmethod
    def of(cls, gateway: Gateway, credentials: Credentials) -> SignIn:
        return cls(gateway, credentials, Keeper(gateway, credentials), Attempts(gateway.clock))

    async def by_password(self, email: str, password: str, address: str, agent: str = "") -> Came:
        """A new session. `Unauthenticated` in the same words and time for every wrong combination.

        `TooMany` after too many of them. ``address`` is where the client connects from, ``agent`` what
        it calls itself.
        """
        began = time.monotonic()
        try:
            plain = plain_email(email)
        except Malformed:
            plain = ""  # an address that cannot be is an address that is unknown
        account = self.credentials.of_email(plain)
        self.attempts.begin(address, account)
        came = await self._try(account, password, agent)
        if came is not None:
            self.attempts.forgive(address, account)
            return came
        await asyncio.sleep(max(0.0, began + self.refusal_min_s - time.monotonic()))
        raise _wrong()

    async def _try(self, account: bytes, password: str, agent: str) -> Came | None:
        found = await self.gateway.find(CredentialKind.EMAIL, account)
        if not found:
            await self.work.verify(password, None)
            return None
        for tenant, owner in found[:_WORKSPACES_MAX]:
            candidate = await self._candidate(tenant, PersonId(owner))
            right = await self.work.verify(password, candidate.stored if candidate else None)
            if candidate is None:
                continue
            if right:
                return await self._begin(candidate, password, agent)
            await self._deny(candidate)
        return None

    async def _candidate(self, tenant: TenantId, who: PersonId) -> _Candidate | None:
        """The stored hash; None for a person who cannot sign in (removed, or a workspace that is suspended)."""
        try:
            visit = self.gateway.system(tenant)
            async with visit.enter(Act.SESSION_BEGIN, who, leave_open=True) as scope:
                row = await person.find(scope, who)
                stored = None if row is None else person.open_password(scope, row)
                active = row is not None and row.state is PersonState.ACTIVE
                return _Candidate(tenant, who, scope.entry, stored if active else None)
        except Failure as failure:
            if failure.status in {403, 404, 410}:
                return None
            raise

    async def _begin(self, candidate: _Candidate, password: str, agent: str) -> Came:
        renewed = await self.work.hash(password) if needs_rehash(candidate.stored or "") else None
        visit = self.gateway.system(candidate.tenant)
        async with visit.enter(Act.SESSION_BEGIN, candidate.person, finishes=candidate.entry) as scope:
            row = await person.find(scope, candidate.person)
            if row is None or row.state is not PersonState.ACTIVE:
                raise _wrong()
            if renewed is not None:
                sealed = person.seal_password(scope, candidate.person, renewed)
                await scope.execute(person.queries.change_password, {"id": candidate.person.uuid, "password": sealed})
            awaited = await factor.is_on(scope, candidate.person)
            stage = session.Factor.AWAITED if awaited else session.Factor.NONE
            cookie = await session.begin(scope, candidate.person, self.credentials, self.gateway.clock, agent, stage)
            return Came(cookie, awaited)

    async def by_code(self, cookie: str, code: str, agent: str = "") -> str:
        """The second step: the cookie of a new session, which replaces the one that waited.

        `Unauthenticated` for a session that does not wait; `Forbidden` for a wrong code; `TooMany` after five of them,
        which only somebody who knows the password can reach.
        """
        visit, waiting, stage = await self.keeper.session(cookie)
        who = visit.actor.person_id
        if stage is not session.Factor.AWAITED:
            raise Unauthenticated("session.over", "The session is over.", todo="Sign in again.")
        account = b"factor" + who.uuid.bytes
        self.attempts.begin("", account)
        async with self.gateway.system(visit.tenant).enter(Act.SESSION_BEGIN, who) as scope:
            if not await factor.accept(scope, who, code, self.credentials, self.gateway.clock):
                raise factor.wrong_code()
            await session.end(scope, who, waiting, self.gateway.clock)
            begun = await session.begin(scope, who, self.credentials, self.gateway.clock, agent, session.Factor.GIVEN)
        self.attempts.forgive("", account)
        return begun

    async def _deny(self, candidate: _Candidate) -> None:
        """End the entry as denied: the visit records what is raised within it."""
        visit = self.gateway.system(candidate.tenant)
        with contextlib.suppress(Unauthenticated):
            async with visit.enter(Act.SESSION_BEGIN, candidate.person, finishes=candidate.entry):
                raise _wrong()

    async def by_link(self, secret: str, name: str, email: str, password: str, agent: str = "") -> str:
        """Use up a one-time link and sign in as its person; the cookie of the new session.

        `Malformed` for what was filled in, `Gone` for the link, `Conflict` for an address that is taken; in all but
        `Gone` the link still works.
        """
        tenant, link = await invitation.locate(self.gateway, self.credentials, secret)
        plain, address = person.plain_name(name), plain_email(email)
        require_strong(password, (plain, address))
        accepted = invitation.Accepted(plain, address, await self.work.hash(password))
        async with self.gateway.system(tenant).enter(Act.SESSION_BEGIN, link) as scope:
            who = await invitation.use(scope, self.credentials, self.gateway.clock, link, accepted)
            return await session.begin(scope, who, self.credentials, self.gateway.clock, agent)

    async def change_password(self, visit: Visit, current: str, password: str, keep: SessionId | None) -> None:
        """A new password for who knows the old one; every session but ``keep`` ends."""
        if keep is None:
            raise _wrong_password()
        who = await self.require_password(visit, current)
        async with visit.enter(Act.PROFILE_READ, who) as scope:
            own = await person.profile(scope, who)
        require_strong(password, (own.name, own.email))
        hashed = await self.work.hash(password)
        async with visit.enter(Act.PROFILE_CHANGE, who) as scope:
            sealed = person.seal_password(scope, who, hashed)
            await scope.execute(person.queries.change_password, {"id": who.uuid, "password": sealed})
            await session.end_others(scope, who, keep, self.gateway.clock)

    async def require_password(self, visit: Visit, current: str) -> PersonId:
        """Who asks, once they have shown that they know their password; `Forbidden` otherwise. For dangerous acts.

        Counted like a sign-in: an open browser must not be a place to guess at leisure.
        """
        who = visit.actor.person_id
        account = who.uuid.bytes
        self.attempts.begin("", account)
        async with visit.enter(Act.PROFILE_READ, who) as scope:
            row = await person.find(scope, who)
            stored = None if row is None else person.open_password(scope, row)
        if not await self.work.verify(current, stored):
            raise _wrong_password()
        self.attempts.forgive("", account)
        return who

    async def out(self, cookie: str | None) -> SessionId | None:
        """End the session of ``cookie``; nothing for one that is over or never was."""
        if cookie is None:
            return None
        try:
            visit, current, _ = await self.keeper.session(cookie)
        except Unauthenticated:
            return None
        who = visit.actor.person
        if who is None:
            return None
        async with visit.enter(Act.SESSION_END, current) as scope:
            await session.end(scope, who, current, self.gateway.clock)
        return current


def _wrong_password() -> Forbidden:
    return Forbidden(
        "password.wrong",
        "The current password is wrong.",
        kept="Nothing was changed.",
        todo="Type the password you sign in with.",
    )


def _wrong() -> Unauthenticated:
    return Unauthenticated(
        "signin.refused",
        "The address or the password is wrong.",
        kept="Nothing was changed.",
        todo="Check both and try again, or ask an owner of your workspace for a new link.",
    )
