"""What an operator does at the machine, beside a running server or without one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from smalt.app.installation import Installation, address, beside
from smalt.kernel.errors import Conflict, Missing
from smalt.kernel.ids import PersonId, TenantId
from smalt.people import tenant as tenants
from smalt.people import token as tokens
from smalt.people.credentials import Credentials
from smalt.people.invitation import LIFE as LINK_LIFE
from smalt.people.person import queries as people_queries
from smalt.settings import Settings
from smalt.tenancy.actor import Role
from smalt.tenancy.actor import person as person_actor
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act
from smalt.trust import provision
from smalt.trust.own_tenant import house


@dataclass(frozen=True, slots=True)
class NewTenant:
    """``link`` signs the first owner in once, until ``expires_at`` (RFC 3339)."""

    tenant: str
    person: str
    link: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """``secret`` is shown once and stored only as a digest."""

    token: str
    secret: str
    scopes: str
    expires_at: str


def create_tenant(settings: Settings, *, name: str, owner_name: str, owner_email: str) -> NewTenant:
    """A tenant with its own keys, an owner, and a link by which the owner comes in."""

    async def create(installation: Installation) -> NewTenant:
        gateway = installation.gateway()
        async with gateway.database:
            credentials = Credentials.of(installation.keystore)
            owner = tenants.Owner(owner_name, owner_email)
            tenant, person, secret = await tenants.create(gateway, credentials, name, owner)
            expires_at = installation.clock.now() + LINK_LIFE
            link = f"{address(installation.settings)}/link/{secret}"
            return NewTenant(str(tenant), str(person), link, expires_at.isoformat(timespec="seconds"))

    with beside(settings) as installation:
        return asyncio.run(create(installation))


def create_token(settings: Settings, *, tenant: str, name: str, scopes: str, days: int) -> NewToken:
    """An API token for the tenant's owner; without ``scopes`` it may do everything a token can."""

    async def create(installation: Installation) -> NewToken:
        gateway = installation.gateway()
        async with gateway.database:
            credentials = Credentials.of(installation.keystore)
            owner = await _owner(gateway, TenantId.parse(tenant))
            visit = gateway.visit(TenantId.parse(tenant), person_actor(owner, Role.OWNER))
            wanted = scopes.split() or list(tokens.SCOPES)
            async with visit.enter(Act.TOKEN_CREATE, owner) as scope:
                made, secret = await tokens.create(
                    scope, owner, credentials, installation.clock, name=name, scopes=wanted, days=days
                )
            ends = "" if made.expires_at is None else made.expires_at.isoformat(timespec="seconds")
            return NewToken(str(made.id), secret, " ".join(made.scopes), ends)

    with beside(settings) as installation:
        return asyncio.run(create(installation))


FIRST_WORKSPACE = "Workspace"


def first_link(installation: Installation) -> str | None:
    """The link by which the first owner comes in: of a first workspace, made when there is none yet.

    None once somebody has come in: whoever runs the machine gets no way into what is there.
    """

    async def make() -> str | None:
        gateway = installation.gateway()
        async with gateway.database:
            credentials = Credentials.of(installation.keystore)
            data_dir = installation.settings.data_dir
            ours = provision.synthetic(data_dir) | {str(house(data_dir))}
            existing = [one for one in installation.keystore.tenants() if str(one) not in ours]
            if not existing:
                _, _, secret = await tenants.create(gateway, credentials, FIRST_WORKSPACE)
                return secret
            if len(existing) > 1:
                return None
            try:
                return await tenants.owner_link(gateway, credentials, existing[0])
            except (Conflict, Missing):
                return None

    secret = asyncio.run(make())
    return None if secret is None else f"{address(installation.settings)}/link/{secret}"


async def _owner(gateway: Gateway, tenant: TenantId) -> PersonId:
    async with gateway.system(tenant).enter(Act.TENANT_READ, tenant) as scope:
        row = await scope.fetch_maybe(people_queries.active_owner)
    if row is None:
        raise Conflict(
            "tenant.no_owner",
            "This workspace has no active owner yet.",
            kept="Nothing was changed.",
            todo="Let the owner use the link first.",
        )
    return PersonId(row["id"])
