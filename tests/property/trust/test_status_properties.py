"""No log, however it is put together, makes a claim green that should not be; and the history says what the verdicts said."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smalt.trust import status

T, HOUR, FRESH = 1_800_000_000, 3600, 3 * 3600
times = st.integers(-8, 8).map(lambda hour: T + hour * HOUR) | st.integers(-700, 700).map(lambda second: T + second)
abouts = st.sampled_from([{"a.b": "d1"}, {"a.b": "d1"}, {"a.b": "d2"}, {}])
CLAIM = {
    "id": "a.b", "version": 1, "kind": "verified", "checks": ["a", "b"], "fresh_for_s": FRESH, "applies": "x",
    "planned_for": None, "digest": "d1",
}  # fmt: skip
CONTRACT = {**CLAIM, "kind": "contract", "checks": ["a"]}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    event: dict[str, Any] = {"at": draw(times), "about": draw(abouts), "claim": draw(st.sampled_from(["a.b", "a.c"]))}
    kind = draw(st.sampled_from(["result"] * 6 + ["attestation", "withdrawal", "deployment", "run"]))
    outcome = draw(st.sampled_from(["passed", "passed", "passed", "failed", "inconclusive"]))
    more = {
        "result": {"check": draw(st.sampled_from("ab")), "outcome": outcome, "reason": ""},
        "attestation": {"until": event["at"] + draw(st.integers(-1, 30)) * HOUR},
        "withdrawal": {"version": draw(st.integers(0, 2)), "reason": ""},
        "deployment": {"features": draw(st.sampled_from([[], ["x"]]))},
    }
    return {**event, "kind": kind, **more.get(kind, {})}


logs = st.lists(events(), max_size=14).map(
    lambda found: [{**event, "index": index} for index, event in enumerate(found)]
)
claims = st.sampled_from([CLAIM, CONTRACT])


def state(claim: dict[str, Any], log: list[dict[str, Any]], now: int) -> str:
    return status.verdicts([claim], log, now)["a.b"].state


def added(log: list[dict[str, Any]], *events: dict[str, Any]) -> list[dict[str, Any]]:
    return [*log, *({**event, "index": len(log) + more} for more, event in enumerate(events))]


@given(claims, logs, times)
@settings(max_examples=600)
def test_what_holds_was_proved_lately_by_every_check_and_nothing_spoke_against_it_since(claim, log, now):
    if state(claim, log, now) not in status.HOLDING:
        return
    for check in claim["checks"]:
        results = [event for event in log if event["kind"] == "result" and event["check"] == check]
        passes = [event for event in results if event["outcome"] == "passed" and event["about"].get("a.b") == "d1"]
        clocked = [event for event in log if event["kind"] in {"result", "run"}]
        good = [
            one for one in passes
            if one["at"] > now - FRESH and all(later["at"] > now - FRESH for later in clocked if later["index"] > one["index"])
        ]  # fmt: skip
        assert good, check
        last = max(one["index"] for one in good)
        assert all(one["outcome"] == "passed" for one in results if one["index"] > last)
    if claim["kind"] == "contract":
        assert any(one["kind"] == "attestation" and one["at"] <= now + 300 and one["until"] > now for one in log)
    assert not any(one["kind"] == "withdrawal" and one["claim"] == "a.b" and one["version"] >= 1 for one in log)


@given(claims, logs, times, times, st.sampled_from(["failed", "inconclusive"]))
def test_a_finding_against_it_counts_whatever_its_date(claim, log, now, at, outcome):
    against = {"kind": "result", "at": at, "check": "a", "outcome": outcome, "reason": "", "about": {}, "claim": ""}
    assert state(claim, added(log, against), now) not in status.HOLDING


@given(claims, logs, times, st.data())
def test_replaying_what_is_there_makes_nothing_hold(claim, log, now, data):
    """Except what a pass after its own check's failure does; a replay of it counts from its old time: see the vectors."""
    before = state(claim, log, now)
    if before in status.HOLDING or not log:
        return
    old = data.draw(st.sampled_from([event for event in log if event["kind"] != "deployment"] or [None]))
    if old is None or (old["kind"] == "result" and old["outcome"] == "passed"):
        return
    assert state(claim, added(log, old), now) not in status.HOLDING


@given(claims, logs, times, st.integers(0, 40 * HOUR))
def test_time_alone_makes_nothing_hold(claim, log, now, more):
    past = [event for event in log if event["at"] <= now]
    if state(claim, past, now) not in status.HOLDING:
        assert state(claim, past, now + more) not in status.HOLDING


@given(claims, logs, times)
def test_a_state_ends_when_it_says_and_as_what_it_says(claim, log, now):
    past = [event for event in log if event["at"] <= now]
    seen = status.verdicts([claim], past, now)["a.b"]
    if seen.then:
        assert state(claim, past, seen.good_until - 1) == seen.state
        assert state(claim, past, seen.good_until) == seen.then


@given(claims, logs, times)
def test_the_history_ends_with_the_present_and_each_step_changes(claim, log, now):
    told = status.history(claim, log, now)
    assert told[-1].state == state(claim, log, now)
    assert all(one.state != two.state for one, two in pairwise(told))
    times_told = [one.since for one in told]
    assert times_told == sorted(times_told)


@given(claims, logs, times, times)
def test_the_history_says_what_the_verdict_was(claim, log, now, then):
    """For logs whose entries are dated in the order in which they stand, up to the present."""
    past = sorted((event for event in log if event["at"] <= now), key=lambda one: one["at"])
    log = [{**event, "index": index} for index, event in enumerate(past)]
    steps = [one for one in status.history(claim, log, now) if one.since <= then] if then <= now else []
    if steps:
        assert steps[-1].state == state(claim, [event for event in log if event["at"] <= then], then)
