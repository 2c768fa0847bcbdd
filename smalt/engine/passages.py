"""Questions that ask for words, not for a figure: the passage that says it, quoted."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from smalt.engine.answer import Answer
from smalt.engine.render import quoted
from smalt.search.model import Passage
from smalt.search.segment import Opened
from smalt.search.tokens import content_terms

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"(])")
_ASKS_TEXT = re.compile(
    r"^\s*(?:why|who|whom|where|when|describe|explain|summari[sz]e|discuss|outline|does|do|is there|are there|has|have|will|can|which (?!.*(?:amount|figure)))\b|^\s*(?:what|which) (?:are|were|is|was) (?:the )?(?:main |major |key |principal |primary )?(?:risk|factor|reason|driver|segment|polic|product|business|strateg|cause|method|auditor|name|title|trend|initiative|competit|customer|legal|material weakness)",
    re.IGNORECASE,
)
_DISCUSSES = re.compile(
    r"\b(?:analy[sz]e|correlat\w+|relates? to|relationship between|discussion|insights?|disclosed?|key areas|in what way|how (?:do|does|did|might|could) .*(?:affect|impact|influence|relate|contribute))\b",
    re.IGNORECASE,
)
_MENTIONED = 0.55


def asks_for_words(question: str) -> bool:
    """True when a question wants words: who, why, which risks. Figures are never answered from here."""
    wordy = _ASKS_TEXT.search(question) is not None or _DISCUSSES.search(question) is not None
    return wordy and not re.search(
        r"\b(?:how much|how many|what (?:percentage|amount)|total)\b", question, re.IGNORECASE
    )


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
    """A quotation of at most three sentences, or None when no passage holds enough of the question's words."""
    best = ranked(question, documents, 1)
    if not best or best[0][0] < _MENTIONED:
        return None
    _, opened, passage = best[0]
    wanted = set(content_terms(question))
    sentences = _SENTENCE.split(passage.text)
    scores = [len(wanted & set(content_terms(sentence))) for sentence in sentences]
    at = scores.index(max(scores))
    span = " ".join(sentences[at : at + 2])[:600]
    return quoted(opened, passage, span)
