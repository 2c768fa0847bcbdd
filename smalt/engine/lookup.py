"""Finding the one printed figure that a phrase and a period name, or refusing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from smalt.engine import parts
from smalt.engine.asked import Asked, Mode, fit
from smalt.engine.vocabulary import FLOW, STOCK, STRICT, Measure, measure_of
from smalt.kernel.figures import Unit
from smalt.search.model import BALANCE, CASHFLOW, COMPREHENSIVE, EQUITY, INCOME, Fact
from smalt.search.segment import Opened
from smalt.search.tokens import content_terms, fold, label_key, without_notes

_ACCEPT = 80.0
_TOTAL_COLUMN = re.compile(r"\b(?:total|consolidated|as reported|reported|company|actuals?)\b")
_FOREIGN_PATH = re.compile(
    r"\b(?:discontinued|pro forma|parent|eliminations?|non-gaap|segment|adjusted|guarantor|cumulative effect)\b"
)
_SOFT = frozenset(
    [
        "total",
        "net",
        "amount",
        "consolidated",
        "company",
        "other",
        "value",
        "balance",
        "cost",
        "expense",
        "gross",
        "current",
    ]
)
_PARTIAL = re.compile(r"\bexcluding\b|\bcontinuing\b|\bbefore\b(?!.*\btax)")
_DEFERRED_TAX = re.compile(r"\bdeferred (?:income )?tax")
_BALANCE_ROW = re.compile(r"^(?:total )?(?:ending |beginning )?balances?\b|^balances?,? ")
_NO_FLOW = frozenset({"assets", "liab", "ca", "cl", "eq", "goodwill", "retained"})
"""Balances that no cash flow statement prints as a change: a table of yearly columns may show them too."""
_PUNCT = re.compile(r"[^\w%$&]+")


@dataclass(slots=True)
class Found:
    """The chosen fact with its score (100 is a printed label to the letter), or the best that was not good enough."""

    fact: Fact | None
    score: float
    near: list[Fact] = field(default_factory=list)
    ambiguous: bool = False


def _bare(text: str) -> str:
    return _PUNCT.sub(" ", text).strip()


def find(phrase: str, asked: Asked, opened: Opened) -> Found:
    """The figure in ``opened`` that ``phrase`` names for ``asked``; ``Found.fact`` is None when none is good enough."""
    measure = measure_of(phrase)
    scored: dict[int, float] = {}
    _exact(phrase, measure, opened, scored)
    if measure is not None:
        _by_measure(measure, opened, scored)
    elif not any(score >= 90 for score in scored.values()):
        for index, points in parts.score(phrase, opened).items():
            scored[index] = max(scored.get(index, 0), points)
        if not scored:
            _fuzzy(phrase, opened, scored)
    ranked = []
    strict = measure is not None and measure.key in STRICT and _primary_covers(measure, asked, opened)
    for index, score in scored.items():
        fact = opened.facts[index]
        if strict and not opened.notes[fact.table].primary:
            continue
        match = fit(asked, fact.span)
        if match <= 0:
            continue
        total = score + (match - 1) * 10 + _standing(fact, measure, asked, opened, phrase, score)
        ranked.append((total, index))
    ranked.sort(key=lambda item: (-item[0], item[1]))
    near = _nearest(phrase, ranked, scored, opened)
    if not ranked:
        return Found(None, 0.0, near)
    best = ranked[0]
    fact = opened.facts[best[1]]
    rivals = {
        abs(opened.facts[index].value)
        for total, index in ranked
        if best[0] - total < 1.0 and opened.facts[index].unit == fact.unit
    }
    if best[0] < _ACCEPT:
        return Found(None, best[0], near)
    if len(rivals) > 1 and not _settled(ranked, opened):
        return Found(None, best[0], near, ambiguous=True)
    return Found(fact, best[0], near)


def _primary_covers(measure: Measure, asked: Asked, opened: Opened) -> bool:
    """True when the measure's own statement is printed for the period asked."""
    for index, note in enumerate(opened.notes):
        if note.primary and note.statement == measure.statement:
            spans = {opened.facts[at].span for at in opened.tables[index]}
            if any(fit(asked, span) > 0 for span in spans):
                return True
    return False


