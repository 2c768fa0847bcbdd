"""The security questionnaire: every answer is computed from claims, and a yes stands only while all its claims hold.

Answers: ``yes`` (every claim holds) · ``partial`` (some do) · ``planned`` (none does, and all are planned with a date to
come) · ``no`` (anything else: failing, stale, nobody answered) · ``not applicable`` (this installation has no such part).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from smalt.library.form import Replies, Reply
from smalt.trust.cyclonedx import said_of
from smalt.trust.record import stamp
from smalt.trust.view import ClaimView, TrustView

FILE = Path(__file__).with_name("questions.toml")
Word = Literal["yes", "partial", "planned", "no", "not applicable"]
WORDS: tuple[Word, ...] = ("yes", "partial", "planned", "no", "not applicable")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``claims`` answer it. Without any the answer is no, and ``note`` says why; beside claims it says what is left open."""

    id: str
    topic: str
    ask: str
    claims: tuple[str, ...] = ()
    note: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """``text``: the claims' sentences with their states. ``proved_at``: the oldest proof it rests on, in Unix seconds."""

    question: Question
    word: Word
    text: str
    claims: tuple[tuple[str, str], ...]
    proved_at: int | None

    def plain(self) -> dict[str, Any]:
        return {
            "id": self.question.id,
            "topic": self.question.topic,
            "question": self.question.ask,
            "answer": self.word,
            "text": self.text,
            "claims": [{"id": name, "state": state, "link": f"/trust/claims/{name}"} for name, state in self.claims],
            "proved": None if self.proved_at is None else stamp(self.proved_at),
        }


@lru_cache(maxsize=1)
def questions() -> tuple[Question, ...]:
    """The set, in its order; `ValueError` for one that could not be answered."""
    found = msgspec.convert(tomllib.loads(FILE.read_text("utf-8")), _File).question
    if len({one.id for one in found}) != len(found) or not all(one.claims or one.note for one in found):
        raise ValueError("every question has an id of its own, and claims or a note")
    return found


def word_of(claims: Iterable[ClaimView]) -> Word:
    """The answer that ``claims`` give together. Nothing is answered with yes by nothing."""
    states = [one.verdict.state for one in claims]
    here = [one for one in claims if one.verdict.state != "not_applicable"]
    if states and not here:
        return "not applicable"
    holding = sum(one.holds for one in here)
    if holding and holding == len(here):
        return "yes"
    if holding:
        return "partial"
    return "planned" if here and all(one.verdict.state == "planned" for one in here) else "no"


def sentences(claims: Iterable[ClaimView]) -> str:
    """What the claims say and how they stand."""
    return " ".join(
        one.claim.sentence if one.holds else f"{one.claim.sentence} Not shown now: {said_of(one)}" for one in claims
    )


def _proved_at(claims: Sequence[ClaimView]) -> int | None:
    times = [one.verdict.proved_at for one in claims]
    return min((at for at in times if at is not None), default=None) if all(times) else None


def answer(view: TrustView, question: Question) -> Answer:
    """The answer now. `Missing` when the question names a claim that there is not."""
    claims = [view[name] for name in question.claims]
    text = " ".join(part for part in (sentences(claims), question.note) if part)
    word = word_of(claims) if claims else "no"
    states = tuple((one.claim.id, one.verdict.state) for one in claims)
    return Answer(question, word, text, states, _proved_at(claims) if claims else None)


def answers(view: TrustView) -> list[Answer]:
    return [answer(view, one) for one in questions()]


def counts(found: Iterable[Answer]) -> dict[str, int]:
    """How many answers there are of each word, yes first."""
    words = [one.word for one in found]
    return {word: words.count(word) for word in WORDS}


def plain(view: TrustView) -> dict[str, Any]:
    """``questionnaire.json``."""
    found = answers(view)
    return {
        "format": 1,
        "now": stamp(view.now),
        "log_size": view.size,
        "counts": counts(found),
        "answers": [one.plain() for one in found],
    }


_CATALOGUES = ("soc2", "iso27001", "gdpr", "asvs", "owasp_llm", "caiq")
_PART = "These claims touch this item; whether they cover all of it is for a person to decide. "
_SHOWN = {"yes": "Yes", "partial": "Partial", "planned": "No", "no": "No", "not applicable": "N/A"}


def normal(identity: str) -> str:
    """An id as it is compared: without blanks, in capitals."""
    return re.sub(r"\s+", "", identity).upper()


def replies(view: TrustView) -> Replies:
    """By normalised id: the replies to an id as it stands, and to the numbered parts of an id (``IAM-02.1``).

    Our own questions, claims, and the CAIQ's controls are answered. A part of a control, and what other catalogues ask
    under an id, may ask for more than the claims say: there a yes becomes partial. An id that nothing maps to has no reply.
    """
    exact: dict[str, Reply] = {}
    parts: dict[str, Reply] = {}
    mapped: dict[tuple[str, str], list[ClaimView]] = {}
    for one in view.claims:
        for catalogue in _CATALOGUES:
            for name in getattr(one.claim.maps, catalogue):
                mapped.setdefault((catalogue, name), []).append(one)
    for (catalogue, name), claims in mapped.items():
        if catalogue == "caiq":
            parts[normal(name)] = _reply(claims, whole=False)
        exact.setdefault(normal(name), _reply(claims, whole=catalogue == "caiq"))
    for one in view.claims:
        exact[normal(one.claim.id)] = _reply([one], whole=True)
    for made in answers(view):
        exact[normal(made.question.id)] = Reply(_SHOWN[made.word], _comment(made.text, made.claims, made.proved_at))
    return Replies(exact, parts)


def _reply(claims: list[ClaimView], *, whole: bool) -> Reply:
    word = word_of(claims)
    if word == "yes" and not whole:
        word = "partial"
    states = tuple((one.claim.id, one.verdict.state) for one in claims)
    return Reply(_SHOWN[word], ("" if whole else _PART) + _comment(sentences(claims), states, _proved_at(claims)))


def _comment(text: str, states: Sequence[tuple[str, str]], proved_at: int | None) -> str:
    rest = "; ".join(f"{name} {state.replace('_', ' ')} (/trust/claims/{name})" for name, state in states)
    proof = f" Last proof: {stamp(proved_at)}." if proved_at is not None else ""
    return f"{text} [{rest}]{proof}" if rest else text
