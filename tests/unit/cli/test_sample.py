"""The sample company's books tie, its documents agree with them, and the same call gives the same bytes."""

import io
import time
from decimal import Decimal

import openpyxl
import pypdfium2
import pytest

from smalt.cli.sample import company, notes, statements
from smalt.cli.sample.company import ALL_YEARS, SEGMENTS, YEARS, books
from smalt.cli.sample.report import pdf
from smalt.cli.sample.statements import Table, Weight
from smalt.cli.sample.workbook import BUDGET_2025, HEADCOUNT, xlsx
from smalt.kernel.figures import printed_number

BOOK = books()


@pytest.fixture(scope="module")
def pages():
    document = pypdfium2.PdfDocument(pdf())
    return [document[number].get_textpage().get_text_bounded() for number in range(len(document))]


def numbers(table: Table) -> dict[str, list[Decimal]]:
    """The printed figures of each row by its label (the last row of a label wins)."""
    found = {}
    for row in table.rows:
        values = [printed_number(text) for text in row.values if text]
        found[row.label] = [value for value in values if value is not None]
    return found


@pytest.mark.parametrize("year", ALL_YEARS)
def test_the_balance_sheet_balances(year):
    assert BOOK["assets"][year] == BOOK["liabilities_and_equity"][year]


@pytest.mark.parametrize("year", YEARS)
def test_cash_is_what_the_cash_flow_statement_leaves(year):
    moved = sum(BOOK[name][year] for name in ("operating_cash", "investing_cash", "financing_cash", "fx_cash"))
    assert BOOK["cash"][year - 1] + moved == BOOK["cash"][year]


@pytest.mark.parametrize("year", YEARS)
def test_equity_moves_only_by_what_the_statement_of_equity_shows(year):
    moved = (
        BOOK["comprehensive_income"][year]
        - BOOK["dividends"][year]
        - BOOK["repurchases"][year]
        + BOOK["share_compensation"][year]
        + BOOK["stock_plans"][year]
    )
    assert BOOK["equity"][year] - BOOK["equity"][year - 1] == moved


def test_the_printed_balance_sheet_adds_up():
    """Read back from the printed text, not from the books: lines between two subtotals sum to the next."""
    rows = numbers(statements.balance(BOOK))
    labels = list(rows)

    def summed(first: str, last: str) -> list[Decimal]:
        part = [rows[label] for label in labels[labels.index(first) : labels.index(last) + 1]]
        return [sum(column, Decimal(0)) for column in zip(*part, strict=True)]

    assert (
        summed("Cash and cash equivalents", "Prepaid expenses and other current assets") == rows["Total current assets"]
    )
    assert summed("Total current assets", "Other assets") == rows["Total assets"]
    assert summed("Accounts payable", "Other current liabilities") == rows["Total current liabilities"]
    assert summed("Total current liabilities", "Other liabilities") == rows["Total liabilities"]
    assert summed("Common stock", "Treasury stock, at cost") == rows["Total stockholders’ equity"]


def test_the_printed_cash_flow_statement_adds_up():
    table = statements.cash_flow(BOOK)
    running = [Decimal(0)] * 3
    subtotals = []
    for row in table.rows[: next(i for i, row in enumerate(table.rows) if row.label.startswith("Effect"))]:
        values = [printed_number(text) for text in row.values]
        if row.weight is Weight.SUBTOTAL:
            assert values == running, row.label
            subtotals.append(values)
            running = [Decimal(0)] * 3
        elif row.weight is Weight.LINE:
            running = [have + value for have, value in zip(running, values, strict=True)]
    assert len(subtotals) == 3


@pytest.mark.parametrize(
    ("table", "total", "line"),
    [
        (notes.geography(BOOK), "Total net sales", "revenue"),
        (notes.segments(BOOK), "Operating income", "operating_income"),
        (notes.segment_capex(BOOK), "Total capital expenditures", "capex"),
        (notes.taxes(BOOK), "Provision for income taxes", "tax"),
        (notes.tax_rate(BOOK), "Provision for income taxes", "tax"),
    ],
)
def test_notes_end_in_the_statements(table, total, line):
    assert numbers(table)[total] == [BOOK[line][year] for year in YEARS]


