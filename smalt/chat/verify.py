"""Verify: every figure in a reply is bound to a cited cell or to a recomputed formula, or it is counted as untraced.

Pure, and independent of the engine that wrote the reply: what the engine says of its own figures is not believed. What
binds is the amount: the printed number together with the scale and the unit that stand beside it (`figures`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from smalt.chat.figures import Borne, Shown, borne_by, figures_of
from smalt.chat.recompute import Untraceable, is_constant, recompute
from smalt.engine.answer import Answer, FigureOut

_INLINE = re.compile(r"(?<== )[^=\n\[]+?(?=\.(?:\s|$))")
"""A formula inside the text, as answers that stand side by side have it."""
_PLACES = Decimal("0.000001")
"""An answered quotient is given to six places."""


def verified(answer: Answer) -> Answer:
    """``answer`` with its own count of figures and of those that could be traced.

    The answered figure itself counts as traced only if its amount is a cited figure's or the formula's. An answer whose
    figure is not is handed on without the figure: the text stays. Marks after a figure that could not be traced give
    way to ``[?]``.
    """
    if answer.declined:  # the numbers in it name what was looked for; none is claimed
        return msgspec.structs.replace(answer, figure=None, figures=0, traced=0)
    cited = [each for n, one in enumerate(answer.citations, 1) for each in borne_by(n, one.quote, one.unit)]
    results = _results(answer, cited)
    figure_holds = answer.figure is None or _figure_holds(answer.figure, answer.formula, cited, results)
    known = [*cited, *_computed(answer, results, figure_holds=figure_holds)]
    # A formula that was recomputed is one figure, its result; its operands and constants were checked on the way.
    inside = [span for formula in results for span in _spans(answer.text, formula)]
    shown = [each for each in figures_of(answer.text) if not any(a <= each.start < b for a, b in inside)]
    untraced = [each for each in shown if not _is_traced(each, known)]
    figures, traced = len(shown), len(shown) - len(untraced)
    if answer.formula is not None:  # it is set beside the text, so its operands are figures that are shown
        printed = {each.printed for each in cited}
        operands = [
            each.value for each in figures_of(answer.formula) if not is_constant(each.value) or each.value in printed
        ]
        figures += len(operands)
        traced += sum(number in printed for number in operands)
    return msgspec.structs.replace(
        answer,
        text=_marked(answer.text, untraced),
        figure=answer.figure if figure_holds else None,
        figures=figures,
        traced=traced if figure_holds else min(traced, max(figures - 1, 0)),
    )


def _results(answer: Answer, cited: Sequence[Borne]) -> dict[str, frozenset[Decimal]]:
    """What each formula that can be followed comes to, in base units. Usually that is one amount (`recompute`)."""
    amounts: dict[Decimal, set[Decimal]] = defaultdict(set)
    for each in cited:
        amounts[each.printed].add(each.amount)
    found = {}
    for formula in filter(None, [answer.formula, *_INLINE.findall(answer.text)]):
        try:
            found[formula] = recompute(formula, amounts)
        except Untraceable:
            continue
    return found


def _figure_holds(
    figure: FigureOut, formula: str | None, cited: Sequence[Borne], results: Mapping[str, frozenset[Decimal]]
) -> bool:
    claimed = _claimed(figure)
    if claimed is None:
        return figure.unit == "text"
    if formula is None:
        unit = _unit_of(figure)
        return any(each.amount == abs(claimed) and (not each.unit or unit in ("", each.unit)) for each in cited)
    currencies = {each.unit for each in cited} - {"", "%"}
    if figure.currency and currencies and figure.currency not in currencies:
        return False
    return any(abs(result - claimed) <= _PLACES for result in results.get(formula, ()))


def _computed(answer: Answer, results: Mapping[str, frozenset[Decimal]], *, figure_holds: bool) -> Iterator[Borne]:
    """What the formulas bear. Of several readings of the answer's own, the one that its figure claims counts."""
    figure = answer.figure if figure_holds else None
    claimed = None if figure is None else _claimed(figure)
    for formula, amounts in results.items():
        if formula == answer.formula and figure is not None and claimed is not None:
            yield Borne(abs(claimed), abs(claimed), _unit_of(figure), quotient="/" in formula)
            continue
        for amount in amounts:
            yield Borne(abs(amount), abs(amount), quotient="/" in formula)


def _claimed(figure: FigureOut) -> Decimal | None:
    try:
        return Decimal(figure.value)
    except InvalidOperation:
        return None


def _unit_of(figure: FigureOut) -> str:
    return "%" if figure.unit == "percent" else figure.currency or ""


def _spans(text: str, part: str) -> Iterator[tuple[int, int]]:
    for found in re.finditer(re.escape(part), text):
        yield found.span()


def _is_traced(shown: Shown, known: Sequence[Borne]) -> bool:
    """Whether something known bears ``shown``: of what is cited, only what the marks beside it point at."""
    return any(
        each.bears(shown) for each in known if not shown.marks or each.citation is None or each.citation in shown.marks
    )


def _marked(text: str, untraced: Sequence[Shown]) -> str:
    """``text`` with ``[?]`` for the marks after figures that could not be traced."""
    for each in reversed(untraced):
        if each.marks is not None:
            text = f"{text[: each.end]} [?]{text[each.after :]}"
    return text
