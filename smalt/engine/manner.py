"""How a question wants its figure shown: in per cent, in billions, to one decimal. Never what figure it wants."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = {"no": 0, "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_SCALES = {"thousand": 3, "million": 6, "billion": 9}
_PERCENT = re.compile(
    r"\b(?:in|as an?|as)\s+(?:units of\s+)?(?:percents?|percentages?|per cent|%)(?!\s+of\b)(?=\W|$)", re.IGNORECASE
)
_SCALE = re.compile(
    r"\b(?:in|using|as)\s+(?:units of\s+)?(?:usd|us\s?\$|u\.?s\.? dollars|dollars|\$)?\s*(thousand|million|billion)s?\b",
    re.IGNORECASE,
)
_PLACES = re.compile(
    r"\bround(?:ed|ing)?\b[^.?!]{0,40}?\b(no|zero|one|two|three|four|five|six|\d)\s+(?:decimals?|digits?|places?)\b"
    r"|\bto\s+(one|two|three|four|\d)\s+decimals?\b|\b(\d)\s?dp\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\bround(?:ed)?\b[^.?!]{0,20}\b(?:nearest (?:whole|integer)|whole number)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Manner:
    """``scale`` is a power of ten for amounts, ``places`` the decimals; None where the question does not say."""

    percent: bool = False
    scale: int | None = None
    places: int | None = None


def manner_of(question: str) -> Manner:
    """The presentation that ``question`` asks for, from anywhere in it."""
    scale = _SCALE.search(question)
    places = _PLACES.search(question)
    said = next((part for part in places.groups() if part), "") if places is not None else ""
    count = _NUMBERS.get(said.lower(), int(said) if said.isdigit() else None) if said else None
    if count is None and _WHOLE.search(question):
        count = 0
    return Manner(_PERCENT.search(question) is not None, _SCALES[scale[1].lower()] if scale else None, count)
