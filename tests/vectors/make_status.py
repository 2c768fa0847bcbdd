"""Writes ``status.json``: what may be said of a claim, for hand-made logs. The answers are written by hand, none is computed.

    python tests/vectors/make_status.py

`smalt/trust/status.py` and `smalt/static/status.js` are held to it. A changed vector is a changed meaning of the page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

T = 1_800_000_000
HOUR, DAY = 3600, 86_400
FRESH = 3 * HOUR
SKEW = 300
PART = "This installation has no such part."
NOBODY = "Nobody has answered for this yet."
NOBODY_NOW = "Nobody has answered for this since it was changed."


def claim(kind: str = "verified", checks: tuple[str, ...] = ("a",), version: int = 1, **more: Any) -> dict[str, Any]:
    made = {
        "id": "enc.thing", "version": version, "kind": kind, "checks": list(checks), "fresh_for_s": FRESH if checks else 0,
        "applies": "", "planned_for": None, "digest": f"d{version}",
    }  # fmt: skip
    return {**made, **more}


def result(at: int, outcome: str = "passed", check: str = "a", version: int = 1, **more: Any) -> dict[str, Any]:
    reason = {"passed": "", "failed": "Did not hold: x.", "inconclusive": "It could not look."}[outcome]
    about = {"enc.thing": f"d{version}"}
    return {"kind": "result", "at": at, "check": check, "outcome": outcome, "reason": reason, "about": about, **more}


def attestation(at: int, until: int, version: int = 1, **more: Any) -> dict[str, Any]:
    made = {"kind": "attestation", "at": at, "claim": "enc.thing", "until": until}
    return {**made, "about": {"enc.thing": f"d{version}"}, **more}


def withdrawal(at: int, version: int = 1) -> dict[str, Any]:
    return {"kind": "withdrawal", "at": at, "claim": "enc.thing", "version": version, "reason": "No longer offered."}


def deployment(at: int, *features: str) -> dict[str, Any]:
    return {"kind": "deployment", "at": at, "features": list(features)}


def ran(at: int) -> dict[str, Any]:
    return {"kind": "run", "at": at}


def says(
    state: str,
    since: int | None = None,
    proved: int | None = None,
    until: int | None = None,
    then: str = "",
    why: str = "",
) -> dict[str, Any]:
    return {"state": state, "since": since, "proved_at": proved, "good_until": until, "reason": why, "then": then}


VERIFIED = says("verified", T, T, T + FRESH, "stale")
FAILING = says("failing", T, why="Did not hold: x.")
UNCLEAR = says("inconclusive", T, why="It could not look.")
UNRUN = says("inconclusive", why="a has not run yet.")
CHANGED = says("inconclusive", why="a has not run since this claim was changed.")
PLANNED = {"planned_for": T + DAY}
GONE = says("withdrawn", T, why="No longer offered.")
Case = tuple[str, dict[str, Any], list[dict[str, Any]], int, dict[str, Any]]


def single() -> list[Case]:
    one, now = claim(), T + 10
    return [
        ("nothing in the log is never green", one, [], now, UNRUN),
        ("another check proves nothing here", one, [result(T, check="b")], now, UNRUN),
        ("a pass", one, [result(T)], now, VERIFIED),
        ("the last second of freshness", one, [result(T)], T + FRESH - 1, VERIFIED),
        ("the first second after it", one, [result(T)], T + FRESH, says("stale", T + FRESH, T, T + FRESH)),
        ("long after it", one, [result(T)], T + 400 * DAY, says("stale", T + FRESH, T, T + FRESH)),
        ("a failure", one, [result(T, "failed")], now, FAILING),
        ("a failure does not go stale", one, [result(T, "failed")], T + 400 * DAY, FAILING),
        ("a failure since the first of them", one, [result(T, "failed"), result(T + 5, "failed")], now, FAILING),
        ("it could not look", one, [result(T, "inconclusive")], now, UNCLEAR),
        ("inconclusive after a pass", one, [result(T - 9), result(T, "inconclusive")], now, UNCLEAR),
        ("inconclusive after a failure stays failing", one, [result(T, "failed"), result(T + 5, "inconclusive")], now, FAILING),
        ("failing goes on through silence of the check", one,
         [result(T, "failed"), result(T + 5, "inconclusive"), result(T + 6, "failed", reason="Did not hold: y.")], now,
         says("failing", T, why="Did not hold: y.")),
        ("only a pass ends failing", one,
         [result(T - 9, "failed"), result(T - 5, "inconclusive"), result(T)], now, VERIFIED),
        ("verified since the first of unbroken passes", one, [result(T), result(T + HOUR), result(T + 2 * HOUR)],
         T + 2 * HOUR + 1, says("verified", T, T + 2 * HOUR, T + 2 * HOUR + FRESH, "stale")),
        ("since begins again after a pause that was stale", one, [result(T - FRESH - 1), result(T), result(T + HOUR)],
         T + HOUR + 1, says("verified", T, T + HOUR, T + HOUR + FRESH, "stale")),
        ("a pause of just the freshness is none", one, [result(T), result(T + FRESH)], T + FRESH,
         says("verified", T, T + FRESH, T + 2 * FRESH, "stale")),
        ("since begins again after inconclusive", one, [result(T - 9), result(T - 5, "inconclusive"), result(T)], now, VERIFIED),
    ]  # fmt: skip


def clocks() -> list[Case]:
    one, ahead = claim(), T + SKEW
    return [
        ("a pass ahead of the reader's clock by the skew", one, [result(ahead)], T, says("verified", ahead, ahead, ahead + FRESH, "stale")),
        ("a pass one second beyond the skew", one, [result(ahead + 1)], T, UNRUN),
        ("a pass beyond the skew leaves the one before", one, [result(T - 5), result(ahead + 1)], T, says("verified", T - 5, T - 5, T - 5 + FRESH, "stale")),
        ("a pass beyond the skew does not end failing", one, [result(T - 5, "failed"), result(ahead + 1)], T, says("failing", T - 5, why="Did not hold: x.")),
        ("a failure dated ahead counts at once", one, [result(T - 5), result(T + DAY, "failed")], T, FAILING),
        ("inconclusive dated ahead counts at once", one, [result(T - 5), result(T + DAY, "inconclusive")], T, UNCLEAR),
        ("a pass dated ahead does not outlive a later failure", one, [result(T + 200), result(T, "failed")], T + 10, FAILING),
        ("nor one dated a year ahead, when that year has come", one, [result(T + 365 * DAY), result(T)], T + 365 * DAY + 1, says("stale", T + FRESH, T, T + FRESH)),
        ("a later run of other checks bounds it as well", one, [result(T + 365 * DAY), ran(T)], T + 365 * DAY + 1, says("stale", T + FRESH, T, T + FRESH)),
        ("a later statement that may be dated back does not", one, [result(T), deployment(T - DAY)], T + 10, VERIFIED),
        ("an old pass that is replayed last proves nothing new", one, [result(T - DAY), result(T, "failed"), result(T - DAY)], T + 10,
         says("stale", T - DAY + FRESH, T - DAY, T - DAY + FRESH)),
        ("an old pass that is replayed does not make others fresh", one, [result(T - DAY), ran(T), result(T - DAY)], T + 10,
         says("stale", T - DAY + FRESH, T - DAY, T - DAY + FRESH)),
        ("results of two runs that overlapped", one, [result(T + 5), result(T, "passed", "b")], T + 10, VERIFIED),
        ("results of the same second, by the log's order", one, [result(T), result(T, "failed")], T + 10, FAILING),
        ("the same the other way round", one, [result(T, "failed"), result(T)], T + 10, VERIFIED),
        ("seen before it was made", one, [result(T)], T - DAY, UNRUN),
    ]  # fmt: skip


def changes() -> list[Case]:
    two, now = claim(version=2), T + 10
    return [
        ("a pass for an earlier version proves nothing", two, [result(T)], now, CHANGED),
        ("a pass that names other claims proves nothing", claim(), [result(T, about={})], now, CHANGED),
        ("a failure of an earlier version counts", two, [result(T, "failed")], now, FAILING),
        ("proved again, since then", two, [result(T - 9), result(T, version=2)], now, VERIFIED),
        ("changed back", claim(), [result(T - 9), result(T - 5, version=2), result(T)], now, VERIFIED),
        ("changed back and not proved again", claim(), [result(T - 9), result(T, version=2)], now, CHANGED),
        ("withdrawn", claim(), [result(T - 9), withdrawal(T)], now, GONE),
        ("withdrawn stays so whatever passes", claim(), [withdrawal(T), result(T + 5)], now, GONE),
        ("registered again at a higher version", two, [withdrawal(T - 9), result(T, version=2)], now, VERIFIED),
        ("registered again, not yet proved", two, [result(T - 9), withdrawal(T)], now, CHANGED),
        ("the higher of two withdrawals stands", two, [withdrawal(T, 2), withdrawal(T + 5, 1), result(T + 6, version=2)], now, GONE),
        ("a withdrawal dated ahead counts at once", claim(), [result(T - 9), withdrawal(T + DAY)], T, GONE),
    ]  # fmt: skip


def plans() -> list[Case]:
    plan, due = claim("planned", (), **PLANNED), T + DAY
    return [
        ("planned", plan, [], T, says("planned", until=due, then="overdue")),
        ("the last second of a plan", plan, [], due - 1, says("planned", until=due, then="overdue")),
        ("overdue", plan, [], due, says("overdue", due)),
        ("overdue for long", plan, [], due + 400 * DAY, says("overdue", due)),
        ("a plan can be withdrawn", plan, [withdrawal(T)], T + 10, GONE),
        ("a plan of a part that is not here", {**plan, "applies": "backup"}, [deployment(T)], T + 10, says("not_applicable", why=PART)),
    ]  # fmt: skip


def parts() -> list[Case]:
    part, now = claim(applies="backup"), T + 10
    return [
        ("no deployment is stated", part, [result(T)], now, VERIFIED),
        ("the part is here", part, [deployment(T), deployment(T, "backup"), result(T)], now, VERIFIED),
        ("the part is not here", part, [result(T), deployment(T, "other")], now, says("not_applicable", why=PART)),
        ("a part that is not here cannot fail", part, [result(T, "failed"), deployment(T)], now, says("not_applicable", why=PART)),
        ("withdrawn before not applicable", part, [withdrawal(T), deployment(T)], now, GONE),
        ("the part came back", part, [deployment(T), result(T, "failed"), deployment(T, "backup")], now, FAILING),
    ]  # fmt: skip


def people() -> list[Case]:
    contract, attested, until, now = claim("contract", ()), claim("attested", ()), T + 90 * DAY, T + 10
    expired = says("expired", until, T, until)
    return [
        ("nobody answers for it", attested, [], now, says("inconclusive", why=NOBODY)),
        ("attested", attested, [attestation(T, until)], now, says("attested", T, T, until, "expired")),
        ("a contract", contract, [attestation(T, until)], now, says("contract", T, T, until, "expired")),
        ("the last second of it", contract, [attestation(T, until)], until - 1, says("contract", T, T, until, "expired")),
        ("expired", contract, [attestation(T, until)], until, expired),
        ("answered for again", contract, [attestation(T - DAY, T - 5), attestation(T, until)], now, says("contract", T, T, until, "expired")),
        ("shortened", contract, [attestation(T - DAY, until), attestation(T, T + 5)], now, says("expired", T + 5, T, T + 5)),
        ("an older one that is replayed does not lengthen it", contract,
         [attestation(T - DAY, until), attestation(T, T + 5), attestation(T - DAY, until)], now, says("expired", T + 5, T, T + 5)),
        ("two of the same second: the shorter", contract, [attestation(T, T + 5), attestation(T, until)], now, says("expired", T + 5, T, T + 5)),
        ("not before its day", attested, [attestation(T + DAY, until)], now, says("inconclusive", why=NOBODY)),
        ("for an earlier version", claim("attested", (), 2), [attestation(T, until)], now, says("inconclusive", why=NOBODY_NOW)),
        ("which names no version", attested, [attestation(T, until, about={})], now, says("inconclusive", why=NOBODY_NOW)),
        ("of another claim", attested, [attestation(T, until, claim="enc.other")], now, says("inconclusive", why=NOBODY)),
        ("withdrawn", attested, [attestation(T - 5, until), withdrawal(T)], now, GONE),
        ("a verified claim needs no answer, and none proves it", claim(), [attestation(T, until)], now, UNRUN),
        ("a verified claim without a check", claim(checks=()), [], now, says("inconclusive", why="Nothing proves this.")),
    ]  # fmt: skip


def several() -> list[Case]:
    both, mixed, until, now = claim(checks=("a", "b")), claim("contract"), T + 90 * DAY, T + 10
    b_unrun = says("inconclusive", why="b has not run yet.")
    good, bad, dim = attestation(T - 5, until), "failed", "inconclusive"
    return [
        ("both pass: since the later, proved at the older", both, [result(T - 5), result(T, check="b"), result(T + 2)], now,
         says("verified", T, T, T + FRESH, "stale")),
        ("one has not run", both, [result(T)], now, {**b_unrun, "proved_at": T}),
        ("one fails", both, [result(T - 5), result(T, bad, "b")], now, {**FAILING, "proved_at": T - 5}),
        ("failing before inconclusive", both, [result(T, bad), result(T, dim, "b")], now, FAILING),
        ("failing before stale", both, [result(T - DAY), result(T, bad, "b")], now, {**FAILING, "proved_at": T - DAY}),
        ("inconclusive before stale", both, [result(T - DAY), result(T, dim, "b")], now, {**UNCLEAR, "proved_at": T - DAY}),
        ("stale before verified", both, [result(T - DAY), result(T, check="b")], now,
         says("stale", T - DAY + FRESH, T - DAY, T - DAY + FRESH)),
        ("a contract with a pass", mixed, [good, result(T)], now, says("contract", T, T - 5, T + FRESH, "stale")),
        ("the contract ends before the proof does", mixed, [attestation(T - 5, T + 20), result(T)], now,
         says("contract", T, T - 5, T + 20, "expired")),
        ("both end in the same second: expired is the stronger word", mixed, [attestation(T - 5, T + FRESH), result(T)], now,
         says("contract", T, T - 5, T + FRESH, "expired")),
        ("a contract with a stale proof", mixed, [good, result(T - DAY)], now,
         says("stale", T - DAY + FRESH, T - DAY, T - DAY + FRESH)),
        ("a contract with a failing check", mixed, [good, result(T, bad)], now, {**FAILING, "proved_at": T - 5}),
        ("failing before expired", mixed, [attestation(T - 9, T - 5), result(T, bad)], now, {**FAILING, "proved_at": T - 9}),
        ("expired before inconclusive", mixed, [attestation(T - 9, T - 5), result(T, dim)], now, says("expired", T - 5, T - 9, T - 5)),
        ("expired before stale", mixed, [attestation(T - 9, T - 5), result(T - DAY)], now, says("expired", T - 5, T - DAY, T - 5)),
        ("a contract without its check", mixed, [good], now, {**UNRUN, "proved_at": T - 5}),
        ("a proof without its contract", mixed, [result(T)], now, says("inconclusive", None, T, why=NOBODY)),
    ]  # fmt: skip


def states(*steps: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"state": state, "since": since} for state, since in steps]


def histories() -> list[tuple[str, dict[str, Any], list[dict[str, Any]], int, list[dict[str, Any]]]]:
    one, plan, until = claim(), claim("planned", (), **PLANNED), T + 90 * DAY
    return [
        ("nothing yet", one, [], T, states(("inconclusive", T))),
        ("a plan from its start", plan, [], T + 2 * DAY, states(("overdue", T + DAY))),
        ("a plan that was stated", plan, [deployment(T)], T + 2 * DAY, states(("planned", T), ("overdue", T + DAY))),
        ("passes are one state", one, [result(T), result(T + HOUR)], T + HOUR + 1, states(("verified", T))),
        ("silence is seen afterwards", one, [result(T), result(T + DAY)], T + DAY + 1,
         states(("verified", T), ("stale", T + FRESH), ("verified", T + DAY))),
        ("silence is seen at the end", one, [result(T)], T + DAY, states(("verified", T), ("stale", T + FRESH))),
        ("a failure and its mending", one, [result(T), result(T + 5, "failed"), result(T + 7, "inconclusive"), result(T + 9)], T + 10,
         states(("verified", T), ("failing", T + 5), ("verified", T + 9))),
        ("a contract that went stale, then expired", claim("contract"), [attestation(T, until), result(T)], until + DAY,
         states(("inconclusive", T), ("contract", T), ("stale", T + FRESH), ("expired", until))),
        ("withdrawn", one, [result(T), withdrawal(T + 9)], T + 10, states(("verified", T), ("withdrawn", T + 9))),
        ("a part that went", claim(applies="x"), [deployment(T, "x"), result(T + 1), deployment(T + 5)], T + 10,
         states(("inconclusive", T), ("verified", T + 1), ("not_applicable", T + 5))),
        ("what lies in the future is not told", one, [result(T), result(T + DAY)], T + 5, states(("verified", T))),
        ("a failure dated ahead is told now", one, [result(T), result(T + DAY, "failed")], T + 5, states(("verified", T), ("failing", T + 5))),
        ("another claim's events are not told", one, [withdrawal(T) | {"claim": "enc.other"}, result(T + 5)], T + 6, states(("verified", T + 5))),
    ]  # fmt: skip


def numbered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "index": index} for index, event in enumerate(events)]


def main() -> None:
    cases = [*single(), *clocks(), *changes(), *plans(), *parts(), *people(), *several()]
    document = {
        "kind": "status",
        "format": "docs/security/trust.md, states",
        "vectors": [
            {"name": name, "claim": one, "events": numbered(events), "now": now, "verdict": verdict}
            for name, one, events, now, verdict in cases
        ],
        "history": [
            {"name": name, "claim": one, "events": numbered(events), "now": now, "states": steps}
            for name, one, events, now, steps in histories()
        ],
    }
    Path(__file__).with_name("status.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