def test_schedules_end_in_the_balance_sheet():
    assert sum(value for _, value in notes.MATURITIES) == BOOK["debt"][2025] + 10
    assert notes.MATURITIES[0][1] == BOOK["debt_current"][2025]
    assert numbers(notes.debt(BOOK))["Long-term debt"] == [BOOK["debt_long"][year] for year in (2025, 2024)]
    assert numbers(notes.inventories(BOOK))["Total inventories"] == [BOOK["inventories"][year] for year in (2025, 2024)]
    assert numbers(notes.goodwill(BOOK))["Balance at December 31, 2025"][-1] == BOOK["goodwill"][2025]


def test_every_remainder_of_a_split_is_plausible():
    """What a note calls "other" is what remains: a slip in the inputs would make it negative or dominant."""
    for table, label in (
        (notes.geography(BOOK), "Asia Pacific"),
        (notes.inventories(BOOK), "Finished goods"),
        (notes.segment_capex(BOOK), "Field Services and corporate"),
    ):
        rows = numbers(table)
        whole = rows[list(rows)[-1]]
        assert all(0 < part < every / 2 for part, every in zip(rows[label], whole, strict=True)), label


def test_quarters_add_up_to_the_years():
    for name in SEGMENTS:
        for year in YEARS:
            assert sum(company.QUARTERLY[name][year]) == company.segment_revenue(name)[year]
    assert numbers(notes.quarters(BOOK, 2025))["Net income"][-1] == BOOK["net_income"][2025]
    assert sum(numbers(notes.quarters(BOOK, 2025))["Net income"][:4]) == BOOK["net_income"][2025]


def test_the_report_prints_the_books(pages):
    assert 12 <= len(pages) <= 20
    whole = "\n".join(pages)
    for words in (
        "Consolidated balance sheets",
        "Total current assets",
        f"{BOOK['current_assets'][2025]:,}",
        f"${BOOK['net_income'][2025]:,} million",
        "(In millions, except per share amounts)",
        "invented company",
    ):
        assert words in whole


def test_the_same_reference_gives_the_same_bytes_and_another_one_others():
    first = pdf("one"), xlsx("one")
    time.sleep(1.1)  # past the resolution of every clock that could leak in
    assert (pdf("one"), xlsx("one")) == first
    assert pdf("two") != first[0]
    assert xlsx("two") != first[1]


def test_the_workbook_agrees_with_the_report_and_its_formulas_with_their_values():
    data = xlsx()
    values = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    formulas = openpyxl.load_workbook(io.BytesIO(data))
    assert values.sheetnames == ["Revenue", "Budget 2025", "Headcount"]
    assert values["Revenue"]["K8"].value == BOOK["revenue"][2025]
    assert values["Revenue"]["J8"].value == BOOK["revenue"][2024]
    actual = {label: got for label, _, got in BUDGET_2025}
    assert actual["Net sales"] == BOOK["revenue"][2025]
    assert actual["Cost of sales"] == BOOK["cost"][2025]
    assert actual["Capital expenditures"] == BOOK["capex"][2025]
    assert sum(count for regions in HEADCOUNT.values() for _, count, _ in regions) == 11840
    checked = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    shown = values[sheet.title][cell.coordinate].value
                    assert shown == pytest.approx(evaluate(cell.value, values[sheet.title])), cell.coordinate
                    checked += 1
    assert checked > 50


def evaluate(formula: str, sheet) -> float:
    """SUM of a range, or two or more cells joined by one operator: all that the workbook uses."""
    body = formula.removeprefix("=")
    if body.startswith("SUM("):
        cells = sheet[body[4:-1]]
        return sum(cell.value for row in cells for cell in row)
    for sign in "+-/":
        if sign in body:
            first, *rest = (sheet[name].value for name in body.split(sign))
            for value in rest:
                first = {"+": first + value, "-": first - value, "/": first / value}[sign]
            return first
    raise AssertionError(formula)
