"""What people ask beside the plain question: several periods, parts, wrapped questions, presentation, reasons."""

from __future__ import annotations

import paper
import pytest

from smalt.chat.verify import verified
from smalt.engine.local import answer
from smalt.engine.manner import Manner, manner_of
from smalt.engine.passages import is_prose
from smalt.library.parsed import Cell, Kind, Page, Parsed, Row, Table
from smalt.search.segment import Opened, build


@pytest.fixture(scope="module")
def told() -> Opened:
    """A 10-K with a segment note, footnote marks on labels, and a discussion in prose."""
    years = [["Year Ended June 30,"], ["2025", "2024", "2023"]]
    parts = [
        ("Net sales:", []),
        ("Wool", ["6,400", "6,100", "5,900"], 8.0),
        ("Field Services", ["3,000", "2,900", "2,600"], 8.0),
        ("Total net sales", ["9,400", "9,000", "8,500"]),
        ("Segment operating income:", []),
        ("Wool", ["1,300", "1,200", "1,100"], 8.0),
        ("Field Services", ["600", "500", "400"], 8.0),
    ]
    marked = [
        ("Net Sales" if label == "Net sales" else label, cells, *rest) for label, cells, *rest in paper.INCOME[:9]
    ] + [("Diluted Net Income Per Share1", ["$ 2.85", "$ 2.50", "$ 2.17"])]
    talk = [
        "Operating activities: Accounts receivable (47) (39) (36) Operating income 14 (27) (31) Prepaid expenses (7) (5) (4).",
        "Operating income increased 12% in fiscal 2025, driven by better prices for worsted yarn and by lower freight costs.",
        "Interest expense of the subsidiary rose due to a new loan that our partner in Ohio took for the dye works there.",
    ]
    return paper.opened(
        [
            paper.cover("BLUEBIRD MILLS INC"),
            paper.page(1, [talk[0]]),
            paper.page(2, [talk[1]]),
            paper.page(3, [talk[2], "Bluebird Mills, Inc. spins yarn. Bluebird Mills, Inc. was founded in Ohio."]),
            paper.page(4, ["CONSOLIDATED STATEMENTS OF INCOME"], [paper.table(["CONSOLIDATED STATEMENTS OF INCOME", "(In millions, except per share data)"], years, marked)]),
            paper.page(5, ["CONSOLIDATED BALANCE SHEETS"], [paper.table(["CONSOLIDATED BALANCE SHEETS", "(In millions)"], [["June 30,"], ["2025", "2024"]], paper.BALANCE)]),
            paper.page(6, ["NOTE 12. SEGMENTS"], [paper.table(["Results by segment were (in millions):"], years, parts)]),
            paper.page(7, ["NOTE 14. TAXES"], [paper.table(["Deferred taxes as of June 30 were (in millions):"], [["2025", "2024"]], [("Unearned revenue", ["14", "12"]), ("Valuation allowance", ["(3)", "(2)"])])]),
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def sheet() -> Opened:
    """A workbook sheet called Revenue with quarters side by side, and one of budget and actual."""

    def row(label: str, values: list[str], at: int) -> Row:
        return Row(label, [Cell(text, n, ref=f"{'BCDEFG'[n]}{at}") for n, text in enumerate(values)], index=at)

    heads = row("Segment", ["Q1 2025", "Q2 2025", "Q3 2025", "FY2025"], 4)
    rows = [
        row("Wool", ["70", "72", "75", "290"], 5),
        row("Field Services", ["20", "24", "21", "90"], 6),
        row("Total", ["90", "96", "96", "380"], 7),
    ]
    plan = [row("Net sales", ["370", "380", "10"], 5), row("Capital expenditures", ["25", "21", "(4)"], 6)]
    pages = [
        Page(0, 0, 0, [], [Table(["In millions of US dollars"], [heads], rows)], "Revenue"),
        Page(
            1,
            0,
            0,
            [],
            [
                Table(
                    ["In millions of US dollars"],
                    [row("Line", ["Budget 2025", "Actual 2025", "Variance"], 4)],
                    plan,
                )
            ],
            "Plan",
        ),
    ]
    return Opened("plan.xlsx", "Bluebird planning.xlsx", build(Parsed(Kind.XLSX, pages)))


def figure(question: str, *documents: Opened) -> str | None:
    found = answer(question, documents)
    return found.figure.value if found.figure is not None else None


def test_a_footnote_mark_is_no_part_of_a_label(told):
    found = answer("What was diluted EPS in 2024?", [told])
    assert found.figure.value == "2.5"
    assert found.citations[0].label == "Diluted Net Income Per Share"
    assert figure("What was the diluted net income per share in fiscal 2023?", told) == "2.17"


def test_a_calculation_answers_every_period(annual):
    found = verified(answer("What was gross margin in 2023, 2024 and 2025?", [annual]))
    assert [line.split(": ")[2].split()[0] for line in found.text.splitlines()] == ["40%", "41.11%", "42.55%"]
    assert len(found.citations) == 6
    assert found.traced == found.figures


@pytest.mark.parametrize("question", ["Net sales from 2023 to 2025?", "What was revenue for 2023-2025?"])
def test_from_one_year_to_another_means_those_between(annual, question):
    found = answer(question, [annual])
    assert [one.quote for one in found.citations] == ["$ 8,500", "$ 9,000", "$ 9,400"]


def test_a_period_that_is_not_printed_does_not_hide_the_others(annual):
    found = answer("What were total assets in 2023 and 2024?", [annual])
    assert len(found.citations) == 1
    assert "fiscal 2023" in found.text


def test_a_definition_over_two_years_is_one_figure(annual):
    question = "What is the FY2025 inventory turnover? Inventory turnover is defined as: (FY2025 COGS) / (average inventory between FY2024 and FY2025)."
    assert figure(question, annual) == "8.709677"


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What was Field Services revenue in 2025?", "3000000000"),
        ("How much revenue came from Field Services in FY2024?", "2900000000"),
        ("Revenue from Wool in 2023", "5900000000"),
        ("How much revenue did the Wool segment generate in 2025?", "6400000000"),
        ("What was Field Services segment operating income in 2025?", "600000000"),
        ("What was the operating income of the Wool segment in 2024?", "1200000000"),
    ],
)
def test_a_segment_has_its_own_lines(told, question, value):
    found = answer(question, [told])
    assert found.figure is not None, found.text
    assert found.figure.value == value
    assert found.citations[0].page == 6
    assert "›" in found.citations[0].label


