"""Blobs: streamed both ways, whole or not there, gone when deleted."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import textwrap
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smalt.kernel.errors import Missing, Unavailable
from smalt.store import blobs as blobs_module
from smalt.store.blobs import Blobs

ROOT = Path(__file__).resolve().parents[3]
TENANT, OTHER = (str(uuid.UUID(int=n)) for n in (1, 2))
PAPER, SECOND = (str(uuid.UUID(int=n)) for n in (10, 11))
KEY = f"{TENANT}/{PAPER}/original"


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def all_of(blobs: Blobs, key: str) -> bytes:
    return b"".join([piece async for piece in blobs.get(key)])


async def keys_of(blobs: Blobs, prefix: str) -> list[str]:
    return sorted([key async for key in blobs.list(prefix)])


def files(root: Path) -> list[Path]:
    return [p for p in root.rglob("*") if p.is_file()]


@pytest.fixture
def root(place: Path) -> Path:
    return place / "blobs with spaces"


async def test_what_goes_in_comes_out(root: Path) -> None:
    blobs = Blobs(root)
    content = os.urandom(3_000_000)
    await blobs.put(KEY, pieces(content[:10], b"", content[10:2_500_000], content[2_500_000:]))
    assert await all_of(blobs, KEY) == content
    assert await blobs.size(KEY) == len(content)
    assert await blobs.get_range(KEY, 1_048_570, 20) == content[1_048_570:1_048_590]
    assert await blobs.get_range(KEY, 2_999_995, 20) == content[-5:]
    assert await blobs.get_range(KEY, 3_000_000, 20) == b""
    await blobs.put(KEY, pieces(b"new"))
    assert await all_of(blobs, KEY) == b"new"
    await blobs.put(KEY, pieces())
    assert await all_of(blobs, KEY) == b""


async def test_only_we_may_look(root: Path) -> None:
    before = os.umask(0)
    try:
        await Blobs(root).put(KEY, pieces(b"x"))
    finally:
        os.umask(before)
    for path in [root, *root.rglob("*")]:
        assert stat.S_IMODE(path.lstat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_deleting_by_prefix(root: Path) -> None:
    blobs = Blobs(root)
    for key in (KEY, f"{TENANT}/{PAPER}/index", f"{TENANT}/{SECOND}/original", f"{OTHER}/{PAPER}/original"):
        await blobs.put(key, pieces(b"x"))
    assert await keys_of(blobs, f"{TENANT}/{PAPER}/") == [f"{TENANT}/{PAPER}/index", KEY]
    assert await blobs.delete(KEY) == 1
    assert await blobs.delete(KEY) == 0
    assert await blobs.delete(f"{TENANT}/{PAPER}/") == 1
    assert not (root / TENANT / PAPER).exists()
    assert await keys_of(blobs, TENANT) == [f"{TENANT}/{SECOND}/original"]
    assert await blobs.delete(TENANT) == 1
    assert not (root / TENANT).exists()
    assert await keys_of(blobs, OTHER) == [f"{OTHER}/{PAPER}/original"]


async def test_what_is_not_there_is_missing(root: Path) -> None:
    blobs = Blobs(root)
    for use in (all_of(blobs, KEY), blobs.size(KEY), blobs.get_range(KEY, 0, 1)):
        with pytest.raises(Missing):
            await use
    assert await blobs.delete(KEY) == 0
    assert await keys_of(blobs, TENANT) == []


@pytest.mark.parametrize(
    "key", ["", "../x", f"{TENANT}/../x/y", f"{TENANT}/{PAPER}/../z", f"{KEY}/more", "a/b/c", f"{TENANT}/{PAPER}/.x"]
)
async def test_odd_keys_are_refused(root: Path, key: str) -> None:
    blobs = Blobs(root)
    for use in (blobs.put(key, pieces(b"x")), all_of(blobs, key), blobs.get_range(key, 0, 1)):
        with pytest.raises(ValueError, match="key"):
            await use
    with pytest.raises(ValueError, match="prefix"):
        await blobs.delete(key)


async def test_a_source_that_fails_leaves_nothing(root: Path) -> None:
    async def fails() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        raise ZeroDivisionError

    blobs = Blobs(root)
    await blobs.put(KEY, pieces(b"old"))
    with pytest.raises(ZeroDivisionError):
        await blobs.put(KEY, fails())
    assert await all_of(blobs, KEY) == b"old"
    assert files(root) == [root / KEY]


async def test_a_cancelled_upload_leaves_nothing(root: Path) -> None:
    begun = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        begun.set()
        await asyncio.sleep(600)
        yield b"y"

    blobs = Blobs(root)
    task = asyncio.create_task(blobs.put(KEY, hangs()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(1000):
        if not files(root):
            break
        await asyncio.sleep(0.01)
    assert files(root) == []
    await blobs.put(KEY, pieces(b"again"))


async def test_no_half_object_after_a_kill(root: Path) -> None:
    code = """
        import asyncio, sys
        from pathlib import Path
        from smalt.store.blobs import Blobs
        async def hangs():
            yield b"x" * 3_000_000
            print("half", flush=True)
            await asyncio.sleep(600)
            yield b"y"
        asyncio.run(Blobs(Path(sys.argv[1])).put(sys.argv[2], hangs()))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(root), KEY], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    blobs = Blobs(root)
    with pytest.raises(Missing):
        await all_of(blobs, KEY)
    left = files(root)
    assert all(p.parent.name == ".arriving" for p in left)
    for path in left:
        os.utime(path, (0, 0))
    Blobs(root)  # a day later
    assert files(root) == []


async def test_the_bytes_are_written_down_before_the_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut cannot be had in a test; the order of what would survive it can."""
    done: list[str] = []
    sync, replace = blobs_module._sync, Path.replace

    def seen_sync(path: Path) -> None:
        done.append("folder" if path.is_dir() else "bytes")
        sync(path)

    def seen_replace(self: Path, target: Path) -> Path:
        done.append("name")
        return replace(self, target)

    monkeypatch.setattr(blobs_module, "_sync", seen_sync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    await Blobs(root).put(KEY, pieces(b"x"))
    assert done == ["bytes", "name", "folder", "folder", "folder"]


async def test_memory_stays_flat(root: Path) -> None:
    def resident_kib() -> int:
        line = next(s for s in Path("/proc/self/status").read_text().splitlines() if s.startswith("VmRSS"))
        return int(line.split()[1])

    async def large() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"\x01" * (1024 * 1024)  # zeros would take no memory
            seen.append(resident_kib())

    blobs = Blobs(root)
    seen = [resident_kib()]
    await blobs.put(KEY, large())
    async for piece in blobs.get(KEY):
        assert len(piece) <= 4 * 1024 * 1024
        seen.append(resident_kib())
    assert await blobs.size(KEY) == 200 * 1024 * 1024
    assert max(seen) - seen[0] < 40 * 1024


async def test_a_place_that_cannot_be_written_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/secret/name")

    monkeypatch.setattr(blobs_module, "_settle", denied)
    with pytest.raises(Unavailable) as caught:
        await Blobs(root).put(KEY, pieces(b"x"))
    assert caught.value.code == "blobs.down"
    assert caught.value.__context__ is None
    assert files(root) == []
