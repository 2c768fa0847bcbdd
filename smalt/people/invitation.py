"""One-time links: 15 minutes (of a member's invitation: three days), one use, even when two come at once. Looking at one does not use it up.

The link makes an invited person an active one. What it needs (the secret) stands in the address, so the address is
never logged (the access event holds the route's template) and never sent on (``Referrer-Policy: no-referrer``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Gone
from smalt.kernel.ids import InvitationId, PersonId, TenantId
from smalt.kernel.limits import LINK_TTL_S
from smalt.kernel.sealed import Sealed
from smalt.people import person as people
from smalt.people import workspace
from smalt.people.credentials import Credentials
from smalt.people.person import queries
from smalt.tenancy.actor import PersonState, Role
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope

LIFE = timedelta(seconds=LINK_TTL_S)
MEMBER_LIFE = timedelta(days=3)
"""Of an invitation that an owner passes on by hand, perhaps over a weekend."""


@dataclass(frozen=True, slots=True)
class _Row:
    person_id: UUID
    expires_at: datetime
    role: Role
    name: Sealed
    email: Sealed


_find = queries.find_invitation.rows(_Row)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the page of a link shows. ``name`` and ``email`` are empty when nobody knows them yet."""

    first: bool
    workspace: str
    name: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a person fills in. The password is hashed already; the address is as `plain_email` writes it."""

    name: str
    email: str
    hashed: str


def _over() -> Gone:
    return Gone(
        "link.over",
        "This link no longer works.",
        kept="Nothing was changed.",
        todo="It was used already, or its time is over. Ask whoever sent it for a new one.",
    )


async def invite(
    scope: TenantScope,
    credentials: Credentials,
    clock: Clock,
    role: Role,
    *,
    name: str = "",
    email: str = "",
    state: PersonState = PersonState.INVITED,
    life: timedelta = LIFE,
) -> tuple[PersonId, str]:
    """A person who may come, and the secret of their link.

    With ``state`` active they are a member at once, for whom an operator may make a token, but who cannot sign in
    before the link has given them a password.
    """
    person = PersonId.new()
    await scope.execute(
        queries.add_person,
        {
            "id": person.uuid,
            "name": people.seal_name(scope, person, name),
            "email": people.seal_email(scope, person, email),
            "role": int(role),
            "state": int(state),
            "now": clock.now(),
        },
    )
    return person, await link(scope, credentials, clock, person, life)


async def link(
    scope: TenantScope, credentials: Credentials, clock: Clock, person: PersonId, life: timedelta = LIFE
) -> str:
    """The secret of a fresh link for ``person``; links made before stop working."""
    now = clock.now()
    for row in await scope.fetch_all(queries.end_invitations, {"person_id": person.uuid, "now": now}):
        await scope.drop_credentials_of(CredentialKind.INVITATION, InvitationId(row["id"]))
    secret, invitation, expires_at = credentials.new_link(), InvitationId.new(), now + life
    digest = credentials.of_link(secret)
    if digest is None:
        raise AssertionError("a new secret is well-formed")
    await scope.execute(
        queries.add_invitation, {"id": invitation.uuid, "person_id": person.uuid, "expires_at": expires_at}
    )
    await scope.put_credential(CredentialKind.INVITATION, digest, invitation, expires_at)
    return secret


async def locate(gateway: Gateway, credentials: Credentials, secret: str) -> tuple[TenantId, InvitationId]:
    """Where a link leads; `Gone` for one that was used, has expired or never was (they look alike)."""
    digest = credentials.of_link(secret)
    found = [] if digest is None else await gateway.find(CredentialKind.INVITATION, digest)
    if len(found) != 1:
        raise _over()
    tenant, invitation = found[0]
    return tenant, InvitationId(invitation)


async def look(gateway: Gateway, credentials: Credentials, secret: str) -> Invitation:
    """What the link is for. It stays unused: mail scanners and previews look too."""
    tenant, invitation = await locate(gateway, credentials, secret)
    async with gateway.system(tenant).enter(Act.TENANT_READ, invitation) as scope:
        row = await scope.fetch_maybe(_find, {"id": invitation.uuid, "now": gateway.clock.now()})
        if row is None:
            raise _over()
        person = PersonId(row.person_id)
        return Invitation(
            first=row.role is Role.OWNER,
            workspace=await workspace.name_of(scope),
            name=people.open_name(scope, person, row.name),
            email=people.open_email(scope, person, row.email),
            expires_at=row.expires_at,
        )


async def use(
    scope: TenantScope, credentials: Credentials, clock: Clock, invitation: InvitationId, accepted: Accepted
) -> PersonId:
    """Turn the invited person into an active one, once. `Gone` for whoever comes second.

    `Conflict` when the address already signs in as another person of this workspace; the link stays unused then.
    """
    row = await scope.fetch_maybe(queries.use_invitation, {"id": invitation.uuid, "now": clock.now()})
    if row is None:
        raise _over()
    person = PersonId(row["person_id"])
    await scope.execute(
        queries.settle_person,
        {
            "id": person.uuid,
            "name": people.seal_name(scope, person, accepted.name),
            "email": people.seal_email(scope, person, accepted.email),
            "password": people.seal_password(scope, person, accepted.hashed),
        },
    )
    await scope.drop_credentials_of(CredentialKind.EMAIL, person)
    stored = await scope.put_credential(CredentialKind.EMAIL, credentials.of_email(accepted.email), person)
    if not stored:
        raise Conflict(
            "person.email_taken",
            "Somebody in this workspace signs in with this address already.",
            kept="Nothing was changed; the link still works.",
            todo="Sign in with it, or use another address.",
        )
    await scope.drop_credentials_of(CredentialKind.INVITATION, invitation)
    return person
