"""The one object that every surface renders: page, JSON, badges, questionnaire, OSCAL, CycloneDX, bundle.

It is computed from the registry, the log and the time whenever somebody asks; nothing of it is stored.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from smalt.kernel.errors import Missing
from smalt.trust import status
from smalt.trust.journal import Journal
from smalt.trust.keeper import events
from smalt.trust.registry import SECTIONS, Claim, Registry
from smalt.trust.status import HOLDING, STATES, Verdict


@dataclass(frozen=True)
class ClaimView:
    """A claim, what may be said of it now, and the newest result of each of its checks."""

    claim: Claim
    verdict: Verdict
    results: tuple[dict[str, Any], ...]

    @property
    def holds(self) -> bool:
        return self.verdict.state in HOLDING


@dataclass(frozen=True)
class TrustView:
    """``now`` in Unix seconds; ``size`` entries of the log were read; ``events`` are all of them, in the log's order."""

    registry: Registry
    claims: tuple[ClaimView, ...]
    events: tuple[dict[str, Any], ...]
    now: int
    size: int

    def __getitem__(self, claim: str) -> ClaimView:
        """`Missing` when there is no such claim."""
        for one in self.claims:
            if one.claim.id == claim:
                return one
        raise Missing("trust.no_claim", "There is no such claim.", todo="The page of the Trust Center lists them.")

    @property
    def counts(self) -> dict[str, int]:
        """How many claims are in each state, strongest word first; states that nobody is in are left out."""
        states = [one.verdict.state for one in self.claims]
        return {state: states.count(state) for state in STATES if state in states}

    @property
    def holding(self) -> int:
        return sum(one.holds for one in self.claims)

    @property
    def due(self) -> int:
        """How many claims could hold: all that are neither planned, nor withdrawn, nor without their part here."""
        return sum(one.verdict.state not in {"planned", "withdrawn", "not_applicable"} for one in self.claims)

    def sections(self) -> list[tuple[int, str, list[ClaimView]]]:
        """The page's sections in order, each with its claims."""
        found = []
        for number, title in SECTIONS.items():
            if inside := [one for one in self.claims if one.claim.section == number]:
                found.append((number, title, inside))
        return found

    def history(self, claim: str) -> list[Verdict]:
        """How the claim's state changed, oldest first."""
        return status.history(self[claim].claim.stated(), self.events, self.now)

    def plain(self) -> dict[str, Any]:
        """``claims.json``: what a program, and the reader's browser, needs to say the same."""
        return {
            "format": 1,
            "now": self.now,
            "log_size": self.size,
            "counts": self.counts,
            "claims": [
                {**one.claim.stated(), "verdict": asdict(one.verdict), "results": list(one.results)}
                for one in self.claims
            ],
        }


class Trust:
    """Reads the log as it grows, and says what may be said. One for a process; safe to use from several threads."""

    def __init__(self, registry: Registry, journal: Journal) -> None:
        self.registry = registry
        self.journal = journal
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def view(self, now: int | None = None) -> TrustView:
        """What may be said at ``now`` (the present, if None). Blocks while it reads what the log gained."""
        at = int(time.time()) if now is None else now
        with self._lock:
            size = self.journal.size()
            if size < len(self._events):  # another log stands there now
                self._events = []
            if size > len(self._events):
                self._events += events(self.journal, len(self._events))
            seen = tuple(self._events)
        standing = status.folded(seen, at)
        latest = {event["check"]: event for event in seen if event["kind"] == "result"}
        claims = tuple(
            ClaimView(
                claim,
                status.verdict(claim.stated(), standing, at),
                tuple(_shown(latest[check]) for check in claim.checks if check in latest),
            )
            for claim in self.registry
        )
        return TrustView(self.registry, claims, seen, at, size)


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "challenges": list(event["challenges"])}


def sentence(view: TrustView) -> str:
    """The state of all claims in one line."""
    words: Sequence[str] = [
        f"{count} {state.replace('_', ' ')}" for state, count in view.counts.items() if state not in HOLDING
    ]
    rest = f"; {', '.join(words)}" if words else ""
    return f"{view.holding} of {view.due} claims hold{rest}."
