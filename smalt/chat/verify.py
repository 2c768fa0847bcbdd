"""Verify: every figure in a reply is bound to a cited cell or to a recomputed formula, or it is counted as untraced.

Pure, and independent of the engine that wrote the reply: what the engine says of its own figures is not believed. A
number that names something (a year, a date, a page, a form) is not a figure; `present` holds that rule for the page too.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import msgspec

from smalt.chat.present import figures_of
from smalt.chat.recompute import Untraceable, is_constant, recompute
from smalt.engine.answer import Answer
from smalt.kernel.figures import printed_number

_INLINE = re.compile(r"(?<== )[^=\n\[]+?(?=\.(?:\s|$))")
"""A formula inside the text, as answers that stand side by side have it."""
_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_PLACES = Decimal("0.000001")
"""An answered quotient is given to six places."""


def verified(answer: Answer) -> Answer:
    """``answer`` with its own count of figures and of those that could be traced.

    The answered figure itself counts as traced only if its value is a cited figure's or the formula's. An answer whose
    figure is not is handed on without the figure: the text stays, visibly untraced.
    """
    if answer.declined:  # the numbers in it name what was looked for; none is claimed
        return msgspec.structs.replace(answer, figure=None, figures=0, traced=0)
    cited = _cited(answer)
    value = _value_of(answer.formula, cited)
    figure_holds = answer.figure is None or _figure_holds(answer, cited, value)
    exact = {abs(each) for each in cited}
    if figure_holds and answer.figure is not None:
        # The question may want it in another scale than it is printed in: "in billions".
        exact |= _restated(answer.figure.value, answer.text)
    # A formula that was recomputed is one figure, its result; its operands and constants were checked on the way.
    text = answer.text
    for formula in filter(None, [answer.formula, *_INLINE.findall(text)]):
        result = _value_of(formula, cited)
        if result is not None:
            exact.add(abs(result))
            text = text.replace(formula, " ")
    shown = figures_of(text)
    traced = sum(_is_traced(number, places, exact) for number, places in shown)
    if answer.formula is not None:  # it is set beside the text, so its operands are figures that are shown
        operands = [number for number, _ in figures_of(answer.formula) if not is_constant(number) or number in cited]
        shown += [(number, 0) for number in operands]
        traced += sum(number in cited for number in operands)
    return msgspec.structs.replace(
        answer,
        figure=answer.figure if figure_holds else None,
        figures=len(shown),
        traced=traced if figure_holds else min(traced, max(len(shown) - 1, 0)),
    )


def _cited(answer: Answer) -> frozenset[Decimal]:
    """The absolute values of the cells that are cited, and of the numbers inside cited passages."""
    values: set[Decimal] = set()
    for citation in answer.citations:
        whole = printed_number(citation.quote)
        if whole is not None:
            values.add(abs(whole))
        else:
            values.update(number for number, _ in figures_of(citation.quote))
    return frozenset(values)


def _value_of(formula: str | None, cited: frozenset[Decimal]) -> Decimal | None:
    """What the formula comes to; None without one, or when it cannot be followed."""
    if formula is None:
        return None
    try:
        return recompute(formula, cited)
    except Untraceable:
        return None


def _figure_holds(answer: Answer, cited: frozenset[Decimal], value: Decimal | None) -> bool:
    figure = answer.figure
    if figure is None:
        return False
    try:
        claimed = Decimal(figure.value)
    except InvalidOperation:
        return figure.unit == "text"
    printed = claimed.scaleb(-figure.scale)
    if answer.formula is None:
        return any(abs(known) in cited for known in (printed, claimed))
    return value is not None and any(abs(known - value) <= _PLACES for known in (printed, claimed))


def _restated(value: str, text: str) -> set[Decimal]:
    """The answered figure in each scale that ``text`` names."""
    try:
        amount = abs(Decimal(value))
    except InvalidOperation:
        return set()
    return {amount.scaleb(-power) for word, power in _SCALES.items() if f" {word}" in text}


def _is_traced(number: Decimal, places: int, exact: set[Decimal]) -> bool:
    """Whether ``number``, shown with so many decimal places, is one of ``exact``, rounded to them at most."""
    step = Decimal(1).scaleb(-places)
    return any(abs(known - number) <= step / 2 and (places > 0 or known == number) for known in exact)
