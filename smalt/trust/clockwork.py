"""The process beside the server that has the checks run on their hours: ``smalt trust keep``.

It sleeps, looks at the clock, and starts ``smalt trust run`` as a child. It holds no key itself and imports next to
nothing, so that it costs little while it sleeps. A run that fails is reported and tried again; nothing that happens in
one ends this process. It ends with the server (the kernel sees to it), or on SIGTERM, and takes a run under way along.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from smalt.telemetry.events import Event, Milliseconds, Slug, emit
from smalt.telemetry.keep import kept
from smalt.trust.hours import HOUR_S, SETS, Set, due

LOOK_EVERY_S: Final = 20.0
START_LOOK_S: Final = 2.0
"""While something is due: for the server to answer, or for the time to try again."""
AGAIN_AFTER_S: Final = 300
CHILD_END_S: Final = 20.0
DEADLINE_S: Final[Mapping[str, int]] = {"hour": HOUR_S // 2, "night": 3 * HOUR_S, "week": 8 * HOUR_S}
FLAGS: Final[Mapping[str, tuple[str, ...]]] = {"hour": (), "night": ("--nightly",), "week": ("--weekly",)}
ALL_PASSED, NOT_ALL_PASSED = 0, 10
RAN = "last.ran."
"""In the checker's folder, a file for each set: when it ended last, in Unix seconds."""
FIRST = "last.began"
_PR_SET_PDEATHSIG = 1


class CheckerStarted(Event):
    """The process that has the checks run is at work."""


class ChecksRan(Event):
    """``which``: hour, night or week; ``passed``: all of them; ``code``: the exit code, negative for a signal."""

    which: Slug
    passed: bool
    code: int
    took: Milliseconds


class ChecksBroke(Event):
    """A run ended without a result: it crashed, was too slow or could not look. Nothing of it is in the log."""

    which: Slug
    code: int
    again_after_s: int


class CheckerStopped(Event):
    """``cut_off``: a run was under way."""

    cut_off: bool


def dying_with(parent: int) -> Callable[[], None] | None:
    """For a child before its program begins: the kernel ends it when ``parent``, its maker, ends in whatever way."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # loaded before the fork, so that the child only makes the call

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before this
            os._exit(1)

    return arm


class Clockwork:
    """``program`` runs a set when its flags are added. ``address``: where the server will answer; None: it does."""

    def __init__(
        self,
        own: Path,
        program: Sequence[str],
        address: tuple[str, int] | None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.own = own
        self.program = program
        self.address = address
        self.now = now
        self._stopped = self._cut_off = False
        self._child: subprocess.Popen[bytes] | None = None
        self._woken, self._waker = os.pipe()
        for end in (self._woken, self._waker):
            os.set_blocking(end, False)

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """End soon, and take a run under way along; for a signal's handler, or another thread."""
        self._stopped = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._waker, b"!")

    def run(self) -> None:
        """Until `stop`. Looks at the clock every `LOOK_EVERY_S`, so that an hour missed in sleep is seen soon."""
        emit(CheckerStarted())
        began, again_at = self._began(), 0.0
        while not self._stopped:
            which = due(int(self.now()), self.ran(), began)
            if which is not None and time.monotonic() >= again_at and self.answers():
                code = self.run_set(which)
                if code in {ALL_PASSED, NOT_ALL_PASSED}:
                    again_at = 0.0
                elif not self._stopped:
                    again_at = time.monotonic() + AGAIN_AFTER_S
                    emit(ChecksBroke(which=Slug(which), code=code, again_after_s=AGAIN_AFTER_S))
            self._sleep(LOOK_EVERY_S if which is None else START_LOOK_S)
        emit(CheckerStopped(cut_off=self._cut_off))

    def answers(self) -> bool:
        """Whether the server takes connections."""
        if self.address is None:
            return True
        with contextlib.suppress(OSError), socket.create_connection(self.address, timeout=5):
            return True
        return False

    def ran(self) -> dict[str, int]:
        """When each set ended last, as far as it is known."""
        found: dict[str, int] = {}
        for name in SETS:
            with contextlib.suppress(OSError, ValueError):
                found[name] = int((self.own / f"{RAN}{name}").read_text("ascii"))
        return found

    def _began(self) -> int:
        """When this installation was first watched. A folder that cannot be written makes every start the first."""
        file = self.own / FIRST
        with contextlib.suppress(OSError, ValueError):
            return int(file.read_text("ascii"))
        now = int(self.now())
        with contextlib.suppress(OSError):
            self.own.mkdir(mode=0o700, exist_ok=True)
            file.write_text(str(now), "ascii")
        return now

    def run_set(self, which: Set) -> int:
        """Run one set to its end; its exit code, negative when a signal ended it. What it prints goes nowhere."""
        began = time.monotonic()
        self._child = subprocess.Popen(
            [*self.program, *FLAGS[which]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dying_with(os.getpid()),  # noqa: PLW1509  # one system call, no Python state touched
        )
        until = began + DEADLINE_S[which]
        while self._child.poll() is None and not self._stopped and time.monotonic() < until:
            self._sleep(0.5)
        self._cut_off = self._child.poll() is None and self._stopped
        code = self._end_child()
        if not self._cut_off:
            took = Milliseconds((time.monotonic() - began) * 1000)
            emit(ChecksRan(which=Slug(which), passed=code == ALL_PASSED, code=code, took=took))
        return code

    def _end_child(self) -> int:
        """The child's exit code; it is asked to end first if it has not, and ended then."""
        child, self._child = self._child, None
        if child is None:
            return 0
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(CHILD_END_S)
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        return child.wait()

    def _sleep(self, most_s: float) -> None:
        """Until ``most_s`` are over or a signal came: ``time.sleep`` would go on after a signal's handler."""
        if not self._stopped and select.select([self._woken], [], [], most_s)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 512)


def keep(own: Path, program: Sequence[str], address: tuple[str, int] | None) -> None:
    """Be the clockwork of this process until SIGTERM or SIGINT. ``own`` is the checker's folder."""
    clockwork = Clockwork(own, program, address)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, clockwork.stop)
    clockwork.run()


def program(data_dir: Path) -> list[str]:
    """What runs the hourly set."""
    return [sys.executable, "-m", "smalt", "trust", "run", "--json", "--data-dir", str(data_dir)]


def main(data_dir: str, host: str, port: str) -> None:
    """Be the clockwork beside a server that will listen on ``host`` and ``port``."""
    with kept(Path(data_dir) / "logs", "checker"):
        keep(Path(data_dir) / "checker", program(Path(data_dir)), (host, int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
