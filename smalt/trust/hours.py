"""When which set of checks is due: a pure function of the clock and of what ran last.

The hourly set runs soon after the start and then every hour; the nightly set adds the heavy checks once a day at a quiet
hour, and within the first hour of a new installation; the weekly set adds the heaviest. What was missed while the
machine slept is caught up, once. Standard library only: the process that asks sleeps nearly always and stays small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Set = Literal["hour", "night", "week"]
SETS: Final[tuple[Set, ...]] = ("hour", "night", "week")
HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
QUIET_FROM: Final = 2
QUIET_UNTIL: Final = 5
"""Hours of the day, UTC."""
FIRST_NIGHT_AFTER_S: Final = 20 * 60
CLOCK_SKEW_S: Final = 300

_EVERY_S: Final = {"night": DAY_S, "week": 7 * DAY_S}
_EARLY_S: Final = 6 * HOUR_S
_LATE_S: Final = 12 * HOUR_S
"""A daily or weekly set may come this much before its time, to meet the quiet hours, and waits no longer than this for
them when it was missed."""


def due(now: int, ran: Mapping[str, int], began: int) -> Set | None:
    """The heaviest set that is due at ``now``; a set includes the lighter ones. None when none is.

    ``ran`` has when each set ended last; ``began`` is when this installation was first watched. All in Unix seconds. A
    time ahead of the clock (it was set back) counts for nothing.
    """
    known = {name: at for name, at in ran.items() if at <= now + CLOCK_SKEW_S}
    quiet = QUIET_FROM <= now % DAY_S // HOUR_S < QUIET_UNTIL
    for name in ("week", "night"):
        if _is_due(name, now, known, min(began, now), quiet=quiet):
            return "week" if name == "week" else "night"
    latest = max(known.values(), default=None)
    return "hour" if latest is None or now - latest >= HOUR_S else None


def _is_due(name: str, now: int, known: Mapping[str, int], began: int, *, quiet: bool) -> bool:
    every = _EVERY_S[name]
    last = max((at for one, at in known.items() if one in {name, "week"}), default=None)
    if last is None:
        if name == "night":  # of a new installation: soon, but after its first hourly set
            return "hour" in known and now - began >= FIRST_NIGHT_AFTER_S
        return now - began >= every + _LATE_S or (quiet and now - began >= DAY_S)
    age = now - last
    return age >= every + _LATE_S or (quiet and age >= every - _EARLY_S)
