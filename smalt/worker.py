"""What ``smalt trust run`` does: it runs the checks of the Trust Center, looking at the server from outside, and keeps the log.

It holds the checker's keys, which the server's process cannot read. `smalt.trust.clockwork` starts it on its hours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import httpx

from smalt.app.installation import PORT_FILE, address, keystore_of
from smalt.app.operate import create_tenant
from smalt.kernel.clock import SystemClock
from smalt.kernel.errors import Missing, Unavailable
from smalt.settings import Settings
from smalt.store.outbox import BATCH_MAX, Outbox
from smalt.store.postgres import conninfo_of_running
from smalt.store.remote import logins
from smalt.trust import provision, runner
from smalt.trust.anchor import anchor
from smalt.trust.checks import all_checks
from smalt.trust.hours import Set
from smalt.trust.keeper import Keeper
from smalt.trust.registry import check_against, load
from smalt.trust.runner import Progress, Result
from smalt.trust.target import Target, Tenant


class Connections(NamedTuple):
    """Connection strings: of the application's role, of who migrates (None where this machine may not), of the keeper's."""

    app: str
    admin: str | None
    checker: str


def target_of(settings: Settings, keeper: Keeper) -> Target:
    """The installation of ``settings``, which must be running. Makes the synthetic tenants at the first time."""
    data_dir = settings.data_dir.absolute()
    try:
        port = int((data_dir / PORT_FILE).read_text("ascii"))
    except (OSError, ValueError):
        raise _not_running() from None
    settings = settings.model_copy(update={"port": port})
    ca = data_dir / "tls" / "ca.pem" if settings.tls_certificate is None else None
    app, admin, _ = _connections(settings)
    nobody = Tenant("", "", "", "", "")
    target = Target(address(settings), ca, data_dir, app, admin, (nobody, nobody), runner.new_run())
    try:
        with target.client() as stranger:
            stranger.get("/healthz")
    except httpx.TransportError:
        raise _not_running() from None

    def create(name: str, email: str) -> provision.Made:
        made = create_tenant(settings, name=name, owner_name="Probe", owner_email=email)
        return provision.Made(made.tenant, made.person, made.link)

    def browser() -> httpx.Client:
        return target.client(headers={"origin": target.url, "sec-fetch-site": "same-origin"})

    both = provision.tenants(keeper, create, browser)
    return Target(target.url, ca, data_dir, app, admin, both, target.run)


def _connections(settings: Settings) -> Connections:
    """How to connect as whom."""
    if settings.database_url is not None:
        keystore = keystore_of(settings, SystemClock())
        found = logins(
            settings.database_url,
            settings.database_admin_url,
            lambda role: keystore.purpose_key(f"database.{role}").hex(),
        )
        return Connections(found.app, found.admin, found.checker)
    app, admin, checker = (
        conninfo_of_running(settings.data_dir, role) for role in ("smalt_app", "postgres", "smalt_checker")
    )
    return Connections(app, admin, checker)


def _not_running() -> Unavailable:
    return Unavailable(
        "trust.not_running",
        "The checks look at a running server, and none runs on this data directory.",
        kept="Nothing was checked, and no claim changes by this.",
        todo="Start it with `smalt serve`, then try again.",
    )


RUN_WAIT_S = 300.0
_SETS: Mapping[Set, frozenset[str]] = {
    "hour": frozenset({"hour"}),
    "night": frozenset({"hour", "night"}),
    "week": frozenset({"hour", "night", "week"}),
}


def run_checks(
    settings: Settings,
    claims: Sequence[str],
    *,
    which: Set = "hour",
    progress: Progress,
    wait_s: float = RUN_WAIT_S,
    waits: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Run the checks of ``claims``, or without any the set ``which``, and log what they found.

    Another run that is under way is waited for, at most ``wait_s`` (``waits`` is called then); `Conflict` after that.
    """
    registry, checks = load(), all_checks()
    check_against(registry, list(checks))
    if unknown := sorted(set(claims) - set(registry.claims)):
        failure = Missing("trust.no_claim", "There is no such claim.", todo="`smalt trust status` lists them.")
        failure.add_note(", ".join(unknown))
        raise failure
    keeper = Keeper.open(settings.data_dir.absolute(), SystemClock(), settings.public_host[0])
    with keeper.running(wait_s, waits):
        target = target_of(settings, keeper)
        while anchor(keeper, Outbox(_connections(settings).checker), target.run) >= BATCH_MAX:
            pass  # what a batch does not hold goes into the next one
        if claims:
            wanted = {check for claim in claims for check in registry[claim].checks}
            return runner.run(keeper, registry, [checks[name] for name in checks if name in wanted], target, progress)
        chosen = [check for check in checks.values() if check.every in _SETS[which]]
        results = runner.run(keeper, registry, chosen, target, progress, which)
        keeper.remember(f"ran.{which}", str(int(keeper.clock.now().timestamp())))
        return results
