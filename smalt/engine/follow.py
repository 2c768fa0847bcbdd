"""Follow-up questions: "and in fiscal 2023?", "what about the other company?", "as a percentage of revenue?" lean on the last one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smalt.engine.answer import Exchange
from smalt.engine.asked import periods_in
from smalt.engine.question import understand
from smalt.engine.scope import scope
from smalt.search.segment import Opened
from smalt.search.tokens import content_terms

_LEANS = re.compile(
    r"^\s*(?:and|what about|how about|same|the same|ok,?|now|then|also|but|or|versus|vs\.?)\b", re.IGNORECASE
)
_PRONOUN = re.compile(r"\b(?:it|its|they|their|them|that|this|those|the company'?s?|the same)\b", re.IGNORECASE)
_OPENING = re.compile(
    r"^\s*(?:(?:and|what about|how about|same for|the same for|same|ok|now|then|also|but|or|versus|vs\.?)\b[\s,]*)+(?:in|for|at|as of|during)?\s*",
    re.IGNORECASE,
)
_VACANT = frozenset(
    ["year", "quarter", "period", "figure", "value", "number", "amount", "same", "change", "year-over-year", "company"]
)


def lean(question: str, history: Sequence[Exchange], documents: Sequence[Opened]) -> str:
    """``question`` made whole with what the previous question gave: its company, its subject, its period."""
    if not history:
        return question
    previous = history[-1].question
    here = scope(question, documents)
    leaning = _LEANS.match(question) is not None
    pronoun = _PRONOUN.search(question) is not None
    periods, _ = periods_in(here.rest)
    subject = understand(_OPENING.sub("", here.rest)).subject
    has_subject = any(term not in _VACANT for term in content_terms(subject))
    if not leaning and not pronoun and has_subject and (here.named or here.foreign is not None):
        return question
    before = scope(previous, documents)
    if here.foreign is not None and not leaning:
        return question
    whole = question
    if not has_subject:
        return _put_into(previous, here.named or here.foreign is not None, periods, question, documents)
    if not here.named and before.named and here.foreign is None:
        company = before.groups[0][0].profile.names[0] if before.groups[0][0].profile.names else ""
        whole = f"{_strip(question)} for {before.groups[0][0].profile.display_name or company}"
    if not periods:
        earlier = _period_words(before.rest)
        whole = f"{_strip(whole)} {earlier}" if earlier else whole
    return _OPENING.sub("what was ", whole) if leaning else whole


def _strip(text: str) -> str:
    return text.rstrip(" ?.!")


def _period_words(text: str) -> str:
    """The words of ``text`` that name its periods."""
    _, without = periods_in(text)
    kept = without.replace("|", "\0").split("\0")
    rest = " ".join(text.split())
    for piece in kept:
        part = " ".join(piece.split()).strip()
        if part and part in rest:
            rest = rest.replace(part, " ", 1)
    return " ".join(rest.replace("|", " ").split()).strip(" ?.,")


def _put_into(
    previous: str,
    other_company: bool,
    periods: list[object] | Sequence[object],
    question: str,
    documents: Sequence[Opened],
) -> str:
    """The previous question with its company or its periods replaced by those of the follow-up."""
    before = scope(previous, documents)
    words = _strip(previous)
    tail = _strip(_OPENING.sub("", question))
    if other_company:
        base = before.rest.replace("|", " ") if before.named else words
        base = _strip(" ".join(base.split()))
        if periods:
            _, base = periods_in(base)
            base = base.replace("|", " ")
        name = re.sub(r"'s$", "", tail)
        return f"{base} for {name}"
    if periods:
        _, base = periods_in(words)
        return (
            f"{' '.join(base.replace('|', ' ').split())} in {tail}"
            if not re.match(r"(?:in|for|as of|at|during|from|between|over)\b", tail, re.IGNORECASE)
            else f"{' '.join(base.replace('|', ' ').split())} {tail}"
        )
    return question
