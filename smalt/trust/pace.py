"""How often one who is not signed in may do what writes something: counts in this process, forgotten after a while."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from smalt.kernel.clock import Clock
from smalt.kernel.errors import TooMany

WINDOW = timedelta(minutes=15)
FORMS = (5, 100)
"""How many forms one address may send in a window, and all together."""
LOOKS = (120, 2000)
"""The same for looking at what is given out under an agreement: each look is an entry of the audit log."""
_REMEMBERED_MAX = 10_000


@dataclass(slots=True)
class Pace:
    """``most``: by one address in a window, and by all together. Addresses are held in memory only."""

    clock: Clock
    most: tuple[int, int] = FORMS
    _counts: OrderedDict[str, tuple[int, datetime]] = field(default_factory=OrderedDict)

    def take(self, address: str) -> None:
        """`TooMany`, with the seconds until the window ends, when either count is full."""
        now = self.clock.now()
        for key, most in ((address, self.most[0]), ("", self.most[1])):
            made, since = self._counts.get(key, (0, now))
            rest = since + WINDOW - now
            if rest <= timedelta(0):
                self._counts.pop(key, None)
            elif made >= most:
                raise TooMany(
                    "trust.pace",
                    "This was asked for too often.",
                    kept="Nothing was changed.",
                    todo="Wait until the time is over and try again.",
                    retry_after_s=math.ceil(rest.total_seconds()),
                )
        for key in (address, ""):
            made, since = self._counts.get(key, (0, now))
            self._counts[key] = (made + 1, since)
            self._counts.move_to_end(key)
        while len(self._counts) > _REMEMBERED_MAX:
            self._counts.popitem(last=False)
