"""Periods as documents and questions print them: dates, "three months ended", "fiscal 2024", "Q3 2023"."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

import msgspec

from smalt.kernel.figures import Period
from smalt.search.tokens import fold

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(rf"\b({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s+((?:19|20)\d\d)\b")
_ISO = re.compile(r"\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b")
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({_MONTH})\.?,?\s+((?:19|20)\d\d)\b")
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.?\s+(\d{{1,2}})\b(?!\s*,?\s*(?:19|20)\d\d)")
_MONTH_YEAR = re.compile(rf"\b({_MONTH})\.?,?\s+((?:19|20)\d\d)\b")
_FISCAL = re.compile(r"\b(?:fiscal(?:\s+years?)?|fy|financial\s+year)\s*'?((?:19|20)\d\d|\d\d)\b")
_YEAR = re.compile(r"(?<![\d.,$/-])((?:19|20)\d\d)[ae]?(?![\d%]|[.,]\d|/\d)")
_COUNT = {
    "one": 1,
    "three": 3,
    "six": 6,
    "nine": 9,
    "twelve": 12,
    "3": 3,
    "6": 6,
    "9": 9,
    "12": 12,
    "thirteen": 3,
    "13": 3,
    "14": 3,
    "fourteen": 3,
    "twenty-six": 6,
    "26": 6,
    "27": 6,
    "thirty-nine": 9,
    "39": 9,
    "40": 9,
    "fifty-two": 12,
    "52": 12,
    "fifty-three": 12,
    "53": 12,
}
_SPAN = re.compile(
    r"\b(three|six|nine|twelve|3|6|9|12)[\s-]*(?:fiscal\s+)?months?\b(?:\s+period)?(?:\s+end(?:ed|ing))?"
    r"|\b(thirteen|fourteen|twenty-six|thirty-nine|fifty-two|fifty-three|13|14|26|27|39|40|52|53)[\s-]+weeks?(?:\s+end(?:ed|ing))"
    r"|\b((?:fiscal\s+|calendar\s+)?years?(?:\s*\([^)]*\))?[\s-]+end(?:ed|ing)|twelve months|full[- ]year)\b"
    r"|\b((?:fiscal\s+)?quarters?(?:ly period)?[\s-]+end(?:ed|ing))\b"
    r"|\b(half[- ]year[\s-]+end(?:ed|ing))\b"
)  # fmt: skip
_ENDED = re.compile(r"\bend(?:ed|ing)\b")
_QUARTER = re.compile(
    r"\b(?:q([1-4])|(first|second|third|fourth|1st|2nd|3rd|4th)\s+(?:fiscal\s+)?quarter)"
    r"(?:\s*(?:of|,|in|for|')?\s*(?:the\s+)?(?:fiscal\s*(?:year)?\s*|fy\s*)?((?:19|20)\d\d|\d\d(?!\d))?)?"
)
_ORDINAL = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_INSTANT = re.compile(rf"\b(?:as of|as at|at (?:(?:fiscal )?year[- ]end|the end of|{_MONTH})|^at$|balances? at)\b")


class Span(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a figure holds. ``months`` 0 is an instant, None unknown; ``year`` is the fiscal year's label."""

    end: date | None = None
    months: int | None = None
    year: int | None = None
    quarter: int | None = None

    @property
    def empty(self) -> bool:
        return self.end is None and self.year is None

    def period(self, label: str = "") -> Period:
        """The kernel's period: an instant has no start."""
        start = back(self.end, self.months) if self.end is not None and self.months else None
        return Period(self.end, start, label or self.text())

    def text(self) -> str:
        """How Smalt prints the span."""
        if self.end is None and self.year is not None and self.quarter is not None:
            return f"Q{self.quarter} {self.year}"
        if self.end is None:
            return f"fiscal {self.year}" if self.year is not None else ""
        day = f"{calendar.month_name[self.end.month]} {self.end.day}, {self.end.year}"
        if self.months == 0:
            return f"as of {day}"
        if self.months == 12:
            return f"year ended {day}"
        return f"{self.months} months ended {day}" if self.months else day


def back(end: date, months: int) -> date:
    """The first day of the ``months`` that end on ``end`` (calendar months; 52-week years differ by days)."""
    index = end.year * 12 + end.month - 1 - months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    whole = end.day == calendar.monthrange(end.year, end.month)[1]
    return date(year, month + 1, last if whole else min(end.day, last)) + timedelta(days=1)


def _day(year: str, month: int, day: str) -> date | None:
    try:
        return date(int(year), month, int(day))
    except ValueError:
        return None


def _full_year(text: str) -> int:
    number = int(text)
    return number if number > 99 else 2000 + number


def dates(text: str) -> list[tuple[int, int, date]]:
    """Every full date in ``text`` as (start, stop, day)."""
    text = fold(text)
    found = [(m.start(), m.end(), _day(m[3], _MONTHS[m[1]], m[2])) for m in _DATE.finditer(text)]
    found += [(m.start(), m.end(), _day(m[1], int(m[2]), m[3])) for m in _ISO.finditer(text)]
    found += [(m.start(), m.end(), _day(m[3], _MONTHS[m[2]], m[1])) for m in _DAY_FIRST.finditer(text)]
    return sorted((a, b, d) for a, b, d in found if d is not None)


