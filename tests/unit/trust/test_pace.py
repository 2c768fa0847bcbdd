"""How often a stranger may do what writes something."""

from datetime import UTC, datetime, timedelta

import pytest

from smalt.kernel.clock import SetClock
from smalt.kernel.errors import TooMany
from smalt.trust.pace import WINDOW, Pace


def test_one_address_and_all_together_are_held_back_and_let_go_again() -> None:
    clock = SetClock(datetime(2026, 11, 25, tzinfo=UTC))
    pace = Pace(clock, (2, 3))
    pace.take("one")
    pace.take("one")
    with pytest.raises(TooMany) as refused:
        pace.take("one")
    assert refused.value.retry_after_s == WINDOW.total_seconds()
    pace.take("other")
    with pytest.raises(TooMany):
        pace.take("third")
    clock.advance(WINDOW + timedelta(seconds=1))
    pace.take("one")
