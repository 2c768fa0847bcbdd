"""What an operator states in public: shown as it will stand in the log, then signed by the keeper's key."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smalt.kernel.clock import SystemClock
from smalt.settings import Settings
from smalt.trust.journal import Journal
from smalt.trust.keeper import TRUST, Keeper
from smalt.trust.keeper import events as events_of
from smalt.trust.record import statement
from smalt.trust.registry import Registry, load
from smalt.trust.statements import Stated

Events = Sequence[Mapping[str, Any]]
Make = Callable[[Registry, Events, int], Stated]
"""``make(registry, events, now)``: what is stated, from what the log says already."""


@dataclass(frozen=True, slots=True)
class Signed:
    """``entry``: the statement's place in the log."""

    predicate: Mapping[str, Any]
    entry: int


def told(settings: Settings) -> list[dict[str, Any]]:
    """The log as events; empty before anything was written. Needs no key."""
    journal = Journal(settings.data_dir / TRUST)
    return list(events_of(journal)) if journal.size() else []


def draft(settings: Settings, make: Make) -> Stated:
    """What ``make`` would state now. Nothing is written."""
    return make(load(), told(settings), int(time.time()))


def sign(settings: Settings, kind: str, make: Make) -> Signed:
    """State it: ``make`` is asked again, while nobody else writes, so that no statement between is overlooked."""
    keeper = Keeper.open(settings.data_dir.absolute(), SystemClock(), settings.public_host[0])
    with keeper.writing() as pen:
        before = list(events_of(pen.journal)) if pen.journal.size() else []
        made = make(load(), before, int(keeper.clock.now().timestamp()))
        size = pen.add([statement(kind, made.subjects, made.predicate)]).size
    return Signed(made.predicate, size - 1)
