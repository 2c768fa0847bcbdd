"""The check of an answer believes nothing that the engine says of its own figures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smalt.chat.present import present
from smalt.chat.recompute import Untraceable, recompute
from smalt.chat.verify import verified
from smalt.engine.answer import Answer, Citation, FigureOut


def cell(quote: str, unit: str = "$ millions") -> Citation:
    return Citation("doc_1", "a.pdf", 3, quote, unit=unit)


def money(value: str, scale: int = 6) -> FigureOut:
    return FigureOut(value, "money", scale, "2024", "USD")


def ratio(value: str, unit: str = "percent") -> FigureOut:
    return FigureOut(value, unit, 0, "2024")


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
    margin = ratio("61.063301")
    cited = [cell("28,737"), cell("$47,061")]
    right = verified(Answer("Margin, 2024: 61.06% [1][2].", margin, "28,737 / 47,061 × 100", citations=cited))
    wrong = verified(Answer("Margin, 2024: 61.16% [1][2].", margin, "28,737 / 47,061 × 100", citations=cited))
    assert right.traced == right.figures == 3
    assert wrong.traced == wrong.figures - 1


def test_answers_side_by_side_are_checked_by_their_formulas():
    text = "A: margin, 2024: 50.00% [1][2] = 10 / 20 × 100.\nA: margin, 2023: 25.00% [3][2] = 5 / 20 × 100."
    checked = verified(Answer(text, citations=[cell("10"), cell("20"), cell("5")]))
    assert (checked.figures, checked.traced) == (2, 2)


def test_a_refusal_claims_no_figure():
    checked = verified(Answer("No line is “net income” for fiscal 2015 (10-k, 17 pages).", declined=True, figures=3))
    assert (checked.figures, checked.traced) == (0, 0)


@pytest.mark.parametrize(
    "text", ["In 2024 and fiscal 2023 (page 12)", "3 months ended June 30, 2024", "as of 2026-03-02, row 257"]
)
def test_years_pages_and_periods_are_no_figures(text: str):
    checked = verified(Answer(f"{text}: $5 million [1].", citations=[cell("5")]))
    assert (checked.figures, checked.traced) == (1, 1)


# -- the scale and the unit


@pytest.mark.parametrize("said", ["$540 thousand", "$540,000", "$0.54 million", "540 thousand", "$0.5 million"])
def test_a_figure_may_be_said_in_another_scale(said: str):
    checked = verified(Answer(f"Profit: {said} [1].", money("540000", 3), citations=[cell("540", "$ thousands")]))
    assert (checked.figures, checked.traced) == (1, 1)
    assert checked.figure is not None
    assert checked.text == f"Profit: {said} [1]."


@pytest.mark.parametrize(
    ("said", "value", "unit", "holds"),
    [
        ("$540 million", "540000000", "$ thousands", False),
        ("$540 million", "540000", "$ thousands", True),  # the figure is right, what is said of it is not
        ("$540", "540", "$ thousands", False),
        ("$540 thousand", "540000", "$ millions", False),
        ("$540 million", "540000000", "", False),
        ("$540 billion", "540000000", "$ millions", True),
        ("€540 million", "540000000", "$ millions", True),
        ("$540 million", "540000000", "€ millions", False),
        ("540%", "540", "$", True),
        ("$540", "540", "%", False),
    ],
)
def test_a_wrong_scale_or_unit_is_marked(said: str, value: str, unit: str, holds: bool):
    checked = verified(Answer(f"Profit, 2024: {said} [1].", money(value), citations=[cell("540", unit)]))
    assert (checked.figures, checked.traced) == (1, 0)
    assert checked.text == f"Profit, 2024: {said} [?]."
    assert (checked.figure is not None) is holds
    parts = present({"text": checked.text, "checks": {"figures": 1, "traced": 0}})["parts"]
    assert [part["traced"] for part in parts if part.get("figure")] == [False]


def test_a_figure_in_the_wrong_currency_is_taken_away():
    figure = FigureOut("540000000", "money", 6, "2024", "EUR")
    assert verified(Answer("540 million [1].", figure, citations=[cell("540")])).figure is None
    summed = Answer("540 million [1][2].", figure, "500 + 40", citations=[cell("500"), cell("40")])
    assert verified(summed).figure is None


def test_a_formula_in_thousands_does_not_come_to_millions():
    cells = [cell("751", "$ thousands"), cell("(211)", "$ thousands")]
    wrong = verified(Answer("Free cash flow: $540 million [1][2].", money("540000000"), "751 − 211", citations=cells))
    assert wrong.figure is None
    assert (wrong.text, wrong.traced) == ("Free cash flow: $540 million [?].", 2)
    right = verified(Answer("Free cash flow: $540 thousand [1][2].", money("540000", 3), "751 − 211", citations=cells))
    assert right.figure is not None
    assert right.traced == right.figures == 3


def test_a_formula_may_join_cells_of_several_scales():
    cells = [cell("4,500"), cell("1,500,000", "shares, thousands")]
    found = FigureOut("3", "per_share", 0, "2024", "USD")
    checked = verified(Answer("Per share: $3.00 per share [1][2].", found, "4,500 / 1,500,000", citations=cells))
    assert checked.figure is not None
    assert checked.traced == checked.figures == 3


def test_marks_point_at_the_cell_that_bears_the_figure():
    checked = verified(Answer("Sales $5 million [2], costs $4 million [2].", citations=[cell("5"), cell("4")]))
    assert (checked.figures, checked.traced) == (2, 1)
    assert checked.text == "Sales $5 million [?], costs $4 million [2]."


def test_a_quoted_sentence_bears_what_it_says_in_its_own_scale():
    sentence = Citation("doc_1", "a.pdf", 3, "Sales rose 7% to $5.2 billion.")
    assert verified(Answer("Sales were $5.2 billion [1], up 7% [1].", citations=[sentence])).traced == 2
    assert verified(Answer("Sales were $5.2 million [1], up $7 [1].", citations=[sentence])).traced == 0


def test_a_quotient_may_be_shown_as_a_whole_number_and_an_amount_may_not():
    cells = [cell("11,938"), cell("106,206")]
    days = Answer("Payable: 41 days [1][2].", ratio("41.027531", "ratio"), "11,938 / 106,206 × 365", citations=cells)
    assert verified(days).traced == 3
    mean = Answer("Mean: $9 million [1][2].", money("9500000"), "(14 + 5) / 2", citations=[cell("14"), cell("5")])
    assert verified(mean).text == "Mean: $9 million [?]."


def test_a_number_that_is_a_cell_and_a_constant_is_read_either_way():
    share = Answer("Share: 25.00% [1][2].", ratio("25"), "100 / 400 × 100", citations=[cell("100"), cell("400")])
    assert verified(share).figure is not None
    alone = Answer("Sum: $15 [1][2].", money("15", 0), "10 + 5", citations=[cell("10"), cell("5")])
    assert verified(alone).figure is None


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
    cited = {Decimal(number): {Decimal(number)} for number in (10, 20, 50, 100)}
    assert recompute(formula, cited) == {Decimal(value)}


@pytest.mark.parametrize(
    "formula", ["", "1 +", "(1", "1 / 0", "0 / 0", "12345", "1 2", "a + b", "1 ** 2", "12 ^ 12 ^ 12"]
)
def test_what_is_no_formula_over_cited_figures_is_refused(formula: str):
    with pytest.raises(Untraceable):
        recompute(formula, {})
