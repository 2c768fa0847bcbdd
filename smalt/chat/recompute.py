"""Recomputing a formula that an answer shows: exact decimals, and every operand a figure that is cited.

Independent of the engine that wrote it: only the formula's text, the citations and a short list of constants go in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import islice, product

_TOKEN = re.compile(r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)|(?P<sign>[-+−×*/÷^()]))")
_SAME = {"−": "-", "×": "*", "÷": "/"}
_COUNTS_MAX = 12
CONSTANTS = frozenset(map(Decimal, (52, 53, 90, 91, 92, 100, 180, 182, 270, 273, 360, 364, 365, 366, 371, 1000)))
"""Numbers that a formula may use without a source: per cent, weeks and days of a period. Besides, counts up to 12."""
_PRECISION = 40
_READINGS_MAX = 256


class Untraceable(ValueError):
    """The formula cannot be followed, or uses a number that is nowhere cited."""


def is_constant(value: Decimal) -> bool:
    """Whether a formula may use ``value`` without a source."""
    return value in CONSTANTS or (value == value.to_integral_value() and value <= _COUNTS_MAX)


def recompute(formula: str, cited: Mapping[Decimal, Collection[Decimal]]) -> frozenset[Decimal]:
    """The value of ``formula`` in base units. ``cited`` maps each number that is printed (without its sign) to the
    amounts that it stands for.

    Usually there is one. A number that is a cell's and may be a constant too ("100"), or that cells of several scales
    print, gives one value for each way to read it. Raises `Untraceable`.
    """
    tokens = [_readings(token, cited) for token in _tokens(formula)]
    must_cite = any(reading.cited for readings in tokens for reading in readings)
    found: set[Decimal] = set()
    with localcontext() as context:
        context.prec = _PRECISION
        for chosen in islice(product(*tokens), _READINGS_MAX):
            if must_cite and not any(reading.cited for reading in chosen):
                continue  # a formula over constants alone proves nothing
            with suppress(ArithmeticError):
                found.add(_Reader([reading.token for reading in chosen]).whole())
    if not found:
        raise Untraceable("no value")
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A sign, or a number as the amount that it stands for."""

    token: Decimal | str
    cited: bool = False


def _readings(token: Decimal | str, cited: Mapping[Decimal, Collection[Decimal]]) -> list[_Reading]:
    if isinstance(token, str):
        return [_Reading(token)]
    amounts = sorted(cited.get(token, ()))
    found = [_Reading(amount, cited=True) for amount in amounts]
    if is_constant(token) and token not in amounts:
        found.append(_Reading(token))
    if not found:
        raise Untraceable("a number without a source")
    return found


def _tokens(formula: str) -> list[Decimal | str]:
    found: list[Decimal | str] = []
    at, text = 0, formula.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Untraceable("not a formula")
        at = match.end()
        sign = match["sign"]
        found.append(_SAME.get(sign, sign) if sign else Decimal(match["number"].replace(",", "")))
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
