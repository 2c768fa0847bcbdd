"""Reading documents in a process apart: `parse`, `render_page` and `fill`.

A document's bytes go to the child over a pipe and the result comes back over a pipe: nothing is written to disk. The
child locks itself (see `locks`); the parent holds the clock, bounds what it accepts, and turns every way the child can
end into one of the refusals. Cancelling the call kills the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from smalt.kernel import limits
from smalt.kernel.errors import Failure
from smalt.library.child import Order
from smalt.library.form import Filled, Replies
from smalt.library.parsed import Parsed, decode
from smalt.library.refusals import refusal

_T = TypeVar("_T")
OnProgress = Callable[[int, int], None]
Source = bytes | AsyncIterator[bytes]

_ROOT = str(Path(__file__).resolve().parents[2])
# -I shuts out the environment and the working directory; the package's own place is given by hand, so that a checkout
# works like an installation.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from smalt.library.child import main; main()"
_RESULT_MAX_BYTES = 512 * limits.MIB
_CHUNK = limits.MIB
_RENDER_WALL_S = 30
_FILL_WALL_S = 30
_DPI_MAX = 220
_LEAVE_S = 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a child may use."""

    wall_s: float = limits.PARSE_WALL_S
    cpu_s: int = limits.PARSE_CPU_S
    memory_bytes: int = limits.PARSE_MEMORY_BYTES


async def parse(
    source: Source, name_hint: str = "", on_progress: OnProgress | None = None, bounds: Bounds | None = None
) -> Parsed:
    """The document's pages, tables and cells. ``on_progress(done, total)`` counts pages or sheets.

    Raises the refusals (`refusals`): what the file is not, or what reading it used up.
    """
    bounds = bounds or Bounds()
    body = await _ask(
        Order("parse", os.getpid(), bounds.memory_bytes, bounds.cpu_s, name_hint), source, bounds, on_progress
    )
    try:
        return await asyncio.to_thread(decode, body) if len(body) > _CHUNK else decode(body)
    except msgspec.DecodeError:
        raise refusal("document.crashed") from None


async def render_page(source: Source, page: int, dpi: int = 96) -> bytes:
    """Page ``page`` (0-based) of a PDF as PNG."""
    if page < 0:
        raise refusal("document.no_such_page")
    bounds = Bounds(wall_s=_RENDER_WALL_S, cpu_s=_RENDER_WALL_S)
    order = Order("render", os.getpid(), bounds.memory_bytes, bounds.cpu_s, page=page, dpi=max(24, min(dpi, _DPI_MAX)))
    return await _ask(order, source, bounds, None)


async def fill(source: Source, replies: Replies) -> Filled:
    """The workbook with ``replies`` beside the ids that they are for, and what was done in each sheet."""
    bounds = Bounds(wall_s=_FILL_WALL_S, cpu_s=_FILL_WALL_S)
    order = Order("fill", os.getpid(), bounds.memory_bytes, bounds.cpu_s, replies=replies)
    return _decoded(await _ask(order, source, bounds, None), Filled)


async def trial(name: str, detail: str = "", bounds: Bounds | None = None) -> str:
    """Try from inside what a child must not do (`trials`): "stopped", "escaped", or the refusal it ended in."""
    bounds = bounds or Bounds(wall_s=20, cpu_s=10)
    order = Order(f"trial:{name}", os.getpid(), bounds.memory_bytes, bounds.cpu_s, detail)
    return (await _ask(order, b"", bounds, None)).decode()


async def locks_held() -> frozenset[str]:
    """The locks that this machine gives a reading child, for the doctor."""
    held: set[str] = set()
    bounds = Bounds(wall_s=20, cpu_s=10)
    await _ask(Order("trial:environment", os.getpid(), bounds.memory_bytes, bounds.cpu_s), b"", bounds, None, held)
    return frozenset(held)


async def _ask(
    order: Order, source: Source, bounds: Bounds, on_progress: OnProgress | None, held: set[str] | None = None
) -> bytes:
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-B", "-X", "utf8", "-c", _START, _ROOT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        raise refusal("document.reader_down") from None
    try:
        async with asyncio.timeout(bounds.wall_s):
            feeding = asyncio.ensure_future(_feed(process, order, source))
            try:
                answer = await _answer(process, on_progress, held)
            finally:
                feeding.cancel()
                fed = (await asyncio.gather(feeding, return_exceptions=True))[0]
            if answer is None:
                await process.wait()
    except TimeoutError:
        raise refusal("document.too_slow") from None
    except Failure:
        await _leave(process)
        raise
    else:
        await _leave(process)
    finally:
        await _end(process)
    if isinstance(fed, Exception):  # the source broke off, or was too large
        raise fed
    if answer is None:
        raise _ended(process.returncode or 0)
    return answer


async def _feed(process: asyncio.subprocess.Process, order: Order, source: Source) -> None:
    """Send the order and the file. A child that ends early says why on its own."""
    pipe = process.stdin
    if pipe is None:
        return
    header = msgspec.msgpack.encode(order)
    sent = 0
    try:
        pipe.write(len(header).to_bytes(4, "big") + header)
        async for chunk in _chunks(source):
            sent += len(chunk)
            _check_size(sent)
            pipe.write(chunk)
            await pipe.drain()
        pipe.close()
    except (BrokenPipeError, ConnectionResetError):
        return
    except Exception:
        process.kill()  # the source failed or is too large: the child must not take a part for the whole
        raise


def _check_size(sent: int) -> None:
    if sent > limits.UPLOAD_MAX_BYTES:
        raise refusal("document.too_large")


async def _chunks(source: Source) -> AsyncIterator[bytes]:
    if isinstance(source, bytes):
        view = memoryview(source)
        for start in range(0, len(view), _CHUNK):
            yield bytes(view[start : start + _CHUNK])
    else:
        async for chunk in source:
            yield chunk


async def _answer(
    process: asyncio.subprocess.Process, on_progress: OnProgress | None, held: set[str] | None
) -> bytes | None:
    """The child's result; None when it ended without one; its refusal raised."""
    pipe = process.stdout
    while pipe is not None:
        try:
            head = await pipe.readexactly(5)
            length = int.from_bytes(head[1:], "big")
            if length > _RESULT_MAX_BYTES:
                raise refusal("document.crashed")
            body = await pipe.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None
        if head[:1] == b"R":
            return body
        if head[:1] == b"F":
            raise refusal(body.decode("ascii", "replace"))
        if head[:1] == b"P" and on_progress is not None:
            done, total = _decoded(body, tuple[int, int])
            on_progress(done, total)
        elif head[:1] == b"L" and held is not None:
            held.update(_decoded(body, list[str]))
    return None


def _decoded(body: bytes, of: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(body, type=of)
    except msgspec.DecodeError:
        raise refusal("document.crashed") from None


def _ended(code: int) -> Failure:
    """Why a child ended without an answer, by its exit status."""
    if code == -signal.SIGXCPU:
        return refusal("document.too_slow")
    if (
        code == -signal.SIGKILL
    ):  # nobody here sent it: the kernel's last resort against memory use, or the hard CPU limit
        return refusal("document.too_much_memory")
    return refusal("document.crashed")


async def _leave(process: asyncio.subprocess.Process) -> None:
    """A child that has said its word is leaving: killing it now would race with its being reaped."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LEAVE_S):
            await process.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no child behind, whatever happened."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
