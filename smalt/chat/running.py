"""The turns being answered in this process: who listens to them, and how they are cancelled.

A turn outlives the connection that asked it: closing the page loses nothing, and any number of listeners can follow.
Events are kept for the length of the turn so that a listener who comes late hears all of it. Nothing here is durable:
after a crash the database still says "working" and the janitor closes the turn as abandoned.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any

from smalt.kernel.errors import Unavailable
from smalt.kernel.ids import TenantId, TurnId

RUNNING_MAX = 64


@dataclass(frozen=True, slots=True)
class TurnEvent:
    """``name`` is the SSE event name, ``data`` its JSON object."""

    name: str
    data: dict[str, Any]


@dataclass
class Run:
    """One turn under way: its task and everything it has said so far."""

    tenant: TenantId
    turn: TurnId
    task: asyncio.Task[None] | None = None
    said: list[TurnEvent] = field(default_factory=list)
    over: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, name: str, data: dict[str, Any]) -> None:
        self.said.append(TurnEvent(name, data))
        self._wake()

    def end(self) -> None:
        self.over = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def follow(self) -> AsyncIterator[TurnEvent]:
        """Every event from the first, ending with the turn."""
        heard = 0
        while True:
            changed = self._changed
            while heard < len(self.said):
                yield self.said[heard]
                heard += 1
            if self.over:
                return
            await changed.wait()


class Running:
    """All runs of this process, by (tenant, turn)."""

    def __init__(self) -> None:
        self._runs: dict[tuple[TenantId, TurnId], Run] = {}

    def require_room(self) -> None:
        """`Unavailable` when as many turns are under way as this process carries."""
        if len(self._runs) >= RUNNING_MAX:
            raise Unavailable(
                "turns.too_many",
                "Many questions are being answered right now.",
                kept="Your question was not stored.",
                todo="Ask again in a few seconds.",
                retry_after_s=3,
            )

    def start(self, run: Run, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` for ``run``; the run ends when it does."""
        key = (run.tenant, run.turn)
        self._runs[key] = run
        run.task = asyncio.create_task(work)

        def over(_: asyncio.Task[None]) -> None:
            self._runs.pop(key, None)
            run.end()

        run.task.add_done_callback(over)

    def find(self, tenant: TenantId, turn: TurnId) -> Run | None:
        return self._runs.get((tenant, turn))

    def cancel(self, tenant: TenantId, turn: TurnId) -> bool:
        """Whether the turn ran here and was told to stop."""
        run = self.find(tenant, turn)
        return run is not None and run.task is not None and run.task.cancel()

    async def drain(self, timeout_s: float) -> None:
        """Let the turns under way settle; what has not after ``timeout_s`` is cancelled (and settles as cancelled)."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=timeout_s)
