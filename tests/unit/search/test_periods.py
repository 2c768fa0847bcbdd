from __future__ import annotations

from datetime import date

import pytest

from smalt.search.periods import Span, back, header_span, months_of, quarter_of


@pytest.mark.parametrize(
    ("text", "context", "span"),
    [
        ("Three Months Ended March 31, 2025", [], Span(date(2025, 3, 31), 3)),
        ("Year Ended May 31, 2024", [], Span(date(2024, 5, 31), 12)),
        ("September 28, 2024", [], Span(date(2024, 9, 28), 0)),
        ("2023", ["Millions, for the Years Ended December 31,"], Span(date(2023, 12, 31), 12)),
        ("2023", ["as of December 31, 2024 and 2023"], Span(date(2023, 12, 31), 0)),
        ("2023", ["As of November 29, 2024 and December 1, 2023 these were"], Span(date(2023, 12, 1), 0)),
        ("Fiscal 2024", [], Span(None, None, 2024)),
        ("Q3 2023", [], Span(None, 3, 2023, 3)),
        ("2024", ["with maturities generally less than nine months"], Span(None, None, 2024)),
        ("2024", ["computed at the U.S. federal rate of 21%"], Span(None, None, 2024)),
        ("Total", ["Leases as of December 31, 2024 were:"], Span(date(2024, 12, 31), 0)),
        ("13 Weeks Ended May 4, 2024", [], Span(date(2024, 5, 4), 3)),
    ],
)
def test_heads(text, context, span):
    assert header_span(text, context) == span


def test_the_first_day_of_a_span():
    assert back(date(2025, 5, 31), 12) == date(2024, 6, 1)
    assert back(date(2025, 6, 30), 3) == date(2025, 4, 1)
    assert back(date(2024, 9, 28), 12) == date(2023, 9, 29)


@pytest.mark.parametrize(
    ("text", "months"),
    [("as of", 0), ("Nine months ended", 9), ("fiscal years ended", 12), ("quarter ended", 3), ("at cost", None)],
)
def test_lengths(text, months):
    assert months_of(text) == months


def test_quarters():
    assert quarter_of("second quarter of fiscal 2024") == (2, 2024)
    assert quarter_of("Q4 '23") == (4, 2023)
    assert quarter_of("a quarter of sales") is None
