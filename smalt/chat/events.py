"""What is told of turns: ids, states, counts and times."""

from __future__ import annotations

from smalt.chat.turn import Engine, State
from smalt.kernel.ids import TurnId
from smalt.telemetry.events import Event, Milliseconds


class TurnSettled(Event):
    turn: TurnId
    state: State
    engine: Engine
    input_chars: int
    output_chars: int
    figures: int
    traced: int
    elapsed: Milliseconds
