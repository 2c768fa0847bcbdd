"""Named calculations with their usual definitions. A definition in the question itself always comes first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from smalt.engine.expression import Average, Binary, Expr, Number, Ref
from smalt.engine.vocabulary import BY_KEY, STOCK, measure_of
from smalt.kernel.figures import Unit
from smalt.search.tokens import terms


def _r(key: str, shift: int = 0) -> Ref:
    return Ref(BY_KEY[key].name, shift)


def _avg(key: str) -> Average:
    return Average(_r(key))


def _add(left: Expr, right: Expr) -> Expr:
    return Binary("+", left, right)


def _sub(left: Expr, right: Expr) -> Expr:
    return Binary("-", left, right)


def _over(left: Expr, right: Expr) -> Expr:
    return Binary("/", left, right)


def _pct(left: Expr, right: Expr) -> Expr:
    return Binary("*", _over(left, right), Number(Decimal(100)))


def _days(left: Expr, right: Expr) -> Expr:
    return Binary("*", _over(left, right), Number(Decimal(365)))


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    unit: Unit
    tree: Expr
    wordings: tuple[str, ...]
    days: bool = False


_EBITDA = _add(_r("opinc"), _r("da"))
_FCF = _sub(_r("cfo"), _r("capex"))
_DSO, _DIO, _DPO = _days(_r("ar"), _r("revenue")), _days(_r("inv"), _r("cogs")), _days(_r("ap"), _r("cogs"))
_DEBT = _add(_r("ltd"), _r("std"))


def _metric(name: str, unit: Unit, tree: Expr, wordings: str, *, days: bool = False) -> Metric:
    return Metric(name, unit, tree, (name, *(part.strip() for part in wordings.split("|") if part.strip())), days)


METRICS: tuple[Metric, ...] = (
    _metric("gross margin", Unit.PERCENT, _pct(_r("gross"), _r("revenue")), "gross profit margin|gross margin percentage|gross margin percent|gross margin %|gross margin ratio"),
    _metric("operating margin", Unit.PERCENT, _pct(_r("opinc"), _r("revenue")), "operating profit margin|ebit margin|operating income margin|operating margin percentage"),
    _metric("net profit margin", Unit.PERCENT, _pct(_r("ni"), _r("revenue")), "net margin|net income margin|profit margin|return on sales|net earnings margin"),
    _metric("pre-tax margin", Unit.PERCENT, _pct(_r("pretax"), _r("revenue")), "pretax margin|pre-tax profit margin|pretax profit margin"),
    _metric("EBITDA margin", Unit.PERCENT, _pct(_EBITDA, _r("revenue")), ""),
    _metric("free cash flow margin", Unit.PERCENT, _pct(_FCF, _r("revenue")), "fcf margin"),
    _metric("operating cash flow margin", Unit.PERCENT, _pct(_r("cfo"), _r("revenue")), "cash flow margin"),
    _metric("effective tax rate", Unit.PERCENT, _pct(_r("tax"), _r("pretax")), "tax rate|effective income tax rate|etr"),
    _metric("return on equity", Unit.PERCENT, _pct(_r("ni"), _avg("eq")), "roe|return on average equity|return on shareholders' equity|return on stockholders' equity"),
    _metric("return on assets", Unit.PERCENT, _pct(_r("ni"), _avg("assets")), "roa|return on average assets|return on total assets"),
    _metric("dividend payout ratio", Unit.PERCENT, _pct(_r("div"), _r("ni")), "payout ratio|dividend payout|dividend payout rate"),
    _metric("retention ratio", Unit.RATIO, _sub(Number(Decimal(1)), _over(_r("div"), _r("ni"))), "earnings retention ratio|plowback ratio"),
    _metric("operating cash flow ratio", Unit.RATIO, _over(_r("cfo"), _r("cl")), ""),
    _metric("working capital ratio", Unit.RATIO, _over(_r("ca"), _r("cl")), ""),
    _metric("current ratio", Unit.RATIO, _over(_r("ca"), _r("cl")), ""),
    _metric("quick ratio", Unit.RATIO, _over(_sub(_r("ca"), _r("inv")), _r("cl")), "acid test|acid-test ratio|acid test ratio"),
    _metric("cash ratio", Unit.RATIO, _over(_r("cash"), _r("cl")), ""),
    _metric("debt to equity", Unit.RATIO, _over(_DEBT, _r("eq")), "debt-to-equity|debt-to-equity ratio|debt to equity ratio|total debt to equity|d/e ratio|leverage ratio|gearing"),
    _metric("long-term debt to equity", Unit.RATIO, _over(_r("ltd"), _r("eq")), "long-term debt-to-equity|long-term debt to equity ratio|long-term debt to shareholders' equity|long-term debt to stockholders' equity"),
    _metric("liabilities to equity", Unit.RATIO, _over(_r("liab"), _r("eq")), "liabilities-to-equity ratio|total liabilities to equity"),
    _metric("debt ratio", Unit.RATIO, _over(_r("liab"), _r("assets")), "liabilities to assets|total liabilities to total assets|debt to assets|debt-to-assets ratio"),
    _metric("equity ratio", Unit.RATIO, _over(_r("eq"), _r("assets")), "equity to assets"),
    _metric("asset turnover", Unit.RATIO, _over(_r("revenue"), _avg("assets")), "asset turnover ratio|total asset turnover"),
    _metric("inventory turnover", Unit.RATIO, _over(_r("cogs"), _avg("inv")), "inventory turnover ratio|inventory turns"),
    _metric("receivables turnover", Unit.RATIO, _over(_r("revenue"), _avg("ar")), "accounts receivable turnover|receivables turnover ratio"),
    _metric("fixed asset turnover", Unit.RATIO, _over(_r("revenue"), _avg("ppe")), "fixed asset turnover ratio"),
    _metric("interest coverage", Unit.RATIO, _over(_r("opinc"), _r("interest")), "interest coverage ratio|times interest earned|interest cover"),
    _metric("equity multiplier", Unit.RATIO, _over(_r("assets"), _r("eq")), "financial leverage"),
    _metric("days sales outstanding", Unit.RATIO, _DSO, "dso|days of sales outstanding|receivable days|days receivable|receivables days|debtor days|days sales in receivables|collection period", days=True),
    _metric("days inventory outstanding", Unit.RATIO, _DIO, "dio|days of inventory|inventory days|days inventory|days sales of inventory|days in inventory|days inventory held", days=True),
    _metric("days payable outstanding", Unit.RATIO, _DPO, "dpo|days payables outstanding|payable days|days payable|creditor days|payables days", days=True),
    _metric("cash conversion cycle", Unit.RATIO, _sub(_add(_DSO, _DIO), _DPO), "ccc", days=True),
    _metric("free cash flow", Unit.MONEY, _FCF, "fcf|free cash flows"),
    _metric("EBITDA", Unit.MONEY, _EBITDA, "earnings before interest, taxes, depreciation and amortization|earnings before interest, tax, depreciation and amortization"),
    _metric("working capital", Unit.MONEY, _sub(_r("ca"), _r("cl")), "net working capital"),
    _metric("net debt", Unit.MONEY, _sub(_DEBT, _r("cash")), ""),
    _metric("total debt", Unit.MONEY, _DEBT, "gross debt|total borrowings"),
    _metric("invested capital", Unit.MONEY, _add(_DEBT, _r("eq")), "total capitalization"),
    _metric("cash returned to shareholders", Unit.MONEY, _add(_r("div"), _r("buyback")), "capital returned to shareholders|total shareholder returns|shareholder distributions|total payout|cash returned to shareholders through dividends and buybacks|capital returned"),
    _metric("tangible book value", Unit.MONEY, _sub(_sub(_r("eq"), _r("goodwill")), _r("intang")), ""),
)  # fmt: skip

_BY_WORDING = {" ".join(terms(wording)): metric for metric in METRICS for wording in metric.wordings}
_PERCENT_NAME = re.compile(r"\b(?:margin|rate|return|percent(?:age)?|yield|payout|growth|share of)\b|%")
_DAYS_NAME = re.compile(r"\bdays?\b|\bperiod\b")


_WORDINGS = re.compile(
    r"(?<![\w&-])(?:"
    + "|".join(
        sorted(
            {re.escape(wording.lower()) for metric in METRICS for wording in metric.wordings if wording},
            key=len,
            reverse=True,
        )
    )
    + r")(?![\w&-])"
)


def names_a_metric(text: str) -> bool:
    """True when ``text`` holds the name of a built-in calculation."""
    return _WORDINGS.search(text.lower()) is not None


def metric_of(phrase: str) -> Metric | None:
    """The named calculation that ``phrase`` is, or None."""
    return _BY_WORDING.get(" ".join(terms(phrase)))


def tuned(metric: Metric, clause: str) -> Metric:
    """``metric`` with what "using average inventory" or "using year-end equity" says of its balances."""
    folded = clause.lower()
    if "average" in folded:
        return replace(metric, tree=_averaged(metric.tree, folded))
    if re.search(r"year[- ]end|ending|end[- ]of", folded):
        return replace(metric, tree=_ending(metric.tree))
    return metric


def _averaged(tree: Expr, clause: str) -> Expr:
    if isinstance(tree, Ref):
        measure = measure_of(tree.phrase)
        named = (
            measure is not None
            and measure.kind == STOCK
            and any(re.search(rf"\b{re.escape(wording)}\b", clause) for wording in (measure.name, *measure.wordings))
        )
        return Average(tree) if named else tree
    if isinstance(tree, Binary):
        return Binary(tree.operator, _averaged(tree.left, clause), _averaged(tree.right, clause))
    return tree


def _ending(tree: Expr) -> Expr:
    if isinstance(tree, Average):
        return tree.of
    if isinstance(tree, Binary):
        return Binary(tree.operator, _ending(tree.left), _ending(tree.right))
    return tree


def named_unit(name: str) -> Unit | None:
    """The unit that a calculation's name promises: PERCENT for a margin, RATIO for days and ratios, None if it is silent."""
    metric = metric_of(name)
    if metric is not None:
        return metric.unit
    lowered = name.lower()
    if _PERCENT_NAME.search(lowered):
        return Unit.PERCENT
    return (
        Unit.RATIO
        if _DAYS_NAME.search(lowered) or re.search(r"\bratio|turnover|coverage|multiple|times\b", lowered)
        else None
    )