def _settled(ranked: list[tuple[float, int]], opened: Opened) -> bool:
    """Equal rivals are settled when the first stands in a primary statement and the others do not."""
    top = [opened.facts[index] for total, index in ranked if ranked[0][0] - total < 1.0]
    values: dict[object, int] = {}
    for fact in top:
        values[abs(fact.value)] = values.get(abs(fact.value), 0) + 1
    counts = sorted(values.values(), reverse=True)
    return (
        len(counts) > 1
        and counts[0] >= 2
        and counts[0] > counts[1]
        and abs(top[0].value) == max(values, key=lambda v: values[v])
    )


def _exact(phrase: str, measure: Measure | None, opened: Opened, scored: dict[int, float]) -> None:
    key = label_key(phrase)
    letters, plain = _bare(fold(phrase)), _bare(fold(without_notes(phrase)))
    marked = without_notes(phrase) != phrase.strip()
    for index in opened.by_key.get(key, ()):
        if measure is not None and opened.facts[index].unit != measure.unit:
            continue
        label = _bare(opened.folded[index])
        to_the_letter = label in (letters, plain)
        if label == letters and marked:
            scored[index] = 104.0
        elif measure is not None:
            scored[index] = 95.0 if to_the_letter else 94.5
        else:
            scored[index] = 100.0 if label == letters else 98.5 if to_the_letter else 97.0


def _by_measure(measure: Measure, opened: Opened, scored: dict[int, float]) -> None:
    for index, fact in enumerate(opened.facts):
        if fact.unit != measure.unit and not (
            measure.unit == Unit.PER_SHARE and fact.unit == Unit.MONEY and fact.scale == 0
        ):
            continue
        label = without_notes(opened.folded[index]).rstrip(" :*")
        rank = _rank(measure, label, fact)
        if rank is None:
            if (
                measure.rollforward
                and _BALANCE_ROW.match(label)
                and opened.notes[fact.table].statement == EQUITY
                and _is_total(fact, opened)
                and fact.qualifier
            ):
                scored[index] = max(scored.get(index, 0), 84.0)
            continue
        scored[index] = max(scored.get(index, 0), (97.0 if measure.key == "ni" and rank == 0 else 94.0 - 2.0 * rank))


def _rank(measure: Measure, label: str, fact: Fact) -> int | None:
    if (
        measure.avoid is not None
        and measure.avoid.pattern
        and measure.avoid.search(label)
        and measure.unit != Unit.PER_SHARE
    ):
        return None
    if measure.unit == Unit.PER_SHARE and measure.avoid is not None and measure.avoid.search(label):
        return None
    for rank, pattern in enumerate(measure.labels):
        if pattern.search(label):
            return rank
    if measure.unit == Unit.PER_SHARE and fact.path and label.startswith("net "):
        section = fold(fact.path[-1])
        if measure.labels[0].search(section) and not (measure.avoid is not None and measure.avoid.search(label)):
            return 1
    return None


def _is_total(fact: Fact, opened: Opened) -> bool:
    """The last column of a row of several."""
    columns = [opened.facts[index].column for index in opened.rows[fact.table, fact.row]]
    return len(columns) > 1 and fact.column == max(columns)


