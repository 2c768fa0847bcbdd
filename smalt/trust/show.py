"""What the pages of the Trust Center show of a view: words, icons, times, lists. Nothing is decided here but looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from smalt.trust.deployment import deployment, uri
from smalt.trust.status import HOLDING, Verdict
from smalt.trust.view import APART, TROUBLE, ClaimView, TrustView, sentence

TITLES = MappingProxyType(
    {
        "soc2": "SOC 2",
        "iso27001": "ISO 27001",
        "gdpr": "GDPR",
        "asvs": "ASVS 5.0",
        "owasp_llm": "OWASP LLM",
        "caiq": "CAIQ",
    }
)
WRONG_MAX = 10
STRIP = 1000


@dataclass(frozen=True)
class Look:
    """How a state is seen: never by colour alone. ``tone`` is a class of base.css."""

    icon: str
    word: str
    tone: str


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "verified": Look("tick", "verified", "good"),
        "contract": Look("page", "contract", "good"),
        "attested": Look("pen", "attested", "good"),
        "planned": Look("flag", "planned", "busy"),
        "overdue": Look("warn", "overdue", "bad"),
        "stale": Look("clock", "stale", "warn"),
        "inconclusive": Look("ask", "inconclusive", "warn"),
        "expired": Look("clock", "expired", "bad"),
        "failing": Look("cross", "failing", "bad"),
        "not_applicable": Look("dash", "not here", "busy"),
        "withdrawn": Look("dash", "withdrawn", "busy"),
    }
)
MEANINGS = MappingProxyType(
    {
        "verified": "A live check passed, with its positive control, within its limit of freshness.",
        "contract": "A signed document that is in force; what software can enforce of it is checked.",
        "attested": "A person answers for it, until a date.",
        "stale": "The last proof is older than its limit. Nobody has shown that it still holds.",
        "inconclusive": "The check could not look, or could not show that it sees. Never counted as held.",
        "failing": "The newest conclusive check found that it does not hold.",
        "expired": "The document or the statement behind it has ended.",
        "planned": "Not there yet. It has a date.",
        "overdue": "Its date has passed, and nothing proves it.",
        "not_applicable": "This installation has no such part.",
        "withdrawn": "No longer claimed. The removal stands in the log.",
    }
)


def when(at: int | None) -> str:
    """``24 Nov 2026, 09:12``, UTC; empty for None."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%-d %b %Y, %H:%M}"


def day(at: int | None) -> str:
    """``24 Nov 2026``; empty for None."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%-d %b %Y}"


def iso(at: int | None) -> str:
    """For ``datetime`` attributes."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Line:
    """A claim on the page. ``then`` is what it turns into at ``good_until`` when nothing more is heard."""

    id: str
    sentence: str
    how: str
    checks: tuple[str, ...]
    missing: str
    state: str
    look: Look
    verdict: Verdict
    then: str
    away: str = ""
    """The section that it stands in, where this is a reference to it."""

    @property
    def holds(self) -> bool:
        return self.state in HOLDING

    @property
    def since(self) -> int | None:
        """When the state began, where that says something: a plan's date is another line."""
        return self.verdict.since if self.state != "planned" else None


@dataclass(frozen=True)
class Section:
    number: int
    title: str
    lines: tuple[Line, ...]
    also: tuple[Line, ...]

    @property
    def tally(self) -> str:
        """How many of those that could hold do; empty where none could."""
        due = [line for line in self.lines if line.state not in APART]
        return f"{sum(line.holds for line in due)} of {len(due)} hold" if due else ""


def line(one: ClaimView, away: str = "") -> Line:
    """``one`` as the page shows it."""
    claim, verdict = one.claim, one.verdict
    return Line(
        claim.id, claim.sentence, claim.how, claim.checks, claim.missing, verdict.state, LOOKS[verdict.state], verdict,
        verdict.then or verdict.state, away,
    )  # fmt: skip


def front(view: TrustView) -> dict[str, Any]:
    """The variables of ``trust.html``."""
    lines = {one.claim.id: line(one) for one in view.claims}
    titles = {number: title for number, title, _ in view.sections()}
    sections = [
        Section(
            number,
            title,
            tuple(sorted((lines[one.claim.id] for one in inside), key=lambda one: one.state in APART)),
            tuple(line(one, titles[one.claim.section]) for one in view.claims if number in one.claim.also),
        )
        for number, title, inside in view.sections()
    ]
    wrong = sorted(
        (one for one in lines.values() if one.state in TROUBLE), key=lambda one: list(TROUBLE).index(one.state)
    )
    due = [one for one in lines.values() if one.state not in APART]
    return {
        **frame(view),
        "sentence": sentence(view),
        "sections": sections,
        "wrong": wrong[:WRONG_MAX],
        "more_wrong": max(0, len(wrong) - WRONG_MAX),
        "worst": LOOKS["inconclusive"] if not view.holding else wrong[0].look if wrong else LOOKS["verified"],
        "strip": ticks(due),
        "run_at": newest_run(view),
    }


def frame(view: TrustView) -> dict[str, Any]:
    """What every page of the Trust Center needs."""
    stated = view.stated
    return {
        "now": view.now,
        "size": view.size,
        "stated": stated,
        "when": when,
        "day": day,
        "iso": iso,
        "looks": LOOKS,
        "meanings": MEANINGS,
        "kinds": {name: "holds" if name in HOLDING else "wrong" if name in TROUBLE else "apart" for name in LOOKS},
    }


def newest_run(view: TrustView) -> int | None:
    """When the newest result was made; None before the first."""
    found = [trail.at for trail in view.standing.checks.values()]
    return max(found, default=None)


Mark = tuple[str, float, float, bool, str]
"""(claim, x, width, whether it holds, tone): what holds is drawn at full height, what does not at half."""


def ticks(lines: Sequence[Line]) -> list[Mark]:
    """One mark for each line, side by side."""
    step = STRIP / max(1, len(lines))
    gap = min(4.0, step * 0.3)
    return [
        (one.id, round(at * step, 1), round(step - gap, 1), one.holds, one.look.tone) for at, one in enumerate(lines)
    ]


@dataclass(frozen=True)
class Span:
    """A stretch of a claim's history: ``x`` and ``width`` out of ``STRIP``."""

    verdict: Verdict
    look: Look
    until: int | None
    x: float
    width: float

    @property
    def mark(self) -> Mark:
        return ("", self.x, self.width, self.verdict.state in HOLDING, self.look.tone)


def spans(changes: Sequence[Verdict], now: int) -> list[Span]:
    """The history as stretches, newest first; ``until`` None for the one that lasts."""
    starts = [change.since or now for change in changes]
    first = min(starts, default=now)
    whole = max(1, now - first)
    found = []
    for at, change in enumerate(changes):
        end = starts[at + 1] if at + 1 < len(changes) else now
        x = (starts[at] - first) / whole * STRIP
        found.append(
            Span(
                change,
                LOOKS[change.state],
                end if at + 1 < len(changes) else None,
                round(x, 1),
                round(max(2.0, (end - starts[at]) / whole * STRIP), 1),
            )
        )
    return found[::-1]


def contacts_of(view: TrustView) -> dict[str, Any]:
    """``deployed``: what was stated of the installation, or None; ``contacts``: (for what, address, link)."""
    deployed = deployment(view.events)
    told = {} if deployed is None else deployed.contacts
    return {"deployed": deployed, "contacts": [(name, address, uri(address)) for name, address in told.items()]}
