"""The people of a workspace, as its owners and admins see and change them.

Two rules stand above the table of permissions. Nobody gives or takes a role above their own: admins do not make, change
or remove owners. And there is always an owner: the last one cannot be removed or made something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Forbidden, Malformed, Missing
from smalt.kernel.ids import InvitationId, PersonId, SessionId, TokenId
from smalt.kernel.sealed import Sealed
from smalt.people import invitation
from smalt.people import person as people
from smalt.people.credentials import Credentials, plain_email
from smalt.people.person import PersonRow, queries
from smalt.tenancy.actor import PersonState, Role
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.scope import TenantScope

ROLES: Sequence[Role] = (Role.OWNER, Role.ADMIN, Role.ANALYST, Role.VIEWER, Role.AUDITOR, Role.BILLING)
"""What a person can be. The seventh role is the installation's own."""

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Row:
    id: PersonId
    name: Sealed
    email: Sealed
    role: Role
    state: PersonState
    created_at: datetime


_page = queries.people_of.rows(_Row)


@dataclass(frozen=True, slots=True)
class Member:
    """Opened. ``name`` and ``email`` are empty for somebody who was invited without them and has not come yet."""

    id: PersonId
    name: str
    email: str
    role: Role
    state: PersonState
    created_at: datetime


def role_of(word: str) -> Role:
    """The role that ``word`` names; `Malformed` for any other word."""
    for role in ROLES:
        if role.name.lower() == word:
            return role
    raise Malformed(
        "person.role",
        "There is no such role.",
        kept="Nothing was changed.",
        todo="Choose among owner, admin, analyst, viewer, auditor and billing.",
    )


async def page(scope: TenantScope, limit: int, after: UUID | None = None) -> list[Member]:
    """Members and invited people, oldest first."""
    rows = await scope.fetch_all(_page, {"after": after or _NOBODY, "limit": limit})
    return [
        Member(
            row.id,
            people.open_name(scope, row.id, row.name),
            people.open_email(scope, row.id, row.email),
            row.role,
            row.state,
            row.created_at,
        )
        for row in rows
    ]


async def invite(
    scope: TenantScope, credentials: Credentials, clock: Clock, *, role: Role, name: str, email: str
) -> tuple[PersonId, str]:
    """Somebody who may come, and the secret of their link. ``name`` and ``email`` are what the form is filled with."""
    _require_rank(scope.actor.role, role)
    plain = people.plain_name(name) if name.strip() else ""
    address = plain_email(email) if email.strip() else ""
    return await invitation.invite(
        scope, credentials, clock, role, name=plain, email=address, life=invitation.MEMBER_LIFE
    )


async def invite_again(scope: TenantScope, credentials: Credentials, clock: Clock, who: PersonId) -> str:
    """A fresh link for somebody who has not come yet; the one before stops working. `Conflict` for a member."""
    found = await _changeable(scope, who)
    if found.state is not PersonState.INVITED:
        raise Conflict(
            "person.has_come",
            "This person has come in already.",
            kept="Nothing was changed.",
            todo="They sign in with their own password.",
        )
    return await invitation.link(scope, credentials, clock, who, invitation.MEMBER_LIFE)


async def change_role(scope: TenantScope, who: PersonId, role: Role) -> None:
    """The role counts from the next thing they do: every visit looks again. `Conflict` for the last owner."""
    found = await _changeable(scope, who)
    _require_rank(scope.actor.role, role)
    if role is not Role.OWNER:
        await _require_another_owner(scope, found)
    await scope.execute(queries.set_role, {"id": who.uuid, "role": int(role)})


async def remove(scope: TenantScope, who: PersonId, clock: Clock) -> None:
    """They are out at once: sessions, tokens and links end with this transaction. What they made stays with the workspace.

    `Conflict` for the last owner, and for oneself.
    """
    found = await _changeable(scope, who)
    if who == scope.actor.person:
        raise Conflict(
            "person.self",
            "Nobody removes themselves.",
            kept="Nothing was changed.",
            todo="Ask another owner or admin of the workspace.",
        )
    await _require_another_owner(scope, found)
    now = clock.now()
    for row in await scope.fetch_all(queries.end_sessions, {"id": who.uuid, "now": now}):
        await scope.drop_credentials_of(CredentialKind.SESSION, SessionId(row["id"]))
    for row in await scope.fetch_all(queries.end_tokens, {"id": who.uuid, "now": now}):
        await scope.drop_credentials_of(CredentialKind.TOKEN, TokenId(row["id"]))
    for row in await scope.fetch_all(queries.end_invitations, {"person_id": who.uuid, "now": now}):
        await scope.drop_credentials_of(CredentialKind.INVITATION, InvitationId(row["id"]))
    await scope.drop_credentials_of(CredentialKind.EMAIL, who)
    await scope.execute(queries.remove_person, {"id": who.uuid})


async def _changeable(scope: TenantScope, who: PersonId) -> PersonRow:
    """The person, whom the actor may change; `Missing` for somebody who is not here (any more)."""
    found = await people.find(scope, who)
    if found is None or found.state is PersonState.REMOVED:
        raise Missing("person.unknown", "There is no such person here.", kept="Nothing was changed.")
    _require_rank(scope.actor.role, found.role)
    return found


def _require_rank(own: Role, other: Role) -> None:
    if other is Role.OWNER and own is not Role.OWNER:
        raise Forbidden(
            "person.rank",
            "Only an owner makes, changes or removes an owner.",
            kept="Nothing was changed.",
            todo="Ask an owner of the workspace.",
        )


async def _require_another_owner(scope: TenantScope, found: PersonRow) -> None:
    if found.role is not Role.OWNER or found.state is not PersonState.ACTIVE:
        return
    owners = await scope.fetch_all(queries.owners)
    if len(owners) < 2:
        raise Conflict(
            "person.last_owner",
            "A workspace always has an owner, and this is the last one.",
            kept="Nothing was changed.",
            todo="Make somebody else an owner first.",
        )
