"""Turns whose process died: closed as abandoned, so that no page waits for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

from smalt.chat.thread import QUERIES
from smalt.chat.turn import State
from smalt.kernel.clock import Clock
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit

ABANDONED_AFTER = timedelta(minutes=10)


async def sweep_turns(visit: Visit, clock: Clock, before: datetime) -> int:
    """Close the turns begun before ``before`` that still count as working; how many there were."""
    async with visit.enter(Act.TENANT_SWEEP) as scope:
        return await scope.execute(
            QUERIES.abandon_turns,
            {
                "abandoned": int(State.ABANDONED),
                "working": int(State.WORKING),
                "before": before,
                "at": clock.now(),
            },
        )
