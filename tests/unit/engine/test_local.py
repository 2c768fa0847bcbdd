"""The engine end to end over small filings: a figure only with its cell or a formula over cells, else a refusal."""

from __future__ import annotations

from decimal import Decimal

import paper
import pytest

from smalt.chat.verify import verified
from smalt.engine.answer import Exchange
from smalt.engine.local import answer
from smalt.library.readers import markdown
from smalt.search.segment import Opened, build


@pytest.mark.parametrize(
    ("question", "value", "page"),
    [
        ("What was Bluebird Mills's net sales in fiscal 2024?", "9000000000", 2),
        ("Find top-line revenue for Bluebird Mills in fiscal 2023.", "8500000000", 2),
        ("How much was COGS in fiscal 2025 at Bluebird Mills?", "5400000000", 2),
        ("What was Bluebird Mills's diluted EPS in fiscal 2025?", "2.85", 2),
        ("Find diluted share count for Bluebird Mills in fiscal 2025.", "498900000", 2),
        ("What was Bluebird Mills's net PP&E as of June 30, 2024?", "3090000000", 3),
        ("How much was accounts receivable in fiscal 2025 at Bluebird Mills?", "940000000", 3),
        ("Find capex for Bluebird Mills in fiscal 2024.", "-430000000", 4),
        ("What was Bluebird Mills's accrued bonuses as of June 30, 2024?", "12000000", 5),
        ("What was Bluebird Mills's cash and cash equivalents, beginning of year as of June 30, 2022?", "820000000", 4),
        (
            "We need one number. Using only the income statement, what was Bluebird Mills's FY2024 operating profit (in USD millions)? Round to two decimals.",
            "1700000000",
            2,
        ),
    ],
)
def test_a_printed_figure_is_found_and_cited(annual, question, value, page):
    found = answer(question, [annual])
    assert not found.declined
    assert Decimal(found.figure.value) == Decimal(value)
    assert [(one.document, one.page) for one in found.citations] == [("bluebird-10-k.pdf", page)]
    assert found.citations[0].box is not None
    assert found.citations[0].quote
    assert found.citations[0].period


@pytest.mark.parametrize(
    ("question", "value", "cells"),
    [
        ("What was Bluebird Mills's gross margin for fiscal 2025?", "42.553191", 2),
        (
            "Compute Bluebird Mills's free cash flow (operating cash flow less capital expenditure) in fiscal 2025.",
            "1280000000",
            2,
        ),
        ("By what percentage did Bluebird Mills's net income change from fiscal 2024 to fiscal 2025?", "11.792453", 2),
        ("What was the change in Bluebird Mills's diluted EPS between fiscal 2023 and fiscal 2024?", "0.33", 2),
        ("What was the average Bluebird Mills's capex over fiscal 2024 and fiscal 2025?", "450000000", 2),
        (
            "Compute Bluebird Mills's days payable outstanding (year-end payables over cost of sales, times 365) in fiscal 2025.",
            "36.5",
            2,
        ),
        (
            "What was Bluebird Mills's return on assets (net income over average total assets) for fiscal 2025?",
            "24.517241",
            3,
        ),
        (
            "What was Bluebird Mills's quick ratio (current assets less inventory, over current liabilities) for fiscal 2025?",
            "1.562044",
            3,
        ),
        ("What was Bluebird Mills's capex as a percentage of revenue in fiscal 2025?", "5", 2),
        (
            "What is Bluebird Mills's coverage, defined as (operating income + depreciation and amortization) / interest expense, in fiscal 2025?",
            "22",
            3,
        ),
        (
            "What was operating cash flow minus capex minus dividends paid at Bluebird Mills in fiscal 2025?",
            "780000000",
            3,
        ),
        (
            "What was the compound annual growth rate of revenue from fiscal 2023 to fiscal 2025 at Bluebird Mills?",
            "5.160941",
            2,
        ),
    ],
)
def test_a_calculation_is_exact_and_cites_every_cell(annual, question, value, cells):
    found = answer(question, [annual])
    assert not found.declined, found.text
    assert abs(Decimal(found.figure.value) - Decimal(value)) <= Decimal("0.000001")
    assert len(found.citations) == cells
    assert found.formula
    assert found.traced == found.figures


