"""The register of sub-processors: a pure function of the log's vendor statements and the time.

The register is the list of hosts that the installation may speak to (`allowed_hosts`). Whatever widens it, a new vendor
or more hosts, another place, purpose or kind of data for a known one, is announced by its statement and holds 30 days
later; until then the old terms hold. Whatever narrows it holds at once. What is stated in the log's first day was there
from the start: there was nobody yet whom it could have been announced to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from smalt.trust.record import stamp

Event = Mapping[str, Any]
State = Literal["announced", "active", "lapsed", "removed"]

DAY_S = 86_400
NOTICE_S = 30 * DAY_S
FOUNDING_S = DAY_S
"""How long after its first entry the log counts as beginning."""

ADD, CHANGE, REMOVE = "add", "change", "remove"
CATEGORIES = ("infrastructure", "model")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one statement says of a vendor. ``announced_at`` is the statement's time; it holds from ``effective_at`` on.

    ``agreement_until``: the day its agreement ends, in Unix seconds; ``entry``: the statement's place in the log.
    """

    name: str
    category: str
    purpose: str
    data: tuple[str, ...]
    place: str
    agreement: str
    agreement_until: int
    hosts: tuple[str, ...]
    announced_at: int
    effective_at: int
    entry: int

    def widens(self, before: Terms) -> bool:
        """Whether it lets more happen than ``before``, so that it needs notice."""
        return (
            not set(self.hosts) <= set(before.hosts)
            or not set(self.data) <= set(before.data)
            or (self.place, self.purpose, self.category) != (before.place, before.purpose, before.category)
        )

    def plain(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "category": self.category,
            "purpose": self.purpose,
            "data": list(self.data),
            "place": self.place,
            "agreement": self.agreement,
            "agreement_until": stamp(self.agreement_until),
            "hosts": list(self.hosts),
            "announced_at": stamp(self.announced_at),
            "effective_at": stamp(self.effective_at),
            "entry": self.entry,
        }


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor at one moment. ``terms`` are those in force, or, before any are, the first announced.

    ``pending`` were announced and are not in force yet; ``history`` are all there ever were, oldest first.
    """

    id: str
    state: State
    terms: Terms
    pending: tuple[Terms, ...]
    history: tuple[Terms, ...]
    removed_at: int | None = None

    @property
    def announced_at(self) -> int:
        return self.history[0].announced_at

    @property
    def effective_at(self) -> int:
        return self.history[0].effective_at

    def plain(self) -> dict[str, Any]:
        """One entry of ``subprocessors.json``."""
        return {
            "id": self.id,
            "state": self.state,
            **self.terms.plain(),
            "first_announced_at": stamp(self.announced_at),
            "first_effective_at": stamp(self.effective_at),
            "removed_at": None if self.removed_at is None else stamp(self.removed_at),
            "pending": [one.plain() for one in self.pending],
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of the register, for the feed and for those who subscribed. ``terms`` is None for a removal."""

    vendor: str
    name: str
    change: str
    at: int
    effective_at: int
    entry: int
    terms: Terms | None

    @property
    def title(self) -> str:
        day = stamp(self.effective_at)[:10]
        if self.change == REMOVE:
            return f"{self.name} is no longer a sub-processor"
        if self.change == ADD:
            return f"{self.name} becomes a sub-processor on {day}"
        return f"What {self.name} does changes on {day}"


@dataclass(slots=True)
class _Record:
    terms: list[Terms]
    removed_at: int | None = None


def _fold(events: Iterable[Event], now: int) -> tuple[dict[str, _Record], list[Notice]]:
    """What was stated up to ``now``, in the log's order."""
    records: dict[str, _Record] = {}
    notices: list[Notice] = []
    began: int | None = None
    for event in events:
        if event["at"] > now:
            continue
        began = event["at"] if began is None else min(began, event["at"])
        if event["kind"] != "vendor":
            continue
        name, known = event["vendor"], records.get(event["vendor"])
        if event["change"] == REMOVE:
            if known is not None and known.removed_at is None:
                known.removed_at = event["at"]
                notices.append(
                    Notice(name, known.terms[-1].name, REMOVE, event["at"], event["at"], event["index"], None)
                )
            continue
        earlier = [] if known is None or known.removed_at is not None else known.terms
        made = _terms(event, earlier, founding=event["at"] <= began + FOUNDING_S)
        if earlier:
            earlier.append(made)
        else:
            records[name] = _Record([made])
        change = CHANGE if len(earlier) > 1 else ADD
        notices.append(Notice(name, made.name, change, made.announced_at, made.effective_at, made.entry, made))
    return records, notices


def _terms(event: Event, earlier: Sequence[Terms], *, founding: bool) -> Terms:
    at = event["at"]
    made = Terms(
        event["name"],
        event["category"],
        event["purpose"],
        tuple(event["data"]),
        event["place"],
        event["agreement"],
        event["until"],
        tuple(event["hosts"]),
        at,
        at if founding else at + NOTICE_S,
        event["index"],
    )
    if founding or not earlier:
        return made
    holding = [one for one in earlier if one.effective_at <= at]
    if holding and not made.widens(holding[-1]):
        return replace(made, effective_at=at)
    if not made.widens(earlier[-1]):  # what narrows an announcement keeps its date
        return replace(made, effective_at=max(at, earlier[-1].effective_at))
    return made


def register(events: Iterable[Event], now: int) -> list[Vendor]:
    """Every vendor that was ever stated, by name, as it stands at ``now``. ``events``: the log, in its order."""
    records, _ = _fold(events, now)
    found = [_vendor(name, record, now) for name, record in records.items()]
    return sorted(found, key=lambda one: (one.state == "removed", one.terms.name.casefold(), one.id))


def _vendor(name: str, record: _Record, now: int) -> Vendor:
    # The newest statement that holds decides; a later one that is not due yet does not.
    holding = [one for one in record.terms if one.effective_at <= now]
    terms = holding[-1] if holding else record.terms[0]
    pending = tuple(one for one in record.terms if one.effective_at > now and one.entry >= terms.entry)
    state: State = "active"
    if record.removed_at is not None:
        state, pending = "removed", ()
    elif not holding:
        state = "announced"
    elif now >= terms.agreement_until:
        state = "lapsed"
    return Vendor(name, state, terms, pending, tuple(record.terms), record.removed_at)


def notices(events: Iterable[Event], now: int) -> list[Notice]:
    """Every change of the register up to ``now``, newest first."""
    return _fold(events, now)[1][::-1]


def allowed_hosts(events: Iterable[Event], now: int) -> frozenset[str]:
    """The hosts that may be spoken to at ``now``: those of vendors in force, with an agreement that has not ended."""
    return frozenset(host for one in register(events, now) if one.state == "active" for host in one.terms.hosts)


def plain(events: Sequence[Event], now: int) -> dict[str, Any]:
    """``subprocessors.json``: the register with its changes."""
    return {
        "format": 1,
        "now": stamp(now),
        "notice_days": NOTICE_S // DAY_S,
        "vendors": [one.plain() for one in register(events, now)],
        "notices": [
            {
                "vendor": one.vendor,
                "change": one.change,
                "title": one.title,
                "announced_at": stamp(one.at),
                "effective_at": stamp(one.effective_at),
                "entry": one.entry,
            }
            for one in notices(events, now)
        ],
    }
