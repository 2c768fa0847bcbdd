"""Server-sent events: heartbeats while nothing happens, an end when the reader leaves, failures as an event.

The producer is an async iterator. It runs in a task of its own; when the client disconnects the task is cancelled
where it waits, so an engine that nobody listens to any more stops working.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from smalt.kernel.errors import Failure
from smalt.telemetry.events import Slug
from smalt.telemetry.log import report, source_name
from smalt.web.doors import knock_again
from smalt.web.passage import passage_of
from smalt.web.problems import problem_of, unknown_problem

HEARTBEAT_S = 15.0
WELCOME_S = 1.0
_AHEAD = 16
_NAME = re.compile(r"[a-z_]{1,32}")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """``data`` is anything msgspec writes as JSON; JSON has no bare line breaks, so one data line always holds it."""

    name: str
    data: Any

    def encode(self) -> bytes:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError("an event name is 1 to 32 of a-z and _")
        return b"event: " + self.name.encode() + b"\ndata: " + msgspec.json.encode(self.data) + b"\n\n"


class EventStream(Response):
    """The response that tells what ``events`` yields, as it comes.

    At most 16 events are made ahead of what the client has read. An exception of the producer ends the stream with an
    event ``problem`` whose data is the problem+json of it.
    """

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncIterator[ServerEvent], *, status: int = 200, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        super().__init__(None, status, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self.headers["content-type"] = "text/event-stream; charset=utf-8"
        self._events = events
        self._heartbeat_s = heartbeat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        made: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)
        producer = asyncio.create_task(self._produce(made, scope))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            while not gone.done():
                line = await self._next(made, gone)
                if line is None:
                    break
                await send({"type": "http.response.body", "body": line, "more_body": True})
        finally:
            gone.cancel()
            producer.cancel()
            await asyncio.gather(gone, producer, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self, made: asyncio.Queue[bytes | None], gone: asyncio.Task[None]) -> bytes | None:
        """The next bytes to send, a heartbeat when there are none for a while, None at the end or when nobody reads."""
        getting = asyncio.create_task(made.get())
        try:
            await asyncio.wait({getting, gone}, timeout=self._heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            return None if gone.done() else b": ping\n\n"
        finally:
            getting.cancel()

    async def _produce(self, made: asyncio.Queue[bytes | None], scope: Scope) -> None:
        try:
            async for event in self._events:
                await made.put(event.encode())
        except Exception as error:  # noqa: BLE001  # told to the client below, noted without its words
            await made.put(ServerEvent("problem", _told(error, scope)).encode())
        finally:
            closing = getattr(self._events, "aclose", None)
            if closing is not None:
                with contextlib.suppress(RuntimeError):
                    await closing()
        await made.put(None)


def _told(error: Exception, scope: Scope) -> dict[str, Any]:
    passage = passage_of(scope)
    problem = problem_of(error) if isinstance(error, Failure) else unknown_problem()
    if problem.status >= 500:
        report(error, Slug("stream"), passage.request)
    passage.code = source_name(problem.code)
    return problem.members(str(passage.request))


async def while_welcome(
    request: Request, events: AsyncGenerator[ServerEvent, None], every_s: float = WELCOME_S
) -> AsyncIterator[ServerEvent]:
    """``events``, as long as the credential that opened the stream opens its door: a revoked token hears no more.

    `Unauthenticated` at the first event after it ended, at most ``every_s`` late.
    """
    checked = time.monotonic()
    async with contextlib.aclosing(events):
        async for event in events:
            if time.monotonic() - checked >= every_s:
                await knock_again(request)
                checked = time.monotonic()
            yield event


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