@pytest.mark.parametrize(
    "question",
    [
        "What was Bluebird Mills's net sales in fiscal 2016?",
        "What was Kestrel Foods's net sales in fiscal 2025?",
        "Find inventories for Kestrel Foods in fiscal 2025.",
        "Find goodwill for Bluebird Mills in fiscal 2025.",
        "Find research and development expense for Bluebird Mills in fiscal 2025.",
        "How much was total liabilities as of June 30, 2023 at Bluebird Mills?",
        "What was the change in Bluebird Mills's inventory between fiscal 2023 and fiscal 2024?",
        "",
    ],
)
def test_what_is_not_printed_is_refused(annual, question):
    found = answer(question, [annual])
    assert found.declined
    assert found.figure is None
    assert not found.citations


def test_a_refusal_says_what_was_looked_for(annual):
    found = answer("What was Bluebird Mills's net sales in fiscal 2016?", [annual])
    assert found.looked_for == ["net sales", "fiscal 2016"]
    assert found.nearest
    assert "net sales" in found.text


def test_quarter_and_year_to_date_are_kept_apart(quarterly):
    quarter = answer("What was Heron Optics's revenue for the three months ended December 31, 2024?", [quarterly])
    half = answer("What was Heron Optics's revenue for the six months ended December 31, 2024?", [quarterly])
    whole = answer("What was Heron Optics's revenue in fiscal 2025?", [quarterly])
    assert (quarter.figure.value, half.figure.value) == ("2300000000", "4500000000")
    assert whole.declined


def test_a_quarter_is_named_by_the_fiscal_calendar(quarterly):
    assert (
        answer("What was Heron Optics's operating income in Q2 of fiscal 2026?", [quarterly]).figure.value
        == "510000000"
    )


def test_a_tax_printed_as_a_deduction_counts_positive_in_a_rate(quarterly):
    found = answer(
        "What was Heron Optics's effective tax rate for the three months ended December 31, 2025?", [quarterly]
    )
    assert found.figure.value == "21"


def test_the_company_routes_to_its_document(annual, quarterly):
    found = answer(
        "What was Heron Optics's net income for the three months ended December 31, 2025?", [annual, quarterly]
    )
    assert [one.document for one in found.citations] == ["heron-10-q.pdf"]


def test_a_question_that_fits_two_companies_asks_for_the_name():
    shelf = [paper.annual(), paper.annual("Kestrel Foods Corporation", "kestrel-10-k.pdf")]
    found = answer("What was net income in fiscal 2025?", shelf)
    assert found.declined
    assert "Name the company" in found.text


def test_two_named_companies_stand_side_by_side():
    shelf = [paper.annual(), paper.annual("Kestrel Foods Corporation", "kestrel-10-k.pdf")]
    found = answer("Compare the net income of Bluebird Mills and Kestrel Foods in fiscal 2025", shelf)
    assert {one.document for one in found.citations} == {"bluebird-10-k.pdf", "kestrel-10-k.pdf"}
    assert "[2]" in found.text


def test_a_follow_up_keeps_company_and_subject(annual):
    first = "What was Bluebird Mills's operating income in fiscal 2025?"
    history = [Exchange(first, answer(first, [annual]))]
    assert answer("And in fiscal 2024?", [annual], history).figure.value == "1700000000"
    assert answer("What about gross profit?", [annual], history).figure.value == "4000000000"


def test_a_question_for_words_is_answered_by_a_quotation(annual):
    found = answer("Why did demand for yarn fall at Bluebird Mills?", [annual])
    assert "two customers closed" in found.citations[0].quote
    assert found.figure is None


def test_without_documents_nothing_is_answered():
    assert answer("What was revenue?", []).declined


def test_cells_of_a_table_without_places_are_cited_one_by_one():
    text = b"# Quill Holdings\n\n| USD in millions | 2024 | 2023 |\n|---|---|---|\n| Net sales | 1234 | 1100 |\n| Operating income | 500 | 400 |\n"
    note = Opened("note.md", "note.md", build(markdown.read(text)))
    found = verified(answer("What was operating margin in 2024?", [note]))
    assert [one.quote for one in found.citations] == ["500", "1234"]
    assert [operand.citation for operand in found.operands] == [0, 1]
    assert found.figure is not None
    assert found.traced == found.figures == 3