def month_day(text: str) -> tuple[int, int] | None:
    """The first "March 31" of ``text`` that carries no year."""
    for m in _MONTH_DAY.finditer(fold(text)):
        if 1 <= int(m[2]) <= 31:
            return _MONTHS[m[1]], int(m[2])
    return None


def months_of(text: str) -> int | None:
    """3 for "Three Months Ended", 12 for "Years ended", 0 for "As of", None when the text names no length."""
    folded = fold(text)
    m = _SPAN.search(folded)
    if m is not None:
        if m[1] or m[2]:
            return _COUNT[m[1] or m[2]]
        return 12 if m[3] else 3 if m[4] else 6
    return 0 if _INSTANT.search(folded) else None


def all_months(text: str) -> set[int]:
    """Every length that ``text`` names."""
    found = set()
    for m in _SPAN.finditer(fold(text)):
        found.add(_COUNT[m[1] or m[2]] if m[1] or m[2] else 12 if m[3] else 3 if m[4] else 6)
    return found


def years(text: str) -> list[int]:
    """Every bare or fiscal year in ``text``, in order."""
    folded = fold(text)
    found = [(m.start(), _full_year(m[1])) for m in _FISCAL.finditer(folded)]
    taken = {m.start(1) for m in _FISCAL.finditer(folded)}
    found += [(m.start(), int(m[1])) for m in _YEAR.finditer(folded) if m.start(1) not in taken]
    return [year for _, year in sorted(found)]


def fiscal_years(text: str) -> list[int]:
    """Only the years that ``text`` calls fiscal."""
    return [_full_year(m[1]) for m in _FISCAL.finditer(fold(text))]


def quarter_of(text: str) -> tuple[int, int | None] | None:
    """(quarter, fiscal year or None) of the first "Q3 2023" or "second quarter of fiscal 2024"."""
    m = _QUARTER.search(fold(text))
    if m is None:
        return None
    return int(m[1]) if m[1] else _ORDINAL[m[2]], _full_year(m[3]) if m[3] else None


def header_span(text: str, context: list[str] | None = None) -> Span:
    """The span a column head names; ``context`` (captions nearest last, stub) lends what the head leaves open."""
    context = context or []
    length = months_of(text)
    full = dates(text)
    if not length:
        length = _lent_length(context, length, dated=bool(full))
    quarter = quarter_of(text)
    if full:
        fiscal = fiscal_years(text)
        return Span(full[-1][2], length if length is not None else 0, fiscal[-1] if fiscal else None)
    found = years(text)
    if not found:
        lent = _lent_date(context) if quarter is None else None
        if lent is not None:
            return Span(lent, length if length is not None else 0)
        return Span(None, length, None, quarter[0] if quarter else None)
    year = found[-1]
    if quarter is not None:
        return Span(None, 3, quarter[1] or year, quarter[0])
    if fiscal_years(text):
        return Span(None, length, year)
    named = next(
        (
            day
            for line in reversed(context)
            for _, _, day in dates(line)
            if day.year == year and month_day(text) is None
        ),
        None,
    )
    if named is not None:
        return Span(named, length)
    day = month_day(text) or next((day for line in reversed(context) if (day := _lent_day(line)) is not None), None)
    if day is None:
        found_month = _MONTH_YEAR.search(fold(text))
        if found_month is not None:
            month = _MONTHS[found_month[1]]
            return Span(
                date(int(found_month[2]), month, calendar.monthrange(int(found_month[2]), month)[1]),
                length if length is not None else 0,
            )
        return Span(None, length, year)
    end = _day(str(year), day[0], str(day[1])) or _day(str(year), day[0], "28")
    return Span(end, length if length is not None or month_day(text) is None else 0, None)


def _lent_length(context: list[str], own: int | None, *, dated: bool) -> int | None:
    """The one length a caption names ("for the years ended"); to a full date only the line next to the table lends."""
    for at, line in enumerate(reversed(context)):
        lengths = {found for found in all_months(line) if found} if _ENDED.search(fold(line)) else set()
        if len(lengths) == 1 and not (dated and (at > 0 or dates(line) or len(line) > 110)):
            return next(iter(lengths))
        if lengths or months_of(line) == 0:
            return own if lengths else 0
    return own


def _lent_day(line: str) -> tuple[int, int] | None:
    folded = fold(line)
    for m in _MONTH_DAY.finditer(folded):
        if 1 <= int(m[2]) <= 31 and (
            len(folded) < 60 or re.search(r"(?:ended|as of|as at|at|ending)[:,]?\s*$", folded[: m.start()])
        ):
            return _MONTHS[m[1]], int(m[2])
    for m in _DATE.finditer(folded):
        if re.search(r"(?:ended|as of|as at|at|ending)[:,]?\s*$", folded[: m.start()]):
            return _MONTHS[m[1]], int(m[2])
    return None


def _lent_date(context: list[str]) -> date | None:
    """The only date of the caption, when no column head names a period."""
    text = " ".join(context[-2:])
    found = {day for _, _, day in dates(text)}
    return next(iter(found)) if len(found) == 1 and len(set(years(text))) == 1 else None
