"""The tables of the notes: each splits a line of the statements, and its last part is what remains, so that it ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from smalt.cli.sample import company
from smalt.cli.sample.company import QUARTERS, SEGMENTS, YEARS, Series, negative, total
from smalt.cli.sample.statements import (
    BALANCE_YEARS,
    Row,
    Table,
    Weight,
    amount,
    head,
    line,
    share,
)

_Y = tuple(str(year) for year in YEARS)
_B = tuple(str(year) for year in BALANCE_YEARS)
_ENDED = "Years ended December 31,"
_AT = "December 31,"
SEGMENT_INCOME: dict[str, Series] = {
    "Flow Measurement": {2025: 418, 2024: 371, 2023: 338},
    "Laboratory Optics": {2025: 214, 2024: 186, 2023: 165},
    "Field Services": {2025: 168, 2024: 140, 2023: 114},
}
SEGMENT_CAPEX: dict[str, Series] = {
    "Flow Measurement": {2025: 102, 2024: 91, 2023: 86},
    "Laboratory Optics": {2025: 67, 2024: 58, 2023: 52},
}
MATURITIES: tuple[tuple[str, int], ...] = (
    ("2026", 75),
    ("2027", 75),
    ("2028", 150),
    ("2029", 400),
    ("2030", 0),
    ("Thereafter", 460),
)
LEASE_PAYMENTS: tuple[tuple[str, int], ...] = (
    ("2026", 46),
    ("2027", 44),
    ("2028", 38),
    ("2029", 31),
    ("2030", 20),
    ("Thereafter", 18),
)


def split(
    whole: Series,
    parts: Mapping[str, Series],
    rest: str,
    end: str,
    years: Sequence[int] = YEARS,
    weight: Weight = Weight.TOTAL,
) -> tuple[Row, ...]:
    """Rows of ``parts``, then ``rest`` (whatever is missing to ``whole``), then the whole."""
    missing = {year: whole[year] - sum(part[year] for part in parts.values()) for year in years}
    rows = [line(label, part, years, dollar=index == 0, indent=1) for index, (label, part) in enumerate(parts.items())]
    rows.append(line(rest, missing, years, indent=1))
    return (*rows, line(end, whole, years, weight=weight, dollar=weight is Weight.TOTAL))


def geography(book: Mapping[str, Series]) -> Table:
    parts = {
        "Americas": {2025: 2034, 2024: 1868, 2023: 1746},
        "Europe, Middle East and Africa": {2025: 1173, 2024: 1075, 2023: 1004},
    }
    return Table("In millions", _Y, split(book["revenue"], parts, "Asia Pacific", "Total net sales"), _ENDED)


def segments(book: Mapping[str, Series]) -> Table:
    revenue = {name: company.segment_revenue(name) for name in SEGMENTS}
    earned = total(*SEGMENT_INCOME.values())
    corporate = total(book["operating_income"], negative(earned))
    rows = [
        head("Net sales:"),
        *(line(name, revenue[name], dollar=index == 0, indent=1) for index, name in enumerate(SEGMENTS)),
        line("Total net sales", book["revenue"], weight=Weight.SUBTOTAL),
        head("Segment operating income:"),
        *(line(name, SEGMENT_INCOME[name], dollar=index == 0, indent=1) for index, name in enumerate(SEGMENTS)),
        line("Total segment operating income", earned, weight=Weight.SUBTOTAL),
        line("Corporate expenses not allocated to segments", corporate, indent=1),
        line("Operating income", book["operating_income"], weight=Weight.TOTAL, dollar=True),
    ]
    return Table("In millions", _Y, rows, _ENDED)


def segment_capex(book: Mapping[str, Series]) -> Table:
    rows = split(book["capex"], SEGMENT_CAPEX, "Field Services and corporate", "Total capital expenditures")
    return Table("In millions", _Y, rows, _ENDED)


def inventories(book: Mapping[str, Series]) -> Table:
    parts = {"Raw materials and components": {2025: 198, 2024: 191}, "Work in process": {2025: 96, 2024: 94}}
    rows = split(book["inventories"], parts, "Finished goods", "Total inventories", BALANCE_YEARS)
    return Table("In millions", _B, rows, _AT)


def property_table(book: Mapping[str, Series]) -> Table:
    gross = {
        "Land": {2025: 62, 2024: 61},
        "Buildings and improvements": {2025: 618, 2024: 590},
        "Machinery and equipment": {2025: 1534, 2024: 1432},
        "Construction in progress": {2025: 88, 2024: 79},
    }
    whole = total(*gross.values())
    less = {year: book["property"][year] - whole[year] for year in BALANCE_YEARS}
    rows = [
        *(line(name, part, BALANCE_YEARS, dollar=name == "Land", indent=1) for name, part in gross.items()),
        line("Property, plant and equipment, gross", whole, BALANCE_YEARS, weight=Weight.SUBTOTAL),
        line("Less: accumulated depreciation", less, BALANCE_YEARS, indent=1),
        line("Property, plant and equipment, net", book["property"], BALANCE_YEARS, weight=Weight.TOTAL, dollar=True),
    ]
    return Table("In millions", _B, rows, _AT)


def goodwill(book: Mapping[str, Series]) -> Table:
    years = (2024, 2025)
    opening = {"Flow Measurement": 512, "Laboratory Optics": 447}
    acquired = {"Flow Measurement": {2024: 0, 2025: 0}, "Laboratory Optics": {2024: 148, 2025: 0}}
    foreign = {"Flow Measurement": {2024: 2, 2025: -4}, "Laboratory Optics": {2024: 2, 2025: -3}}
    columns: list[list[int]] = []
    for name in ("Flow Measurement", "Laboratory Optics"):
        column = [opening[name]]
        for year in years:
            column += [acquired[name][year], foreign[name][year]]
            column.append(sum(column[-3:]))
        columns.append(column)
    whole = [book["goodwill"][2023]]
    for year in years:
        whole += [book["acquired_goodwill"][year], book["fx_goodwill"][year], book["goodwill"][year]]
    columns.append([every - one - two for every, one, two in zip(whole, *columns, strict=True)])
    columns.append(whole)
    labels = ["Balance at December 31, 2023"]
    for year in years:
        labels += ["Acquisition", "Foreign currency translation", f"Balance at December 31, {year}"]
    rows = []
    for label, *values in zip(labels, *columns, strict=True):
        closing = label.startswith("Balance")
        weight = Weight.SUBTOTAL if closing else Weight.LINE
        rows.append(Row(label, tuple(amount(value, dollar=closing) for value in values), weight, int(not closing)))
    return Table("In millions", (*SEGMENTS, "Total"), rows)


def intangibles(book: Mapping[str, Series]) -> Table:
    gross = {
        "Customer relationships": {2025: 402, 2024: 402},
        "Developed technology": {2025: 287, 2024: 287},
        "Trade names": {2025: 64, 2024: 64},
    }
    whole = total(*gross.values())
    less = {year: book["intangibles"][year] - whole[year] for year in BALANCE_YEARS}
    rows = [
        *(line(name, part, BALANCE_YEARS, dollar=name[0] == "C", indent=1) for name, part in gross.items()),
        line("Intangible assets, gross", whole, BALANCE_YEARS, weight=Weight.SUBTOTAL),
        line("Less: accumulated amortization", less, BALANCE_YEARS, indent=1),
        line("Intangible assets, net", book["intangibles"], BALANCE_YEARS, weight=Weight.TOTAL, dollar=True),
    ]
    return Table("In millions", _B, rows, _AT)


def debt(book: Mapping[str, Series]) -> Table:
    parts = {
        "Term loan due 2028": {2025: 300, 2024: 350},
        "3.85% senior notes due 2029": {2025: 400, 2024: 400},
        "4.60% senior notes due 2033": {2025: 460, 2024: 460},
    }
    rows = [
        *split(book["debt"], parts, "Less: unamortized issuance costs", "Total debt", BALANCE_YEARS, Weight.SUBTOTAL),
        line("Less: current portion", negative(book["debt_current"]), BALANCE_YEARS, indent=1),
        line("Long-term debt", book["debt_long"], BALANCE_YEARS, weight=Weight.TOTAL, dollar=True),
    ]
    return Table("In millions", _B, rows, _AT)


def schedule(parts: Sequence[tuple[str, int]], end: str, less: str, net: str, left: int, heading: str) -> Table:
    """Payments by year, their sum, what is taken off, and what is left on the balance sheet."""
    whole = sum(value for _, value in parts)
    rows = [
        *(Row(name, (amount(value, dollar=index == 0),), indent=1) for index, (name, value) in enumerate(parts)),
        Row(end, (amount(whole),), Weight.SUBTOTAL),
        Row(less, (amount(left - whole),), indent=1),
        Row(net, (amount(left, dollar=True),), Weight.TOTAL),
    ]
    return Table("In millions", (heading,), rows)


def taxes(book: Mapping[str, Series]) -> Table:
    current = total(book["tax"], negative(book["deferred_tax"]))
    federal = {2025: 88, 2024: 76, 2023: 66}
    state = {2025: 17, 2024: 14, 2023: 13}
    foreign = total(current, negative(federal), negative(state))
    rows = [
        head("Current:"),
        line("Federal", federal, dollar=True, indent=1),
        line("State", state, indent=1),
        line("Foreign", foreign, indent=1),
        line("Total current", current, weight=Weight.SUBTOTAL),
        line("Deferred", book["deferred_tax"]),
        line("Provision for income taxes", book["tax"], weight=Weight.TOTAL, dollar=True),
    ]
    return Table("In millions", _Y, rows, _ENDED)


def tax_rate(book: Mapping[str, Series]) -> Table:
    statutory = {year: round(book["before_tax"][year] * 21 / 100) for year in YEARS}
    parts = {
        "Tax at the statutory rate of 21%": statutory,
        "State taxes, net of federal benefit": {2025: 13, 2024: 11, 2023: 10},
        "Research credits": {2025: -15, 2024: -13, 2023: -12},
    }
    rows = split(book["tax"], parts, "Foreign rate differences and other", "Provision for income taxes")
    rate = Row("Effective tax rate", tuple(share(book["tax"][year], book["before_tax"][year]) for year in YEARS))
    return Table("In millions, except percentages", _Y, (*rows, rate), _ENDED)


def earnings_per_share(book: Mapping[str, Series]) -> Table:
    dilution = {year: company.DILUTED_SHARES[year] - company.BASIC_SHARES[year] for year in YEARS}
    basic = company.per_share(book["net_income"], company.BASIC_SHARES)
    diluted = company.per_share(book["net_income"], company.DILUTED_SHARES)
    rows = [
        line("Net income", book["net_income"], dollar=True),
        line("Weighted-average basic shares", company.BASIC_SHARES),
        line("Effect of dilutive share awards", dilution, indent=1),
        line("Weighted-average diluted shares", company.DILUTED_SHARES, weight=Weight.SUBTOTAL),
        line("Basic earnings per share", basic, dollar=True),
        line("Diluted earnings per share", diluted, dollar=True),
    ]
    return Table("In millions, except per share amounts", _Y, rows, _ENDED)


def share_awards() -> Table:
    rows = [
        Row("Unvested at December 31, 2024", ("2,184", "$58.40"), Weight.SUBTOTAL),
        Row("Granted", ("1,012", "71.25"), indent=1),
        Row("Vested", ("(864)", "55.10"), indent=1),
        Row("Forfeited", ("(118)", "61.80"), indent=1),
        Row("Unvested at December 31, 2025", (amount(2184 + 1012 - 864 - 118), "$65.38"), Weight.TOTAL),
    ]
    return Table("Units in thousands", ("Restricted stock units", "Average grant value"), rows)


def quarters(book: Mapping[str, Series], year: int) -> Table:
    """Net sales and net income by quarter; the fourth quarter's income is what the first three leave."""
    shares = (Decimal("0.235"), Decimal("0.245"), Decimal("0.250"))
    income = [int(book["net_income"][year] * part) for part in shares]
    income.append(book["net_income"][year] - sum(income))
    sales = [sum(company.QUARTERLY[name][year][quarter] for name in SEGMENTS) for quarter in range(4)]
    rows = [
        *(
            Row(
                name,
                tuple(
                    amount(value, dollar=index == 0)
                    for value in (*company.QUARTERLY[name][year], sum(company.QUARTERLY[name][year]))
                ),
                indent=1,
            )
            for index, name in enumerate(SEGMENTS)
        ),
        Row("Total net sales", tuple(amount(value) for value in (*sales, sum(sales))), Weight.SUBTOTAL),
        Row("Net income", tuple(amount(value, dollar=True) for value in (*income, sum(income))), Weight.TOTAL),
    ]
    return Table("In millions, unaudited", (*(f"{name} {year}" for name in QUARTERS), f"Year {year}"), rows)
