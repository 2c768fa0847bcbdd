"""The books of Tarnwick Instruments, an invented company: a few inputs, and everything else computed from them.

All amounts are whole millions of US dollars, shares are tenths of a million. Cash is not an input: it is what the
cash flow statement leaves, and the balance sheet balances only if every change is accounted for (a test holds this).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

NAME = "Tarnwick Instruments, Inc."
SHORT = "Tarnwick"
YEARS = (2025, 2024, 2023)
ALL_YEARS = (2022, 2023, 2024, 2025)
QUARTERS = ("Q1", "Q2", "Q3", "Q4")
SEGMENTS = ("Flow Measurement", "Laboratory Optics", "Field Services")

Series: TypeAlias = dict[int, int]

QUARTERLY: dict[str, dict[int, tuple[int, int, int, int]]] = {
    "Flow Measurement": {2023: (412, 425, 431, 452), 2024: (438, 451, 463, 488), 2025: (470, 489, 497, 529)},
    "Laboratory Optics": {2023: (228, 236, 231, 249), 2024: (241, 239, 252, 266), 2025: (259, 268, 274, 291)},
    "Field Services": {2023: (151, 156, 160, 165), 2024: (172, 178, 181, 190), 2025: (199, 204, 211, 220)},
}

# Income and cash flow inputs, 2023 to 2025.
_FLOWS = {
    "cost_products": (1441, 1518, 1617),
    "cost_services": (398, 446, 507),
    "research": (287, 316, 351),
    "selling": (588, 629, 681),
    "amortization": (46, 52, 58),
    "restructuring": (18, 0, 12),
    "interest": (44, 49, 53),
    "other_income": (6, 9, 11),
    "tax": (101, 119, 136),
    "depreciation": (118, 127, 139),
    "share_compensation": (41, 47, 54),
    "deferred_tax": (-9, -6, -11),
    "capex": (168, 182, 211),
    "disposals": (7, 4, 9),
    "acquired_goodwill": (0, 148, 0),
    "acquired_intangibles": (0, 88, 0),
    "borrowed": (0, 300, 0),
    "repaid": (50, 150, 50),
    "dividends": (96, 104, 112),
    "repurchases": (150, 180, 220),
    "stock_plans": (12, 14, 15),
    "fx_cash": (-6, 4, -8),
    "fx_goodwill": (-7, 5, -9),
    "interest_paid": (43, 47, 52),
    "tax_paid": (108, 122, 144),
}

# Balances at the end of 2022 to 2025.
_BALANCES = {
    "receivables": (512, 548, 587, 634),
    "inventories": (431, 462, 489, 503),
    "prepaid": (88, 92, 97, 104),
    "right_of_use": (164, 158, 171, 166),
    "other_assets": (121, 127, 133, 141),
    "payables": (268, 281, 297, 322),
    "accrued_pay": (142, 151, 163, 178),
    "deferred_revenue": (176, 189, 208, 236),
    "lease_current": (38, 37, 40, 39),
    "debt_current": (50, 50, 50, 75),
    "other_current": (97, 101, 106, 115),
    "lease_long": (131, 126, 136, 132),
    "other_liabilities": (109, 112, 116, 119),
}

# Where the balances that the flows move stood at the end of 2022.
_OPENING = {
    "cash": 402,
    "property": 986,
    "goodwill": 1204,
    "intangibles": 468,
    "debt": 1100,
    "deferred_tax_liability": 118,
    "common_stock": 2,
    "paid_in": 1184,
    "retained": 2310,
    "other_comprehensive": -84,
    "treasury": -1215,
}

BASIC_SHARES = {2023: Decimal("148.2"), 2024: Decimal("146.1"), 2025: Decimal("143.8")}
DILUTED_SHARES = {2023: Decimal("150.1"), 2024: Decimal("147.9"), 2025: Decimal("145.5")}
DIVIDEND_PER_SHARE = {2023: Decimal("0.65"), 2024: Decimal("0.71"), 2025: Decimal("0.78")}

_ASSETS_CURRENT = ("cash", "receivables", "inventories", "prepaid")
_ASSETS_LONG = ("property", "right_of_use", "goodwill", "intangibles", "other_assets")
_LIABILITIES_CURRENT = (
    "payables",
    "accrued_pay",
    "deferred_revenue",
    "lease_current",
    "debt_current",
    "other_current",
)
_LIABILITIES_LONG = ("debt_long", "lease_long", "deferred_tax_liability", "other_liabilities")
_EQUITY = ("common_stock", "paid_in", "retained", "other_comprehensive", "treasury")
_OTHER_CHANGES = ("right_of_use", "other_assets", "lease_current", "other_current", "lease_long", "other_liabilities")


def total(*parts: Series) -> Series:
    """The sum of ``parts`` in every year that all of them have."""
    years = set(parts[0]).intersection(*parts[1:])
    return {year: sum(part[year] for part in parts) for year in sorted(years)}


def negative(series: Series) -> Series:
    return {year: -value for year, value in series.items()}


def change(series: Series) -> Series:
    """How much each year's end differs from the year before."""
    return {year: series[year] - series[year - 1] for year in series if year - 1 in series}


