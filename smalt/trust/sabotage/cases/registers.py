"""How the registers are broken: a vendor in force too early, a change nobody reads of, an incident past its hours."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from smalt.kernel.clock import SetClock
from smalt.trust import stated_registers, statements
from smalt.trust.keeper import Keeper
from smalt.trust.keeper import events as events_of
from smalt.trust.record import DEPLOYMENT, INCIDENT, VENDOR
from smalt.trust.registry import load
from smalt.trust.sabotage.case import Break, case
from smalt.trust.sabotage.throwaway import Throwaway

DAY_S, HOUR_S = 86_400, 3_600
_TERMS = {
    "title": "Stray Models", "category": "model", "purpose": "Answers", "data": ["prompts"], "place": "Nowhere",
    "agreement": "None", "hosts": ["stray.example"],
}  # fmt: skip


def _state(
    broken: Throwaway, kind: str, days_ago: float, make: Callable[[list[dict[str, object]], int], statements.Stated]
) -> None:
    """State something in the throw-away's log as if ``days_ago``."""
    at = int(time.time() - days_ago * DAY_S)
    keeper = Keeper.open(broken.data_dir, SetClock(datetime.fromtimestamp(at, UTC)))
    with keeper.writing() as pen:
        before = list(events_of(pen.journal)) if pen.journal.size() else []
        made = make(before, at)
        pen.state(kind, made.predicate, made.subjects)


def _vendor(broken: Throwaway, days_ago: float = 10) -> None:
    """A log that began 40 days ago, and a vendor announced later."""
    _state(broken, DEPLOYMENT, 40, lambda _, at: statements.deployed(load(), [], at, organisation="Throw-away"))
    terms = {**_TERMS, "until": int(time.time()) + 90 * DAY_S}
    _state(broken, VENDOR, days_ago, lambda seen, at: stated_registers.vendor(seen, "add", "stray", at, terms))


def _incident(broken: Throwaway, hours_ago: int, told: int | None = None) -> None:
    """An incident with personal data; ``told``: hours ago the authority was."""

    def opened(seen: list[dict[str, object]], at: int) -> statements.Stated:
        return stated_registers.opened(seen, at, title="Made up", text="Made up", severity="low", personal="yes")

    def notified(seen: list[dict[str, object]], at: int) -> statements.Stated:
        name = str(next(one["incident"] for one in seen if one["kind"] == "incident" and one["incident"]))
        return stated_registers.step(seen, name, "notified", at, text="Made up", told="authority")

    _state(broken, INCIDENT, hours_ago / 24, opened)
    if told is not None:
        _state(broken, INCIDENT, told / 24, notified)


_PAGE = """
from smalt.web.pages import Pages
page = Pages.page
def broken(self, name, /, status=200, **shown):
    {what}
    return page(self, name, status, **shown)
Pages.page = broken
"""


@case("vendors.register", "the server takes no notice for 30 days", sees="the JSON is what the log gives")
def _() -> Break:
    return Break(preamble="import smalt.trust.vendors as v; v.NOTICE_S = 0", act=_vendor)


@case("vendors.register", "the server opens a host before its day", sees="no host was in force before its 30 days")
def _() -> Break:
    return Break(preamble="import smalt.trust.vendors as v; v.FOUNDING_S = 365 * 86400", act=_vendor)


@case("vendors.register", "the page leaves a vendor out", sees="the page shows every vendor")
def _() -> Break:
    return Break(
        preamble=_PAGE.format(what="shown.update(vendors=[]) if 'notice_days' in shown else None"), act=_vendor
    )


@case("vendors.register", "the feed leaves the newest change out", sees="the feed announces every change")
def _() -> Break:
    cut = "import smalt.trust.feed as f; whole = f.atom; f.atom = lambda base, who, all, at: whole(base, who, all[1:], at)"
    return Break(preamble=cut, act=_vendor)


@case("vendors.register", "a vendor announced 31 days ago", harmless=True)
def _() -> Break:
    return Break(act=lambda broken: _vendor(broken, 31))


@case("incidents.clocks", "the authority was not told for 80 hours", sees="nothing is overdue")
def _() -> Break:
    return Break(act=lambda broken: _incident(broken, 80))


@case("incidents.clocks", "the server's 72 hours are 720", sees="the JSON is what the log gives")
def _() -> Break:
    return Break(
        preamble="import smalt.trust.incidents as i; i.NOTICE_S *= 10", act=lambda broken: _incident(broken, 80, told=1)
    )


@case("incidents.clocks", "the page leaves an incident out", sees="the page shows every incident")
def _() -> Break:
    what = "shown['found'].update(incidents=[]) if 'found' in shown else None"
    return Break(preamble=_PAGE.format(what=what), act=lambda broken: _incident(broken, 10))


@case("incidents.clocks", "an incident within its hours", harmless=True)
def _() -> Break:
    return Break(act=lambda broken: _incident(broken, 10))
