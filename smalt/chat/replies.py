"""What the API shows of conversations and turns, as types: the views are checked against them and described by them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from smalt.kernel.figures import Unit
from smalt.library.replies import Box
from smalt.web.replies import Time

Amount = Annotated[str, Field(description="an exact decimal, as text")]


class Conversation(BaseModel):
    id: str
    title: str
    created_at: Time
    updated_at: Time


class Conversations(BaseModel):
    items: list[Conversation]
    next: str | None


class Figure(BaseModel):
    """The answered figure in base units (dollars, not millions); ``scale`` is the power of ten that the document printed."""

    value: Annotated[str, Field(description="an exact decimal, as text; words if the unit is text")]
    unit: Unit
    currency: str | None
    scale: int
    period: str


class Operand(BaseModel):
    """A cell that enters the formula; ``n`` is the number of its citation."""

    label: str
    value: Amount
    unit: Unit
    period: str
    n: int


class Citation(BaseModel):
    """One printed cell or passage. ``page`` counts from 0; ``value`` is its figure as printed, if it is of one."""

    n: int
    document_id: str
    document: str
    page: int | None
    sheet: str | None
    cell: str | None
    quote: str
    box: Box | None
    label: str
    header: str
    period: str
    unit: str
    value: str | None


class Checks(BaseModel):
    """How many figures are shown, and how many of them could be traced."""

    figures: int
    traced: int


class Words(BaseModel):
    """A run of plain text."""

    model_config = ConfigDict(extra="forbid")
    text: str


class ShownFigure(BaseModel):
    """A figure with the numbers of its citations."""

    model_config = ConfigDict(extra="forbid")
    text: str
    figure: Literal[True]
    n: list[int]
    traced: bool


class Mark(BaseModel):
    """A citation mark that stands after words."""

    model_config = ConfigDict(extra="forbid")
    text: Literal[""]
    figure: Literal[False]
    n: list[int]


Part = Words | ShownFigure | Mark


class Answer(BaseModel):
    """``text`` carries citation marks; ``parts`` is the same text cut into runs and figures, without formula and marks."""

    text: str
    figure: Figure | None
    formula: str | None
    operands: list[Operand]
    citations: list[Citation]
    checks: Checks
    engine: str
    declined: bool
    looked_for: list[str]
    nearest: list[Citation]
    parts: list[Part]
    formula_parts: list[Part]


class Turn(BaseModel):
    """One question and what came of it. ``answer`` is null while it is worked on, and when it failed or was cancelled."""

    id: str
    conversation_id: str
    question: str
    state: Literal["working", "answered", "declined", "failed", "cancelled"]
    answer: Answer | None
    asked_at: Time
    total_ms: int | None
    sent_to: Annotated[str | None, Field(description="the provider that saw the question; null: none did")]


class Turns(BaseModel):
    items: list[Turn]
    next: str | None


class ConversationWithMessages(Conversation):
    """A conversation with its newest turns, oldest first."""

    messages: list[Turn]
