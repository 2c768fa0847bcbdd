"""What the frame of every page shows of who is signed in, and the places that their role may go to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from smalt.people import person
from smalt.tenancy.actor import Role
from smalt.tenancy.policy import Act, allows
from smalt.tenancy.scope import TenantScope

PLACES: Mapping[str, tuple[str, Act]] = MappingProxyType(
    {
        "workspace": ("/", Act.CONVERSATION_READ),
        "library": ("/library", Act.DOCUMENT_READ),
        "usage": ("/usage", Act.USAGE_READ),
        "people": ("/people", Act.PERSON_READ),
        "audit": ("/audit", Act.AUDIT_READ),
        "settings": ("/settings", Act.PROFILE_READ),
    }
)
"""The entries of the navigation: where each leads, and what one must be allowed to do there."""


def places_of(role: Role) -> list[str]:
    """The entries that are shown to ``role``, in their order: nobody is offered what would be refused."""
    return [key for key, (_, act) in PLACES.items() if allows(role, act)]


def home_of(role: Role) -> str:
    """Where ``role`` begins: auditors and billing do not ask questions, so the workspace is not theirs."""
    return PLACES[places_of(role)[0]][0]


async def frame(scope: TenantScope, here: str) -> dict[str, Any]:
    """``{"person": name, "here": which entry of the navigation is current, "places": which entries are shown}``."""
    profile = await person.profile(scope, scope.actor.person_id)
    return {"person": profile.name, "here": here, "places": places_of(profile.role)}
