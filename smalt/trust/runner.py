"""Runs checks in a child process with a deadline for each, signs what they found, and adds it to the log.

A check that hangs is ended with its process, one that crashes takes its process down: both are inconclusive, with the
reason, and the checks after it go on in a new one. Nothing is in the log before all of a run is.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from smalt import __version__
from smalt.kernel.clock import Clock
from smalt.trust import challenge
from smalt.trust.bundle import fixed_digests
from smalt.trust.check import Check
from smalt.trust.keeper import Keeper
from smalt.trust.record import REGISTRY, RUN, stamp, statement, test_result
from smalt.trust.registry import Registry
from smalt.trust.target import Target

START_S = 60.0
Progress = Callable[[str, str], None]


@dataclass(frozen=True)
class Result:
    """One check's run. ``outcome`` is passed, failed or inconclusive."""

    check: str
    outcome: str
    reason: str
    began_at: int
    ended_at: int
    probes: tuple[tuple[str, bool], ...] = ()
    controls: tuple[tuple[str, bool], ...] = ()
    facts: Mapping[str, Any] | None = None

    def plain(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "outcome": self.outcome,
            "reason": self.reason,
            "began": stamp(self.began_at),
            "ended": stamp(self.ended_at),
            "probes": [list(one) for one in self.probes],
            "controls": [list(one) for one in self.controls],
            "facts": dict(self.facts or {}),
        }


def new_run() -> str:
    """The name of a run."""
    return f"run_{secrets.token_hex(8)}"


def probe(
    checks: Sequence[Check], target: Target, clock: Clock, progress: Progress, preamble: str = ""
) -> list[Result]:
    """Run ``checks`` in their order; one result for each. ``progress(name, outcome or "")`` is called around each.

    ``preamble`` is Python that runs in the child first: tests break checks with it.
    """
    results: list[Result] = []
    left = list(checks)
    while left:
        done = _one_child(left, target, clock, progress, preamble)
        results += done
        left = left[len(done) :]
    return results


def _one_child(checks: list[Check], target: Target, clock: Clock, progress: Progress, preamble: str) -> list[Result]:
    """The results of a child until it ended, at least one."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    program = (
        ["-c", f"{preamble}\nfrom smalt.trust.probing import main; main()"]
        if preamble
        else ["-m", "smalt.trust.probing"]
    )
    with subprocess.Popen(
        [sys.executable, *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as child:
        reader = threading.Thread(target=_read_all, args=(child, lines), daemon=True)
        reader.start()
        try:
            results = _ask(child, checks, target, lines, clock, progress)
        finally:  # however this ends, by Ctrl-C too: the child is in a session of its own and would go on
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    reader.join()
    return results


def _ask(
    child: subprocess.Popen[str],
    checks: list[Check],
    target: Target,
    lines: queue.SimpleQueue[str | None],
    clock: Clock,
    progress: Progress,
) -> list[Result]:
    with contextlib.suppress(BrokenPipeError):
        asked = {"target": json.loads(target.dumped()), "checks": [check.name for check in checks]}
        assert child.stdin is not None  # noqa: S101  # it was asked for as a pipe
        child.stdin.write(json.dumps(asked) + "\n")
        child.stdin.flush()
    results: list[Result] = []
    for check in checks:
        progress(check.name, "")
        result = _await(check, lines, clock, START_S if not results else 0.0)
        results.append(result)
        progress(check.name, result.outcome)
        if result.facts is None:  # it did not answer by itself
            break
    return results


def _read_all(child: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert child.stdout is not None  # noqa: S101  # it was asked for as a pipe
    for line in child.stdout:
        lines.put(line)
    lines.put(None)


def _await(check: Check, lines: queue.SimpleQueue[str | None], clock: Clock, grace_s: float) -> Result:
    """What the child says of ``check``, or that it said nothing in time."""
    began = int(clock.now().timestamp())

    def silent(reason: str) -> Result:
        return Result(check.name, "inconclusive", reason, began, int(clock.now().timestamp()))

    until = time.monotonic() + check.deadline_s + grace_s
    while True:
        try:
            line = lines.get(timeout=max(until - time.monotonic(), 0.001))
        except queue.Empty:
            return silent(f"The check did not end within {check.deadline_s:.0f} s.")
        if line is None:
            return silent("The check took its process down.")
        said = json.loads(line)
        if said.get("begins") == check.name:
            until = time.monotonic() + check.deadline_s
        elif said.get("ended") == check.name:
            return Result(
                check.name,
                said["outcome"],
                said["reason"],
                said["began_at"],
                said["ended_at"],
                tuple((name, held) for name, held in said["probes"]),
                tuple((name, held) for name, held in said["controls"]),
                said["facts"],
            )


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """SIGINT and SIGTERM are not heard while this lasts: they come too late, what is done here ends in a moment.

    In another thread than the main one nothing is held back: signals do not come there.
    """
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(
    keeper: Keeper,
    registry: Registry,
    checks: Sequence[Check],
    target: Target,
    progress: Progress = lambda _name, _outcome: None,
    which: str = "claims",
) -> list[Result]:
    """Run ``checks`` against ``target`` and write what they found into the log, signed; the results.

    ``which`` set it is: hour, night or week, or claims for some that were named. A run stands in the log whole or not at
    all, whoever interrupts it when; `Unavailable` when the disk refuses. Challenges that wait are embedded in every
    statement of the run, and answered by it.
    """
    waiting = challenge.waiting(keeper.data_dir)
    target = replace(target, challenges=tuple(waiting))
    began = keeper.clock.now()
    results = probe(checks, target, keeper.clock, progress)
    by_name = {check.name: check for check in checks}
    with uninterrupted(), keeper.writing() as pen:
        statements = []
        if pen.remembered("registry") != registry.digest:
            text = pen.journal.put_evidence(registry.plain())
            digests = {claim.id: {"version": claim.version, "digest": claim.digest} for claim in registry}
            predicate = {"at": stamp(int(began.timestamp())), "claims": digests, "evidence": {"sha256": text}}
            statements.append(statement(REGISTRY, {"registry": registry.digest}, predicate))
        for result in results:
            about = {claim.id: claim.digest for claim in registry.of_check(result.check)}
            evidence = pen.journal.put_evidence(
                {**result.plain(), "run": target.run, "challenges": waiting, "claims": about, "version": __version__}
            )
            statements.append(
                test_result(
                    check=result.check,
                    source=by_name[result.check].source,
                    claims=about,
                    outcome=result.outcome,
                    reason=result.reason,
                    run=target.run,
                    began=result.began_at,
                    ended=result.ended_at,
                    probes=result.probes,
                    controls=result.controls,
                    challenges=waiting,
                    evidence=evidence,
                )
            )
        times = int(began.timestamp()), int(keeper.clock.now().timestamp())
        statements.append(_run_statement(target, results, which, *times))
        pen.add(statements)
        pen.remember("registry", registry.digest)
    challenge.answered(keeper.data_dir, waiting)
    return results


def _run_statement(target: Target, results: Sequence[Result], which: str, began: int, at: int) -> dict[str, Any]:
    outcomes = [result.outcome for result in results]
    return statement(
        RUN,
        {},
        {
            "at": stamp(at),
            "began": stamp(began),
            "run": target.run,
            "set": which,
            "checks": len(results),
            "passed": outcomes.count("passed"),
            "failed": outcomes.count("failed"),
            "inconclusive": outcomes.count("inconclusive"),
            "challenges": list(target.challenges),
            "version": __version__,
            "bundle": fixed_digests(),
        },
    )
