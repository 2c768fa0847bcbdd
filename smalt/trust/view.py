"""The one object that every surface renders: page, JSON, badges, questionnaire, OSCAL, CycloneDX, bundle.

It is computed from the registry, the log and the time whenever somebody asks; nothing of it is stored.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from smalt.kernel.errors import Failure, Missing, Unavailable
from smalt.ledger.envelope import BadEnvelope, disclose
from smalt.ledger.note import Checkpoint
from smalt.ledger.tree import leaf_hash, root
from smalt.seal.signing import verify
from smalt.telemetry.events import Slug
from smalt.telemetry.log import report
from smalt.trust import status
from smalt.trust.journal import Journal, damaged
from smalt.trust.past import NEVER, Past
from smalt.trust.record import BadStatement, event_of, stamp
from smalt.trust.registry import SECTIONS, Claim, Registry
from smalt.trust.status import CLOCK_SKEW_S, HOLDING, STATES, Standing, Verdict

MINUTE_S = 60
PATIENCE_S = 2.0
RETRY_S = 5


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
    """``now`` in Unix seconds; ``size`` entries of the log were read; ``events`` are all of them, in the log's order, and
    ``standing`` is their fold: it is not to be changed. ``stated`` is the checkpoint that covers them.
    """

    registry: Registry
    claims: tuple[ClaimView, ...]
    events: tuple[dict[str, Any], ...]
    now: int
    size: int
    standing: Standing = field(default_factory=Standing)
    stated: Checkpoint | None = None
    past: Past | None = None

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

    @property
    def good_until(self) -> int:
        """The view says what is so until here at most: a minute has its end, or a state ends by itself."""
        ends = [one.verdict.good_until for one in self.claims]
        return min([self.now - self.now % MINUTE_S + MINUTE_S, *(end for end in ends if end and end > self.now)])

    def sections(self) -> list[tuple[int, str, list[ClaimView]]]:
        """The page's sections in order, each with its claims."""
        found = []
        for number, title in SECTIONS.items():
            if inside := [one for one in self.claims if one.claim.section == number]:
                found.append((number, title, inside))
        return found

    def history(self, claim: str) -> list[Verdict]:
        """How the claim's state changed, oldest first."""
        stated = self[claim].claim.stated()
        return status.history(stated, self.events, self.now) if self.past is None else self.past.of(stated, self.now)

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
    """Reads the log as it grows, and says what may be said. One for a process; safe to use from several threads.

    What is kept between two questions is only ever a fold of the entries that were read: their leaf hashes must give the
    root that the checkpoint states, or nothing is said (`Untrusted`).
    """

    def __init__(self, registry: Registry, journal: Journal) -> None:
        self.registry = registry
        self.journal = journal
        self._plain = [claim.stated() for claim in registry]
        self._lock = threading.Lock()
        self._kept: TrustView | None = None
        self._forget()

    def _forget(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._leaves: list[bytes] = []
        self._root = b""
        self._stated: Checkpoint | None = None
        self._standing = Standing()
        self._newest = self._newest_run = 0
        self._latest: dict[str, dict[str, Any]] = {}
        self._past = Past(())
        self._kept = None

    def view(self, now: int | None = None) -> TrustView:
        """What may be said at ``now`` (the present, if None). Blocks while it reads what the log gained.

        For the present the same view is given for up to a minute, while the log is the same and no state ends by itself.
        """
        at = int(time.time()) if now is None else now
        with self._alone():
            self._catch_up()
            kept = self._kept
            if now is None and kept is not None and kept.now <= at < kept.good_until:
                return kept
            made = self._made(at)
            if now is None:
                self._kept = made
            return made

    def warm(self) -> None:
        """Read the log in a thread of its own, so that the first reader need not wait for it."""
        threading.Thread(target=self._warm, name="trust.warm", daemon=True).start()

    def _warm(self) -> None:
        try:
            self.view()
        except Failure as failure:  # the first reader meets it too, and is told
            report(failure, Slug("trust.warm"))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One reads the log at a time; the others wait for a moment, not until all threads do."""
        if not self._lock.acquire(timeout=PATIENCE_S):
            raise Unavailable(
                "trust.reading",
                "The log is being read and verified from its beginning; this takes some seconds after a start.",
                kept="Everything. Nothing is said before all of it was read.",
                todo="Ask again in a moment.",
                retry_after_s=RETRY_S,
            )
        try:
            yield
        finally:
            self._lock.release()

    def _made(self, at: int) -> TrustView:
        seen, standing, latest = tuple(self._events), self._standing, self._latest
        if self._newest > at:  # something is dated later: what it says depends on the time
            standing = status.folded(seen, at)
            latest = _newest_results(one for one in seen if one["at"] <= at + CLOCK_SKEW_S)
        claims = tuple(
            ClaimView(
                claim,
                status.verdict(plain, standing, at),
                tuple(_shown(latest[check]) for check in claim.checks if check in latest),
            )
            for claim, plain in zip(self.registry, self._plain, strict=True)
        )
        return TrustView(self.registry, claims, seen, at, len(seen), standing, self._stated, self._past)

    def _catch_up(self) -> None:
        try:
            stated = self.journal.checkpoint()
        except Missing:
            self._forget()
            return
        self._stated = stated
        if (stated.size, stated.root) == (len(self._leaves), self._root):
            return
        self._kept = None
        if stated.size > len(self._leaves) and self._leaves:
            self._read(stated)
            if self._root == stated.root:
                return
        self._forget()  # another log stands there now
        self._stated = stated
        self._read(stated)
        if self._root != stated.root:
            self._forget()
            raise damaged()

    def _read(self, stated: Checkpoint) -> None:
        """Read on up to ``stated.size``. The root that comes of it is for the caller to judge."""
        start, checker = len(self._leaves), self.journal.keys().checker
        leaves, gained = [], []
        try:
            for number, entry in enumerate(self.journal.entries(start, stated.size), start):
                leaves.append(leaf_hash(entry))
                gained.append(event_of(disclose(entry, checker, verify), number))
        except (BadEnvelope, BadStatement):
            self._forget()
            raise damaged() from None
        self._leaves += leaves
        self._events += gained
        self._root = root(self._leaves)
        self._fold(gained)

    def _fold(self, gained: Sequence[dict[str, Any]]) -> None:
        runs = [one["at"] for one in gained if one["kind"] in {"result", "run"}]
        if runs and min(runs) < self._newest_run:  # dated before what was folded: that counts from another time now
            standing, told = Standing(), status.timed(self._events)
        else:  # views hold the standing from before: it is not to change under them
            standing, told = (
                replace(
                    self._standing,
                    checks=dict(self._standing.checks),
                    attestations=dict(self._standing.attestations),
                    withdrawals=dict(self._standing.withdrawals),
                ),
                status.timed(gained),
            )
        for event, at in told:
            standing.add(event, at, NEVER)
        self._standing = standing
        self._newest_run = max([self._newest_run, *runs])
        self._newest = max([self._newest, *(one["at"] for one in gained)])
        self._latest = {**self._latest, **_newest_results(gained)}
        self._past = Past(tuple(self._events))


def _newest_results(seen: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {event["check"]: event for event in seen if event["kind"] == "result"}


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "challenges": list(event["challenges"])}


TROUBLE = {
    "failing": ("is failing", "are failing"),
    "expired": ("has expired", "have expired"),
    "overdue": ("is overdue", "are overdue"),
    "inconclusive": ("is inconclusive", "are inconclusive"),
    "stale": ("is stale", "are stale"),
}
APART = {
    "planned": ("is planned", "are planned"),
    "not_applicable": ("does not apply here", "do not apply here"),
    "withdrawn": ("was withdrawn", "were withdrawn"),
}


def sentence(view: TrustView) -> str:
    """The state of all claims in one line; `smalt/static/trust.js` says it in the same words."""
    if not view.size:
        return "Nothing is proved yet: no check has run here."
    counts = view.counts
    wrong = _counted(counts, TROUBLE)
    since = [one.verdict.since for one in view.claims if one.verdict.state in TROUBLE]
    if len(since) == 1 and since[0]:
        wrong[0] += f" since {_clock(since[0], view.now)}"
    held = f"{view.holding} of {view.due} claims hold"
    apart = "; ".join(_counted(counts, APART)).capitalize()
    return f"{'; '.join([held, ', '.join(wrong)]) if wrong else held}." + (f" {apart}." if apart else "")


def _counted(counts: Mapping[str, int], words: Mapping[str, tuple[str, str]]) -> list[str]:
    return [
        f"one {one}" if counts[state] == 1 else f"{counts[state]} {more}"
        for state, (one, more) in words.items()
        if counts.get(state)
    ]


def _clock(at: int, now: int) -> str:
    """``09:12`` on the day of ``now``, else with its date; UTC."""
    day, clock = stamp(at)[:10], stamp(at)[11:16]
    return clock if day == stamp(now)[:10] else f"{day} {clock}"
