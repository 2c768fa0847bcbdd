"""The registers: what is published of them is what the log gives, and what they promise of days and hours is kept."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from smalt.kernel.errors import Missing
from smalt.trust import incidents, vendors
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.journal import Journal
from smalt.trust.keeper import TRUST
from smalt.trust.keeper import events as events_of
from smalt.trust.record import stamp, unstamp
from smalt.trust.target import Target

BEHIND_MAX_S = 180
_ATOM = "{http://www.w3.org/2005/Atom}"
_OK = 200
Events = Sequence[Mapping[str, Any]]


def log_of(target: Target, size: int) -> list[dict[str, Any]]:
    """The first ``size`` entries of the log as events; `Unclear` when they are not there."""
    journal = Journal(target.data_dir / TRUST)
    try:
        there = journal.size()
    except Missing:
        there = 0
    if there < size:
        raise Unclear("The server speaks of more entries than the log has.")
    return list(events_of(journal))[:size] if there else []


class _Rows(HTMLParser):
    """The attributes ``data-…`` of every element that has the one it is asked for."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        mine = {name.removeprefix("data-"): value or "" for name, value in attrs if name.startswith("data-")}
        if self.wanted in mine:
            self.found.append(mine)


def rows(page: str, wanted: str) -> list[dict[str, str]]:
    """What a reader sees of the register in ``page``: one mapping for each of its elements with ``data-wanted``."""
    reader = _Rows(wanted)
    reader.feed(page)
    return reader.found


def announced(feed: bytes) -> list[tuple[str, str, str]]:
    """(end of the id, title, time) of every entry of an Atom feed, in its order."""
    root = ET.fromstring(feed)  # noqa: S314  # the server that is looked at is ours; this process has nothing to lose
    found = []
    for entry in root.findall(f"{_ATOM}entry"):
        name, title, at = (entry.findtext(f"{_ATOM}{part}") or "" for part in ("id", "title", "updated"))
        found.append((name.rpartition("#")[2], title, at))
    return found


def too_early(events: Events, hosts: Mapping[str, Sequence[str]], now: int) -> list[str]:
    """Vendors that have a host which no statement named 30 days ago, nor in the log's first day.

    ``hosts``: those in force, by vendor. Written apart from `smalt.trust.vendors`, against the statements themselves.
    """
    began = min((event["at"] for event in events), default=now)
    early = []
    for vendor, names in hosts.items():
        named: dict[str, int] = {}
        for event in events:
            if event["kind"] != "vendor" or event["vendor"] != vendor:
                continue
            if event["change"] == vendors.REMOVE:
                named.clear()
                continue
            for name in event["hosts"]:  # one that is not named any more may be in force until its change is
                named.setdefault(name, event["at"])
        first_day = began + vendors.DAY_S
        if any(name not in named or (named[name] > first_day and named[name] + 30 * 86_400 > now) for name in names):
            early.append(vendor)
    return early


def _made_up(at: int) -> list[dict[str, Any]]:
    """A log that began long before ``at``, in which a vendor is announced then."""
    began = {"kind": "run", "index": 0, "at": at - 400 * vendors.DAY_S}
    made = {
        "kind": "vendor", "index": 1, "at": at, "change": "add", "vendor": "made-up", "name": "Made up",
        "category": "model", "purpose": "None", "data": ["none"], "place": "Nowhere", "agreement": "None",
        "until": at + 400 * vendors.DAY_S, "hosts": ["made-up.example"],
    }  # fmt: skip
    return [began, made]


def in_force(shown: Mapping[str, Any]) -> dict[str, list[str]]:
    """The hosts in force, by vendor, as ``subprocessors.json`` shows them."""
    return {one["id"]: one["hosts"] for one in shown["vendors"] if one["state"] == "active"}


