"""The server's own log: content-free by its configuration, bounded, and the source of the reason of a failed start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from smalt.kernel.errors import Conflict, Failure, Unavailable

_ROTATE_BYTES = 1024 * 1024


class ServerLog:
    """``server.log`` in the cluster's home; one older one is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun_at = 0

    def open(self) -> IO[bytes]:
        """The file to append to; remembers where this start begins."""
        if self._path.exists() and self._path.stat().st_size > _ROTATE_BYTES:
            self._path.replace(self._path.with_suffix(".old.log"))
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._begun_at = os.fstat(fd).st_size
        return os.fdopen(fd, "ab")

    def failure(self) -> Failure:
        """Why the last start failed, in our own words."""
        with self._path.open("rb") as file:
            file.seek(self._begun_at)
            said = file.read(65536).decode("utf-8", "replace")
        if "No space left on device" in said:
            return disk_full()
        if "lock file" in said and "already exists" in said:
            return Conflict("data_dir.in_use", "Another database server is using this data directory.")
        if "Permission denied" in said or "has wrong ownership" in said or "has invalid permissions" in said:
            return Unavailable(
                "data_dir.unreadable",
                "The database cannot start: its files cannot be read by the account that it runs as.",
                todo="Give the data directory back its owner and its rights.",
            )
        return Unavailable(
            "postgres.failed",
            "The embedded database did not start.",
            kept="What was committed is kept.",
            todo="The last lines of server.log in the database's folder say why.",
        )


def disk_full() -> Failure:
    """The server cannot start or go on."""
    return Unavailable(
        "disk.full",
        "The disk that holds the database is full.",
        kept="What was committed is kept; this change was not made.",
        todo="Make room, then try again: the database comes back by itself.",
        retry_after_s=60,
    )