@pytest.mark.parametrize(
    "question",
    ["What was Silk revenue in 2025?", "What was Wool gross profit in 2025?", "What was Wool goodwill in 2025?"],
)
def test_a_part_or_measure_that_is_not_printed_is_refused(told, question):
    assert answer(question, [told]).declined


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What was Field Services revenue in Q3 2025?", "21000000"),
        ("What was Field Services revenue in 2025?", "90000000"),
        ("What were net sales in 2025?", "380000000"),
        ("What was capex in 2025?", "21000000"),
    ],
)
def test_quarters_and_sheets_name_their_figures(sheet, question, value):
    assert figure(question, sheet) == value


def test_a_workbook_joins_the_company_that_its_name_says(told, sheet):
    assert figure("What was Field Services revenue in Q3 2025 at Bluebird Mills?", told, sheet) == "21000000"
    assert not answer("What was net income in fiscal 2025?", [told, sheet]).declined


def test_a_refusal_names_companies_and_no_files(told, sheet):
    assert (
        answer("What was net income of Kestrel Foods in 2025?", [sheet]).text
        == "None of the documents is about Kestrel Foods."
    )
    assert answer("What was net income of Kestrel Foods in 2025?", [told, sheet]).text == (
        "None of the documents is about Kestrel Foods; they are about Bluebird Mills, Inc."
    )


def test_a_company_is_named_as_it_names_itself(told):
    assert told.profile.display_name == "Bluebird Mills, Inc."


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What were net sales in 2025? Answer in USD billions. Round to one decimal.", "$9.4 billion"),
        ("What was net income in 2025 (in thousands)?", "$1,422,000 thousand"),
        ("What is capex in 2025 in $ millions?", "$470 million"),
        ("What was the gross margin in fiscal 2025? Round your answer to one decimal place.", "42.6%"),
    ],
)
def test_a_figure_is_shown_as_asked_and_stays_traced(annual, question, text):
    found = verified(answer(question, [annual]))
    assert text in found.text
    assert found.traced == found.figures


