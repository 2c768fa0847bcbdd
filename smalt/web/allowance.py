"""How often one address may ask for something that costs: counts in this process, forgotten after their time.

For routes that anybody may use. With several processes each counts for itself.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from smalt.kernel.clock import Clock
from smalt.kernel.errors import TooMany

_REMEMBERED_MAX = 20_000


@dataclass(slots=True)
class Allowance:
    """``most`` times within ``window``, from the first on."""

    clock: Clock
    most: int
    window: timedelta
    _counts: OrderedDict[str, tuple[int, datetime]] = field(default_factory=OrderedDict)

    def spend(self, address: str) -> None:
        """Count one more of ``address``; `TooMany`, with the seconds until it may again, when it has no more."""
        now = self.clock.now()
        made, since = self._counts.get(address, (0, now))
        if since + self.window <= now or since > now:  # over, or the clock was set back
            made, since = 0, now
        if made >= self.most:
            raise TooMany(
                "address.too_many",
                "There were too many requests of this kind from your address.",
                kept="Nothing was changed.",
                todo="Wait until the time is over and try again.",
                retry_after_s=max(1, math.ceil((since + self.window - now).total_seconds())),
            )
        self._counts[address] = (made + 1, since)
        self._counts.move_to_end(address)
        while len(self._counts) > _REMEMBERED_MAX:
            self._counts.popitem(last=False)
