"""Evaluating a calculation over cited cells with exact decimals, and writing down its formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, DivisionByZero, InvalidOperation, localcontext

from smalt.engine.asked import Asked, Mode, settle
from smalt.engine.expression import Average, Binary, Expr, Number, Ref
from smalt.engine.lookup import Found, find
from smalt.engine.scope import ordered
from smalt.engine.stems import variants
from smalt.engine.vocabulary import BY_KEY, FLOW, STOCK, Measure, measure_of
from smalt.kernel.figures import Unit
from smalt.search.model import Fact
from smalt.search.profile import label_year
from smalt.search.segment import Opened

_MAGNITUDE = frozenset({"cogs", "sga", "rd", "da", "sbc"})


_MIXED = {Unit.MONEY, Unit.RATIO}


class Senseless(Exception):
    """A calculation that adds an amount and a quotient."""


@dataclass(slots=True)
class Used:
    """A cell that entered a calculation, with the amount it entered as (the sign may have been turned)."""

    opened: Opened
    fact: Fact
    amount: Decimal
    phrase: str


@dataclass(slots=True)
class Result:
    amount: Decimal
    unit: Unit
    formula: str
    used: list[Used] = field(default_factory=list)
    level: int = 3


@dataclass(slots=True)
class Missing(Exception):
    """An operand that was not found: what was looked for and the nearest lines."""

    phrase: str
    asked: Asked
    near: list[tuple[Opened, Fact]]
    ambiguous: bool = False


def locate(phrase: str, asked: Asked, group: Sequence[Opened]) -> tuple[Opened, Found]:
    """The first document of a company that prints the figure. Raises Missing with the nearest lines."""
    near: list[tuple[Opened, Fact]] = []
    ambiguous = False
    for opened in ordered(list(group), asked):
        settled = settle(asked, opened.profile)
        found = _find(phrase, settled, opened)
        if found.fact is None and asked.mode is Mode.LATEST and settled.mode is Mode.SPAN:
            longer = (_find(phrase, replace(settled, months=months), opened) for months in (6, 9))
            found = next((one for one in longer if one.fact is not None), found)
        if found.fact is not None:
            return opened, found
        near += [(opened, fact) for fact in found.near]
        ambiguous = ambiguous or found.ambiguous
    raise Missing(phrase, asked, near[:3], ambiguous)


def _find(phrase: str, asked: Asked, opened: Opened) -> Found:
    """`find` for the phrase as asked, then without words like "figure" and "amount of"."""
    first: Found | None = None
    for variant in variants(phrase):
        found = find(variant, asked, opened)
        if found.fact is not None:
            return found
        first = first or found
    return first if first is not None else Found(None, 0.0)


class Evaluator:
    """Evaluates trees for one company and one period; ``scale`` is the power of ten that formulas print in."""

    def __init__(self, group: Sequence[Opened], asked: Asked) -> None:
        self.group, self.asked = group, asked
        self.used: list[Used] = []

    def run(self, tree: Expr) -> Result:
        """The result of ``tree``. Raises Missing, or DivisionByZero where the divisor is zero."""
        with localcontext() as context:
            context.prec = 40
            try:
                result = self._value(tree)
            except InvalidOperation:
                raise DivisionByZero from None
        result.used = self.used
        return result

    def _value(self, tree: Expr) -> Result:
        if isinstance(tree, Number):
            return Result(tree.value, Unit.COUNT, f"{tree.value.normalize():f}")
        if isinstance(tree, Ref):
            return self._ref(tree)
        if isinstance(tree, Average):
            return self._average(tree)
        left, right = self._value(tree.left), self._value(tree.right)
        if tree.operator in "+-" and {left.unit, right.unit} == _MIXED:
            return self._regrouped(tree, left)
        return _combine(tree.operator, left, right)

    def _regrouped(self, tree: Binary, left: Result) -> Result:
        """Reads "current assets minus inventory divided by current liabilities" as spoken: an amount less a quotient is no figure."""
        if left.unit != Unit.MONEY or not isinstance(tree.right, Binary) or tree.right.operator != "/":
            raise Senseless
        del self.used[:]
        return self._value(Binary("/", Binary(tree.operator, tree.left, tree.right.left), tree.right.right))

    def _ref(self, ref: Ref) -> Result:
        asked = replace(self.asked, shift=self.asked.shift + ref.shift) if ref.shift else self.asked
        measure = measure_of(ref.phrase)
        if ref.shift and measure is not None and measure.kind == STOCK and self.asked.mode is Mode.SPAN:
            raise Missing(ref.phrase, asked, [])
        if measure is not None and measure.kind == FLOW:
            asked = self._during(asked)
        try:
            opened, found = locate(ref.phrase, asked, self.group)
        except Missing:
            if measure is not None and measure.key == "gross":
                return self._value(
                    Binary("-", Ref(BY_KEY["revenue"].name, ref.shift), Ref(BY_KEY["cogs"].name, ref.shift))
                )
            raise
        fact = found.fact
        if fact is None:
            raise Missing(ref.phrase, asked, [])
        amount = _signed(fact, measure, opened)
        self.used.append(Used(opened, fact, amount, ref.phrase))
        return Result(amount, fact.unit, printed(amount, fact.unit, fact.scale))

    def _during(self, asked: Asked) -> Asked:
        """For a flow in a calculation asked for as of a day: the fiscal year, or the reported span, that ends on it."""
        if asked.mode is not Mode.INSTANT or asked.end is None:
            return asked
        for opened in self.group:
            year = label_year(opened.profile, asked.end)
            if year is not None:
                return Asked(Mode.YEAR, year=year, shift=asked.shift)
            if opened.profile.end == asked.end and opened.profile.months:
                return Asked(Mode.SPAN, asked.end, opened.profile.months, shift=asked.shift)
        return asked

    def _average(self, average: Average) -> Result:
        now = self._ref(average.of)
        then = self._ref(Ref(average.of.phrase, average.of.shift - 1))
        return Result((now.amount + then.amount) / 2, now.unit, f"(({now.formula} + {then.formula}) / 2)", level=3)


def _signed(fact: Fact, measure: Measure | None, opened: Opened) -> Decimal:
    """Costs and payments count by magnitude; a tax expense printed as a deduction is turned positive."""
    if measure is None:
        return fact.value
    if measure.outflow or measure.key in _MAGNITUDE:
        return abs(fact.value)
    if measure.key == "tax" and fact.value < 0 and _deducted(fact, opened):
        return -fact.value
    return fact.value


def _deducted(fact: Fact, opened: Opened) -> bool:
    """True when pre-tax income plus the printed tax is the net income of the same column: the tax is printed negative."""
    column = [other for other in opened.facts if other.table == fact.table and other.column == fact.column]
    before = next((other for other in reversed(column) if other.row < fact.row and _is(other, "pretax")), None)
    below = [other for other in column if other.row > fact.row and other.unit == Unit.MONEY][:4]
    return before is not None and any(
        abs(before.value + fact.value - after.value) <= abs(before.value) / 100 for after in below
    )


def _is(fact: Fact, key: str) -> bool:
    label = fact.label.lower()
    return any(pattern.search(label) for pattern in BY_KEY[key].labels)


def _combine(operator: str, left: Result, right: Result) -> Result:
    if operator in "+-":
        amount = left.amount + right.amount if operator == "+" else left.amount - right.amount
        unit = left.unit if left.unit != Unit.COUNT else right.unit
        second = f"({right.formula})" if right.level < 2 or right.formula.startswith("−") else right.formula
        return Result(amount, unit, f"{left.formula} {'+' if operator == '+' else '−'} {second}", level=1)
    if operator == "/":
        if right.amount == 0:
            raise DivisionByZero
        unit = (
            left.unit
            if right.unit == Unit.COUNT
            else (
                Unit.RATIO
                if left.unit == right.unit or Unit.PER_SHARE in (left.unit, right.unit)
                else Unit.PER_SHARE
                if (left.unit, right.unit) == (Unit.MONEY, Unit.SHARES)
                else Unit.RATIO
            )
        )
        return Result(left.amount / right.amount, unit, f"{_bracket(left)} / {_bracket(right, closing=True)}", level=2)
    unit = left.unit if right.unit == Unit.COUNT else right.unit
    return Result(left.amount * right.amount, unit, f"{_bracket(left)} × {_bracket(right, closing=True)}", level=2)


def _bracket(result: Result, *, closing: bool = False) -> str:
    return f"({result.formula})" if result.level < 2 or (closing and result.level < 3) else result.formula


def printed(amount: Decimal, unit: Unit, scale: int) -> str:
    """``amount`` as the document would print it: 6,805 for 6.805E9 in millions; a true minus sign."""
    if unit in {Unit.MONEY, Unit.SHARES}:
        amount = amount.scaleb(-scale)
    text = f"{amount.normalize():,f}" if amount == amount.to_integral_value() else f"{amount:,f}".rstrip("0")
    return text.replace("-", "−")


def rounded(amount: Decimal, places: int) -> Decimal:
    """Half up, as finance rounds."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
