"""The steps of the offline verifier that look at the claims: the registry, the evidence, the page, and what holds now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from smalt.ledger.envelope import canonical
from smalt.trust import status
from smalt.trust.record import stamp
from smalt.trust.verifier.case import CLAIMS, FIXED, Broken, Case, Said, shown

_PAGE = frozenset({"format", "now", "log_size", "counts", "claims"})
_DERIVED = frozenset({"digest", "verdict", "results"})


def clocks(case: Case) -> Said:
    """Whether the times of log, page and reader can be true together."""
    page, now = case.json(CLAIMS)["now"], case.wanted.now
    ran = [(event["at"], at) for event, at in status.timed(case.events) if event["kind"] in {"result", "run"}]
    last = max((at for _, at in ran), default=page)
    for what, earlier, later in (("log's newest entry", last, page), ("page", page, now)):
        if earlier > later + status.CLOCK_SKEW_S:
            raise Broken(f"The {what} is dated {shown(earlier)}, after {shown(later)}: a clock was moved.")
    if late := sum(said > at + status.CLOCK_SKEW_S for said, at in ran):
        yield "note", f"{late} results are dated after ones that follow them; they count as no newer than those."
    yield "holds", f"The newest entry is of {shown(last)}, the page of {shown(page)}; looked at for {shown(now)}."


def registry(case: Case) -> Said:
    """The claims are those that were registered last, and none that ever was is gone without a word."""
    stated = [event for event in case.events if event["kind"] == "registry"]
    if not stated:
        raise Broken("No claims are registered in the log.")
    newest = stated[-1]
    case.registered = case.evidence(newest["evidence"]["sha256"])
    try:
        known = {one["id"]: {"version": one["version"], "digest": digest_of(one)} for one in case.registered}
    except (TypeError, KeyError):
        raise Broken("The registered claims are not claims.") from None
    if known != newest["claims"]:
        raise Broken("The registered claims are not those whose digests are in the log.")
    gone = {event["claim"]: event["version"] for event in case.events if event["kind"] == "withdrawal"}
    for event in stated[:-1]:
        for name, one in event["claims"].items():
            if name not in known and gone.get(name, 0) < one["version"]:
                raise Broken(
                    f"The claim {name} was registered, is not there any more, and no withdrawal is in the log."
                )
    yield (
        "holds",
        f"The {len(known)} claims are those registered last, at {shown(newest['at'])}; none was dropped silently.",
    )


def digest_of(claim: Mapping[str, Any]) -> str:
    """The digest of a claim's plain form."""
    return hashlib.sha256(canonical(dict(claim))).hexdigest()


def evidence(case: Case) -> Said:
    """What lies behind the newest result of every check: there, unchanged, and saying what the statement says."""
    newest = newest_results(case.events, case.json(CLAIMS)["now"])
    for event in newest.values():
        seen = case.evidence(event["evidence"])
        told = {
            "check": event["check"],
            "outcome": event["outcome"],
            "run": event["run"],
            "ended": stamp(event["at"]),
            "challenges": list(event["challenges"]),
        }
        if not isinstance(seen, dict) or any(seen.get(name) != value for name, value in told.items()):
            raise Broken(f"The evidence of {event['check']} does not say what the signed result says.")
    yield "holds", f"The evidence of the newest result of {len(newest)} checks is there, unchanged."


def newest_results(events: Iterable[Mapping[str, Any]], now: int) -> dict[str, Mapping[str, Any]]:
    """By check, in the log's order; without those that are dated later than ``now``."""
    until = now + status.CLOCK_SKEW_S
    return {event["check"]: event for event in events if event["kind"] == "result" and event["at"] <= until}


def fixed(case: Case) -> Said:
    """The words and the script beside the proof are those that the checker signed."""
    runs = [event for event in case.events if event["kind"] == "run" and "bundle" in event]
    signed = runs[-1]["bundle"] if runs else {}
    for name in FIXED:
        if signed.get(name) != hashlib.sha256(case.member(name)).hexdigest():
            raise Broken(f"{name} is not the one that the checker signed in its last run.")
    yield "holds", f"{' and '.join(FIXED)} are those that the checker signed."


