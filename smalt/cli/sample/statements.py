"""The three statements of the sample company as rows of printed text, in the order of an annual report."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from smalt.cli.sample import company
from smalt.cli.sample.company import YEARS, Series, negative

BALANCE_YEARS = (2025, 2024)


class Weight(enum.Enum):
    """How a row is set: a section head, an ordinary line, a subtotal with a hairline, a grand total with a double one."""

    HEAD = "head"
    LINE = "line"
    SUBTOTAL = "subtotal"
    TOTAL = "total"


@dataclass(frozen=True)
class Row:
    label: str
    values: tuple[str, ...] = ()
    weight: Weight = Weight.LINE
    indent: int = 0


@dataclass(frozen=True)
class Table:
    """``spanner`` stands above the column heads; ``unit`` in brackets above the table."""

    unit: str
    heads: tuple[str, ...]
    rows: Sequence[Row]
    spanner: str = ""


def amount(value: int | Decimal, *, dollar: bool = False) -> str:
    """``1,234``, ``(56)`` or a dash for nothing; with a dollar sign where a column begins or ends."""
    if value == 0:
        return "$—" if dollar else "—"
    sign = "$" if dollar else ""
    return f"{sign}({-value:,})" if value < 0 else f"{sign}{value:,}"


def line(
    label: str,
    series: Mapping[int, int] | Mapping[int, Decimal],
    years: Sequence[int] = YEARS,
    *,
    weight: Weight = Weight.LINE,
    dollar: bool = False,
    indent: int = 0,
) -> Row:
    return Row(label, tuple(amount(series[year], dollar=dollar) for year in years), weight, indent)


def head(label: str) -> Row:
    return Row(label, weight=Weight.HEAD)


def percent(value: Decimal) -> str:
    """``12.3%`` or ``(1.2)%``."""
    rounded = value.quantize(Decimal("0.1"))
    return f"({-rounded})%" if rounded < 0 else f"{rounded}%"


def share(part: int, whole: int) -> str:
    """``part`` as a printed percentage of ``whole``."""
    return percent(Decimal(part) * 100 / Decimal(whole))


def growth(series: Series, year: int) -> str:
    """The change from the year before as a printed percentage."""
    return share(series[year] - series[year - 1], series[year - 1])


def _heads(years: Sequence[int]) -> tuple[str, ...]:
    return tuple(str(year) for year in years)


def income(book: Mapping[str, Series]) -> Table:
    basic = company.per_share(book["net_income"], company.BASIC_SHARES)
    diluted = company.per_share(book["net_income"], company.DILUTED_SHARES)
    rows = [
        head("Net sales:"),
        line("Products", book["product_revenue"], dollar=True, indent=1),
        line("Services", book["service_revenue"], indent=1),
        line("Total net sales", book["revenue"], weight=Weight.SUBTOTAL),
        head("Cost of sales:"),
        line("Products", book["cost_products"], indent=1),
        line("Services", book["cost_services"], indent=1),
        line("Total cost of sales", book["cost"], weight=Weight.SUBTOTAL),
        line("Gross profit", book["gross_profit"], weight=Weight.SUBTOTAL),
        head("Operating expenses:"),
        line("Research and development", book["research"], indent=1),
        line("Selling, general and administrative", book["selling"], indent=1),
        line("Amortization of intangible assets", book["amortization"], indent=1),
        line("Restructuring charges", book["restructuring"], indent=1),
        line("Total operating expenses", book["operating_expenses"], weight=Weight.SUBTOTAL),
        line("Operating income", book["operating_income"], weight=Weight.SUBTOTAL),
        line("Interest expense", negative(book["interest"])),
        line("Other income, net", book["other_income"]),
        line("Income before income taxes", book["before_tax"], weight=Weight.SUBTOTAL),
        line("Provision for income taxes", book["tax"]),
        line("Net income", book["net_income"], weight=Weight.TOTAL, dollar=True),
        head("Earnings per share:"),
        line("Basic", basic, dollar=True, indent=1),
        line("Diluted", diluted, dollar=True, indent=1),
        head("Weighted-average shares outstanding (in millions):"),
        line("Basic", company.BASIC_SHARES, indent=1),
        line("Diluted", company.DILUTED_SHARES, indent=1),
    ]
    return Table("In millions, except per share amounts", _heads(YEARS), rows, "Years ended December 31,")


def comprehensive(book: Mapping[str, Series]) -> Table:
    rows = [
        line("Net income", book["net_income"], dollar=True),
        line("Foreign currency translation adjustments", book["translation"]),
        line("Comprehensive income", book["comprehensive_income"], weight=Weight.TOTAL, dollar=True),
    ]
    return Table("In millions", _heads(YEARS), rows, "Years ended December 31,")


def balance(book: Mapping[str, Series]) -> Table:
    def row(label: str, name: str, *, dollar: bool = False) -> Row:
        return line(label, book[name], BALANCE_YEARS, dollar=dollar, indent=1)

    def ends(label: str, name: str, weight: Weight = Weight.SUBTOTAL) -> Row:
        return line(label, book[name], BALANCE_YEARS, weight=weight, dollar=weight is Weight.TOTAL)

    rows = [
        head("ASSETS"),
        head("Current assets:"),
        row("Cash and cash equivalents", "cash", dollar=True),
        row("Accounts receivable, net", "receivables"),
        row("Inventories", "inventories"),
        row("Prepaid expenses and other current assets", "prepaid"),
        ends("Total current assets", "current_assets"),
        row("Property, plant and equipment, net", "property"),
        row("Operating lease right-of-use assets", "right_of_use"),
        row("Goodwill", "goodwill"),
        row("Intangible assets, net", "intangibles"),
        row("Other assets", "other_assets"),
        ends("Total assets", "assets", Weight.TOTAL),
        head("LIABILITIES AND STOCKHOLDERS’ EQUITY"),
        head("Current liabilities:"),
        row("Accounts payable", "payables", dollar=True),
        row("Accrued compensation", "accrued_pay"),
        row("Deferred revenue", "deferred_revenue"),
        row("Operating lease liabilities, current", "lease_current"),
        row("Current portion of long-term debt", "debt_current"),
        row("Other current liabilities", "other_current"),
        ends("Total current liabilities", "current_liabilities"),
        row("Long-term debt", "debt_long"),
        row("Operating lease liabilities, non-current", "lease_long"),
        row("Deferred income taxes", "deferred_tax_liability"),
        row("Other liabilities", "other_liabilities"),
        ends("Total liabilities", "liabilities"),
        head("Stockholders’ equity:"),
        row("Common stock", "common_stock"),
        row("Additional paid-in capital", "paid_in"),
        row("Retained earnings", "retained"),
        row("Accumulated other comprehensive loss", "other_comprehensive"),
        row("Treasury stock, at cost", "treasury"),
        ends("Total stockholders’ equity", "equity"),
        ends("Total liabilities and stockholders’ equity", "liabilities_and_equity", Weight.TOTAL),
    ]
    return Table("In millions", _heads(BALANCE_YEARS), rows, "December 31,")


def cash_flow(book: Mapping[str, Series]) -> Table:
    def plus(label: str, name: str, *, dollar: bool = False) -> Row:
        return line(label, book[name], dollar=dollar, indent=1)

    def less(label: str, name: str) -> Row:
        return line(label, negative(book[name]), indent=1)

    rows = [
        head("Operating activities:"),
        plus("Net income", "net_income", dollar=True),
        plus("Depreciation", "depreciation"),
        plus("Amortization of intangible assets", "amortization"),
        plus("Share-based compensation", "share_compensation"),
        plus("Deferred income taxes", "deferred_tax"),
        head("Changes in operating assets and liabilities:"),
        plus("Accounts receivable", "receivables_change"),
        plus("Inventories", "inventories_change"),
        plus("Prepaid expenses and other current assets", "prepaid_change"),
        plus("Accounts payable", "payables_change"),
        plus("Accrued compensation", "accrued_pay_change"),
        plus("Deferred revenue", "deferred_revenue_change"),
        plus("Other, net", "other_change"),
        line("Net cash provided by operating activities", book["operating_cash"], weight=Weight.SUBTOTAL),
        head("Investing activities:"),
        less("Purchases of property, plant and equipment", "capex"),
        plus("Proceeds from disposals of property, plant and equipment", "disposals"),
        less("Acquisition of business, net of cash acquired", "acquisition"),
        line("Net cash used in investing activities", book["investing_cash"], weight=Weight.SUBTOTAL),
        head("Financing activities:"),
        plus("Proceeds from long-term debt", "borrowed"),
        less("Repayments of long-term debt", "repaid"),
        less("Dividends paid", "dividends"),
        less("Repurchases of common stock", "repurchases"),
        plus("Proceeds from employee stock plans", "stock_plans"),
        line("Net cash used in financing activities", book["financing_cash"], weight=Weight.SUBTOTAL),
        line("Effect of exchange rate changes on cash and cash equivalents", book["fx_cash"]),
        line("Net increase in cash and cash equivalents", book["cash_change"], weight=Weight.SUBTOTAL),
        line("Cash and cash equivalents, beginning of year", book["cash_before"]),
        line("Cash and cash equivalents, end of year", book["cash"], weight=Weight.TOTAL, dollar=True),
        head("Supplemental cash flow information:"),
        line("Cash paid for interest", book["interest_paid"], dollar=True, indent=1),
        line("Cash paid for income taxes", book["tax_paid"], indent=1),
    ]
    return Table("In millions", _heads(YEARS), rows, "Years ended December 31,")


def equity(book: Mapping[str, Series]) -> Table:
    names = ("common_stock", "paid_in", "retained", "other_comprehensive", "treasury")

    def at(year: int, weight: Weight = Weight.SUBTOTAL) -> Row:
        values = [book[name][year] for name in names]
        texts = tuple(amount(value, dollar=True) for value in (*values, sum(values)))
        return Row(f"Balance at December 31, {year}", texts, weight)

    def moved(label: str, column: int, value: int) -> Row:
        texts = ["—"] * (len(names) + 1)
        texts[column] = texts[-1] = amount(value)
        return Row(label, tuple(texts), indent=1)

    rows = [at(2022)]
    for year in sorted(YEARS):
        rows += [
            moved("Net income", 2, book["net_income"][year]),
            moved("Foreign currency translation", 3, book["translation"][year]),
            moved("Dividends declared", 2, -book["dividends"][year]),
            moved("Share-based compensation", 1, book["share_compensation"][year]),
            moved("Employee stock plans", 1, book["stock_plans"][year]),
            moved("Repurchases of common stock", 4, -book["repurchases"][year]),
            at(year, Weight.TOTAL if year == YEARS[0] else Weight.SUBTOTAL),
        ]
    heads = (
        "Common stock",
        "Additional paid-in capital",
        "Retained earnings",
        "Other compr. loss",
        "Treasury stock",
        "Total",
    )
    return Table("In millions", heads, rows)
