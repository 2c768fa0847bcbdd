"""How often a password may be guessed: counts in this process, by digests, forgotten after a while.

With several processes each counts for itself; the shared count is part of the later work on access. Three counts stand
beside each other: one address at one account, one address at all, one account from anywhere. The last is wide, so that
a stranger cannot cheaply lock a person out.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from smalt.kernel.clock import Clock
from smalt.kernel.errors import TooMany

WINDOW = timedelta(minutes=15)
PAIR_MAX = 5
ADDRESS_MAX = 40
ACCOUNT_MAX = 100
_REMEMBERED_MAX = 20_000


@dataclass(slots=True)
class _Count:
    made: int
    since: datetime


@dataclass(slots=True)
class Attempts:
    """`begin` before looking at a password, `forgive` after a right one.

    An attempt counts from its beginning, or many at the same moment would all pass before the first has failed.
    """

    clock: Clock
    _counts: OrderedDict[tuple[str, str, bytes], _Count] = field(default_factory=OrderedDict)

    def begin(self, address: str, account: bytes) -> None:
        """`TooMany`, with the seconds until the oldest count ends, when any of the three is full."""
        now = self.clock.now()
        for key, most in _keys(address, account):
            count = self._counts.get(key)
            if count is None:
                continue
            rest = count.since + WINDOW - now
            if rest <= timedelta(0):
                del self._counts[key]
            elif count.made >= most:
                raise TooMany(
                    "signin.too_many",
                    "There were too many attempts to sign in.",
                    kept="The account is unchanged.",
                    todo="Wait until the time is over and try again.",
                    retry_after_s=math.ceil(rest.total_seconds()),
                )
        for key, _ in _keys(address, account):
            self._counts.setdefault(key, _Count(0, now)).made += 1
            self._counts.move_to_end(key)
        while len(self._counts) > _REMEMBERED_MAX:
            self._counts.popitem(last=False)

    def forgive(self, address: str, account: bytes) -> None:
        """A right password ends the count of this address at this account, and does not count in the others."""
        pair, *wide = (key for key, _ in _keys(address, account))
        self._counts.pop(pair, None)
        for key in wide:
            if (count := self._counts.get(key)) is not None:
                count.made = max(0, count.made - 1)


def _keys(address: str, account: bytes) -> tuple[tuple[tuple[str, str, bytes], int], ...]:
    return (
        (("pair", address, account), PAIR_MAX),
        (("address", address, b""), ADDRESS_MAX),
        (("account", "", account), ACCOUNT_MAX),
    )