def _rolled(opening: int, moves: Series) -> Series:
    """A balance carried forward from the end of 2022 by its yearly moves."""
    balance = {2022: opening}
    for year in sorted(moves):
        balance[year] = balance[year - 1] + moves[year]
    return balance


def segment_revenue(segment: str) -> Series:
    return {year: sum(quarters) for year, quarters in QUARTERLY[segment].items()}


def per_share(amount: Series, shares: dict[int, Decimal]) -> dict[int, Decimal]:
    """Dollars per share to the cent, rounded half up as statements do."""
    return {
        year: (Decimal(amount[year]) / shares[year]).quantize(Decimal("0.01"), ROUND_HALF_UP) for year in sorted(shares)
    }


def books() -> dict[str, Series]:
    """Every line of the three statements by its short name, year by year."""
    book: dict[str, Series] = {
        name: dict(zip(ALL_YEARS[1:], values, strict=True)) for name, values in _FLOWS.items()
    } | {name: dict(zip(ALL_YEARS, values, strict=True)) for name, values in _BALANCES.items()}
    _income(book)
    _roll_forward(book)
    _cash_flow(book)
    _balance(book)
    return book


def _income(book: dict[str, Series]) -> None:
    book["product_revenue"] = total(segment_revenue("Flow Measurement"), segment_revenue("Laboratory Optics"))
    book["service_revenue"] = segment_revenue("Field Services")
    book["revenue"] = total(book["product_revenue"], book["service_revenue"])
    book["cost"] = total(book["cost_products"], book["cost_services"])
    book["gross_profit"] = total(book["revenue"], negative(book["cost"]))
    book["operating_expenses"] = total(book["research"], book["selling"], book["amortization"], book["restructuring"])
    book["operating_income"] = total(book["gross_profit"], negative(book["operating_expenses"]))
    book["before_tax"] = total(book["operating_income"], negative(book["interest"]), book["other_income"])
    book["net_income"] = total(book["before_tax"], negative(book["tax"]))
    book["translation"] = total(book["fx_cash"], book["fx_goodwill"])
    book["comprehensive_income"] = total(book["net_income"], book["translation"])


def _roll_forward(book: dict[str, Series]) -> None:
    moves: dict[str, Series] = {
        "property": total(book["capex"], negative(book["depreciation"]), negative(book["disposals"])),
        "goodwill": total(book["acquired_goodwill"], book["fx_goodwill"]),
        "intangibles": total(book["acquired_intangibles"], negative(book["amortization"])),
        "debt": total(book["borrowed"], negative(book["repaid"])),
        "deferred_tax_liability": book["deferred_tax"],
        "common_stock": dict.fromkeys(ALL_YEARS[1:], 0),
        "paid_in": total(book["share_compensation"], book["stock_plans"]),
        "retained": total(book["net_income"], negative(book["dividends"])),
        "other_comprehensive": book["translation"],
        "treasury": negative(book["repurchases"]),
    }
    for name, move in moves.items():
        book[name] = _rolled(_OPENING[name], move)
    book["debt_long"] = total(book["debt"], negative(book["debt_current"]))
    book["acquisition"] = total(book["acquired_goodwill"], book["acquired_intangibles"])


def _cash_flow(book: dict[str, Series]) -> None:
    assets = {"right_of_use", "other_assets", "receivables", "inventories", "prepaid"}
    for name in ("receivables", "inventories", "prepaid", "payables", "accrued_pay", "deferred_revenue"):
        moved = change(book[name])
        book[f"{name}_change"] = negative(moved) if name in assets else moved
    book["other_change"] = total(
        *(negative(change(book[name])) if name in assets else change(book[name]) for name in _OTHER_CHANGES)
    )
    book["operating_cash"] = total(
        *(book[name] for name in ("net_income", "depreciation", "amortization", "share_compensation", "deferred_tax")),
        *(book[f"{name}_change"] for name in ("receivables", "inventories", "prepaid", "payables", "accrued_pay")),
        book["deferred_revenue_change"],
        book["other_change"],
    )
    book["investing_cash"] = total(negative(book["capex"]), book["disposals"], negative(book["acquisition"]))
    book["financing_cash"] = total(
        book["borrowed"],
        negative(book["repaid"]),
        negative(book["dividends"]),
        negative(book["repurchases"]),
        book["stock_plans"],
    )
    book["cash_change"] = total(book["operating_cash"], book["investing_cash"], book["financing_cash"], book["fx_cash"])
    book["cash"] = _rolled(_OPENING["cash"], book["cash_change"])
    book["cash_before"] = {year: book["cash"][year - 1] for year in ALL_YEARS[1:]}
    book["free_cash_flow"] = total(book["operating_cash"], negative(book["capex"]))


def _balance(book: dict[str, Series]) -> None:
    book["current_assets"] = total(*(book[name] for name in _ASSETS_CURRENT))
    book["assets"] = total(book["current_assets"], *(book[name] for name in _ASSETS_LONG))
    book["current_liabilities"] = total(*(book[name] for name in _LIABILITIES_CURRENT))
    book["liabilities"] = total(book["current_liabilities"], *(book[name] for name in _LIABILITIES_LONG))
    book["equity"] = total(*(book[name] for name in _EQUITY))
    book["liabilities_and_equity"] = total(book["liabilities"], book["equity"])
