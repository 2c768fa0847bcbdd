"""What an operator does with gated documents, beside a running server or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from smalt.app.installation import Installation, address, beside
from smalt.kernel.errors import Missing, TooLarge
from smalt.kernel.ids import GatedId, GrantId, TenantId
from smalt.people.credentials import Credentials
from smalt.settings import Settings
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.tenancy.visit import Visit
from smalt.trust import documents, grants
from smalt.trust.own_tenant import NAME, house, settle

R = TypeVar("R")


def _in_house(settings: Settings, work: Callable[[Installation, Visit, Credentials], Awaitable[R]], *, make: bool) -> R:
    """Do ``work`` at the door of the house; ``make`` it when it is not there yet. `Missing` otherwise."""

    async def run(installation: Installation) -> R:
        gateway = installation.gateway()
        async with gateway.database:
            tenant = house(installation.settings.data_dir)
            if tenant is None:
                tenant = await _make(installation, gateway, wanted=make)
            return await work(installation, gateway.system(tenant), Credentials.of(installation.keystore))

    with beside(settings) as installation:
        return asyncio.run(run(installation))


async def _make(installation: Installation, gateway: Gateway, *, wanted: bool) -> TenantId:
    if not wanted:
        raise Missing("gated.none", "No document is given out here yet.", todo="`smalt trust document add`.")
    tenant = await gateway.create_tenant(NAME)
    settle(installation.settings.data_dir, tenant)
    return tenant


def add(settings: Settings, path: Path, *, title: str, days: int, approval: bool) -> str:
    """Give a document out; its id."""
    if path.stat().st_size > documents.BODY_MAX_BYTES:
        raise TooLarge(
            "gated.large", "The document is too large.", kept="Nothing was changed.",
            facts={"max_bytes": documents.BODY_MAX_BYTES},
        )  # fmt: skip
    body = path.read_bytes()

    async def work(installation: Installation, visit: Visit, _credentials: Credentials) -> str:
        async with visit.enter(Act.GATED_CHANGE) as scope:
            now = installation.clock.now()
            return str(await documents.add(scope, title, path.name, body, now, days=days, approval=approval))

    return _in_house(settings, work, make=True)


def listed(settings: Settings) -> list[dict[str, Any]]:
    """What is given out."""

    async def work(_installation: Installation, visit: Visit, _credentials: Credentials) -> list[dict[str, Any]]:
        async with visit.enter(Act.GATED_LIST) as scope:
            return [one.plain() for one in await documents.listed(scope)]

    return _in_house(settings, work, make=False)


def remove(settings: Settings, document: str) -> None:
    """Give it out no more."""
    which = GatedId.parse(document)

    async def work(installation: Installation, visit: Visit, _credentials: Credentials) -> None:
        async with visit.enter(Act.GATED_CHANGE, which) as scope:
            await documents.remove(scope, which, installation.clock.now())

    _in_house(settings, work, make=False)


def granted(settings: Settings) -> list[dict[str, Any]]:
    """Who asked for what, and when it was downloaded."""

    async def work(_installation: Installation, visit: Visit, _credentials: Credentials) -> list[dict[str, Any]]:
        async with visit.enter(Act.GATED_LIST) as scope:
            return [await _with_times(scope, one) for one in await grants.listed(scope)]

    return _in_house(settings, work, make=False)


async def _with_times(scope: TenantScope, grant: grants.Grant) -> dict[str, Any]:
    times = [at.isoformat(timespec="seconds") for at in await grants.downloads_of(scope, grant.id)]
    return {**grant.plain(), "downloaded_at": times}


def approve(settings: Settings, grant: str) -> tuple[str, str]:
    """The link for a visitor who waits, and when it ends. Sending it is the operator's."""
    which = GrantId.parse(grant)

    async def work(installation: Installation, visit: Visit, credentials: Credentials) -> tuple[str, str]:
        async with visit.enter(Act.GATED_DECIDE, which) as scope:
            secret, until = await grants.approve(scope, credentials, which, installation.clock.now())
        link = f"{address(installation.settings)}/trust/documents/link/{secret}"
        return link, until.isoformat(timespec="seconds")

    return _in_house(settings, work, make=False)


def revoke(settings: Settings, grant: str) -> None:
    """The visitor's link ends at once."""
    which = GrantId.parse(grant)

    async def work(installation: Installation, visit: Visit, _credentials: Credentials) -> None:
        async with visit.enter(Act.GATED_DECIDE, which) as scope:
            await grants.revoke(scope, which, installation.clock.now())

    _in_house(settings, work, make=False)
