"""A part's measure: "Field Services revenue", "revenue from Field Services", "operating income of the Europe segment".

The part is a row under a section, total or caption that names the measure, or a column or section beside a row that does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from smalt.engine.vocabulary import Measure, measure_of
from smalt.search.model import Fact
from smalt.search.segment import Opened
from smalt.search.tokens import fold, label_key

_UNIT_WORD = r"(?:reportable |operating |business )?(?:segment|division|business|business unit|unit|category|product line|region|geography|line of business)s?"
_JOINED = re.compile(
    r"^(?:(?:that |which )?(?:came|comes|coming|generated|earned|derived|made|recorded|reported|contributed|was|were)\s+)?"
    r"(?:from|for|in|of|by|at|within|to)\s+(?P<part>.+)$",
    re.IGNORECASE,
)
_EDGE = re.compile(rf"^(?:the|its|their|our)\s+|\s+{_UNIT_WORD}(?:'s?)?$|^{_UNIT_WORD}\s+(?=\S)", re.IGNORECASE)
_BESIDE = re.compile(
    r"\([^)]*\)|\b(?:by|per|for each) .*|\b(?:segments?|reportable|disaggregated|external|consolidated|company|quarterly|annual)\b|[:|]"
)
_VAGUE = frozenset(
    ["total", "net", "other", "gross", "current", "consolidated", "company", "annual", "average", "change", "adjusted", "core", "segment", "growth", "deferred", "non-operating"]
)  # fmt: skip
_WORDS_MAX = 14


@dataclass(frozen=True, slots=True)
class Part:
    """``key`` is the comparable form of the part's name."""

    measure: Measure
    key: str


def parts_in(phrase: str) -> list[Part]:
    """The ways to read ``phrase`` as a part and a measure; none when it is only one of them."""
    words = phrase.split()
    if not 2 <= len(words) <= _WORDS_MAX:
        return []
    found = []
    for at in range(1, len(words)):
        measure = measure_of(" ".join(words[at:]))
        if measure is not None:
            found.append((measure, " ".join(words[:at])))
            break
    for at in range(len(words) - 1, 0, -1):
        joined = _JOINED.match(" ".join(words[at:]))
        measure = measure_of(" ".join(words[:at])) if joined is not None else None
        if measure is not None and joined is not None:
            found.append((measure, joined["part"]))
            break
    named = [Part(measure, label_key(_bare(name))) for measure, name in found]
    return [part for part in named if set(part.key.split()) - _VAGUE and measure_of(part.key) is None]


def _bare(name: str) -> str:
    while True:
        shorter = _EDGE.sub("", name.strip(" ,'"))
        if shorter == name:
            return name
        name = shorter


def says(text: str, measure: Measure) -> bool:
    """True when a section, caption or total names the measure: "Net sales:", "Revenue by segment"."""
    return _named(text) is measure


def _named(text: str) -> Measure | None:
    return measure_of(" ".join(_BESIDE.sub(" ", fold(text)).split()))


def score(phrase: str, opened: Opened) -> dict[int, float]:
    """The facts that are the measure of a part, by how surely their surroundings say so."""
    found: dict[int, float] = {}
    for part in parts_in(phrase):
        wanted = set(part.key.split())
        if not wanted <= opened.words:
            continue
        for index, fact in enumerate(opened.facts):
            if fact.unit == part.measure.unit:
                points = _points(part, wanted, fact, opened)
                if points:
                    found[index] = max(found.get(index, 0.0), points)
    return found


def _points(part: Part, wanted: set[str], fact: Fact, opened: Opened) -> float:
    own = label_key(fact.label)
    if own in (part.key, f"total {part.key}"):
        return _row_of(part, fact, opened)
    if not wanted <= set(own.split()) and _is(part.measure, fact.label):
        column = label_key(fact.qualifier) if fact.qualifier else ""
        if column == part.key:
            return 96.0
        sections = [label_key(section) for section in fact.path]
        if part.key in sections:
            return 95.0
        if wanted <= set(column.split()):
            return 90.0
        if any(wanted <= set(section.split()) for section in sections):
            return 89.0
    return 0.0


def _is(measure: Measure, label: str) -> bool:
    return _named(label) is measure


def _row_of(part: Part, fact: Fact, opened: Opened) -> float:
    """The row bears the part's name: what says that its figures are of the measure?"""
    for section in reversed(fact.path):
        known = _named(section)
        if known is not None:
            return 97.0 if known is part.measure else 0.0
    note = opened.notes[fact.table]
    total = opened.total_below(fact.table, fact.row)
    known = _named(total) if total else None
    if known is not None:
        return 94.0 if known is part.measure else 0.0
    if fact.qualifier and _is(part.measure, fact.qualifier):
        return 95.0
    if any(says(line, part.measure) for line in (note.title, *note.said.split("|"), fact.header)):
        return 93.0
    return 92.0 if note.sheet is not None and says(note.sheet, part.measure) else 0.0