def test_presentation_is_read_and_nothing_else():
    assert manner_of("Answer in units of percents and round to one decimal place.") == Manner(True, None, 1)
    assert manner_of("What is capex as a percent of revenue?") == Manner()
    assert manner_of("in billions of dollars, rounded to two decimals").scale == 9


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Can you tell me what the company reported as accounts payable at the end of FY2025?", "540000000"),
        ("Based on the balance sheet, what amount of accounts payable did it have at FY2025 year end?", "540000000"),
        ("Pull the inventories figure as of June 30, 2024.", "640000000"),
        ("I need Bluebird Mills's dividends paid in FY25, in billions of dollars.", "-500000000"),
        ("Please provide the total amount of net income for fiscal year 2024.", "1272000000"),
        ("In fiscal 2024, what was net income? Answer in USD millions.", "1272000000"),
        ("What did Bluebird Mills report for net sales in 2024?", "9000000000"),
        ("As an equity research associate I am updating my model. Please give me total assets for FY2024. Express the answer in millions of dollars.", "5600000000"),
        ("What does the 10-K say net income was in 2024?", "1272000000"),
        ("Quick question - what's the inventory in FY2025?", "600000000"),
        ("Tell me the accounts payable as reported for fiscal 2024, please.", "500000000"),
        ("How many times did cash from operations cover capital expenditures in FY2025?", "3.723404"),
        ("Divide total current assets by total current liabilities for 2025.", "2"),
        ("What is the FY2023 - FY2025 3 year average of capex as a % of revenue? Answer in units of percents. Please utilize information within the statement of cash flows and the statement of income.", "4.827887"),
        ("You are an equity analyst. How much total assets did Bluebird Mills have at the end of FY2024?", "5600000000"),
        ("What percentage of revenue did Bluebird Mills spend on capital expenditures in FY2025?", "5"),
        ("What share of net income did Bluebird Mills pay out as dividends in 2025?", "35.161744"),
        ("What was the ratio of total liabilities to shareholders' equity in FY2025?", "1"),
        ("How much did net sales grow in 2025?", "400000000"),
        ("How much did net sales grow in 2025 in percent?", "4.444444"),
        ("What was the DPO in FY2025, using year-end accounts payable and COGS (365 days)?", "36.5"),
        ("DPO for FY2025? DPO is defined as: 365 * year-end accounts payable / COGS.", "36.5"),
        ("What was the quick ratio for 2025, defined as current assets minus inventories divided by current liabilities?", "1.562044"),
        ("What was gross margin in 2025, in millions?", "4000000000"),
    ],
)  # fmt: skip
def test_the_frame_of_a_question_does_not_matter(annual, question, value):
    found = answer(question, [annual])
    assert found.figure is not None, found.text
    assert found.figure.value == value


def test_a_line_of_the_tax_note_is_not_the_balance(told):
    assert answer("What was deferred revenue in fiscal 2025?", [told]).declined


def test_why_is_answered_by_a_sentence_that_explains(told):
    found = answer("Why did operating income change in fiscal 2025?", [told])
    assert found.citations[0].page == 2
    assert found.citations[0].quote.startswith("Operating income increased 12%")


@pytest.mark.parametrize(
    "question",
    ["Why did interest expense rise in fiscal 2025?", "Why did operating income fall in 2025?", "Why did goodwill change?"],
)  # fmt: skip
def test_without_an_explanation_why_is_refused(told, question):
    assert answer(question, [told]).declined


def test_a_run_of_a_table_is_no_prose():
    assert not is_prose("Accounts receivable (47) (39) (36) Inventories (14) (27) (31) Prepaid expenses and other.")
    assert not is_prose("Consolidated Statement of Income for the years ended")
    assert is_prose("Net sales rose by 4% because customers of the mill ordered more yarn.")
