"""How the states of claims changed, kept from one question to the next: only the log's growth or a term's end changes it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from smalt.trust import status
from smalt.trust.status import Verdict

NEVER = 1 << 62


class Past:
    """The past of one state of the log. Made anew when the log grows; safe to use from several threads."""

    def __init__(self, events: Sequence[dict[str, Any]]) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[int, int, list[Verdict]]] = {}

    @cached_property
    def _timed(self) -> list[dict[str, Any]]:
        """The events, each dated with the time that it counts from. `status.timed` leaves these as they are, in any part."""
        return [{**event, "at": at} for event, at in status.timed(self._events)]

    @cached_property
    def _newest(self) -> int:
        return max((event["at"] for event in self._events), default=0)

    def of(self, claim: Mapping[str, Any], now: int) -> list[Verdict]:
        """`status.history` of ``claim`` over all events."""
        with self._lock:
            kept = self._kept.get(claim["id"])
            if kept is not None and kept[0] <= now < kept[1]:
                return kept[2]
            checks = set(claim["checks"])
            mine = [
                event
                for event in self._timed
                if (event["check"] in checks if event["kind"] == "result" else event["kind"] != "run")
            ]
            found = status.history(claim, mine, now)
            if self._newest <= now:
                ends = status.verdict(claim, status.folded(mine, now), now).good_until
                self._kept[claim["id"]] = (now, ends if ends is not None and ends > now else NEVER, found)
            return found
