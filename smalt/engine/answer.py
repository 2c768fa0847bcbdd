"""What an engine returns: text, the figure, the formula over cited cells, and where every figure stands.

Amounts are decimal texts in base units (dollars, not millions); ``scale`` is the power of ten the document printed.
A declined answer has no figure, says what was looked for, and shows the nearest lines.
"""

from __future__ import annotations

import msgspec

from smalt.library.parsed import Box

ENGINE_NAME = "local"


class FigureOut(msgspec.Struct):
    """``value`` in base units as decimal text; a percentage of 12.3 % has value "12.3" and unit "percent"."""

    value: str
    unit: str
    scale: int
    period: str
    currency: str | None = None


class Citation(msgspec.Struct):
    """One printed cell or passage. ``page`` is 0-based; ``quote`` is the exact printed span; ``box`` in PDF points."""

    document: str
    name: str
    page: int | None
    quote: str
    sheet: str | None = None
    cell: str | None = None
    box: Box | None = None
    label: str = ""
    header: str = ""
    unit: str = ""
    period: str = ""
    row: int | None = None
    """The 1-based sheet row in workbooks and CSV files."""


class Operand(msgspec.Struct):
    """A cell that enters a formula: ``value`` in base units, ``citation`` the index into the answer's citations."""

    label: str
    value: str
    unit: str
    period: str
    citation: int


class Answer(msgspec.Struct):
    """``figures`` counts the figures the text shows, ``traced`` how many of them stand on a citation or formula."""

    text: str
    figure: FigureOut | None = None
    formula: str | None = None
    operands: list[Operand] = msgspec.field(default_factory=list)
    citations: list[Citation] = msgspec.field(default_factory=list)
    engine: str = ENGINE_NAME
    declined: bool = False
    looked_for: list[str] = msgspec.field(default_factory=list)
    nearest: list[Citation] = msgspec.field(default_factory=list)
    traced: int = 0
    figures: int = 0


class Exchange(msgspec.Struct):
    """An earlier question of the thread with its answer, for follow-ups that lean on it."""

    question: str
    answer: Answer | None = None
