"""Sealed documents as objects, over obstore. What is stored here was sealed by the caller.

Crash points of the local store: bytes arrive under ``.arriving/``; the file is written down to the disk, then given its
name, then the folders are written down. A name is there with all its bytes or not at all, power cuts included.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore

from smalt.kernel.errors import Failure, Missing, Unavailable
from smalt.kernel.limits import MIB

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(rf"{_UUID}/{_UUID}/[a-z0-9][a-z0-9._-]{{0,63}}")
_PREFIX = re.compile(rf"{_UUID}(?:/{_UUID})?/?")
_ARRIVING = ".arriving"
_CHUNK_BYTES = MIB
_AT_ONCE = 2  # chunks in flight: memory stays flat whatever the blob's size
_FORGOTTEN_S = 24 * 3600
ROOM_MIN_BYTES = 64 * MIB


class Blobs:
    """Objects under ``<tenant uuid>/<document uuid>/<part>``; folders are 0700 and files 0600."""

    def __init__(self, root: Path) -> None:
        """The local store under ``root``, which is made when absent; what a crash left half-received is removed."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = root.resolve()
        self._arriving = self._root / _ARRIVING
        self._arriving.mkdir(mode=0o700, exist_ok=True)
        self._store = LocalStore(self._root)
        _forget(self._arriving, time.time() - _FORGOTTEN_S)  # another process may be receiving right now

    def require_room(self) -> None:
        """Raise `Unavailable` ``disk.full`` when less than `ROOM_MIN_BYTES` are free here."""
        if shutil.disk_usage(self._root).free < ROOM_MIN_BYTES:
            raise _failure_of(OSError(errno.ENOSPC, "no room"))

    def clear_arriving(self) -> None:
        """Remove everything half-received: for a process that knows it is the only one."""
        _forget(self._arriving, time.time())

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Store one object, whole and durable when this returns; an older one of that key is replaced.

        Whatever ``chunks`` raises comes through, and nothing is stored. `Unavailable` ``disk.full`` without room.
        """
        final = self._root / _checked(key)
        fresh = self._arriving / secrets.token_hex(16)
        try:
            await obstore.put_async(
                self._store,
                f"{_ARRIVING}/{fresh.name}",
                _filled(chunks),
                use_multipart=True,
                chunk_size=_CHUNK_BYTES,
                max_concurrency=_AT_ONCE,
            )
            await asyncio.to_thread(_settle, fresh, final, self._root)
        except (BaseError, OSError) as error:
            failure = _failure_of(error)
        else:
            return
        finally:
            fresh.unlink(missing_ok=True)
        raise failure

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The object in pieces of about a mebibyte; `Missing` when there is none."""
        try:
            found = await obstore.get_async(self._store, _checked(key))
            async for piece in found.stream(min_chunk_size=_CHUNK_BYTES):
                yield bytes(piece)
        except (BaseError, OSError) as error:
            failure = _failure_of(error)
        else:
            return
        raise failure

    async def get_range(self, key: str, start: int, length: int) -> bytes:
        """``length`` bytes from ``start`` on, fewer at the object's end; `Missing` when there is no such object."""
        try:
            size = (await obstore.head_async(self._store, _checked(key)))["size"]
            length = max(0, min(length, size - start))
            if length == 0:
                return b""
            return bytes(await obstore.get_range_async(self._store, key, start=start, length=length))
        except (BaseError, OSError) as error:
            failure = _failure_of(error)
        raise failure

    async def size(self, key: str) -> int:
        """Its length in bytes; `Missing` when there is no such object."""
        try:
            return int((await obstore.head_async(self._store, _checked(key)))["size"])
        except (BaseError, OSError) as error:
            failure = _failure_of(error)
        raise failure

    async def delete(self, prefix: str) -> int:
        """Remove one object, a document's (``tenant/document``) or a tenant's (``tenant``); how many there were."""
        keys = [key async for key in self.list(prefix)]
        try:
            if keys:
                await obstore.delete_async(self._store, keys)
            await asyncio.to_thread(self._tidy, prefix)
        except (BaseError, OSError) as error:
            failure = _failure_of(error)
        else:
            return len(keys)
        raise failure

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """The keys of a document or a tenant, or the one key itself if it is there."""
        if _KEY.fullmatch(prefix):
            with contextlib.suppress(Missing):
                await self.size(prefix)
                yield prefix
            return
        if _PREFIX.fullmatch(prefix) is None:
            raise ValueError("a prefix names a tenant, a document or an object")
        try:
            async for batch in obstore.list(self._store, prefix.rstrip("/")):
                for found in batch:
                    yield found["path"]
        except (BaseError, OSError) as error:
            failure = _failure_of(error)
        else:
            return
        raise failure

    def _tidy(self, prefix: str) -> None:
        """Remove the folders that became empty, and write the removals down."""
        folder = self._root / prefix.rstrip("/")
        below = sorted(folder.glob("**/"), reverse=True) if folder.is_dir() else []
        for empty in [*below, *folder.parents]:
            if empty == self._root:
                break
            with contextlib.suppress(OSError):  # not empty: others live there
                empty.rmdir()
        while not folder.is_dir():
            folder = folder.parent
        _sync(folder)


def _checked(key: str) -> str:
    if _KEY.fullmatch(key) is None:
        raise ValueError("a blob's key is <tenant uuid>/<document uuid>/<part>")
    return key


async def _filled(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Without empty pieces, which the store takes for the end."""
    async for chunk in chunks:
        if chunk:
            yield chunk


def _settle(fresh: Path, final: Path, root: Path) -> None:
    """Write the bytes down, then the name, then every folder on the way."""
    fresh.chmod(0o600)
    _sync(fresh)
    folders = [folder for folder in final.parents if folder != root and root in folder.parents]
    while True:
        for folder in reversed(folders):
            folder.mkdir(mode=0o700, exist_ok=True)
        try:
            fresh.replace(final)
        except FileNotFoundError:  # a deletion nearby removed the folder while it was empty
            if not fresh.exists():
                raise
            continue
        break
    for folder in [*folders, root]:
        _sync(folder)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _forget(arriving: Path, before_s: float) -> None:
    for path in arriving.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < before_s:
                path.unlink()


def _failure_of(error: BaseError | OSError) -> Failure:
    """Raised outside the handler: what the store says names paths."""
    if isinstance(error, NotFoundError | FileNotFoundError):
        return Missing("blob.unknown", "The stored file is not there.")
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left on device" in str(error) or "Disk quota exceeded" in str(error):
        return Unavailable(
            "disk.full",
            "The disk that holds the documents is full.",
            kept="What was stored before is kept; this file was not stored.",
            todo="Make room, then try again.",
            retry_after_s=60,
        )
    return Unavailable(
        "blobs.down",
        "The place where documents are stored cannot be read or written.",
        kept="What was stored before is kept; this file was not stored.",
        todo="Check the rights and the disk of the data directory, then try again.",
    )
