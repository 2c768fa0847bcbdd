"""The period a question asks about, and whether a fact's span answers it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from smalt.search.model import Profile
from smalt.search.periods import Span, back, dates, header_span
from smalt.search.profile import fiscal_year_of

_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_DATE = rf"(?:{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d|\d{{1,2}}\s+{_MONTH}\.?,?\s+(?:19|20)\d\d)"
_PREP = r"(?:\b(?:as of|as at|at the end of|at the close of|by the end of|at year[- ]end|in|for|during|over|of|at|on|from|to|and|between|vs\.?|versus|compared (?:to|with)|through|since|relative to|than|under)\s+)?(?:both\s+)?(?:the\s+)?"
_LENGTH = r"(?P<length>(?:(?:three|six|nine|twelve|3|6|9|12)[\s-]+months?|(?:thirteen|fourteen|twenty-six|thirty-nine|fifty-two|fifty-three|13|14|26|39|52|53)[\s-]+weeks?|(?:fiscal\s+|full\s+|financial\s+)?years?|(?:fiscal\s+)?quarter(?:ly)?|half[- ]year)(?:\s+period)?\s+end(?:ed|ing)\s+(?:on\s+)?)?"
_DATED = re.compile(rf"{_PREP}{_LENGTH}(?P<day>{_DATE})", re.IGNORECASE)
_QUARTER = re.compile(
    rf"{_PREP}(?P<q>q[1-4]|(?:first|second|third|fourth)\s+(?:fiscal\s+)?quarter)\s*(?:of\s+)?(?:the\s+)?(?:fiscal\s*(?:year)?\s*|fy\s*|calendar\s*(?:year)?\s*)?'?(?P<y>(?:19|20)\d\d|\d\d(?!\d))",
    re.IGNORECASE,
)
_YEAR = re.compile(
    rf"{_PREP}(?:end of\s+)?(?P<word>(?:(?:full[- ])?(?:fiscal|financial|calendar)(?:[- ]years?)?(?:[- ]end)?|fy|years?(?:[- ]end)?)\s*'?)?(?<![\d.,$])(?P<y>(?:19|20)\d\d|(?<=fy)\s?\d\d|(?<=fy')\d\d|(?<=fiscal )'?\d\d)(?![\d%]|[.,]\d)\b(?:[\s-]+(?:fiscal[\s-]+)?year[\s-]end\b)?",
    re.IGNORECASE,
)
_LATEST = re.compile(
    rf"{_PREP}(?:latest|most recent|current|last|this)\s+(?:reported\s+|completed\s+|fiscal\s+|financial\s+|full\s+)*(?P<what>year|quarter|period|balance sheet date)\b(?:[- ]end)?",
    re.IGNORECASE,
)
_PRIOR = re.compile(
    rf"{_PREP}(?:prior|previous|preceding)\s+(?:fiscal\s+|financial\s+)*(?P<what>year|quarter|period)\b", re.IGNORECASE
)
_PART_OF_NAME = re.compile(
    rf"\b(?:due|maturing|matures|expiring|expires)\s+(?:in\s+|on\s+)?(?:{_DATE}|(?:19|20)\d\d)(?:\s*(?:-|to|through)\s*(?:19|20)\d\d)?"
    r"|\b(?:19|20)\d\d\s+(?=(?:Senior |Term |Convertible |Equity |Stock |Incentive )?(?:Notes|Plan|Credit|Facility|Act|Program|Loan|Series|Agreement|Debentures)\b)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\b((?:19|20)\d\d)\s?-\s?((?:19|20)\d\d)\b")


class Mode(enum.Enum):
    INSTANT = "instant"
    SPAN = "span"
    YEAR = "year"
    QUARTER = "quarter"
    LATEST = "latest"
    LATEST_QUARTER = "latest quarter"


@dataclass(frozen=True, slots=True)
class Asked:
    """One period as asked. ``shift`` counts fiscal years from it (-1 is the year before)."""

    mode: Mode
    end: date | None = None
    months: int | None = None
    year: int | None = None
    quarter: int | None = None
    shift: int = 0

    def text(self) -> str:
        """The period in words, for answers and refusals."""
        after = f" ({-self.shift} year before)" if self.shift else ""
        if self.mode is Mode.YEAR and self.year is not None:
            return f"fiscal {self.year + self.shift}"
        if self.mode is Mode.QUARTER:
            return f"quarter {self.quarter} of fiscal {self.year}" + after
        if self.end is not None:
            return Span(self.end, self.months if self.mode is Mode.SPAN else 0).text() + after
        return ("the latest quarter" if self.mode is Mode.LATEST_QUARTER else "the latest period") + after

    def order(self) -> tuple[int, int]:
        """Sorts periods from old to new."""
        if self.end is not None:
            return self.end.year * 12 + self.end.month, self.end.day
        if self.year is not None:
            return (self.year + self.shift) * 12 + 3 * (self.quarter or 4), 0
        return 99999 + 12 * self.shift, 0


def periods_in(text: str) -> tuple[list[Asked], str]:
    """The periods that ``text`` names in order, and the text without them (each replaced by a bar)."""
    text = _RANGE.sub(r"\1 to \2", text)
    kept: list[str] = []

    def keep(m: re.Match[str]) -> str:
        kept.append(m[0])
        return f"\x02{chr(0xE000 + len(kept) - 1)}\x03"

    text = _PART_OF_NAME.sub(keep, text)
    found: list[tuple[int, Asked]] = []
    for pattern, read in ((_DATED, _dated), (_QUARTER, _quarter), (_YEAR, _year), (_LATEST, _latest), (_PRIOR, _prior)):
        while not (found and pattern in (_LATEST, _PRIOR)):
            m = pattern.search(text)
            if m is None:
                break
            asked = read(m)
            if asked is not None:
                found.append((m.start(), asked))
            text = text[: m.start()] + " | ".ljust(m.end() - m.start(), " ") + text[m.end() :]
    ordered = [asked for _, asked in sorted(found, key=lambda item: item[0])]
    text = re.sub("\x02(.)\x03", lambda m: kept[ord(m[1]) - 0xE000], text)
    return _inherit(list(dict.fromkeys(ordered))), re.sub(r"\s+", " ", text)


def _dated(m: re.Match[str]) -> Asked | None:
    days = dates(m["day"])
    if not days:
        return None
    if m["length"]:
        months = header_span(m["length"] + m["day"]).months
        return Asked(Mode.SPAN, days[0][2], months)
    return Asked(Mode.INSTANT, days[0][2])


def _quarter(m: re.Match[str]) -> Asked:
    word = m["q"].lower()
    number = int(word[1]) if word[0] == "q" else ("first", "second", "third", "fourth").index(word.split()[0]) + 1
    year = int(m["y"])
    return Asked(Mode.QUARTER, year=year if year > 99 else 2000 + year, quarter=number, months=3)


def _year(m: re.Match[str]) -> Asked:
    year = int(m["y"].strip(" '"))
    return Asked(Mode.YEAR, year=year if year > 99 else 2000 + year)


def _latest(m: re.Match[str]) -> Asked:
    return Asked(Mode.LATEST_QUARTER if m["what"].lower() == "quarter" else Mode.LATEST)


def _prior(m: re.Match[str]) -> Asked:
    return replace(_latest(m), shift=-1)


def _inherit(found: list[Asked]) -> list[Asked]:
    """In "three months ended June 30, 2025 and 2024" the bare year takes the day and length of its neighbour."""
    lead = next((asked for asked in found if asked.mode in {Mode.SPAN, Mode.INSTANT, Mode.QUARTER}), None)
    if lead is None:
        return found
    out = []
    for asked in found:
        if asked.mode is Mode.YEAR and asked.year is not None and lead.mode is Mode.QUARTER:
            out.append(replace(lead, year=asked.year))
        elif asked.mode is Mode.YEAR and asked.year is not None and lead.end is not None:
            out.append(replace(lead, end=_with_year(lead.end, asked.year)))
        else:
            out.append(asked)
    return out


def _with_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def settle(asked: Asked, profile: Profile) -> Asked:
    """``asked`` in terms of one document: relative periods become its own years and quarters."""
    if asked.mode in {Mode.LATEST, Mode.LATEST_QUARTER}:
        annual = profile.months in (12, None) and asked.mode is Mode.LATEST
        if annual and profile.latest_year is not None:
            return Asked(Mode.YEAR, year=profile.latest_year, shift=asked.shift)
        if profile.end is not None and not annual:
            return Asked(Mode.SPAN, profile.end, 3, shift=asked.shift)
        return asked
    if asked.mode is Mode.QUARTER and asked.year is not None:
        year_end = profile.fiscal_ends.get(asked.year)
        if year_end is not None and asked.quarter is not None:
            end = year_end if asked.quarter == 4 else back(year_end, 3 * (4 - asked.quarter)) - timedelta(days=1)
            return replace(asked, end=end)
    return asked


def _same(first: date, second: date, days: int) -> bool:
    return abs((first - second).days) <= days


def fit(asked: Asked, span: Span) -> float:
    """1 when ``span`` is the period asked for, less when the document leaves something open, 0 when it is not."""
    if asked.mode is Mode.LATEST or asked.mode is Mode.LATEST_QUARTER:
        return 0.5 if span.end is not None else 0.2
    if asked.mode is Mode.YEAR and asked.year is not None:
        return _fit_year(asked.year + asked.shift, span)
    end = asked.end
    if asked.mode is Mode.QUARTER and asked.year is not None and (end is None or span.end is None):
        year = asked.year + asked.shift
        return 1.0 if (span.year, span.quarter) == (year, asked.quarter) and span.months in (3, None) else 0.0
    if end is None:
        return 0.0
    if asked.shift:
        end = _with_year(end, end.year + asked.shift)
    slack = 8 if asked.mode is Mode.QUARTER or asked.shift else 1
    if span.end is None or not _same(span.end, end, slack):
        return 0.0
    if asked.mode is Mode.INSTANT:
        return {0: 1.0, None: 0.8}.get(span.months, 0.0)
    if span.months == asked.months:
        return 1.0
    return {0: 0.95, None: 0.5}.get(span.months, 0.0)


def _fit_year(year: int, span: Span) -> float:
    if span.year != year:
        return 0.0
    return {12: 1.0, 0: 1.0, None: 0.8}.get(span.months, 0.0)


def covered(asked: Asked, profile: Profile) -> bool:
    """False when a document cannot speak of the period: used to route a question among filings of one company."""
    if profile.end is None:
        return True
    if asked.mode is Mode.YEAR and asked.year is not None:
        latest = fiscal_year_of(profile, profile.end)
        return latest is None or latest - 5 <= asked.year + asked.shift <= latest
    if asked.end is not None:
        return profile.end >= asked.end - timedelta(days=10)
    return True
