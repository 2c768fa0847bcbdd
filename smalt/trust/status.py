"""What may be said of a claim: a pure function of the registry, the log and the time. There is no stored status.

The offline verifier carries this very file; in the reader's browser `smalt/static/status.js` lets states end. Both are held
to `tests/vectors/status.json`, and this file to a second writing of it. Times are Unix seconds. Standard library only.

Precedence, strongest first: withdrawn · not_applicable · planned or overdue · failing · expired · inconclusive · stale ·
verified, contract, attested. Absence is never one of the last three. What keeps a claim from being green by mistake:

- The log's order is the order. A result is not newer than the results after it: one that was dated ahead by a wrong
  clock, or kept for later, does not outlive what came after it, and an old one that is replayed proves nothing new.
- A pass dated in the reader's future proves nothing. A failure counts from when it is in the log, whatever its date.
- A pass proves the claims whose digests it names. A claim that was changed has to be proved, or answered for, again.
- A check that no longer answers does not make its last failure undone: only a pass does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

STATES = (
    "verified", "contract", "attested", "planned", "overdue", "stale", "inconclusive", "expired", "failing",
    "not_applicable", "withdrawn",
)  # fmt: skip
HOLDING = frozenset({"verified", "contract", "attested"})
CLOCK_SKEW_S = 300
"""How far ahead of the reader's clock a pass may be dated before it counts for nothing."""

