"""What the frame of every page shows of who is signed in."""

from __future__ import annotations

from typing import Any

from smalt.people import person
from smalt.tenancy.policy import Act, allows
from smalt.tenancy.scope import TenantScope


async def frame(scope: TenantScope, here: str) -> dict[str, Any]:
    """``{"person": name, "here": which entry of the navigation is current, "manages": whether they see the people}``."""
    profile = await person.profile(scope, scope.actor.person_id)
    return {"person": profile.name, "here": here, "manages": allows(profile.role, Act.PERSON_READ)}
