"""Workspaces: made with a first owner, who comes by a one-time link."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from smalt.kernel.errors import Conflict, Malformed
from smalt.kernel.ids import PersonId, TenantId
from smalt.kernel.limits import NAME_MAX_CHARS
from smalt.people import invitation
from smalt.people.credentials import Credentials, plain_email
from smalt.people.person import plain_name, queries
from smalt.tenancy.actor import PersonState, Role
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a new workspace belongs to, where that is known already."""

    name: str
    email: str


async def create(
    gateway: Gateway, credentials: Credentials, name: str, owner: Owner | None = None
) -> tuple[TenantId, PersonId, str]:
    """A new workspace, its first owner, and the secret of the owner's link (``/link/{secret}``)."""
    plain = " ".join(unicodedata.normalize("NFC", name).split())
    if not 0 < len(plain) <= NAME_MAX_CHARS or not plain.isprintable():
        raise Malformed(
            "tenant.name",
            "The name of a workspace is empty, too long or cannot be printed.",
            kept="Nothing was changed.",
            facts={"max_characters": NAME_MAX_CHARS},
        )
    tenant = await gateway.create_tenant(plain)
    async with gateway.system(tenant).enter(Act.PERSON_INVITE, tenant) as scope:
        person, secret = await invitation.invite(
            scope,
            credentials,
            gateway.clock,
            Role.OWNER,
            name="" if owner is None else plain_name(owner.name),
            email="" if owner is None else plain_email(owner.email),
            state=PersonState.INVITED if owner is None else PersonState.ACTIVE,
        )
    return tenant, person, secret


async def owner_link(gateway: Gateway, credentials: Credentials, tenant: TenantId) -> str:
    """A fresh link for the first owner who has not come yet; the one before stops working.

    `Conflict` once there is an owner who has signed in: they invite others themselves.
    """
    async with gateway.system(tenant).enter(Act.PERSON_INVITE, tenant) as scope:
        row = await scope.fetch_maybe(queries.first_owner)
        if row is None:
            raise Conflict(
                "tenant.has_owner",
                "This workspace has an owner already.",
                kept="Nothing was changed.",
                todo="Ask the owner for an invitation.",
            )
        return await invitation.link(scope, credentials, gateway.clock, PersonId(row["id"]))
