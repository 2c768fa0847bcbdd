"""What the reading process must not be able to do, tried from inside it. The doctor and the tests run these."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Callable

from smalt.kernel import limits


def attempt(name: str, detail: str) -> str:
    """Try it. "stopped" when a lock held, "escaped" when none did; some trials end the process instead."""
    try:
        _TRIALS[name](detail)
    except (OSError, subprocess.SubprocessError):
        return "stopped"
    return "escaped"


def _socket(_: str) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def _local_socket(_: str) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()


def _write(path: str) -> None:
    with open(path, "wb") as out:  # noqa: PTH123 - the plainest way to a file is what is tried
        out.write(b"escaped")


def _read(path: str) -> None:
    with open(path, "rb") as source:  # noqa: PTH123
        source.read(1)


def _fork(_: str) -> None:
    if os.fork() == 0:
        os._exit(0)


def _run(_: str) -> None:
    os.execv(sys.executable, [sys.executable, "-c", "0"])  # noqa: S606


def _signal(pid: str) -> None:
    os.kill(int(pid), 0)


def _delete(path: str) -> None:
    os.unlink(path)  # noqa: PTH108


def _environment(_: str) -> None:
    allowed = {"LC_CTYPE", "LD_LIBRARY_PATH"}
    if not set(os.environ) - allowed and not _descriptors():
        raise PermissionError


def _descriptors() -> list[int]:
    found = []
    for number in range(3, 64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def _allocate(_: str) -> None:
    block = bytearray(4 * limits.GIB)
    block[::4096] = b"x" * len(block[::4096])


def _spin(_: str) -> None:
    while True:
        pass


def _crash(_: str) -> None:
    ctypes.string_at(0)


def _abort(_: str) -> None:
    os.abort()


def _babble(_: str) -> None:
    """Claim a frame of 4 GiB."""
    os.write(1, b"R\xff\xff\xff\xff")


_TRIALS: dict[str, Callable[[str], None]] = {
    "socket": _socket,
    "local_socket": _local_socket,
    "write": _write,
    "read": _read,
    "fork": _fork,
    "run": _run,
    "signal": _signal,
    "delete": _delete,
    "environment": _environment,
    "allocate": _allocate,
    "spin": _spin,
    "crash": _crash,
    "abort": _abort,
    "babble": _babble,
}
