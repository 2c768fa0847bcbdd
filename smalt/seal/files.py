"""Small secret files that survive a crash: private modes, atomic replacement, a lock for several processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from smalt.kernel.errors import Conflict, Unavailable

_TEMPORARY = ".new-"
_LOCK_PAUSE_S = 0.1


def private_directory(path: Path) -> Path:
    """``path`` as a directory that only its owner can enter (0700); `Conflict` when it exists and others can."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Conflict(
            "keys.directory_open",
            "A directory that holds keys can be read by other accounts.",
            todo="Check who had access, then take the rights of group and others away (chmod 700).",
            facts={"mode": f"{mode:04o}"},
        )
    return path


def write_durably(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` (mode 0600): after return it is on disk, after a crash it is whole, old or new.

    `Unavailable` when the disk refuses; the old content then stands.
    """
    temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)  # before the rename: else a crash could leave the new name with old or no content
        finally:
            os.close(descriptor)
        # CRASH POINT: the temporary file is there, the name still means the old content. `sweep` removes it later.
        temporary.replace(path)
        # CRASH POINT: the rename may not be on disk yet; either content may come back. Nobody was told anything yet.
        sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise Unavailable(
            "keys.disk",
            "A key could not be written to disk.",
            kept="Nothing was changed.",
            todo="Check free space and rights of the key directory, then try again.",
        ) from None


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def sync_directory(path: Path) -> None:
    """Make creations, renames and removals in ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def erase(path: Path) -> None:
    """Overwrite and remove a file, durably; nothing happens when it is not there.

    The overwriting reaches the old blocks on plain file systems only, not on flash translation layers, snapshots or
    copies: docs/security/keys.md says so.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        _write_all(descriptor, os.urandom(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sweep(directory: Path) -> None:
    """Remove what a crash left half-written. Call with the directory's lock held."""
    for left in directory.glob(f"{_TEMPORARY}*"):
        erase(left)


def _take(descriptor: int, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Conflict("lock.held", "Another process is at it.", todo="Try again when it has ended.") from None
            time.sleep(_LOCK_PAUSE_S)
        else:
            return


@contextlib.contextmanager
def exclusive(lock: Path, wait_s: float | None = None) -> Iterator[None]:
    """Hold ``lock`` against other processes and other threads (flock belongs to this one opening of the file).

    `Conflict` when it is not free within ``wait_s`` (None: wait for ever).
    """
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if wait_s is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            _take(descriptor, wait_s)
        yield
    finally:
        os.close(descriptor)  # releases the lock, also when the process dies
