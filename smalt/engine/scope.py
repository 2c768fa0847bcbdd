"""Whose figures a question asks for: the documents it concerns, or the company that none of them belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from smalt.engine.asked import Asked, Mode, covered, settle
from smalt.engine.metrics import metric_of
from smalt.engine.vocabulary import measure_of
from smalt.search.segment import Opened
from smalt.search.tokens import fold

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " ", "‑": "-"})
_NAME = r"[A-Z][\w&.\-]*(?:'s (?=[A-Z]))?(?:\s+(?:(?:of|and|the|&|de)\s+)?[A-Z0-9][\w&.\-]*)*"
_OWNER = re.compile(rf"\b({_NAME})(?:'s|(?<=s)')(?=\s)")
_AT = re.compile(rf"\b(?:at|for|by|from|of|did|does|has|is|was|do)\s+(?:the\s+)?({_NAME})")
_NOT_A_NAME = re.compile(
    r"^(?:(?:Q[1-4]|FY\s?\d*|Fiscal|Year|Years|Quarter|January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
    r"|What|How|Find|Compute|Calculate|Show|Give|Tell|List|Which|When|Who|Where|Why|Is|Was|Were|Did|The|In|As|For|And|Total|Net|I|USD|EUR|US|U\.S|GAAP|SEC|Company|Group|Note)\b\.?\s*|\d[\d,.\-]*\s*)+$"
)


@dataclass(slots=True)
class Scope:
    """``groups`` holds the documents by company, the ones named in the question first; ``rest`` is the question without names."""

    groups: list[list[Opened]]
    rest: str
    named: bool = False
    foreign: str | None = None
    mentioned: list[str] = field(default_factory=list)


@lru_cache(maxsize=4096)
def _pattern(name: str, full: str) -> re.Pattern[str]:
    words = [re.escape(word) for word in re.split(r"[\s\-]+", name.strip(" .,")) if word]
    body = r",?[\s\-]+".join(word.rstrip(",").replace(r"\,", ",?") for word in words)
    ticker = len(name) <= 5 and name.isalpha() and name not in re.split(r"[^a-z]+", full)
    return re.compile(
        rf"(?<![\w&])(?:the\s+)?{body.upper() if ticker else body}(?![\w&])(?:,?\s+(?:inc|corp|corporation|co|company|ltd|limited|plc|llc)\b\.?)?(?P<own>'s|(?<=s)')?",
        0 if ticker else re.IGNORECASE,
    )


def _mentions(text: str, opened: Opened) -> list[re.Match[str]]:
    found: dict[tuple[int, int], re.Match[str]] = {}
    for name in opened.profile.names:
        for m in _pattern(name, opened.profile.names[0]).finditer(text):
            if not any(start <= m.start() and m.end() <= end for start, end in found):
                found[m.span()] = m
    return sorted(found.values(), key=lambda m: m.start())


def _company(opened: Opened) -> str:
    return opened.profile.names[0] if opened.profile.names else ""


def _homes(documents: Sequence[Opened]) -> dict[str, str]:
    """The company of each document that names none of its own (a workbook), where its name or titles name one of the shelf."""
    known = {_company(opened): opened for opened in documents if _company(opened)}
    found: dict[str, str] = {}
    for opened in documents:
        if _company(opened):
            continue
        said = fold(" ".join([opened.name.replace("_", " "), *(note.said for note in opened.notes)]))
        for company, home in known.items():
            words = {name for name in home.profile.names[:2] if len(name) > 2} | {_first_word(company)}
            if any(word and re.search(rf"(?<![\w&]){re.escape(word)}(?![\w&])", said) for word in words):
                found[opened.document] = company
                break
    return found


def _first_word(company: str) -> str:
    """The first word of a name of several, where it is long enough to stand for the whole."""
    words = re.split(r"[\s,]+", company.removeprefix("the "))
    return words[0] if len(words[0]) > 5 and not words[0].endswith("ed") else ""


def scope(question: str, documents: Sequence[Opened]) -> Scope:
    """The documents that ``question`` concerns, and the question with the company's name taken off."""
    text = " ".join(question.translate(_QUOTES).split())
    by_company: dict[str, list[Opened]] = {}
    mentions: dict[str, list[re.Match[str]]] = {}
    homes = _homes(documents)
    for opened in documents:
        company = _company(opened) or homes.get(opened.document, "")
        by_company.setdefault(company or opened.document, []).append(opened)
        if _company(opened) and company not in mentions:
            found = _mentions(text, opened)
            if found:
                mentions[company] = found
    if mentions:
        several = len(mentions) > 1
        rest = _without(text, [m for found in mentions.values() for m in found], everything=several)
        order = sorted(mentions, key=lambda company: mentions[company][0].start())
        if several:
            order = _owners(mentions, order)
        outsider = _foreign(rest, documents)
        return Scope(
            [by_company[company] for company in order],
            rest,
            named=True,
            foreign=outsider if several or outsider is None else None,
            mentioned=order,
        )
    outsider = _foreign(text, documents)
    return Scope(list(by_company.values()), text, named=False, foreign=outsider)


