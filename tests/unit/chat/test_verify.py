"""The check of an answer believes nothing that the engine says of its own figures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smalt.chat.recompute import Untraceable, recompute
from smalt.chat.verify import verified
from smalt.engine.answer import Answer, Citation, FigureOut


def cell(quote: str) -> Citation:
    return Citation("doc_1", "a.pdf", 3, quote)


def money(value: str) -> FigureOut:
    return FigureOut(value, "money", 6, "2024", "USD")


def test_a_printed_figure_is_traced_to_its_cell():
    checked = verified(Answer("Revenue, 2024: $47,061 million [1].", money("47061000000"), citations=[cell("$47,061")]))
    assert (checked.figures, checked.traced) == (1, 1)
    assert checked.figure is not None


def test_a_figure_that_no_cell_prints_is_taken_away_whatever_the_engine_claims():
    claimed = Answer(
        "Revenue, 2024: $47,062 million [1].",
        money("47062000000"),
        citations=[cell("$47,061")],
        traced=1,
        figures=1,
    )
    checked = verified(claimed)
    assert (checked.figures, checked.traced) == (1, 0)
    assert checked.figure is None


def test_a_formula_is_recomputed_and_its_operands_count():
    answer = Answer(
        "Free cash flow, 2024: $4,741 million [1][2].",
        money("4741000000"),
        "6,805 − 2,064",
        citations=[cell("6,805"), cell("(2,064)")],
    )
    checked = verified(answer)
    assert (checked.figures, checked.traced) == (3, 3)


@pytest.mark.parametrize("formula", ["6,805 − 2,063", "6,805 − 2,064 +", "6,805 - 2,064 - 17", "__import__('os')"])
def test_a_formula_that_does_not_come_to_the_figure_takes_it_away(formula: str):
    answer = Answer(
        "Free cash flow, 2024: $4,741 million [1][2].",
        money("4741000000"),
        formula,
        citations=[cell("6,805"), cell("(2,064)")],
    )
    checked = verified(answer)
    assert checked.figure is None
    assert checked.traced < checked.figures


def test_a_ratio_may_be_shown_rounded_but_not_otherwise():
    ratio = FigureOut("61.063301", "percent", 0, "2024")
    cited = [cell("28,737"), cell("$47,061")]
    right = verified(Answer("Margin, 2024: 61.06% [1][2].", ratio, "28,737 / 47,061 × 100", citations=cited))
    wrong = verified(Answer("Margin, 2024: 61.16% [1][2].", ratio, "28,737 / 47,061 × 100", citations=cited))
    assert right.traced == right.figures == 3
    assert wrong.traced == wrong.figures - 1


def test_answers_side_by_side_are_checked_by_their_formulas():
    text = "A: margin, 2024: 50.00% [1][2] = 10 / 20 × 100.\nA: margin, 2023: 25.00% [3][2] = 5 / 20 × 100."
    checked = verified(Answer(text, citations=[cell("10"), cell("20"), cell("5")]))
    assert (checked.figures, checked.traced) == (2, 2)


def test_a_refusal_claims_no_figure():
    checked = verified(Answer("No line is “net income” for fiscal 2015 (10-k, 17 pages).", declined=True, figures=3))
    assert (checked.figures, checked.traced) == (0, 0)


def test_years_and_pages_are_no_figures():
    checked = verified(Answer("In 2024 and fiscal 2023 (page 12): $5 million [1].", citations=[cell("5")]))
    assert (checked.figures, checked.traced) == (1, 1)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("(1 + 2) × 3", "9"),
        ("365 × ((10 + 20) / 2) / (100 + (−50))", "109.5"),
        ("2 ^ 3 ^ 2", "512"),
        ("−10 − −20", "10"),
    ],
)
def test_formulas_follow_the_rules_of_arithmetic(formula: str, value: str):
    cited = {Decimal(number) for number in (10, 20, 50, 100)}
    assert recompute(formula, cited) == Decimal(value)


@pytest.mark.parametrize("formula", ["", "1 +", "(1", "1 / 0", "12345", "1 2", "a + b", "1 ** 2"])
def test_what_is_no_formula_over_cited_figures_is_refused(formula: str):
    with pytest.raises(Untraceable):
        recompute(formula, set())
