"""The clockwork with programs that pass, fail, crash and hang in place of the checks: it outlives them all."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from smalt.trust import clockwork
from smalt.trust.clockwork import Clockwork
from tests.conformance.client import until


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    seen: list[object] = []
    monkeypatch.setattr(clockwork, "emit", seen.append)
    return seen


def running(tmp_path: Path, program: str, now: Callable[[], float] = lambda: 1e9) -> Clockwork:
    """The clockwork in a thread, with a shell program instead of the checks."""
    own = tmp_path / "checker"
    own.mkdir(exist_ok=True)
    made = Clockwork(own, ["/bin/sh", "-c", program, "checks"], None, now)
    threading.Thread(target=made.run, daemon=True).start()
    return made


def names(events: list[object]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_run_that_crashes_is_reported_and_tried_again(tmp_path: Path, events, monkeypatch) -> None:
    monkeypatch.setattr(clockwork, "AGAIN_AFTER_S", 0)
    monkeypatch.setattr(clockwork, "START_LOOK_S", 0.01)
    made = running(tmp_path, f"echo x >> {tmp_path}/tries; kill -9 $$")
    until(lambda: (tmp_path / "tries").exists() and len((tmp_path / "tries").read_text().split()) >= 3)
    made.stop()
    until(lambda: "CheckerStopped" in names(events))
    assert names(events)[:3] == ["CheckerStarted", "ChecksRan", "ChecksBroke"]
    assert events[1].code == -signal.SIGKILL  # type: ignore[attr-defined]


def test_a_run_that_hangs_is_ended_with_all_it_started(tmp_path: Path, events, monkeypatch) -> None:
    monkeypatch.setattr(clockwork, "DEADLINE_S", {"hour": 0.2})
    monkeypatch.setattr(clockwork, "CHILD_END_S", 0.2)
    made = running(tmp_path, f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/below; wait; wait")
    until(lambda: "ChecksBroke" in names(events))
    below = int((tmp_path / "below").read_text())
    until(lambda: not Path(f"/proc/{below}").exists() or "Z" in Path(f"/proc/{below}/stat").read_text())
    made.stop()


def test_a_stop_takes_the_run_along(tmp_path: Path, events) -> None:
    made = running(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    made.stop()
    until(lambda: "CheckerStopped" in names(events))
    assert events[-1].cut_off is True  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_hours_that_were_slept_through_are_caught_up_once(tmp_path: Path, events, monkeypatch) -> None:
    monkeypatch.setattr(clockwork, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(clockwork, "START_LOOK_S", 0.01)
    clock = [1_000_000_000 // 86400 * 86400 + 12 * 3600.0]  # noon
    own = tmp_path / "checker"
    own.mkdir()
    for name in ("hour", "night", "week"):
        (own / f"{clockwork.RAN}{name}").write_text(str(int(clock[0]) - 60))
    program = f'echo x >> {tmp_path}/tries; printf %s "$(cat {tmp_path}/now)" > {own}/{clockwork.RAN}hour'
    (tmp_path / "now").write_text(str(int(clock[0]) + 9 * 3600))
    made = running(tmp_path, program, lambda: clock[0])
    until(lambda: "CheckerStarted" in names(events))
    assert not (tmp_path / "tries").exists()
    clock[0] += 9 * 3600  # nine hours of sleep
    until(lambda: "ChecksRan" in names(events))
    made.stop()
    until(lambda: "CheckerStopped" in names(events))
    assert (tmp_path / "tries").read_text().split() == ["x"]


def test_the_process_itself_stops_on_sigterm(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "checker").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "smalt.trust.clockwork", str(tmp_path), "127.0.0.1", "1"],  # nothing answers there
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert b"checker_started" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert b"checker_stopped" in process.stderr.read()
