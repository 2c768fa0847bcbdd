"""A document's profile from its own words: company, form, fiscal calendar, currency, usual scale."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from datetime import date, timedelta

from smalt.library.parsed import Kind, Page, Parsed
from smalt.search import units
from smalt.search.model import Profile
from smalt.search.periods import dates, fiscal_years
from smalt.search.tokens import fold

_FORM = re.compile(r"\bform\s+(10-k|10-q|20-f|40-f|8-k|6-k|s-1|10-kt|11-k)(/a)?\b")
_PERIOD = re.compile(
    r"\b(?:for the |the )?(fiscal year|quarterly period|year|fiscal quarter|quarter|transition period|(?:three|six|nine) months|half[- ]year)\s+ended:?\s+([a-z]+\.? \d{1,2} ?, ?\d{4}|\d{1,2} [a-z]+ \d{4})"
)
_ANNUAL = re.compile(r"(?:annual report|form 10-k|year|fiscal)[^.]{0,60}\bended:? ([a-z]+\.? \d{1,2} ?, ?\d{4})")
_CHARTER = re.compile(r"exact names? of (?:the )?(?:registrant|issuer|company)")
_SUFFIX = re.compile(
    r"[\s,]+(?:inc|incorporated|corp|corporation|co|company|companies|ltd|limited|plc|llc|l\.?l\.?c|lp|l\.?p|n\.?v|s\.?a|se|ag|ab|asa|group|holdings?|trust|the|/[a-z]{2}/)\.?$"
)
_LEGAL = re.compile(
    r"^[A-Z0-9][\w&.,'\- ]*\b(?:Inc|INC|Incorporated|Corp|CORP|Corporation|CORPORATION|Company|COMPANY|Co|Ltd|LTD|Limited|plc|PLC|LLC|L\.P|N\.V|AG|GmbH|SE|S\.A|Group|GROUP|Holdings|HOLDINGS)$"
)
_ALIAS = re.compile(r"\(?\"([A-Z][\w&.\- ]{1,28}?),?\"")
_TICKER = re.compile(r"\b([A-Z]{1,5})\s+(?:The\s+)?(?:New York Stock Exchange|NYSE|Nasdaq|NASDAQ)")
_GENERIC = frozenset(
    [
        "company",
        "registrant",
        "we",
        "us",
        "our",
        "corporation",
        "group",
        "the",
        "company",
        "the",
        "corporation",
        "the",
        "group",
        "exchange",
        "act",
        "sec",
        "gaap",
        "act",
        "board",
        "plan",
        "issuer",
        "parent",
        "securities",
        "act",
        "notes",
        "guarantor",
        "code",
        "rsus",
        "credit",
        "agreement",
    ]
) | {
    "the company",
    "exchange act",
    "securities act",
    "the act",
    "the notes",
    "the group",
    "the registrant",
    "the corporation",
}
_FISCAL_ENDED = re.compile(
    r"\bfiscal (?:year )?((?:19|20)\d\d)\b[^.;]{0,48}?\bended (?:on )?([a-z]+ \d{1,2} ?, ?\d{4})"
)
_FISCAL_WORD = re.compile(r"\bfiscal\s+(?:year\s+)?((?:19|20)\d\d)\b")
_HYPHENS = {0x2010: "-", 0x2011: "-"}
_SPLIT_CAPS = re.compile(r"\b([A-Z]) ([A-Z]{2,})\b")


_NO_NAME = re.compile(
    r"(?i)commission file|form 10|for the (?:transition|fiscal|quarterly)|transition (?:period|report)|annual report|quarterly report"
    r"|pursuant to|securities exchange act|washington,? d\.?c|\(mark one\)|united states$|securities and exchange commission"
)
_DOTTED = re.compile(r"\b(?:Inc|Corp|Co|Ltd|L\.P|N\.V|S\.A|INC|CORP|CO|LTD)$")
_SAME_SUFFIX = {
    "co": r"(?:Co\.?|Company|CO|COMPANY)", "company": r"(?:Company|Co\.?|COMPANY)", "corp": r"(?:Corp\.?|Corporation|CORP|CORPORATION)",
    "corporation": r"(?:Corporation|Corp\.?|CORPORATION)", "inc": r"(?:Inc\.?|Incorporated|INC\.?)", "incorporated": r"(?:Incorporated|Inc\.?)",
    "ltd": r"(?:Ltd\.?|Limited|LTD)", "limited": r"(?:Limited|Ltd\.?|LIMITED)",
}  # fmt: skip


def _strip_suffix(name: str) -> str:
    name = name.strip(" .,")
    while True:
        shorter = _SUFFIX.sub("", name).strip(" .,")
        if shorter == name or not shorter:
            return name
        name = shorter


def name_keys(name: str) -> list[str]:
    """The forms by which a company is asked for: full, without its legal suffix, and its initials around an "&"."""
    full = fold(name).strip(" .,")
    bare = _strip_suffix(full)
    bare = bare.removeprefix("the ")
    found = [full, bare]
    if bare.endswith(".com"):
        found.append(bare.removesuffix(".com"))
    words = [word for word in re.split(r"[\s,]+", bare) if word]
    if "&" in words and len(words) == 3:
        found.append(f"{words[0][0]}&{words[2][0]}")
    return list(dict.fromkeys(item for item in found if item))


def _rejoined(name: str, lines: list[str]) -> str:
    """Small capitals may read as "R ESORTS": joined where the text also prints the whole word."""
    text = " ".join(lines).upper()

    def join(m: re.Match[str]) -> str:
        return m[1] + m[2] if re.search(rf"\b{m[1]}{m[2]}\b", text) else m[0]

    return _SPLIT_CAPS.sub(join, name)


def _tidy(line: str) -> str:
    """A printed name without rules and commas around it; the full stop of "Inc." stays."""
    name = line.strip(" _,.")
    return f"{name}." if _DOTTED.search(name) and f"{name}." in line else name


def display_name(company: str, text: str) -> str:
    """The form of ``company`` that the document prints most in running text: covers print capitals and short forms."""
    words = [word for word in re.split(r"[\s,.\-\u2010\u2011]+", re.sub(r"^(?:THE|The)\s+", "", company)) if word]
    if not words:
        return company
    body = [re.escape(word) for word in words]
    last = _SAME_SUFFIX.get(words[-1].lower())
    if last is not None and len(words) > 1:
        body[-1] = f"(?-i:{last})"
    pattern = re.compile(r"(?-i:(?P<the>The\s+))?(?P<name>(?i:" + r",?[\s\-\u2010\u2011]+".join(body) + r"))(?![\w])")
    forms: Counter[str] = Counter()
    the = 0
    for m in pattern.finditer(text):
        name = " ".join(m["name"].translate(_HYPHENS).split())
        after = text[m.end() : m.end() + 1]
        if _DOTTED.search(name) and after == ".":
            name += "."
        if name[:1].isupper() or name[:1].isdigit():
            forms[name] += 1
            the += bool(m["the"])
    proper = {name: count for name, count in forms.items() if not _shouts(name)}
    if not proper:
        return company
    best = max(proper, key=lambda name: (proper[name], len(name)))
    return f"The {best}" if the * 3 > sum(forms.values()) else best


def _shouts(name: str) -> bool:
    """Words of capitals only, where they are long enough to be words: "NORTH MILL CO", "9X COMPANY"."""
    words = [word for word in re.findall(r"[A-Za-z]+", name) if len(word) > 3]
    return bool(words) and all(word.isupper() for word in words)


def _company(lines: list[str]) -> str:
    for index, line in enumerate(lines):
        if _CHARTER.search(fold(line)):
            for back in range(1, 7):
                candidate = _tidy(lines[index - back]) if index >= back else ""
                if 2 < len(candidate) < 90 and re.search(r"[A-Za-z]{2}", candidate) and not _NO_NAME.search(candidate):
                    return _rejoined(candidate, lines)
    for line in lines[:60]:
        candidate = _tidy(line)
        if (
            _LEGAL.search(candidate.rstrip("."))
            and len(candidate) < 60
            and not re.search(r"(?i)securities and exchange|exchange act|stock|nasdaq|file number|title of", candidate)
        ):
            return candidate
    return ""


_A_NAME = re.compile(
    r"\b((?:The )?[A-Z][\w&\-\u2010\u2011]+(?:[ ,]+[A-Z&][\w&\-\u2010\u2011]*){0,4},? (?:Company|Corporation|Incorporated|Inc\.|Corp\.|plc|Ltd\.|N\.V\.|AG|SE))(?!\w)"
)
_OTHERS = re.compile(
    r"(?i)exchange|commission|trust company|bank|insurance company|our company|stock|accounting|llp|^the company$|registrant"
)
_NAMED_LEAST = 5


def _most_named(pages: list[Page]) -> str:
    """For covers that print the name as a picture: the legal name that the first pages print most."""
    text = " ".join(line.text for page in pages[:40] for line in page.lines)
    found = Counter(" ".join(m[1].translate(_HYPHENS).split()) for m in _A_NAME.finditer(text))
    for name, count in found.most_common(8):
        if count >= _NAMED_LEAST and not _OTHERS.search(name):
            return name
    return ""


def _fiscal_calendar(text: str, end: date | None, form_months: int | None) -> dict[int, date]:
    """Labels and last days of the fiscal years the text mentions, from the year end it states most often."""
    annual = Counter(day for m in _ANNUAL.finditer(text) for _, _, day in dates(m[1]))
    anchor = end if form_months == 12 and end is not None else None
    if anchor is None and annual:
        newest = [day for day, _ in annual.most_common(4) if end is None or day <= end + timedelta(days=400)]
        anchor = newest[0] if newest else None
    if anchor is None:
        return {}
    seen = Counter(day for _, _, day in dates(text))
    ends: dict[int, date] = {}
    for year in range(anchor.year - 12, anchor.year + 2):
        same = _same_day(anchor, year)
        near = [(count, day) for day, count in seen.items() if abs((day - same).days) <= 7]
        whole = same.day == calendar.monthrange(year, same.month)[1] and seen[same] > 0
        ends[year] = max(near)[1] if near and not whole else same
    offset = _label_offset(text, ends[anchor.year])
    return {year + offset: day for year, day in ends.items()}


def _same_day(day: date, year: int) -> date:
    last = calendar.monthrange(year, day.month)[1]
    whole = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(year, day.month, last if whole else min(day.day, last))


def _label_offset(text: str, anchor: date) -> int:
    """0 when a fiscal year is named after the calendar year it ends in, -1 when after the year before."""
    if anchor.month > 6:
        return 0
    stated = Counter(int(m[1]) - day.year for m in _FISCAL_ENDED.finditer(text) for _, _, day in dates(m[2])[:1])
    if stated and stated.most_common(1)[0][0] in {0, -1}:
        return stated.most_common(1)[0][0]
    if anchor.month == 1 and anchor.day <= 7:
        return -1
    counts = Counter(int(m[1]) for m in _FISCAL_WORD.finditer(text))
    return -1 if counts[anchor.year] < 0.4 * counts[anchor.year - 1] and counts[anchor.year - 1] > 5 else 0


def _period(head: str) -> tuple[date | None, int | None]:
    for m in _PERIOD.finditer(head):
        found = dates(m[2])
        if found:
            length = {
                "fiscal year": 12,
                "year": 12,
                "six months": 6,
                "half-year": 6,
                "half year": 6,
                "nine months": 9,
            }.get(m[1], 3)
            return found[0][2], length
    return None, None


def _aliases(raw: str) -> list[str]:
    found = []
    for m in _ALIAS.finditer(raw.replace("“", '"').replace("”", '"')):
        alias = m[1].strip(" .,")
        if fold(alias) not in _GENERIC and len(alias) > 1:
            found.append(alias)
    return found


def profile_of(parsed: Parsed) -> Profile:
    """The profile of ``parsed``."""
    pages = parsed.pages
    head_lines = [line.text for page in pages[:3] for line in page.lines]
    raw_head = "\n".join(head_lines)
    head, text = (
        fold(raw_head),
        fold("\n".join(line.text for page in pages for line in page.lines))
        if parsed.kind in {Kind.PDF, Kind.DOCX, Kind.MARKDOWN, Kind.TEXT}
        else "",
    )
    form_found = _FORM.search(head)
    form = (form_found[1] + (form_found[2] or "")).upper() if form_found else ""
    end, months = _period(head)
    if end is None:
        end, months = _period(text[:200_000])
    company = _company(head_lines) or _most_named(pages)
    shown = display_name(company, "\n".join(line.text for page in pages[:80] for line in page.lines)) if company else ""
    names = list(dict.fromkeys([*name_keys(company), *name_keys(shown)])) if company else []
    if company:
        bare = _strip_suffix(fold(company)).removeprefix("the ")
        about = "\n".join(line.text for page in pages[2:8] for line in page.lines)
        for alias in _aliases(about):
            folded = fold(alias)
            if folded in bare or bare.split()[0] == folded or re.sub(r"[^a-z&]", "", folded) in _initials(bare):
                names.append(folded)
        names += _lead_word(company, pages)
        names += [m[1].lower() for m in _TICKER.finditer(raw_head)][:1]
    currency_votes = Counter(
        code
        for page in pages[:60]
        for table in page.tables
        for line in [*table.above[-2:], *(c.text for r in table.rows[:3] for c in r.cells)]
        if (code := units.currency_of(line))
    )
    scale_votes = Counter(
        scale
        for page in pages
        for table in page.tables
        for line in [*table.above[-3:], *(r.label for r in table.header)]
        if (scale := units.caption_scale(line).money)
    )
    return Profile(
        names=list(dict.fromkeys(names)),
        display_name=shown,
        form=form,
        end=end,
        months=months,
        fiscal_ends=_fiscal_calendar(text, end, months),
        currency=currency_votes.most_common(1)[0][0] if currency_votes else ("USD" if "$" in text else None),
        scale=scale_votes.most_common(1)[0][0] if scale_votes else None,
    )


def _lead_word(company: str, pages: list[Page]) -> list[str]:
    """The first word of a name when the document uses it alone, and never as a common word: "Northmill"."""
    words = _strip_suffix(re.sub(r"^(?:THE|The)\s+", "", company)).split()
    if len(words) < 2 or len(words[0]) < 4:
        return []
    lower = words[0].lower()
    text = "\n".join(line.text for page in pages[:60] for line in page.lines)
    alone = len(
        re.findall(rf"\b(?:{words[0].title()}|{words[0].upper()})\b(?!\s+{re.escape(words[1])})", text, re.IGNORECASE)
    )
    return [lower] if alone >= 10 and re.search(rf"(?<![.@/\w]){re.escape(lower)}(?![.@\w])", text) is None else []


def _initials(bare: str) -> set[str]:
    words = [word for word in re.split(r"[\s,]+", bare) if word]
    plain = "".join(word[0] for word in words if word != "&")
    return {plain, "".join(word[0] if word != "&" else "&" for word in words)} if len(words) > 1 else set()


def label_year(profile: Profile, day: date, slack_days: int = 4) -> int | None:
    """The fiscal year that ends on ``day``, give or take ``slack_days``, or None."""
    for year, end in profile.fiscal_ends.items():
        if abs((end - day).days) <= slack_days:
            return year
    return None


def fiscal_year_of(profile: Profile, day: date) -> int | None:
    """The fiscal year that ``day`` lies in."""
    later = [year for year, end in profile.fiscal_ends.items() if end + timedelta(days=4) >= day]
    return min(later, default=None)


__all__ = ["fiscal_year_of", "fiscal_years", "label_year", "name_keys", "profile_of"]