def page(case: Case) -> Said:
    """What the page shows is what follows from the log at the page's own time."""
    plain = case.json(CLAIMS)
    if (
        not _same(plain.get("format"), 1)
        or not _same(plain.get("log_size"), case.stated.size)
        or not isinstance(plain.get("claims"), list)
    ):
        raise Broken(f"{CLAIMS} is not about this log.")
    shown_claims = {one.get("id"): one for one in plain["claims"] if isinstance(one, dict)}
    registered = {one["id"]: {**one, "digest": digest_of(one)} for one in case.registered}
    if list(shown_claims) != list(registered) or len(plain["claims"]) != len(registered):
        raise Broken("The page does not show the registered claims, all of them and no other.")
    verdicts = status.verdicts(registered.values(), case.events, plain["now"])
    newest = newest_results(case.events, plain["now"])
    for name, claim in registered.items():
        there = shown_claims[name]
        if not _same({key: value for key, value in there.items() if key in claim}, claim):
            raise Broken(f"The page shows another text or form of {name} than was registered.")
        _require_same(case, name, there["verdict"], asdict(verdicts[name]))
        results = [
            {**newest[check], "challenges": list(newest[check]["challenges"])}
            for check in claim["checks"]
            if check in newest
        ]
        if not _same(there.get("results"), results):
            raise Broken(f"The page shows other results of {name} than the log has.")
    states = [verdict.state for verdict in verdicts.values()]
    if not _same(plain.get("counts"), {state: states.count(state) for state in status.STATES if state in states}):
        raise Broken("The page counts its claims wrongly.")
    case.verdicts = verdicts
    more = sorted(
        (plain.keys() - _PAGE)
        | {key for one in shown_claims.values() for key in one.keys() - registered[one["id"]].keys() - _DERIVED}
    )
    if more:
        yield "note", f"Not looked at in {CLAIMS}: {', '.join(map(str, more))}."
    holding = sum(state in status.HOLDING for state in states)
    yield "holds", f"All {len(states)} states on the page follow from the log at {shown(plain['now'])}; {holding} hold."


def _same(said: Any, follows: Any) -> bool:
    """Whether both are written alike. Python's own comparison would take true for 1, and 1.0 for 1."""
    try:
        return canonical(said) == canonical(follows)
    except ValueError:  # NaN and the infinities, which are no JSON
        return False


def _require_same(case: Case, name: str, said: dict[str, Any], follows: dict[str, Any]) -> None:
    """`Broken` unless the page says what follows. Since when cannot be known from entries that are not in the bundle."""
    if _same(said, follows):
        return
    first = next((event["at"] for event in case.events if event["index"] >= case.whole_from), 0)
    if case.whole_from and _same({**said, "since": 0}, {**follows, "since": 0}) and (said["since"] or 0) <= first:
        return
    raise Broken(f"The page says of {name} what does not follow from the log, which makes it {follows['state']}.")


def today(case: Case) -> Said:
    """What follows for the time asked for, now that the page's own is known to be right."""
    claims = [{**one, "digest": digest_of(one)} for one in case.registered]
    now = status.verdicts(claims, case.events, case.wanted.now)
    lost = 0
    for name, before in case.verdicts.items():
        case.claims[name] = {"page": before.state, "now": now[name].state}
        if before.state in status.HOLDING and now[name].state not in status.HOLDING:
            lost += 1
            reason = f": {now[name].reason}" if now[name].reason else ""
            yield (
                "ended",
                f"{name} was {before.state} on the page, and is {now[name].state} since {shown(now[name].since or 0)}{reason}",
            )
    if not lost:
        holding = sum(verdict.state in status.HOLDING for verdict in now.values())
        yield "holds", f"Every claim that the page shows as holding still holds at {shown(case.wanted.now)}: {holding}."
