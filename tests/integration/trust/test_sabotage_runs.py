"""Sabotage for real, with the quickest cases: what is broken is seen, what is not is not, and nothing stays behind.

The whole suite takes long: ``make sabotage``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from smalt.trust.checks import all_checks
from smalt.trust.sabotage import suite
from smalt.trust.sabotage.case import Break, Case
from smalt.trust.sabotage.cases import all_cases
from smalt.trust.sabotage.throwaway import PREFIX


def left_by(number: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{number}-*"))


def test_a_break_is_killed_a_harmless_change_is_not_and_nothing_is_left() -> None:
    cases = all_cases()
    chosen = [
        cases["net.listeners: one more TCP listener"],
        cases["net.listeners: a socket that only calls out"],
        cases["tls.versions: a second listener speaks TLS 1.0"],
        Case("net.listeners", "nothing at all", Break),
        Case("net.listeners", "a server that does not start", lambda: Break(preamble="raise SystemExit(3)")),
    ]
    report = suite.run(chosen, all_checks())
    assert [one.outcome for one in report.healthy] == ["passed", "passed"]
    assert [one.verdict for one in report.tried] == ["killed", "quiet", "killed", "survived", "survived"]
    assert not report.whole
    assert report.killed == 2
    assert left_by(os.getpid()) == []


def test_an_interrupted_run_leaves_nothing_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "smalt", "trust", "sabotage", "net.listeners"], stderr=subprocess.PIPE, text=True
    ) as running:
        deadline = time.monotonic() + 60
        while not left_by(running.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left_by(running.pid)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
    assert left_by(running.pid) == []
