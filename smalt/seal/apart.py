"""Shuts this process, and every process it will start, out of one folder: Linux's Landlock (landlock(7)).

Landlock only allows. So everything is allowed that lies beside the way to the folder: at each step of its path the
neighbours, and none of the steps themselves, because what is allowed to a folder is allowed to all below it. Then

- nothing below the folder can be opened, made, removed or renamed, whoever the process is, root included;
- it cannot be moved or linked to where it could be: that needs the right REFER where it lies;
- it cannot be mounted elsewhere, nor can a process outside be traced: Landlock refuses both.

The price: what somebody makes later *right in* a folder on the way (another folder beside the data directory, say) is
shut too. Call it before there are threads, since a thread that runs already is not restricted, and before the database
starts, which is to be shut out as well.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_MACHINES: Final = frozenset({"x86_64", "aarch64", "riscv64", "ppc64le", "s390x"})  # these share the numbers
_ABI_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE, _READ_FILE = 1 << 1, 1 << 2
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = (1 << bit for bit in range(6, 13))
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
# Not EXECUTE: there is nothing to run there. Not READ_DIR: Python looks for modules by listing folders on the way, and
# the names of the files are no secret.
_HANDLED = (
    _OF_FILES | _REMOVE_DIR | _REMOVE_FILE | _MAKE_CHAR | _MAKE_DIR | _MAKE_REG | _MAKE_SOCK | _MAKE_FIFO
    | _MAKE_BLOCK | _MAKE_SYM | _REFER
)  # fmt: skip
_ABI_OF_REFER = 2  # before it no file could be moved between folders at all, which blobs need
_ABI_OF_TRUNCATE = 3


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


@dataclass(frozen=True, slots=True)
class Apart:
    """What became of it. ``why``: a short word when ``shut`` is False; ``abi``: the kernel's Landlock, 0 without."""

    shut: bool
    abi: int
    neighbours: int = 0
    why: str = ""


def abi() -> int:
    """The version of Landlock that this kernel has switched on; 0 when it has none."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return 0
    found = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ABI_VERSION)
    return max(int(found), 0)


def shut_out(folder: Path) -> Apart:
    """Shut this thread, and whatever it starts from now on, out of ``folder``, which must be there. For ever.

    Never raises: what could not be done is said, and nothing is restricted then.
    """
    version = abi()
    if version < _ABI_OF_REFER:
        return Apart(shut=False, abi=version, why="no_landlock")
    if sum(1 for _ in Path("/proc/self/task").iterdir()) > 1:
        return Apart(shut=False, abi=version, why="threads")
    handled = _HANDLED if version >= _ABI_OF_TRUNCATE else _HANDLED & ~_TRUNCATE
    libc = ctypes.CDLL(None, use_errno=True)
    ruleset = -1
    try:
        real = folder.resolve(strict=True)
        wanted = _Ruleset(handled)
        ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(wanted), ctypes.sizeof(wanted), 0))
        count = sum(_allow(libc, ruleset, neighbour, handled) for neighbour in _beside(real))
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    except OSError as error:
        return Apart(shut=False, abi=version, why=f"errno.{error.errno or 0}")
    finally:
        if ruleset >= 0:
            os.close(ruleset)
    return Apart(shut=True, abi=version, neighbours=count)


def _beside(folder: Path) -> Iterator[Path]:
    """What lies beside ``folder`` and beside every folder above it. `OSError` where a folder cannot be listed."""
    for step in (folder, *folder.parents):
        if step != step.parent:
            yield from (other for other in step.parent.iterdir() if other.name != step.name)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, handled: int) -> int:
    """Allow everything at and below ``path``; 1, or 0 for what cannot be named (gone already, a link)."""
    try:
        opened = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        kind = os.fstat(opened).st_mode & 0o170000
        if kind == 0o120000:  # a link: where it leads is allowed by its own place, or is not
            return 0
        allowed = handled if kind == 0o040000 else handled & _OF_FILES
        rule = _Beneath(allowed, opened)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EBADFD, errno.EBADF}:  # of a kind that takes no rule: a socket
            return 0
        raise
    finally:
        os.close(opened)
    return 1


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    return result
