"""The events in files of their own, so that there is a log wherever the program's output goes.

    <data>/logs/server.log        what `emit` writes, and nothing else; older ones are server.1.log … server.4.log
    <data>/logs/server.stray.log  what anything else in the process prints: nothing, when all is well

A terminal or a pipe cannot be read again by somebody who wants to know what stood there. So while `kept` lasts, what is
printed goes into the stray file instead, and a terminal or pipe gets the very lines that `emit` writes into the log.
A file that the operator chose for the output is left as it is: it can be read.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from smalt.telemetry.events import copy_to, write_to

MAX_BYTES = 16 * 1024 * 1024
OLDER = 4
STRAY_MAX_BYTES = 1024 * 1024
_OUT, _ERR = 1, 2


class LogFile:
    """``<name>.log`` in a folder, at most `OLDER` + 1 files of about `MAX_BYTES`."""

    def __init__(self, folder: Path, name: str, max_bytes: int = MAX_BYTES) -> None:
        """`OSError` when it cannot be written."""
        self._folder, self._name, self._max_bytes = folder, name, max_bytes
        self._file = self._opened()

    def path(self, age: int = 0) -> Path:
        """The file in use, or the one so many rotations older."""
        return self._folder / (f"{self._name}.{age}.log" if age else f"{self._name}.log")

    def write(self, line: str) -> None:
        """Add one line. `OSError` when the disk refuses."""
        if self._file.tell() + len(line) > self._max_bytes:
            self._rotate()
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _opened(self) -> IO[str]:
        fd = os.open(self.path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        file = os.fdopen(fd, "a", encoding="utf-8")
        file.seek(0, os.SEEK_END)
        return file

    def _rotate(self) -> None:
        """CRASH POINT between two renames: a number is missing, and the next rotation fills it."""
        self._file.close()
        for age in range(OLDER - 1, -1, -1):
            with contextlib.suppress(FileNotFoundError):
                self.path(age).replace(self.path(age + 1))
        self._file = self._opened()


class Kept:
    """What `kept` has changed in this process. ``console``: the terminal or pipe that gets the events, if there is one."""

    def __init__(self) -> None:
        self.log: LogFile | None = None
        self._stray = -1
        self._before: dict[int, int] = {}
        self.console: IO[str] | None = None

    def start(self, folder: Path, name: str) -> None:
        """`OSError` when the folder cannot be written; then nothing is changed."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log = LogFile(folder, name)
        path = folder / f"{name}.stray.log"
        fresh = os.O_TRUNC if path.exists() and path.stat().st_size > STRAY_MAX_BYTES else 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | fresh
        self._stray = os.open(path, flags, 0o600)
        copy_to(self.log.write)
        if self._divert(_ERR):
            self.console = os.fdopen(os.dup(self._before[_ERR]), "w", encoding="utf-8")
            write_to(self.console)

    def hush(self) -> None:
        """Whoever started the program was told where it runs: what is printed from now on is stray too."""
        if self._stray >= 0:
            self._divert(_OUT)

    def end(self) -> None:
        """Put everything back."""
        copy_to(None)
        if self.console is not None:
            write_to(None)
            self.console.close()
        for number, before in self._before.items():
            os.dup2(before, number)
            os.close(before)
        if self._stray >= 0:
            os.close(self._stray)
        if self.log is not None:
            self.log.close()

    def _divert(self, number: int) -> bool:
        """Send a descriptor to the stray file if it leads to a terminal, a pipe or a socket."""
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            return False  # it is closed
        if stat.S_ISREG(mode) or os.path.realpath(f"/proc/self/fd/{number}") == os.devnull:
            return False
        self._before[number] = os.dup(number)
        os.dup2(self._stray, number)
        return True


@contextlib.contextmanager
def kept(folder: Path, name: str) -> Iterator[Kept]:
    """Keep the events of this process in ``folder`` under ``name``. A folder that cannot be written changes nothing."""
    keeping = Kept()
    with contextlib.suppress(OSError):  # what is wrong with the disk, others say in better words
        keeping.start(folder, name)
    try:
        yield keeping
    finally:
        keeping.end()
