"""Event streams: order, heartbeats, the reader leaving, failures."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from smalt.kernel.errors import Unavailable
from smalt.web.stream import EventStream, ServerEvent

SECRET = "Bexley-Ltd-takeover"


async def run(events, *, leave_after: int | None = None, heartbeat_s: float = 60.0, slow_s: float = 0.0) -> list[bytes]:
    """The bodies sent; the client leaves after ``leave_after`` of them."""
    left = asyncio.Event()
    sent: list[bytes] = []

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        await asyncio.sleep(slow_s)
        if message["type"] == "http.response.body" and message["body"]:
            sent.append(message["body"])
            if len(sent) == leave_after:
                left.set()

    await EventStream(events, heartbeat_s=heartbeat_s)({"type": "http", "headers": []}, receive, send)
    return sent


async def test_events_come_in_order_and_whole(log) -> None:
    async def produce():
        yield ServerEvent("delta", {"text": "one\nline: two\r\n\n"})
        yield ServerEvent("answer", {"value": Decimal("4741.10")})

    assert await run(produce()) == [
        b'event: delta\ndata: {"text":"one\\nline: two\\r\\n\\n"}\n\n',
        b'event: answer\ndata: {"value":"4741.10"}\n\n',
    ]


async def test_silence_is_filled_with_heartbeats(log) -> None:
    go = asyncio.Event()

    async def produce():
        await go.wait()
        yield ServerEvent("done", 1)

    task = asyncio.create_task(run(produce(), heartbeat_s=0.01))
    await asyncio.sleep(0.05)
    go.set()
    sent = await task
    assert sent[0] == b": ping\n\n"
    assert sent[-1].startswith(b"event: done")


@pytest.mark.parametrize("where", ["waiting", "ahead"])
async def test_when_the_reader_leaves_the_producer_is_stopped(log, where: str) -> None:
    ended = []

    async def produce():
        try:
            yield ServerEvent("n", 0)
            if where == "waiting":
                await asyncio.sleep(3600)
            for n in range(1000):
                yield ServerEvent("n", n)
        finally:
            ended.append(True)

    sent = await run(produce(), leave_after=1)
    assert ended == [True]
    assert len(sent) < 5


async def test_a_slow_reader_holds_the_producer_back(log) -> None:
    made = []

    async def produce():
        for n in range(500):
            made.append(n)
            yield ServerEvent("n", n)

    sent = await run(produce(), leave_after=3, slow_s=0.005)
    assert len(made) <= len(sent) + 20


async def test_a_failure_is_an_event(log) -> None:
    async def produce():
        yield ServerEvent("turn", {"id": "x"})
        raise Unavailable("engine.down", "The engine is away.", retry_after_s=3)

    sent = await run(produce())
    name, data = sent[-1].decode().split("\n")[:2]
    told = json.loads(data.removeprefix("data: "))
    assert (name, told["code"], told["status"]) == ("event: problem", "engine.down", 503)


async def test_an_unforeseen_exception_is_an_event_without_its_words(log) -> None:
    async def produce():
        raise ValueError(SECRET)
        yield

    sent = await run(produce())
    assert b'"code":"unexpected"' in sent[-1]
    assert SECRET.encode() not in b"".join(sent)
    assert SECRET not in str(log())
    assert any(line["event"] == "exception_raised" for line in log())


@pytest.mark.parametrize("name", ["", "a\nb", "A", "x" * 33])
def test_event_names_cannot_break_the_framing(name: str) -> None:
    with pytest.raises(ValueError, match="event name"):
        ServerEvent(name, 1).encode()