Claim = Mapping[str, Any]
"""The plain form of a claim, and its ``digest``."""
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``since``: when this state began; ``proved_at``: the oldest of the latest passes; ``good_until``: when it becomes
    ``then`` by itself; ``reason``: a public sentence, empty where the state says it all.
    """

    state: str
    since: int | None = None
    proved_at: int | None = None
    good_until: int | None = None
    reason: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class CheckTrail:
    """What the log says of one check. ``series_at``: when the present unbroken run of equal outcomes began.

    ``failed_at``: since when it fails; None once it passed. ``about``: the digest of each claim that the present passes
    prove, and since when they do. ``gaps``: (length, when it ended) of the pauses between them, each longer than those after it.
    """

    outcome: str
    at: int
    series_at: int
    reason: str
    failed_at: int | None = None
    about: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    gaps: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Standing:
    """The log, folded: the latest of everything that a verdict needs. Feed it with `timed` events."""

    checks: dict[str, CheckTrail] = field(default_factory=dict)
    attestations: dict[str, Event] = field(default_factory=dict)
    withdrawals: dict[str, Event] = field(default_factory=dict)
    features: frozenset[str] | None = None

    def add(self, event: Event, at: int, now: int) -> None:
        """``event`` as seen at ``now``; what would prove something and is dated later than that is not looked at."""
        kind = event["kind"]
        proves = _proves(event)
        if proves and at > now + CLOCK_SKEW_S:
            return
        if kind == "result":
            at = at if proves else min(at, now)
            self.checks[event["check"]] = _followed(self.checks.get(event["check"]), event, at)
        elif kind == "attestation":
            before = self.attestations.get(event["claim"])
            if before is None or (event["at"], -event["until"]) >= (before["at"], -before["until"]):
                self.attestations[event["claim"]] = event
        elif kind == "withdrawal":
            before = self.withdrawals.get(event["claim"])
            if before is None or event["version"] > before["version"]:
                self.withdrawals[event["claim"]] = {**event, "at": min(at, now)}
        elif kind == "deployment":
            self.features = frozenset(event["features"])


def _followed(before: CheckTrail | None, event: Event, at: int) -> CheckTrail:
    """The trail after one more result."""
    outcome, reason = event["outcome"], event["reason"]
    same = before if before is not None and before.outcome == outcome else None
    series_at = same.series_at if same is not None else at
    if outcome == "passed":
        gaps = same.gaps if same is not None else ()
        about: dict[str, tuple[str, int]] = {}
        for claim, digest in event["about"].items():
            known = same.about.get(claim) if same is not None else None
            about[claim] = known if known is not None and known[0] == digest else (digest, at)
        if same is not None:
            gap = at - same.at
            gaps = (*(one for one in gaps if one[0] > gap), (gap, at))
        return CheckTrail(outcome, at, series_at, reason, None, about, gaps)
    if before is not None and before.failed_at is not None:
        return CheckTrail(outcome, at, series_at, reason if outcome == "failed" else before.reason, before.failed_at)
    return CheckTrail(outcome, at, series_at, reason, at if outcome == "failed" else None)


def timed(events: Iterable[Event]) -> list[tuple[Event, int]]:
    """The events in the log's order, each with the time that it counts from: its own, but not after a later run's."""
    found: list[tuple[Event, int]] = []
    bound: int | None = None
    for event in sorted(events, key=lambda one: -one["index"]):
        at = event["at"]
        if event["kind"] in {"result", "run"}:  # dated by the keeper's clock as they are written
            bound = at = at if bound is None else min(at, bound)
        found.append((event, at))
    return found[::-1]


def folded(events: Iterable[Event], now: int) -> Standing:
    """The standing at ``now``."""
    standing = Standing()
    for event, at in timed(events):
        standing.add(event, at, now)
    return standing


def verdict(claim: Claim, standing: Standing, now: int) -> Verdict:
    """The state of ``claim`` at ``now``."""
    gone = standing.withdrawals.get(claim["id"])
    if gone is not None and gone["version"] >= claim["version"]:
        return Verdict("withdrawn", gone["at"], reason=gone["reason"])
    needed = claim["applies"]
    if needed and standing.features is not None and needed not in standing.features:
        return Verdict("not_applicable", reason="This installation has no such part.")
    if claim["kind"] == "planned":
        due = claim["planned_for"]
        return Verdict("planned", good_until=due, then="overdue") if now < due else Verdict("overdue", due)
    return _worst(_parts(claim, standing, now))


def _parts(claim: Claim, standing: Standing, now: int) -> list[Verdict]:
    parts = [_of_check(name, claim, standing.checks.get(name), now) for name in claim["checks"]]
    if claim["kind"] in {"contract", "attested"}:
        parts.append(_of_attestation(claim, standing.attestations.get(claim["id"]), now))
    return parts or [Verdict("inconclusive", reason="Nothing proves this.")]


def _of_check(name: str, claim: Claim, trail: CheckTrail | None, now: int) -> Verdict:
    if trail is None:
        return Verdict("inconclusive", reason=f"{name} has not run yet.")
    if trail.failed_at is not None:
        return Verdict("failing", trail.failed_at, reason=trail.reason)
    if trail.outcome != "passed":
        return Verdict("inconclusive", trail.series_at, reason=trail.reason)
    digest, since = trail.about.get(claim["id"], ("", 0))
    if digest != claim["digest"]:
        return Verdict("inconclusive", reason=f"{name} has not run since this claim was changed.")
    until = trail.at + claim["fresh_for_s"]
    if now >= until:
        return Verdict("stale", until, trail.at, until)
    since = max([since, *(ended for gap, ended in trail.gaps if gap > claim["fresh_for_s"])])
    return Verdict("verified", since, trail.at, until, then="stale")


def _of_attestation(claim: Claim, made: Event | None, now: int) -> Verdict:
    if made is None:
        return Verdict("inconclusive", reason="Nobody has answered for this yet.")
    if made["about"].get(claim["id"]) != claim["digest"]:
        return Verdict("inconclusive", reason="Nobody has answered for this since it was changed.")
    if now >= made["until"]:
        return Verdict("expired", made["until"], made["at"], made["until"])
    return Verdict(claim["kind"], made["at"], made["at"], made["until"], then="expired")


_RANK = {name: rank for rank, name in enumerate(
    ("verified", "contract", "attested", "stale", "inconclusive", "expired", "failing")
)}  # fmt: skip


def _worst(parts: list[Verdict]) -> Verdict:
    """The weakest part decides; what holds in all parts began when the last of them began to hold."""
    worst = max(_RANK[part.state] for part in parts)
    if worst <= _RANK["attested"]:
        ends = min(parts, key=lambda part: (part.good_until or 0, -_RANK[part.then]))
        return Verdict(
            next(name for name, rank in _RANK.items() if rank == worst),
            max(part.since or 0 for part in parts),
            min(part.proved_at or 0 for part in parts),
            ends.good_until,
            then=ends.then,
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
    """How the state of ``claim`` changed up to ``now``, oldest first. Silence is seen too: it shows as stale.

    ``since`` of each is when it changed to it. It begins with the first event that concerns the claim.
    """
    standing, found = Standing(), list[Verdict]()

    def look(at: int) -> None:
        seen = verdict(claim, standing, at)
        if not found or found[-1].state != seen.state:
            found.append(replace(seen, since=at))

    reached: int | None = None
    for event, at, seen_at in _told(claim, events, now):
        for turn in _turns(claim, standing, reached, seen_at):
            look(turn)
        standing.add(event, at, seen_at)
        look(seen_at)
        reached = seen_at
    for turn in _turns(claim, standing, reached, now + 1):
        look(turn)
    return found or [replace(seen := verdict(claim, standing, now), since=seen.since or now)]


def _told(claim: Claim, events: Iterable[Event], now: int) -> list[tuple[Event, int, int]]:
    """The events that concern ``claim``: each with the time it counts from, and when it is first looked at."""
    found, stated_at = list[tuple[Event, int, int]](), 0
    for event, at in timed(events):
        seen_at = min(at, now)
        if event["kind"] == "deployment":  # the last one counts, in the log's order
            seen_at = stated_at = max(seen_at, stated_at)
        if _concerns(event, claim) and (at <= now + CLOCK_SKEW_S or not _proves(event)):
            found.append((event, at, seen_at))
    return sorted(found, key=lambda one: one[2])


def _proves(event: Event) -> bool:
    return bool(event["kind"] == "attestation" or (event["kind"] == "result" and event["outcome"] == "passed"))


def _turns(claim: Claim, standing: Standing, after: int | None, before: int) -> Iterator[int]:
    """When the state can change by itself: later than ``after``, and before ``before``, in order."""
    if after is None:
        return
    ends = {trail.at + claim["fresh_for_s"] for name, trail in standing.checks.items() if name in claim["checks"]}
    ends |= {made["until"] for made in standing.attestations.values()} | {claim["planned_for"] or 0}
    yield from sorted(end for end in ends if after < end < before)


def _concerns(event: Event, claim: Claim) -> bool:
    if event["kind"] == "result":
        return bool(event["check"] in claim["checks"])
    return bool(event["kind"] == "deployment" or event.get("claim") == claim["id"])
