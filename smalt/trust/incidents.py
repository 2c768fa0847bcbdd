"""The register of incidents and drills: a pure function of the log's incident statements and the time.

An incident runs detected → triaged → contained → notified → closed → reviewed. Where personal data is concerned, or
nobody knows yet, the clock of GDPR art. 33(1) runs: 72 hours from when the operator became aware, until the authority
was told or the reason why no notice is due was recorded. After an incident is closed, 30 days remain for its review.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from smalt.trust.record import stamp, unstamp

Event = Mapping[str, Any]
Clock = Literal["none", "running", "met", "decided", "missed"]

HOUR_S, DAY_S = 3600, 86_400
NOTICE_S = 72 * HOUR_S
REVIEW_S = 30 * DAY_S
DRILL_S = 366 * DAY_S

STATES = ("detected", "triaged", "contained", "notified", "closed", "reviewed")
SEVERITIES = ("low", "medium", "high", "critical")
PERSONAL = ("yes", "no", "unknown")
TOLD = ("authority", "customers", "people", "nobody")
"""Who can be told. ``nobody`` records the reason why no notice is due."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened at ``at``, as stated in the log at ``stated_at``. ``told`` names who was told."""

    state: str
    at: int
    stated_at: int
    text: str
    entry: int
    told: str = ""

    def plain(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "at": stamp(self.at),
            "stated_at": stamp(self.stated_at),
            "text": self.text,
            "told": self.told,
            "entry": self.entry,
        }


@dataclass(slots=True)
class Incident:
    """``aware_at``: when the operator had reason to think that something happened; both clocks count from stated times."""

    id: str
    title: str
    severity: str
    personal: str
    detected_at: int
    aware_at: int
    steps: list[Step] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The furthest state it has reached."""
        return STATES[max(STATES.index(step.state) for step in self.steps if step.state in STATES)]

    def reached(self, state: str) -> int | None:
        """When it first was in ``state``."""
        return next((step.at for step in self.steps if step.state == state), None)

    @property
    def open(self) -> bool:
        return self.state not in {"closed", "reviewed"}

    @property
    def notice_due_at(self) -> int | None:
        """The end of the 72 hours; None where no personal data is concerned."""
        return None if self.personal == "no" else self.aware_at + NOTICE_S

    @property
    def review_due_at(self) -> int | None:
        closed = self.reached("closed")
        return None if closed is None else closed + REVIEW_S

    def clock(self, now: int) -> Clock:
        """The 72 hours at ``now``. What was missed stays missed."""
        due = self.notice_due_at
        if due is None:
            return "none"
        words: tuple[tuple[str, Clock], ...] = (("authority", "met"), ("nobody", "decided"))
        for told, word in words:
            if any(step.told == told and step.at <= due for step in self.steps):
                return word
        return "missed" if now > due else "running"

    def late(self, now: int) -> list[str]:
        """What is overdue at ``now``: ``notice`` while nobody was told at all, ``review``. Empty when nothing is."""
        found = []
        settled = any(step.told in {"authority", "nobody"} for step in self.steps)
        if self.clock(now) == "missed" and not settled:
            found.append("notice")
        review = self.review_due_at
        if review is not None and now > review and self.state != "reviewed":
            found.append("review")
        return found

    def plain(self, now: int) -> dict[str, Any]:
        """One entry of ``incidents.json``."""
        due, review = self.notice_due_at, self.review_due_at
        return {
            "id": self.id,
            "title": self.title,
            "severity": self.severity,
            "personal_data": self.personal,
            "state": self.state,
            "open": self.open,
            "detected_at": stamp(self.detected_at),
            "aware_at": stamp(self.aware_at),
            "notice": {"clock": self.clock(now), "due_at": None if due is None else stamp(due)},
            "review_due_at": None if review is None else stamp(review),
            "late": self.late(now),
            "steps": [step.plain() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Drill:
    """A rehearsal on a made-up incident."""

    at: int
    text: str
    entry: int


@dataclass(frozen=True, slots=True)
class Book:
    """All incidents, newest first, and all drills, newest first. ``began_at``: the log's first entry, None when empty."""

    incidents: tuple[Incident, ...]
    drills: tuple[Drill, ...]
    began_at: int | None

    @property
    def drill_due_at(self) -> int | None:
        """When the next drill must have been; in the first year it is the end of that year."""
        if self.drills:
            return self.drills[0].at + DRILL_S
        return None if self.began_at is None else self.began_at + DRILL_S

    def overdue(self, now: int) -> list[tuple[str, str]]:
        """(incident, what) of everything that should have happened before ``now``; a drill has no incident."""
        found = [(one.id, what) for one in self.incidents for what in one.late(now)]
        due = self.drill_due_at
        return [*found, *([("", "drill")] if due is not None and now > due else [])]

    def plain(self, now: int) -> dict[str, Any]:
        """``incidents.json``."""
        due = self.drill_due_at
        return {
            "format": 1,
            "now": stamp(now),
            "notice_hours": NOTICE_S // HOUR_S,
            "recorded": len(self.incidents),
            "open": sum(one.open for one in self.incidents),
            "overdue": [{"incident": name, "what": what} for name, what in self.overdue(now)],
            "incidents": [one.plain(now) for one in self.incidents],
            "drills": [{"at": stamp(one.at), "text": one.text, "entry": one.entry} for one in self.drills],
            "drill_due_at": None if due is None else stamp(due),
        }


def book(events: Iterable[Event], now: int) -> Book:
    """What the log says up to ``now``."""
    incidents: dict[str, Incident] = {}
    drills: list[Drill] = []
    began: int | None = None
    for event in events:
        if event["at"] > now:
            continue
        began = event["at"] if began is None else min(began, event["at"])
        if event["kind"] != "incident":
            continue
        at = unstamp(event["when"])
        step = Step(event["step"], at, event["at"], event["text"], event["index"], event.get("told", ""))
        if event["step"] == "drill":
            drills.append(Drill(at, event["text"], event["index"]))
        elif event["step"] == "detected":
            incidents[event["incident"]] = Incident(
                event["incident"], event["title"], event["severity"], event["personal"], at,
                unstamp(event["aware"]), [step],
            )  # fmt: skip
        elif (known := incidents.get(event["incident"])) is not None:
            known.steps.append(step)
            known.personal = event.get("personal", known.personal)
            known.severity = event.get("severity", known.severity)
    newest = sorted(incidents.values(), key=lambda one: (one.detected_at, one.id), reverse=True)
    return Book(tuple(newest), tuple(sorted(drills, key=lambda one: one.at, reverse=True)), began)


def next_id(events: Sequence[Event], year: int) -> str:
    """The id of the next incident of ``year``: ``inc-2027-001`` and so on."""
    made = {event["incident"] for event in events if event["kind"] == "incident" and event["step"] == "detected"}
    return f"inc-{year}-{sum(name.startswith(f'inc-{year}-') for name in made) + 1:03}"
