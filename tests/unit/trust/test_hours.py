"""When a set of checks is due, over the hours of days, sleep and a clock that is moved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smalt.trust.hours import DAY_S, HOUR_S, due

NOON = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())
QUIET = NOON + 15 * HOUR_S  # three in the morning


@pytest.mark.parametrize(
    ("now", "ran", "began", "expected"),
    [
        pytest.param(NOON, {}, NOON, "hour", id="a new installation begins with the hourly set"),
        pytest.param(NOON + 60, {"hour": NOON}, NOON, None, id="then nothing for a while"),
        pytest.param(NOON + 1300, {"hour": NOON}, NOON, "night", id="the nightly one within its first hour"),
        pytest.param(NOON + HOUR_S, {"night": NOON + 1300}, NOON, None, id="the nightly set holds the hourly one"),
        pytest.param(NOON + HOUR_S, {"hour": NOON, "night": NOON}, NOON, "hour", id="an hour later"),
        pytest.param(NOON + 9 * HOUR_S, {"hour": NOON, "night": NOON}, NOON, "hour", id="slept: caught up once"),
        pytest.param(QUIET, {"hour": QUIET - 60, "night": QUIET - DAY_S}, NOON, "night", id="at a quiet hour"),
        pytest.param(QUIET, {"hour": QUIET - 60, "night": QUIET - HOUR_S}, NOON, None, id="not twice in one night"),
        pytest.param(NOON, {"hour": NOON, "night": NOON - 37 * HOUR_S}, NOON, "night", id="a night was missed"),
        pytest.param(NOON, {"hour": NOON, "night": NOON - 30 * HOUR_S}, NOON, None, id="missed, but the night comes"),
        pytest.param(
            QUIET, {"hour": QUIET, "night": QUIET, "week": QUIET - 7 * DAY_S}, NOON, "week", id="a week is over"
        ),
        pytest.param(
            NOON, {"hour": NOON, "night": NOON}, NOON - 8 * DAY_S, "week", id="a first week, at any hour when missed"
        ),
        pytest.param(QUIET, {"hour": QUIET, "night": QUIET}, QUIET - DAY_S, "week", id="the first quiet hour"),
        pytest.param(NOON, {"week": NOON - 60}, 0, None, id="the weekly set holds all"),
        pytest.param(NOON, {"hour": NOON + DAY_S}, NOON, "hour", id="the clock was set back: run again"),
        pytest.param(NOON, {"hour": NOON, "night": NOON + 9 * DAY_S}, NOON, None, id="set back far: as a new one"),
    ],
)
def test_due(now: int, ran: dict[str, int], began: int, expected: str | None) -> None:
    assert due(now, ran, began) == expected


def test_a_month_of_looking_every_minute_runs_each_set_as_often_as_it_says() -> None:
    ran: dict[str, int] = {}
    counts = {"hour": 0, "night": 0, "week": 0}
    for now in range(NOON, NOON + 28 * DAY_S, 60):
        which = due(now, ran, NOON)
        if which is not None:
            counts[which] += 1
            ran[which] = now
    assert counts["week"] == 4
    assert 24 <= counts["night"] <= 28
    assert sum(counts.values()) == pytest.approx(28 * 24, abs=8)
