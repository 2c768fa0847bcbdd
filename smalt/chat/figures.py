"""Figures as a text shows them and as a cited cell bears them: number, scale and unit together.

The cell "540" of a table in thousands bears "$540 thousand", "$540,000" and "$0.54 million". It does not bear
"$540 million", and a cell in euros bears no dollars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from smalt.kernel.figures import printed_number

_BODY = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_NUMBER = re.compile(
    rf"(?<![\w.,/])(?P<open>\()?(?P<sign>[-\u2212\u2013])?(?P<money>(?:US|CA|A)?[$€£¥]\s?|(?:USD|EUR|GBP|JPY|CHF)\s)?(?P<sign2>\()?"
    rf"(?P<body>{_BODY})(?P<close>\))?(?P<unit>\s?%|\s?bps\b|x\b|\s(?:thousand|million|billion|trillion)\b)?(?P<close2>\))?(?![\w])"
)
MARKS = re.compile(r"\s?((?:\[(?:\d{1,3}|\?)\])+)")
_MARK = re.compile(r"\[(\d{1,3}|\?)\]")
_NAMED = re.compile(
    r"(?:\b(?:page|pages|p\.|pp\.|note|item|form|fiscal|FY|Q|step|row|line|sheet|part|section|cell"
    r"|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\s?|\d-)$",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"\s(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|\s(?:months?|weeks?) ended\b", re.IGNORECASE
)
_SCALE = re.compile(r"\b(thousand|million|billion|trillion)s?\b")
_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_CURRENCY = re.compile(r"(?:US|CA|A)?[$€£¥]|\b[A-Z]{3}\b")
_CODES = {"$": "USD", "US$": "USD", "CA$": "CAD", "A$": "AUD", "€": "EUR", "£": "GBP", "¥": "JPY"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One number of a text: its absolute value as printed, its decimal places, the power of ten that its word names, and
    its unit: a currency's code, "%" or empty. ``marks`` are the numbers of the citation marks right after it, None
    without any. A ``name`` (a year, a date, a page, a form) measures nothing.
    """

    text: str
    value: Decimal
    places: int
    scale: int
    unit: str
    start: int
    end: int
    marks: list[int] | None
    after: int
    name: bool


@dataclass(frozen=True, slots=True)
class Borne:
    """What a citation, or a formula over citations, stands for: ``printed`` and ``amount`` (in base units) without sign.

    ``citation`` is its number, None for a formula. A ``quotient`` may be shown rounded to a whole number.
    """

    printed: Decimal
    amount: Decimal
    unit: str = ""
    citation: int | None = None
    quotient: bool = False

    def bears(self, shown: Shown) -> bool:
        """Whether it is what ``shown`` says, in its scale and unit and rounded at most to the places shown."""
        if self.unit and shown.unit and self.unit != shown.unit:
            return False
        known = self.amount.scaleb(-shown.scale)
        if known == shown.value:
            return True
        whole = self.quotient and shown.unit in ("", "%") and shown.scale == 0 and shown.value != 0
        return (shown.places > 0 or whole) and abs(known - shown.value) <= Decimal(1).scaleb(-shown.places) / 2


def borne_by(number: int, quote: str, unit: str) -> list[Borne]:
    """What citation ``number`` bears: its cell's figure, in the scale and unit noted beside it ("$ millions"), or the
    figures inside the sentence that it quotes.
    """
    whole = printed_number(quote)
    if whole is not None:
        amount = abs(whole)
        return [Borne(amount, amount.scaleb(scale_of(unit)), _unit_of(unit) or _unit_of(quote), number)]
    return [
        Borne(each.value, each.value.scaleb(each.scale or scale_of(unit)), each.unit or _unit_of(unit), number)
        for each in figures_of(quote)
    ]


def scale_of(text: str) -> int:
    """The power of ten that a word of ``text`` names ("$ millions" is 6), 0 without one."""
    found = _SCALE.search(text)
    return 0 if found is None else _SCALES[found[1]]


def _unit_of(text: str) -> str:
    if "%" in text:
        return "%"
    found = _CURRENCY.search(text)
    return "" if found is None else _CODES.get(found[0], found[0])


def figures_of(text: str) -> list[Shown]:
    """The figures that ``text`` shows, in order, without numbers that only name something."""
    return [each for each in numbers_in(text) if not each.name]


def numbers_in(text: str, at: int = 0) -> Iterator[Shown]:
    """The numbers of ``text`` from ``at`` on, in order; those of citation marks are none."""
    while (found := _NUMBER.search(text, at)) is not None:
        start, end, shown = _trimmed(found)
        if text[start - 1 : start] == "[" and text[end : end + 1] == "]":
            at = end
            continue
        marks = MARKS.match(text, end)
        at = marks.end() if marks else end
        body = found["body"]
        yield Shown(
            text=shown,
            value=Decimal(body.replace(",", "")),
            places=len(body.partition(".")[2]),
            scale=_SCALES.get((found["unit"] or "").strip(), 0),
            unit=_unit_of(f"{found['money'] or ''}{found['unit'] or ''}"),
            start=start,
            end=end,
            marks=numbers_of(marks[1]) if marks else None,
            after=at,
            name=_is_a_name(found, text[:start], text[end:]),
        )


def numbers_of(marks: str) -> list[int]:
    """The citations that ``marks`` point at; ``[?]`` points at none."""
    return [int(mark) for mark in _MARK.findall(marks) if mark != "?"]


def _trimmed(found: re.Match[str]) -> tuple[int, int, str]:
    """Where the figure starts and ends: an opening bracket that is not closed within it is the sentence's."""
    start, end = found.span()
    text = found[0]
    if text.startswith("(") and ")" not in text:
        start, text = start + 1, text[1:]
    while text.count(")") > text.count("("):
        end, text = end - 1, text[:-1]
    return start, end, text


def _is_a_name(found: re.Match[str], before: str, after: str) -> bool:
    """Years, dates, page numbers, form names: numbers that name something and measure nothing."""
    if found["money"] or found["unit"] or "," in found["body"]:
        return False
    if re.match(r"-[A-Z]", after) or _NAMED.search(before) or _NAMES.match(after):
        return True
    return bool(re.fullmatch(r"(?:19|20)\d\d", found["body"]))