def _standing(fact: Fact, measure: Measure | None, asked: Asked, opened: Opened, phrase: str, score: float) -> float:
    """What a fact's surroundings add: its statement, its column, its kind of period."""
    note = opened.notes[fact.table]
    points = 0.0
    if asked.mode in (Mode.LATEST, Mode.LATEST_QUARTER):
        points += _recent(fact)
    if note.primary:
        points += {BALANCE: 4.5, INCOME: 4.2, CASHFLOW: 4.0, COMPREHENSIVE: 2.0, EQUITY: 1.5}.get(note.statement, 2.0)
    elif note.statement:
        points += 0.5
    if measure is not None:
        if note.statement == measure.statement:
            points += 3.0 if note.primary else 0.5
        elif note.primary and note.statement in {EQUITY, COMPREHENSIVE}:
            points -= 2.0
        if measure.kind == FLOW and fact.span.months == 0:
            points -= 40.0 if asked.mode is not Mode.INSTANT else 0.0
        if measure.kind == STOCK and fact.span.months not in (0, None):
            points -= 10.0 if measure.key in _NO_FLOW else 40.0
        aside = opened.aside.get(fact.table, "")
        if measure.kind == STOCK and _DEFERRED_TAX.search(fold(" ".join((*fact.path, note.title)))):
            aside = "deferred tax"
        if aside and (measure.kind == STOCK or aside == "lease") and aside not in fold(phrase):
            points -= 20.0
        if measure.section_first is not None and any(measure.section_first.search(fold(part)) for part in fact.path):
            points += 2.0
    if measure is None and asked.mode is Mode.YEAR and fact.span.months == 0:
        points -= 1.5  # "in fiscal 2024" means during, where a line is printed for both
    if measure is not None and _PARTIAL.search(fact.label.lower()) and not _PARTIAL.search(phrase.lower()):
        points -= 3.0
    if fact.qualifier and not _TOTAL_COLUMN.search(fact.qualifier):
        asked_for = set(content_terms(phrase))
        points -= 0.0 if asked_for & set(content_terms(fact.qualifier)) else 12.0
    if fact.change:
        points -= 0.0 if re.search(r"\bchange\b", phrase) else 40.0
    if measure is None and score > 88 and parts.parts_in(phrase):
        pass  # a part's own section may well be called a segment
    elif fact.path and _FOREIGN_PATH.search(fold(" ".join(fact.path))) and not _FOREIGN_PATH.search(fold(phrase)):
        points -= 6.0
    return points


def _recent(fact: Fact) -> float:
    """For a document without a fiscal calendar, whose latest period is the newest that it prints."""
    year = fact.span.end.year if fact.span.end is not None else fact.span.year
    return (year - 2000) * 2.0 if year is not None else -40.0


def _fuzzy(phrase: str, opened: Opened, scored: dict[int, float]) -> None:
    """Labels that say the same with a word more or less; words of the section or column count for the rest."""
    wanted = set(content_terms(phrase))
    hard = wanted - _SOFT
    if not hard:
        return
    pool: set[int] = set()
    for term in hard:
        pool |= opened.by_term.get(term, set())
    for index in pool:
        fact = opened.facts[index]
        own = set(content_terms(without_notes(fact.label)))
        common = wanted & own
        around = set(content_terms(" ".join(fact.path))) | set(content_terms(fact.qualifier))
        missing = hard - own - around
        if missing:
            continue
        extra = own - wanted
        hard_extra = extra - _SOFT
        points = (
            88.0
            - 4.0 * len(extra & _SOFT)
            - 7.0 * len(hard_extra)
            - 3.0 * len(hard - own)
            - 2.0 * len(wanted & _SOFT - own)
        )
        if len(common) * 2 < len(wanted):
            points -= 10.0
        if points > 50:
            scored[index] = max(scored.get(index, 0), points)


def _nearest(phrase: str, ranked: list[tuple[float, int]], scored: dict[int, float], opened: Opened) -> list[Fact]:
    """Up to three lines worth showing with a refusal: close labels in other periods, or close labels at all."""
    picks = [index for _, index in ranked[:3]] + sorted(scored, key=lambda index: -scored[index])[:6]
    if not picks:
        wanted = set(content_terms(phrase)) - _SOFT
        counts: dict[int, int] = {}
        for term in wanted:
            for index in opened.by_term.get(term, ()):
                counts[index] = counts.get(index, 0) + 1
        picks = sorted(counts, key=lambda index: (-counts[index], index))[:6]
    found: list[Fact] = []
    for index in picks:
        fact = opened.facts[index]
        if all((fact.label, fact.page) != (other.label, other.page) for other in found):
            found.append(fact)
    return found[:3]
