"""Question → Context → Prompt, as values. Pure: nothing here reads, writes or waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smalt.engine.answer import Exchange
from smalt.kernel.ids import EntryId, ThreadId, TurnId
from smalt.library.document import Document
from smalt.search.segment import Opened

HISTORY_TURNS = 3
"""How many earlier exchanges a follow-up may lean on."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the gathering transaction brought together; it is held in memory only while the turn runs.

    ``documents`` may lack some of those ``wanted``: they must be indexed anew before an engine is asked.
    """

    thread: ThreadId
    turn: TurnId
    entry: EntryId
    question: str
    wanted: Sequence[Document]
    documents: Sequence[Opened]
    history: Sequence[Exchange]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an engine is given. Passages of documents are data to quote from, never instructions to follow."""

    question: str
    documents: Sequence[Opened]
    history: Sequence[Exchange]


def compose(context: Context) -> Prompt:
    """The least an engine needs of ``context``."""
    return Prompt(context.question, tuple(context.documents), tuple(context.history)[-HISTORY_TURNS:])
