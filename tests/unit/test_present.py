"""An answer's text is cut into runs and figures; each figure is bound to what it came from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalt.chat.present import present


def _answer(text: str, *quotes: str, figures: int = 0, traced: int = 0, **more: Any) -> dict[str, Any]:
    citations = [{"n": n, "quote": quote, "label": "x"} for n, quote in enumerate(quotes, start=1)]
    return {"text": text, "citations": citations, "checks": {"figures": figures, "traced": traced}, **more}


def _figures(parts: list[dict[str, Any]]) -> list[tuple[str, list[int], bool]]:
    return [(part["text"], part["n"], part["traced"]) for part in parts if part.get("figure")]


def test_marks_bind_the_figure_before_them() -> None:
    shown = present(_answer("Sales rose 2.9% [1][2] to $47,061 million[1].", "47,061", "45,754"))
    assert _figures(shown["parts"]) == [("2.9%", [1, 2], True), ("$47,061 million", [1], True)]
    assert "".join(part["text"] for part in shown["parts"]) == "Sales rose 2.9% to $47,061 million."


def test_a_question_mark_says_untraced() -> None:
    assert _figures(present(_answer("Price added $1.2 billion [?].", figures=1))["parts"]) == [
        ("$1.2 billion", [], False)
    ]


def test_equal_figures_bind_without_marks() -> None:
    answer = _answer(
        "Free cash flow was $4,741 million.",
        "6,805",
        "(2,064)",
        formula="6,805 − 2,064",
        figure={"value": "4741000000", "scale": 6},
        figures=3,
        traced=3,
    )
    shown = present(answer)
    assert _figures(shown["parts"]) == [("$4,741 million", [1, 2], True)]
    assert _figures(shown["formula_parts"]) == [("6,805", [1], True), ("2,064", [2], True)]


@pytest.mark.parametrize(
    "text",
    ["in fiscal 2024", "on page 61", "the 10-K", "at 31 December 2024", "May 31, 2025", "Note 21", "Q3"],
)
def test_names_are_not_figures(text: str) -> None:
    assert _figures(present(_answer(text, "31", "61", "21", "10", "3", figures=1))["parts"]) == []


def test_an_unbound_figure_is_untraced_only_if_the_checks_say_so() -> None:
    assert _figures(present(_answer("It was 5,100.", figures=1, traced=0))["parts"]) == [("5,100", [], False)]
    assert _figures(present(_answer("It was 5,100.", figures=1, traced=1))["parts"]) == []


def test_a_figure_without_marks_binds_to_a_cell_of_its_scale_only() -> None:
    for said, traced in (("$540 thousand", True), ("$540 million", False)):
        answer = _answer(f"It was {said}.", "540", figures=1)
        answer["citations"][0]["unit"] = "$ thousands"
        assert _figures(present(answer)["parts"]) == [(said, [1] if traced else [], traced)]


def test_the_value_of_a_citation_is_its_cell_or_the_figure_said_of_it() -> None:
    shown = present(_answer("The ratio is 2.84x [2].", "(2,064)", "the ratio stood at 2.84x at year end"))
    assert [citation["value"] for citation in shown["citations"]] == ["(2,064)", "2.84x"]


def test_brackets_of_the_sentence_stay_outside() -> None:
    parts = present(_answer("It fell (from $9,747 million [1]) to (2,064) [2].", "9,747", "(2,064)"))["parts"]
    assert _figures(parts) == [("$9,747 million", [1], True), ("(2,064)", [2], True)]


def test_nearest_lines_are_numbered_after_the_citations() -> None:
    shown = present(_answer("None.", "1", nearest=[{"quote": "47,061", "label": "Revenue"}]))
    assert [(near["n"], near["value"]) for near in shown["nearest"]] == [(2, "47,061")]


@given(st.text(alphabet="ab (),.$%-0123456789−", max_size=60))
def test_no_character_is_lost(text: str) -> None:
    assert "".join(part["text"] for part in present(_answer(text, "1,234", figures=1))["parts"]) == text


def test_formula_is_set_once_and_a_rounded_result_is_bound() -> None:
    answer = _answer(
        "Margin, 2025: 45.69% = 1,787 / 3,911 × 100, from 1,787 (Gross profit) [1]; 3,911 (Sales) [2].",
        "1,787",
        "3,911",
        figures=3,
        traced=3,
        formula="1,787 / 3,911 × 100",
        figure={"value": "45.691639", "scale": 0},
    )
    shown = present(answer)
    assert "".join(part["text"] for part in shown["parts"]) == "Margin, 2025: 45.69%."
    assert _figures(shown["parts"]) == [("45.69%", [1, 2], True)]
    assert _figures(shown["formula_parts"]) == [("1,787", [1], True), ("3,911", [2], True)]
    assert shown["text"] == answer["text"]


def test_text_that_goes_on_after_the_formula_is_kept_whole() -> None:
    shown = present(_answer("It is 5 = 2 + 3, and rising.", formula="2 + 3", figure={"value": "5", "scale": 0}))
    assert "".join(part["text"] for part in shown["parts"]) == "It is 5 = 2 + 3, and rising."
