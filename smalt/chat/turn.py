"""A turn: one question and what came of it. Question, answer and the documents it was asked of are sealed."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from smalt.chat.present import present
from smalt.chat.thread import QUERIES
from smalt.engine.answer import Answer, Citation
from smalt.kernel.errors import Malformed, Missing
from smalt.kernel.ids import DocumentId, PersonId, ThreadId, TurnId
from smalt.kernel.limits import QUESTION_MAX_CHARS
from smalt.kernel.sealed import Place, Sealed
from smalt.tenancy.scope import TenantScope
from smalt.web.paging import FIRST


class State(enum.IntEnum):
    """Stored in ``turn.state``. ABANDONED: the process died before the turn settled."""

    WORKING = 1
    ANSWERED = 2
    DECLINED = 3
    FAILED = 4
    CANCELLED = 5
    ABANDONED = 6


class Engine(enum.IntEnum):
    """Stored in ``turn.engine`` and ``usage_entry.engine``."""

    LOCAL = 1


@dataclass(frozen=True, slots=True)
class TurnRow:
    id: TurnId
    conversation_id: ThreadId
    question: Sealed
    answer: Sealed | None
    state: State
    total_ms: int | None
    started_at: datetime


_LIST = QUERIES.list_turns.rows(TurnRow)
_GET = QUERIES.get_turn.rows(TurnRow)


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn with its content opened."""

    id: TurnId
    thread: ThreadId
    question: str
    answer: Answer | None
    state: State
    total_ms: int | None
    started_at: datetime


class Settled(msgspec.Struct, array_like=True):
    """What is sealed when a turn settles: the question once more, so that a history opens one envelope a turn."""

    question: str
    answer: Answer


_settled = msgspec.msgpack.Decoder(Settled)


def place(turn: TurnId, column: str) -> Place:
    return Place("turn", column, turn.uuid)


def question_of(text: str) -> str:
    """``text`` as a question; `Malformed` when it is empty or too long."""
    question = text.strip()
    if not question:
        raise Malformed("question.empty", "There is no question.", todo="Write a question.")
    if len(question) > QUESTION_MAX_CHARS:
        raise Malformed(
            "question.too_long",
            "The question is too long.",
            kept="Nothing was stored.",
            todo="Shorten it, or upload the long text as a document and ask about it.",
            facts={"max_chars": QUESTION_MAX_CHARS},
        )
    return question


def opened(scope: TenantScope, rows: Sequence[TurnRow]) -> list[Turn]:
    """The turns with their content opened. A settled turn is one envelope, opened together with its neighbours."""
    settled = [(row.id.uuid, row.answer) for row in rows if row.answer is not None]
    contents = iter(scope.open_column("turn", "answer", settled))
    return [_turn(scope, row, None if row.answer is None else _settled.decode(next(contents))) for row in rows]


def _turn(scope: TenantScope, row: TurnRow, content: Settled | None) -> Turn:
    return Turn(
        id=row.id,
        thread=row.conversation_id,
        question=scope.open_text(row.question, place(row.id, "question")) if content is None else content.question,
        answer=None if content is None else content.answer,
        state=row.state,
        total_ms=row.total_ms,
        started_at=row.started_at,
    )


async def add(
    scope: TenantScope, thread: ThreadId, person: PersonId, question: str, asked_of: Sequence[DocumentId], at: datetime
) -> TurnId:
    """The turn as begun: the question is stored before anything is answered."""
    identity = TurnId.new()
    await scope.execute(
        QUERIES.add_turn,
        {
            "id": identity.uuid,
            "conversation_id": thread.uuid,
            "person_id": person.uuid,
            "question": scope.seal_text(question, place(identity, "question")),
            "scope": scope.seal_text(" ".join(map(str, asked_of)), place(identity, "scope")) if asked_of else None,
            "state": int(State.WORKING),
            "engine": int(Engine.LOCAL),
            "input_chars": len(question),
            "at": at,
        },
    )
    await scope.execute(QUERIES.touch_thread, {"id": thread.uuid, "at": at})
    return identity


async def page(scope: TenantScope, thread: ThreadId, limit: int, before: UUID = FIRST.id) -> list[Turn]:
    """The newest turns of the conversation, newest first."""
    rows = await scope.fetch_all(_LIST, {"conversation_id": thread.uuid, "limit": limit, "before": before})
    return opened(scope, rows)


async def get(scope: TenantScope, person: PersonId, thread: ThreadId, turn: TurnId) -> Turn:
    """The turn of the person's own conversation, or `Missing`."""
    params = {"id": turn.uuid, "conversation_id": thread.uuid, "person_id": person.uuid}
    row = await scope.fetch_maybe(_GET, params)
    if row is None:
        raise Missing("turn.unknown", "There is no such question.")
    return opened(scope, [row])[0]


async def stop(scope: TenantScope, turn: TurnId, at: datetime) -> None:
    """End the turn as cancelled if it is still working."""
    params = {"id": turn.uuid, "state": int(State.CANCELLED), "working": int(State.WORKING), "at": at}
    await scope.execute(QUERIES.stop_turn, params)


def _citation_view(number: int, citation: Citation) -> dict[str, Any]:
    return {
        "n": number,
        "document_id": citation.document,
        "document": citation.name,
        "page": citation.page,
        "sheet": citation.sheet,
        "cell": citation.cell,
        "quote": citation.quote,
        "box": None if citation.box is None else [citation.box.x0, citation.box.y0, citation.box.x1, citation.box.y1],
        "label": citation.label,
        "header": citation.header,
        "period": citation.period,
        "unit": citation.unit,
    }


def answer_view(answer: Answer) -> dict[str, Any]:
    """The answer as the API shows it. Citations are numbered from 1; operands point at them by that number.

    ``parts`` and ``formula_parts`` are the text cut into runs and figures, each bound to its citations (`present`).
    """
    figure = answer.figure
    shown = {
        "text": answer.text,
        "figure": None
        if figure is None
        else {
            "value": figure.value,
            "unit": figure.unit,
            "currency": figure.currency,
            "scale": figure.scale,
            "period": figure.period,
        },
        "formula": answer.formula,
        "operands": [
            {"label": o.label, "value": o.value, "unit": o.unit, "period": o.period, "n": o.citation + 1}
            for o in answer.operands
        ],
        "citations": [_citation_view(n, c) for n, c in enumerate(answer.citations, start=1)],
        "checks": {"figures": answer.figures, "traced": answer.traced},
        "engine": answer.engine,
        "declined": answer.declined,
        "looked_for": answer.looked_for,
        "nearest": [_citation_view(n, c) for n, c in enumerate(answer.nearest, start=1)],
    }
    return present(shown)


def view(turn: Turn) -> dict[str, Any]:
    """The turn as the API shows it. ``sent_to`` names the provider that saw the question: none for the local engine."""
    return {
        "id": str(turn.id),
        "conversation_id": str(turn.thread),
        "question": turn.question,
        # Whoever asked need not know why nothing came: for them an abandoned turn failed.
        "state": (State.FAILED if turn.state is State.ABANDONED else turn.state).name.lower(),
        "answer": None if turn.answer is None else answer_view(turn.answer),
        "asked_at": turn.started_at.isoformat(),
        "total_ms": turn.total_ms,
        "sent_to": None,
    }