@check("vendors.register", every="hour", deadline_s=30)
def register(target: Target, found: Findings) -> None:
    """Reads the register of sub-processors as page, JSON and Atom feed, and compares all three with what the signed
    statements of the log give; looks up for every host in force when it was first announced.

    Control: a made-up vendor is seen as too early after 29 days and not after 30; one that is left out is missed.
    """
    with target.client() as reader:
        replies = {kind: reader.get(f"/trust/subprocessors{kind}") for kind in (".json", "", ".atom")}
    found.probe("page, JSON and feed are there", all(reply.status_code == _OK for reply in replies.values()))
    shown = replies[".json"].json()
    size, at = shown.pop("log_size"), unstamp(shown["now"])
    events = log_of(target, size)
    found.facts.update({"entries": size, "vendors": len(shown["vendors"]), "notices": len(shown["notices"])})
    found.probe("it speaks of now", abs(int(time.time()) - at) <= BEHIND_MAX_S)
    found.probe("the JSON is what the log gives", shown == vendors.plain(events, at))
    expected = [{"vendor": one.id, "state": one.state} for one in vendors.register(events, at)]
    on_page = [{"vendor": one["vendor"], "state": one["state"]} for one in rows(replies[""].text, "vendor")]
    found.probe("the page shows every vendor in its state", on_page == expected)
    titles = [(f"entry-{one.entry}", one.title, stamp(one.at)) for one in vendors.notices(events, at)]
    found.probe("the feed announces every change", announced(replies[".atom"].content) == titles)
    early = too_early(events, in_force(shown), at)
    found.probe("no host was in force before its 30 days", not early, vendors=early)
    hosts = vendors.allowed_hosts(events, at)
    found.probe(
        "the hosts in force are the list of the gateway", hosts == {h for v in in_force(shown).values() for h in v}
    )
    _register_controls(found, at)


def _register_controls(found: Findings, at: int) -> None:
    young, due = _made_up(at - 29 * vendors.DAY_S), _made_up(at - 30 * vendors.DAY_S)
    made_up = {"made-up": ["made-up.example"]}
    found.control("a host is seen as too early", too_early(young, made_up, at) and not too_early(due, made_up, at))
    found.control("a host that nobody stated is seen", too_early(due, {"made-up": ["other.example"]}, at))
    opens = (vendors.allowed_hosts(young, at), vendors.allowed_hosts(due, at))
    found.control("the list opens after 30 days", opens == (frozenset(), frozenset({"made-up.example"})))
    found.control("a register with one more vendor is another", vendors.plain(due, at) != vendors.plain(due[:1], at))
    found.control("a vendor on a page is seen", rows('<article data-vendor="made-up" data-state="active">', "vendor"))


@check("incidents.clocks", every="hour", deadline_s=30)
def clocks(target: Target, found: Findings) -> None:
    """Reads the register of incidents as page and JSON, compares both with what the signed statements of the log give, and
    measures every incident against its 72 hours and its review, and the last drill against a year.

    Control: made-up incidents and drills are seen as overdue after their time and not before.
    """
    with target.client() as reader:
        replies = {kind: reader.get(f"/trust/incidents{kind}") for kind in (".json", "")}
    found.probe("page and JSON are there", all(reply.status_code == _OK for reply in replies.values()))
    shown = replies[".json"].json()
    size, at, now = shown.pop("log_size"), unstamp(shown["now"]), int(time.time())
    events = log_of(target, size)
    book = incidents.book(events, at)
    found.facts.update({"entries": size, "incidents": len(book.incidents), "drills": len(book.drills)})
    found.probe("it speaks of now", abs(now - at) <= BEHIND_MAX_S)
    found.probe("the JSON is what the log gives", shown == book.plain(at))
    expected = [{"incident": one.id, "state": one.state, "clock": one.clock(at)} for one in book.incidents]
    found.probe("the page shows every incident with its clock", rows(replies[""].text, "incident") == expected)
    late = incidents.book(events, now).overdue(now)
    found.probe("nothing is overdue", not late, overdue=[f"{what} {name}".strip() for name, what in late])
    _clock_controls(found, now)
    if found.outcome == "passed" and not book.drills:
        raise Unclear("No drill has been recorded here yet.")


def _clock_controls(found: Findings, now: int) -> None:
    def incident(hours: int, **more: Any) -> dict[str, Any]:
        at = now - hours * incidents.HOUR_S
        return {
            "kind": "incident", "index": 0, "at": at, "incident": "inc-made-up", "step": "detected", "title": "Made up",
            "text": "Made up", "severity": "low", "personal": "yes", "when": stamp(at), "aware": stamp(at), **more,
        }  # fmt: skip

    def late(*events: Mapping[str, Any]) -> list[str]:
        return [what for _, what in incidents.book(events, now).overdue(now)]

    told = {**incident(73), "step": "notified", "told": "authority", "index": 1}
    closed = {**incident(31 * 24, personal="no"), "step": "closed", "index": 1}
    found.control("an incident past its 72 hours is seen", late(incident(73)) == ["notice"])
    found.control("one within them is not", late(incident(71)) == [] and late(incident(73), told) == [])
    unreviewed = late(incident(31 * 24, personal="no"), closed)
    found.control("a review that is overdue is seen", unreviewed == ["review"])
    found.control("a drill that is overdue is seen", late({**incident(367 * 24), "step": "drill"}) == ["drill"])
    found.control("an incident on a page is seen", rows('<article data-incident="inc-made-up">', "incident"))
