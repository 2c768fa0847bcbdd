"""What may be said of a claim: a pure function of the registry, the log and the time. There is no stored status.

The offline verifier carries this very file, and `smalt/static/status.js` says the same in the reader's browser; all
three are held to `tests/vectors/status.json`. Times are Unix seconds. Standard library only.

Precedence, strongest first: withdrawn · not_applicable · planned or overdue · failing · expired · inconclusive · stale ·
verified, contract, attested. Absence is never one of the last three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STATES = (
    "verified", "contract", "attested", "planned", "overdue", "stale", "inconclusive", "expired", "failing",
    "not_applicable", "withdrawn",
)  # fmt: skip
HOLDING = frozenset({"verified", "contract", "attested"})
CLOCK_SKEW_S = 300
"""How far ahead of the reader's clock a result may be dated before it counts for nothing."""

Claim = Mapping[str, Any]
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``since``: when this state began; ``proved_at``: the oldest of the latest passes; ``good_until``: when it turns
    stale or expires by itself; ``reason``: a public sentence, empty where the state says it all.
    """

    state: str
    since: int | None = None
    proved_at: int | None = None
    good_until: int | None = None
    reason: str = ""


@dataclass(slots=True)
class CheckTrail:
    """What the log says of one check. ``series_at``: when the present unbroken run of equal outcomes began."""

    outcome: str
    at: int
    series_at: int
    reason: str
    conclusive: str | None
    failed_at: int | None = None


@dataclass(slots=True)
class Standing:
    """The log, folded: the latest of everything that a verdict needs. Feed it events ordered by time, then by index."""

    checks: dict[str, CheckTrail] = field(default_factory=dict)
    attestations: dict[str, Event] = field(default_factory=dict)
    withdrawals: dict[str, Event] = field(default_factory=dict)
    features: frozenset[str] | None = None

    def add(self, event: Event, gap_s: int = 0) -> None:
        """``gap_s``: a pass that comes later than this after the one before begins a new series (0: never)."""
        kind = event["kind"]
        if kind == "result":
            self._add_result(event, gap_s)
        elif kind == "attestation":
            self.attestations[event["claim"]] = event
        elif kind == "withdrawal":
            self.withdrawals[event["claim"]] = event
        elif kind == "deployment":
            self.features = frozenset(event["features"])

    def _add_result(self, event: Event, gap_s: int) -> None:
        before = self.checks.get(event["check"])
        outcome, at = event["outcome"], event["at"]
        goes_on = before is not None and before.outcome == outcome and not (gap_s and at - before.at > gap_s)
        series_at = before.series_at if before is not None and goes_on else at
        conclusive = outcome if outcome != "inconclusive" else (before.conclusive if before is not None else None)
        failed_at = at if outcome == "failed" else None
        if before is not None and before.failed_at is not None and conclusive == "failed":
            failed_at = before.failed_at
        self.checks[event["check"]] = CheckTrail(outcome, at, series_at, event["reason"], conclusive, failed_at)


def folded(events: Iterable[Event], now: int) -> Standing:
    """The standing at ``now``: what is dated later than that, clock skew apart, is not looked at."""
    standing = Standing()
    for event in sorted(events, key=lambda one: (one["at"], one["index"])):
        if event["at"] <= now + CLOCK_SKEW_S:
            standing.add(event)
    return standing


def verdict(claim: Claim, standing: Standing, now: int) -> Verdict:
    """The state of ``claim`` at ``now``."""
    gone = standing.withdrawals.get(claim["id"])
    if gone is not None and gone["version"] >= claim["version"]:
        return Verdict("withdrawn", gone["at"], reason=gone["reason"])
    needed = claim.get("applies")
    if needed and standing.features is not None and needed not in standing.features:
        return Verdict("not_applicable", reason="This installation has no such part.")
    if claim["kind"] == "planned":
        due = claim["planned_for"]
        return Verdict("planned", good_until=due) if now < due else Verdict("overdue", due)
    parts = [_of_check(name, claim["fresh_for_s"], standing, now) for name in claim["checks"]]
    if claim["kind"] in {"contract", "attested"}:
        parts.append(_of_attestation(claim, standing, now))
    if not parts:
        return Verdict("inconclusive", reason="Nothing proves this.")
    return _worst(parts)


def _of_check(name: str, fresh_for_s: int, standing: Standing, now: int) -> Verdict:
    trail = standing.checks.get(name)
    if trail is None:
        return Verdict("inconclusive", reason=f"{name} has not run yet.")
    if trail.conclusive == "failed":  # a check that no longer answers does not make its last finding undone
        return Verdict("failing", trail.failed_at, reason=trail.reason)
    if trail.outcome != "passed":
        return Verdict("inconclusive", trail.series_at, reason=trail.reason)
    until = trail.at + fresh_for_s
    if now >= until:
        return Verdict("stale", until, trail.at, until)
    return Verdict("verified", trail.series_at, trail.at, until)


def _of_attestation(claim: Claim, standing: Standing, now: int) -> Verdict:
    made = standing.attestations.get(claim["id"])
    if made is None:
        return Verdict("inconclusive", reason="Nobody has answered for this yet.")
    if now >= made["until"]:
        return Verdict("expired", made["until"], made["at"], made["until"])
    return Verdict(claim["kind"], made["at"], made["at"], made["until"])


_RANK = {name: rank for rank, name in enumerate(
    ("verified", "contract", "attested", "stale", "inconclusive", "expired", "failing")
)}  # fmt: skip


def _worst(parts: list[Verdict]) -> Verdict:
    """The weakest part decides; what holds in all parts began when the last of them began to hold."""
    worst = max(_RANK[part.state] for part in parts)
    if worst <= _RANK["attested"]:
        return Verdict(
            next(name for name, rank in _RANK.items() if rank == worst),
            max(part.since or 0 for part in parts),
            min(part.proved_at or 0 for part in parts),
            min(part.good_until or 0 for part in parts),
        )
    decisive = [part for part in parts if _RANK[part.state] == worst]
    first = min(decisive, key=lambda part: part.since or 0)
    proofs = [part.proved_at for part in parts if part.proved_at is not None]
    return Verdict(first.state, first.since, min(proofs, default=None), first.good_until, first.reason)


def verdicts(claims: Iterable[Claim], events: Iterable[Event], now: int) -> dict[str, Verdict]:
    """Every claim's state at ``now``, by id."""
    standing = folded(events, now)
    return {claim["id"]: verdict(claim, standing, now) for claim in claims}


def history(claim: Claim, events: Iterable[Event], now: int) -> list[Verdict]:
    """How the state of ``claim`` changed up to ``now``, oldest first. Silence is seen too: it shows as stale."""
    mine = [one for one in events if _concerns(one, claim) and one["at"] <= now]
    standing, found = Standing(), list[Verdict]()

    def look(at: int) -> None:
        seen = verdict(claim, standing, at)
        if not found or found[-1].state != seen.state:
            found.append(Verdict(seen.state, seen.since or at, seen.proved_at, seen.good_until, seen.reason))

    ends: int | None = None
    for event in sorted(mine, key=lambda one: (one["at"], one["index"])):
        if ends is not None and event["at"] >= ends:
            look(ends)
        standing.add(event)
        look(event["at"])
        ends = verdict(claim, standing, event["at"]).good_until
    look(ends if ends is not None and ends <= now else now)
    return found


def _concerns(event: Event, claim: Claim) -> bool:
    if event["kind"] == "result":
        return bool(event["check"] in claim["checks"])
    return bool(event["kind"] == "deployment" or event.get("claim") == claim["id"])
