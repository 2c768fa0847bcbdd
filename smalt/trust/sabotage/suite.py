"""Runs the cases: first every check on a healthy throw-away, where all must pass, then each case with its one check.

Killed is only what failed by a probe that did not hold. A check that could not look has not seen the break.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smalt.kernel.clock import Clock, SystemClock
from smalt.kernel.errors import Failure
from smalt.trust.check import Check
from smalt.trust.runner import Result, probe
from smalt.trust.sabotage.case import Break, Case
from smalt.trust.sabotage.throwaway import Template, Throwaway, sweep

ITSELF = "trust.sabotage"
Progress = Callable[[str, str, float], None]
"""``progress(case, verdict or "" when it begins, seconds)``."""


@dataclass(frozen=True)
class Tried:
    """``verdict``: killed, survived, or for a harmless one: quiet, alarmed. ``reason`` is the check's own, or ours."""

    case: Case
    verdict: str
    outcome: str
    reason: str
    took_s: float

    @property
    def fine(self) -> bool:
        return self.verdict in {"killed", "quiet"}

    def plain(self) -> dict[str, Any]:
        return {
            "check": self.case.check,
            "what": self.case.what,
            "verdict": self.verdict,
            "outcome": self.outcome,
            "reason": self.reason,
            "took_s": round(self.took_s, 1),
        }


@dataclass(frozen=True)
class Report:
    """``healthy``: the results of the checks where nothing was broken."""

    healthy: tuple[Result, ...]
    tried: tuple[Tried, ...]

    @property
    def broken(self) -> tuple[Tried, ...]:
        return tuple(one for one in self.tried if not one.case.harmless)

    @property
    def killed(self) -> int:
        return sum(one.verdict == "killed" for one in self.broken)

    @property
    def whole(self) -> bool:
        """Every check was green on the healthy copy, every break was seen, and nothing harmless was."""
        green = all(one.outcome == "passed" for one in self.healthy)
        return green and bool(self.broken) and all(one.fine for one in self.tried)

    def plain(self) -> dict[str, Any]:
        return {
            "healthy": {one.check: {"outcome": one.outcome, "reason": one.reason} for one in self.healthy},
            "cases": [one.plain() for one in self.tried],
            "broken": len(self.broken),
            "killed": self.killed,
            "kill_rate": round(self.killed / len(self.broken), 4) if self.broken else 0.0,
            "whole": self.whole,
        }


def chosen(cases: Mapping[str, Case], words: Sequence[str]) -> list[Case]:
    """The cases that ``words`` name: a check, or a case by its whole name. All without words; `KeyError` for no match."""
    found = list(cases.values()) if not words else []
    for word in words:
        some = [one for one in cases.values() if word in {one.check, one.name}]
        if not some:
            raise KeyError(word)
        found += [one for one in some if one not in found]
    return found


def run(
    cases: Sequence[Case],
    checks: Mapping[str, Check],
    progress: Progress = lambda _case, _verdict, _seconds: None,
    clock: Clock | None = None,
) -> Report:
    """Try ``cases``. Whatever ends this, the throw-away installations are ended and removed."""
    clock = clock or SystemClock()
    sweep()
    needed = [checks[name] for name in dict.fromkeys(one.check for one in cases)]
    with Template() as template:
        began = time.monotonic()
        progress("nothing broken", "", 0.0)
        with Throwaway(Break(), template) as healthy:
            results = probe(needed, healthy.target, clock, lambda _name, _outcome: None)
        green = {one.check for one in results if one.outcome == "passed"}
        verdict = "green" if len(green) == len(results) else "not green"
        progress("nothing broken", verdict, time.monotonic() - began)
        tried = []
        for one in cases:
            progress(one.name, "", 0.0)
            done = _try(one, checks[one.check], template, clock, healthy=one.check in green)
            progress(one.name, done.verdict, done.took_s)
            tried.append(done)
    return Report(tuple(results), tuple(tried))


def _try(one: Case, check: Check, template: Template, clock: Clock, *, healthy: bool) -> Tried:
    began = time.monotonic()
    outcome, reason, seen = "inconclusive", "", False
    try:
        with Throwaway(one.make(), template) as broken:
            (result,) = probe([check], broken.target, clock, lambda _name, _outcome: None)
            outcome, reason = result.outcome, result.reason
            seen = any(one.sees in name for name, held in result.probes if not held)
    except Failure as failure:
        reason = failure.happened
    except (OSError, RuntimeError) as error:  # the case itself is wrong: that is no finding of a check
        reason = f"The case ended with {type(error).__name__}."
    if not healthy:
        reason = "The check does not pass where nothing is broken."
    if one.harmless:
        verdict = "quiet" if healthy and outcome == "passed" else "alarmed"
    else:
        verdict = "killed" if healthy and outcome == "failed" and seen else "survived"
    return Tried(one, verdict, outcome, reason, time.monotonic() - began)
