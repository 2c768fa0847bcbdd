"""Ranked pages for a question: what the engine cites first, then lexical search widened by the words of the trade."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from smalt.engine.asked import Asked, Mode
from smalt.engine.clean import clean
from smalt.engine.expression import Average, Binary, Expr, Ref
from smalt.engine.local import answer
from smalt.engine.metrics import METRICS
from smalt.engine.question import understand
from smalt.engine.scope import ordered, scope
from smalt.engine.vocabulary import MEASURES, Measure, measure_of
from smalt.search.model import BALANCE, CASHFLOW, INCOME
from smalt.search.segment import Opened, rank_pages
from smalt.search.tokens import content_terms, fold, label_key

_STATEMENTS = [
    (CASHFLOW, re.compile(r"\bcash flows?\b|\bcapex\b|\bcapital expenditures?\b")),
    (BALANCE, re.compile(r"\bbalance sheets?\b|\bfinancial position\b|\bassets\b|\bliabilities\b")),
    (
        INCOME,
        re.compile(
            r"\bincome statements?\b|\bp&l\b|\bstatements? of (?:income|operations|earnings)\b|\bprofit and loss\b|\bmargins?\b"
        ),
    ),
]
_CITED, _STATEMENT, _WIDENED = 60.0, 6.0, 0.35


def _leaves(tree: Expr) -> list[str]:
    if isinstance(tree, Ref):
        return [tree.phrase]
    if isinstance(tree, Average):
        return [tree.of.phrase]
    return _leaves(tree.left) + _leaves(tree.right) if isinstance(tree, Binary) else []


def measures_in(question: str) -> list[Measure]:
    """The measures that a question names, directly or through a metric."""
    text = f" {label_key(question)} "
    found: dict[str, Measure] = {}
    for measure in MEASURES:
        if any(len(key) > 2 and f" {key} " in text for key in map(label_key, measure.wordings)):
            found[measure.key] = measure
    for metric in METRICS:
        if any(len(key) > 2 and f" {key} " in text for key in map(label_key, metric.wordings)):
            for phrase in _leaves(metric.tree):
                part = measure_of(phrase)
                if part is not None:
                    found[part.key] = part
    return list(found.values())


def pages(question: str, documents: Sequence[Opened], limit: int = 20) -> list[tuple[Opened, int]]:
    """The pages likeliest to answer ``question``, best first."""
    scores: dict[tuple[int, int], float] = defaultdict(float)
    asked = clean(question)
    named = measures_in(question)
    folded = fold(question)
    for number, citation in enumerate([*answer(question, documents).citations][:12]):
        for at, opened in enumerate(documents):
            if opened.document == citation.document and citation.page is not None:
                scores[at, citation.page] += _CITED / (1 + number * 0.1)
    widened = tuple(term for measure in named for wording in measure.wordings[:6] for term in content_terms(wording))
    weights = dict.fromkeys(set(widened) - set(content_terms(asked)), _WIDENED)
    wanted = {kind for kind, pattern in _STATEMENTS if pattern.search(folded)} | {
        measure.statement for measure in named
    }
    for at, opened in enumerate(documents):
        names = {term for name in opened.profile.names for term in content_terms(name)}
        query = tuple(term for term in (*content_terms(asked), *widened) if term not in names)
        for page, score in rank_pages(opened.segment, query, opened.average, weights):
            scores[at, page] += score
        for note in opened.notes:
            if note.primary and note.statement in wanted:
                scores[at, note.page] += _STATEMENT
    ranked = sorted(scores, key=lambda key: (-scores[key], key))
    return [(documents[at], page) for at, page in ranked[:limit]]


def documents(question: str, shelf: Sequence[Opened]) -> list[Opened]:
    """The documents of ``shelf`` by how likely they answer: company, then period, then words, the newest first."""
    where = scope(question, shelf)
    query = understand(where.rest)
    asked = max(query.periods, key=Asked.order) if query.periods else Asked(Mode.LATEST)
    ranked: list[Opened] = []
    for group in where.groups:
        held = ordered(group, asked)
        ranked += held
    return ranked + [opened for opened in shelf if opened not in ranked]
