"""What the kernel says of the files that processes hold open (Linux, proc(5)): which, for writing or not, and pipes."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from smalt.trust.check import Unclear

_PROC = Path("/proc")
_DELETED = " (deleted)"
OUTPUTS = frozenset({1, 2})


@dataclass(frozen=True)
class Open:
    """One descriptor. ``path`` is where the kernel says it leads; ``link`` leads there even when the name is gone.

    ``kind``: file, nothing (the null device), pipe, socket, terminal or other.
    """

    pid: int
    number: int
    kind: str
    path: Path
    writable: bool
    identity: tuple[int, int]
    deleted: bool = False

    @property
    def link(self) -> Path:
        return _PROC / str(self.pid) / "fd" / str(self.number)


def held(processes: Iterable[int]) -> list[Open]:
    """What ``processes`` hold open; `Unclear` where the kernel does not let us look."""
    found: list[Open] = []
    for pid in processes:
        try:
            numbers = [int(entry.name) for entry in (_PROC / str(pid) / "fd").iterdir()]
        except FileNotFoundError:
            continue  # it has ended
        except PermissionError:
            raise Unclear("The checker may not see what a process of the installation holds open.") from None
        for number in numbers:
            with contextlib.suppress(OSError):  # closed meanwhile
                found.append(_one(pid, number))
    return found


def _one(pid: int, number: int) -> Open:
    link = _PROC / str(pid) / "fd" / str(number)
    name = os.readlink(link)  # noqa: PTH115  # the text, as the kernel writes it
    facts = link.stat()
    info = (_PROC / str(pid) / "fdinfo" / str(number)).read_text("ascii")
    flags = next(int(line.split()[1], 8) for line in info.splitlines() if line.startswith("flags:"))
    path = Path(name.removesuffix(_DELETED))
    writable = flags & os.O_ACCMODE != os.O_RDONLY
    return Open(
        pid, number, _kind(facts.st_mode, name), path, writable, (facts.st_dev, facts.st_ino), name.endswith(_DELETED)
    )


def _kind(mode: int, name: str) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISFIFO(mode):
        return "pipe"
    if stat.S_ISSOCK(mode):
        return "socket"
    if name == os.devnull:
        return "nothing"
    return "terminal" if name.startswith(("/dev/pts/", "/dev/tty", "/dev/console")) else "other"


def environment(pid: int) -> dict[str, str]:
    """What the process was started with; empty where that may not be seen."""
    try:
        text = (_PROC / str(pid) / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return {}
    return dict(part.partition("=")[::2] for part in text.split("\0") if "=" in part)


def inner_pipes(found: Iterable[Open]) -> set[tuple[int, int]]:
    """The pipes whose two ends are both held by the processes looked at: what goes through them stays inside."""
    pipes = [one for one in found if one.kind == "pipe"]
    read = {one.identity for one in pipes if not one.writable}
    return {one.identity for one in pipes if one.writable} & read