def _owners(mentions: dict[str, list[re.Match[str]]], order: list[str]) -> list[str]:
    """When one company alone is possessive or follows "at/for", the others are part of a label."""
    owning = [company for company in order if any(m["own"] for m in mentions[company])]
    return (
        owning
        if len(owning) == 1
        and len(order) > 1
        and not any(" and " in m.string[max(0, m.start() - 5) : m.start()] for m in mentions[order[-1]])
        else order
    )


def _without(text: str, mentions: list[re.Match[str]], *, everything: bool) -> str:
    if everything:
        for m in sorted(mentions, key=lambda m: -m.start()):
            text = _cut(text, m)
        return text
    own = [m for m in mentions if m["own"]]
    if own:
        return _cut(text, own[0])
    led = [m for m in mentions if re.search(r"\b(?:at|for|of|by|from|did|does|has)\s+$", text[: m.start()])]
    longest = max(m.end() - m.start() for m in led or mentions)
    return _cut(text, [m for m in led or mentions if m.end() - m.start() == longest][-1])


def _cut(text: str, m: re.Match[str]) -> str:
    before = re.sub(
        r"\b(?:at|for|of|by|from|did|does|has|do|is|was|were)\s+$" if not m["own"] else r"(?!)",
        lambda w: w[0] if w[0].split()[0].lower() in {"did", "does", "has", "do", "is", "was", "were"} else "",
        text[: m.start()],
    )
    return before + " | " + text[m.end() :]


def _foreign(text: str, documents: Sequence[Opened]) -> str | None:
    """A capitalised name that owns the figure but that no document knows as a company or prints as a label."""
    for pattern in (_OWNER, _AT):
        for m in pattern.finditer(text):
            name = re.sub(
                r"^(?:What|How|Find|Compute|Calculate|Show|Give|Was|Were|Is|Did|The|And|Compare|State|Tell|Report|Quick|List|Get|Of|For)\s+|\s+[\d\s\-–/]+$",
                "",
                m[1],
            ).strip(" .,")
            if (
                not name
                or _NOT_A_NAME.match(name)
                or measure_of(name) is not None
                or metric_of(name) is not None
                or (name.isupper() and len(name) <= 4 and measure_of(name.lower()))
            ):
                continue
            if not _printed(name, documents):
                return name
    return None


def _printed(name: str, documents: Sequence[Opened]) -> bool:
    folded = fold(name)
    plain = folded.replace("-", " ").removesuffix("'s")
    for opened in documents:
        if folded in opened.printed:
            return True
        if not opened.profile.names and any(
            plain in fold(passage.text).replace("-", " ") for passage in opened.segment.passages[:400]
        ):
            return True
    return False


def _named_quarter(name: str, asked: Asked) -> bool:
    """True when a document is filed under the quarter asked for ("2023 Q1 …"): people ask by what they see."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return f"q{asked.quarter}" in words and str(asked.year) in words


def ordered(group: list[Opened], asked: Asked) -> list[Opened]:
    """One company's documents, the likeliest to print the period first."""

    def key(opened: Opened) -> tuple[int, int]:
        profile = opened.profile
        if asked.mode is Mode.QUARTER and _named_quarter(opened.name, asked):
            return (-1, 0)
        settled = settle(asked, profile)
        if not covered(settled, profile):
            return (2, 0)
        end = profile.end.toordinal() if profile.end is not None else 0
        if asked.mode in {Mode.LATEST, Mode.LATEST_QUARTER}:
            return (0, -end)
        target = settled.end or (profile.fiscal_ends.get(settled.year) if settled.year is not None else None)
        if target is None:
            return (1, -end)
        annual = 0 if (asked.mode is Mode.YEAR) == (profile.months == 12) else 40
        return (0, abs(end - target.toordinal()) + annual)

    return sorted(group, key=key)
