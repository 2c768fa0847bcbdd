"""Questions that ask for words, not for a figure: the sentences that say it, quoted. Only prose is quoted, never a table."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from smalt.engine.answer import Answer
from smalt.engine.asked import periods_in
from smalt.engine.render import quoted
from smalt.engine.vocabulary import measure_of
from smalt.search.model import Passage
from smalt.search.segment import Opened
from smalt.search.tokens import content_terms, fold

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"(•])")
_AMOUNT = r"(?:revenue|sales|income|profit|margin|costs?|expenses?|assets|cash|earnings|shares?|debt|headcount|receivables?|payables?|liabilit\w+|equity|goodwill|inventor\w+|deposits?)"
_ASKS_TEXT = re.compile(
    r"^\s*(?:why|who|whom|where|when|describe|explain|summari[sz]e|discuss|outline|does|do|is there|are there|has|have|will|can|how come|which (?!.*(?:amount|figure)))\b"
    r"|^\s*what (?:drove|caused|explains?|explained|led to|contributed to|is behind|was behind|are the drivers)\b"
    r"|^\s*(?:what|which) (?:are|were|is|was) (?:the )?(?:main |major |key |principal |primary )?(?:risk|factor|reason|driver|segment|polic|product|business|strateg|cause|method|auditor|name|title|trend|initiative|competit|customer|legal|material weakness)"
    rf"(?!.*\b{_AMOUNT}\b\W*(?:\||in\b|for\b|during\b|of\b|at\b|$))",
    re.IGNORECASE,
)
_DISCUSSES = re.compile(
    r"\b(?:analy[sz]e|correlat\w+|relates? to|relationship between|discussion|insights?|disclosed?|key areas|in what way|how (?:do|does|did|might|could) .*(?:affect|impact|influence|relate|contribute))\b",
    re.IGNORECASE,
)
_CAUSES = re.compile(
    r"^\s*(?:why|how come|explain|what (?:drove|caused|explains?|explained|led to|contributed to|(?:is|was) behind))\b|\b(?:reasons?|drivers?|causes?) (?:for|of|behind)\b",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(
    r"\b(?:due (?:primarily |mainly |largely )?to|driven (?:primarily |mainly |largely )?by|primarily|mainly|largely|because|as a result of|result(?:ed|ing) (?:primarily )?from"
    r"|attribut(?:ed|able) to|reflect(?:s|ed|ing)|owing to|caused by|led by|thanks to|on account of|benefit(?:ed|ing) from)\b"
)
_MOVES = re.compile(
    r"\b(?:increase[sd]?|decrease[sd]?|grew|growth|grow|rose|rise|fell|fall|declined?|declines|change[sd]?|compared (?:with|to)|higher|lower|improve[ds]?|reduction|expanded|contracted|up|down)\b"
)
_MOVE_WORDS = frozenset(
    ["change", "changed", "increase", "increased", "decrease", "decreased", "grow", "grew", "growth", "fall", "fell", "rise", "rose", "decline", "declined", "drop", "dropped", "drove", "drive", "caused", "cause", "reason", "driver", "explain", "higher", "lower", "improve", "improved", "year", "fiscal", "come", "contributed", "led", "behind", "main", "key", "primary", "major", "company", "move", "moved", "reduction", "shrink", "shrank", "go", "up", "down", "went"]
)  # fmt: skip
_UP = re.compile(r"(?:increas|grew|grow|rose|ris|higher|improv|expand|up$)")
_DOWN = re.compile(r"(?:decreas|fell|fall|declin|lower|reduc|contract|drop|shr[aiu]nk|down$)")
_AROUND = frozenset(
    ["million", "billion", "thousand", "percent", "percentage", "point", "basi", "bps", "compared", "prior", "previous", "approximately", "total", "consolidated", "respectively", "fiscal", "full", "quarter", "ended", "december", "june", "september", "march", "versu", "same", "overall", "net", "reported", "annual", "period", "month", "while", "also", "mainly"]
)  # fmt: skip
_EXTRA_MAX = 0
_LINK = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "by",
        "a",
        "for",
        "our",
        "was",
        "were",
        "is",
        "are",
        "as",
        "on",
        "from",
        "with",
        "that",
        "which",
        "we",
        "its",
        "it",
        "due",
        "not",
        "or",
    ]
)
_MENTIONED = 0.55
_WORDS_LEAST = 7
_QUOTE_MAX = 600


def asks_for_words(question: str) -> bool:
    """True when a question wants words: who, why, which risks. Figures are never answered from here."""
    wordy = _ASKS_TEXT.search(question) is not None or _DISCUSSES.search(question) is not None
    return wordy and not re.search(
        r"\b(?:how much|how many|what (?:percentage|amount)|total)\b", question, re.IGNORECASE
    )


def is_prose(sentence: str) -> bool:
    """True for a whole sentence: words that link words, few numbers, a full stop. A run of a table's rows is none."""
    words = sentence.split()
    if (
        len(words) < _WORDS_LEAST
        or not re.search(r"[.!?][\"”')]*$", sentence)
        or not re.match(r"[A-Z“\"(•0-9]", sentence)
    ):
        return False
    numbers = sum(bool(re.search(r"\d", word)) or word in {"$", "—", "%"} for word in words)
    links = sum(word.lower().strip(",.;") in _LINK for word in words)
    runs = re.search(r"(?:(?:\$\s?)?\(?\d[\d,.]*\)?%?\s+){3,}", sentence) is not None
    return not runs and numbers <= 0.3 * len(words) and links >= max(2, len(words) // 9)


def ranked(query: str, documents: Sequence[Opened], limit: int = 5) -> list[tuple[float, Opened, Passage]]:
    """The passages that hold the most of the query's rare words, best first."""
    terms = tuple(dict.fromkeys(content_terms(query)))
    found: list[tuple[float, Opened, Passage]] = []
    for opened in documents:
        pages = dict(opened.pages(query, 12))
        total = len(opened.segment.lengths)
        weight = {term: math.log(1 + total / (1 + len(opened.segment.postings.get(term, ())) / 2)) for term in terms}
        whole = sum(weight.values()) or 1.0
        for passage in opened.segment.passages:
            if passage.page not in pages:
                continue
            held = set(content_terms(passage.text))
            share = sum(weight[term] for term in terms if term in held) / whole
            found.append((share + 0.002 * pages[passage.page], opened, passage))
    found.sort(key=lambda item: -item[0])
    return found[:limit]


def answer_text(question: str, documents: Sequence[Opened]) -> Answer | None:
    """A quotation of one or two sentences, or None when no prose says what is asked."""
    if _CAUSES.search(question):
        return _explained(question, documents)
    for share, opened, passage in ranked(question, documents, 8):
        if share < _MENTIONED:
            return None
        wanted = {term for term in content_terms(question) if not term[0].isdigit()}
        sentences = _SENTENCE.split(passage.text)
        scores = [len(wanted & set(content_terms(one))) if is_prose(one) else 0 for one in sentences]
        if max(scores) * 2 >= len(wanted):
            at = scores.index(max(scores))
            following = sentences[at + 1 : at + 2]
            return quoted(
                opened, passage, " ".join([sentences[at], *(one for one in following if is_prose(one))])[:_QUOTE_MAX]
            )
    return None


def _explained(question: str, documents: Sequence[Opened]) -> Answer | None:
    """The sentence that names the figure, says that it moved, and says what from."""
    periods, rest = periods_in(question)
    subject = [term for term in content_terms(rest.replace("|", " ")) if term not in _MOVE_WORDS]
    if not subject:
        return None
    names = _names(subject)
    years = {str(asked.year) for asked in periods if asked.year is not None}
    asked = next((up for word in question.lower().split() if (up := _upward(word)) is not None), None)
    best: tuple[float, Opened, Passage, list[str], int] | None = None
    for opened in documents:
        for passage in opened.segment.passages:
            folded = fold(passage.text)
            if not _EXPLAINS.search(folded):
                continue
            sentences = _SENTENCE.split(passage.text)
            for at, sentence in enumerate(sentences):
                points = _cause_points(sentence, names, years, asked)
                if points and (best is None or points > best[0]):
                    best = (points, opened, passage, sentences, at)
    if best is None:
        return None
    _, opened, passage, sentences, at = best
    more = [
        one
        for one in sentences[at + 1 : at + 2]
        if is_prose(one) and _EXPLAINS.search(fold(one)) and _MOVES.search(fold(one))
    ]
    return quoted(opened, passage, " ".join([sentences[at], *more])[:_QUOTE_MAX])


def _names(subject: list[str]) -> list[set[str]]:
    """The word sets that name the subject: its own words, and for a known line the ways it is printed."""
    measure = measure_of(" ".join(subject))
    found = [set(subject)]
    if measure is not None:
        found += [set(content_terms(wording)) for wording in (measure.name, *measure.wordings)]
    return [words - _AROUND for words in found if words - _AROUND]


def _cause_points(sentence: str, names: list[set[str]], years: set[str], ups: bool | None) -> float:
    """How well ``sentence`` explains the figure's move: it must open with the figure and little else, then say why."""
    folded = fold(sentence)
    explains = _EXPLAINS.search(folded)
    if explains is None or not is_prose(sentence):
        return 0.0
    lead = folded[: explains.start()]
    moved = _MOVES.search(lead)
    if moved is None or (ups is not None and _upward(moved[0]) is (not ups)):
        return 0.0
    before = {term for term in content_terms(lead) if not term[0].isdigit()} - _AROUND - _MOVE_WORDS
    named = [words for words in names if words <= before]
    extra = len(before - max(named, key=len)) if named else _EXTRA_MAX + 1
    if extra > _EXTRA_MAX:
        return 0.0
    year = 0.6 if any(one in folded for one in years) else 0.0
    return 3.0 + year - 0.5 * extra - min(len(folded), _QUOTE_MAX) / 3000


def _upward(word: str) -> bool | None:
    if _UP.match(word):
        return True
    return False if _DOWN.match(word) else None
