"""Recomputing a formula that an answer shows: exact decimals, and every operand a figure that is cited.

Independent of the engine that wrote it: only the formula's text, the citations and a short list of constants go in.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext

_TOKEN = re.compile(r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)|(?P<sign>[-+−×*/÷^()]))")
_SAME = {"−": "-", "×": "*", "÷": "/"}
_COUNTS_MAX = 12
CONSTANTS = frozenset(map(Decimal, (52, 53, 90, 91, 92, 100, 180, 182, 270, 273, 360, 364, 365, 366, 371, 1000)))
"""Numbers that a formula may use without a source: per cent, weeks and days of a period. Besides, counts up to 12."""
_PRECISION = 40


class Untraceable(ValueError):
    """The formula cannot be followed, or uses a number that is nowhere cited."""


def is_constant(value: Decimal) -> bool:
    """Whether a formula may use ``value`` without a source."""
    return value in CONSTANTS or (value == value.to_integral_value() and value <= _COUNTS_MAX)


def recompute(formula: str, cited: Collection[Decimal]) -> Decimal:
    """The value of ``formula`` in the scale it is printed in. ``cited`` holds the absolute values that are cited.

    Raises `Untraceable`.
    """
    with localcontext() as context:
        context.prec = _PRECISION
        try:
            return _Reader(_tokens(formula, cited)).whole()
        except (DivisionByZero, InvalidOperation):
            raise Untraceable("no value") from None


def _tokens(formula: str, cited: Collection[Decimal]) -> list[Decimal | str]:
    found: list[Decimal | str] = []
    at, text = 0, formula.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Untraceable("not a formula")
        at = match.end()
        if match["sign"]:
            found.append(_SAME.get(match["sign"], match["sign"]))
            continue
        value = Decimal(match["number"].replace(",", ""))
        if value not in cited and not is_constant(value):
            raise Untraceable("a number without a source")
        found.append(value)
    return found


class _Reader:
    """Recursive descent over sums, products, powers, signs and brackets."""

    def __init__(self, tokens: list[Decimal | str]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Decimal:
        value = self._sum()
        if self._at != len(self._tokens):
            raise Untraceable("words after the formula")
        return value

    def _next(self) -> Decimal | str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> Decimal | str | None:
        token = self._next()
        self._at += 1
        return token

    def _sum(self) -> Decimal:
        value = self._product()
        while self._next() in ("+", "-"):
            value = value + self._product() if self._take() == "+" else value - self._product()
        return value

    def _product(self) -> Decimal:
        value = self._power()
        while self._next() in ("*", "/"):
            value = value * self._power() if self._take() == "*" else value / self._power()
        return value

    def _power(self) -> Decimal:
        value = self._signed()
        if self._next() == "^":
            self._take()
            return value ** self._power()
        return value

    def _signed(self) -> Decimal:
        if self._next() == "-":
            self._take()
            return -self._signed()
        token = self._take()
        if isinstance(token, Decimal):
            return token
        if token != "(":  # noqa: S105  # a bracket, not a secret
            raise Untraceable("not a formula")
        value = self._sum()
        if self._take() != ")":
            raise Untraceable("an open bracket")
        return value
