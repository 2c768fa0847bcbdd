"""Calculations as small trees over measures: parsed from the words of a question or from the built-in metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from smalt.engine.vocabulary import STOCK, measure_of, wordings
from smalt.search.tokens import fold


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal


@dataclass(frozen=True, slots=True)
class Ref:
    """A measure or printed label at the asked period, ``shift`` fiscal years from it."""

    phrase: str
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of a balance at the start and at the end of the asked period."""

    of: Ref


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Expr
    right: Expr


Expr: TypeAlias = Number | Ref | Average | Binary

_HYPHEN = "\x01"
_OPERANDS_MAX = 24
_PROTECT = sorted({fold(wording) for wording in wordings()}, key=len, reverse=True)
_PROTECTED = re.compile(r"(?<![\w&-])(?:" + "|".join(re.escape(wording) for wording in _PROTECT) + r")(?![\w&-])")
_WORDS = [
    (re.compile(r"\bas an? (?:percentage|percent|%|share|proportion) of\b"), " /% "),
    (re.compile(r"\b(?:divided by|div by|over|÷)\b|÷"), " / "),
    (re.compile(r"\b(?:multiplied by|times)\b|×|(?<=\s)x(?=\s*\d)"), " * "),
    (re.compile(r"\b(?:less|minus|net of|excluding|subtracting|reduced by|deducting)\b"), " - "),
    (re.compile(r"\b(?:plus|added to|together with|and|&)\b"), " + "),
]
_TOKEN = re.compile(r"\s*(?:(?P<op>/%|[-+*/(),])|(?P<num>\d+(?:\.\d+)?)(?P<pct>\s?%)?|(?P<text>[^-+*/(),]+))")
_AVERAGE = re.compile(
    r"^(?:the )?(?:average|mean|avg\.?)(?: of)?(?: the)?(?: beginning and (?:end|ending)(?: of (?:year|period))?)? "
)
_PRIOR = re.compile(
    r"^(?:the )?(?:prior|previous)[- ](?:year|period)(?:'s)? |^(?:the )?(?:beginning|opening)(?:[- ]of[- ](?:year|period))? |^last year's "
)
_NOW = re.compile(r"^(?:the )?(?:year[- ]end|period[- ]end|ending|closing|current[- ]year|annual|fiscal[- ]year) ")
_MOVE = re.compile(r"^(?:the )?(?:change|increase|movement) in (?P<x>.+)$")
_ARTICLE = re.compile(r"^(?:the |its |their |total of |sum of |the sum of |difference between |ratio of )+")


class NotAnExpression(ValueError):
    """The words are no calculation that can be followed."""


def parse(text: str) -> Expr:
    """The calculation that ``text`` states: "(current assets less inventory) / current liabilities".

    Raises NotAnExpression when the words do not form one.
    """
    folded = fold(text).strip(" .?=")
    folded = re.sub(r"\b(\d+) days\b", r"\1", folded)
    summed = re.match(r"(?:the )?(?:sum|total) of ", folded) is not None
    folded = re.sub(r"^(?:the )?(?:sum|total) of ", "", folded)
    ratio = re.match(r"(?:the )?ratio of (.+?) to (.+)$", folded)
    if ratio is not None:
        folded = f"({ratio[1]}) / ({ratio[2]})"
    held: list[str] = []

    def hold(m: re.Match[str]) -> str:
        held.append(m[0])
        return f" q{len(held) - 1}q "

    masked = _PROTECTED.sub(hold, folded)
    for pattern, operator in _WORDS:
        masked = pattern.sub(operator, masked)
    if summed:
        masked = masked.replace(",", " + ")
    masked = re.sub(r"[+]\s*[+]", "+", masked)
    masked = re.sub(r"(?<=[a-z])-(?=[a-z])", _HYPHEN, masked)  # "year-end inventory" subtracts nothing
    tokens = _tokens(masked, held)
    if sum(token[0] in "~#" for token in tokens) > _OPERANDS_MAX or tokens.count("(") > _OPERANDS_MAX:
        raise NotAnExpression
    reader = _Reader(tokens)
    tree = reader.whole()
    if not reader.done() or not _refs(tree):
        raise NotAnExpression
    return tree


def _tokens(text: str, held: list[str]) -> list[str]:
    found = []
    at = 0
    text = text.strip()
    while at < len(text):
        m = _TOKEN.match(text, at)
        if m is None or m.end() == at:
            raise NotAnExpression
        at = m.end()
        if m["op"]:
            found.append(m["op"])
        elif m["num"] and (at >= len(text) or not text[at : at + 1].isalpha()):
            found.append("#" + str(Decimal(m["num"]) / 100 if m["pct"] else Decimal(m["num"])))
        else:
            words = " ".join((m["text"] or m["num"]).split())
            if words:
                words = words.replace(_HYPHEN, "-")
                found.append("~" + re.sub(r"q(\d+)q", lambda one: held[int(one[1])], words))
    return found


class _Reader:
    """Recursive descent: a comma closes what stands before it, so "a less b, over c" is (a - b) / c."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at = tokens, 0

    def done(self) -> bool:
        return self._at == len(self._tokens)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def whole(self) -> Expr:
        tree = self._sum()
        while self._peek() == ",":
            self._take()
            operator = self._peek()
            if operator not in {"+", "-", "*", "/", "/%"}:
                raise NotAnExpression
            self._take()
            tree = _join(operator, tree, self._sum() if operator in "+-" else self._product())
        return tree

    def _sum(self) -> Expr:
        tree = self._product()
        while self._peek() in {"+", "-"}:
            tree = _join(self._take(), tree, self._product())
        return tree

    def _product(self) -> Expr:
        tree = self._leaf()
        while self._peek() in {"*", "/", "/%"}:
            tree = _join(self._take(), tree, self._leaf())
        return tree

    def _leaf(self) -> Expr:
        piece = self._take()
        if piece == "(":
            tree = self.whole()
            if self._take() != ")":
                raise NotAnExpression
            return tree
        if piece.startswith("#"):
            return Number(Decimal(piece[1:]))
        if piece.startswith("~"):
            return leaf(piece[1:])
        raise NotAnExpression


def _join(operator: str, left: Expr, right: Expr) -> Expr:
    if operator == "/%":
        return Binary("*", Binary("/", left, right), Number(Decimal(100)))
    return Binary(operator, left, right)


def leaf(text: str) -> Expr:
    """One operand in words: "average total assets", "prior-year revenue", "year-end inventory"."""
    text = _ARTICLE.sub("", text.strip())
    m = _AVERAGE.match(text)
    if m is not None:
        return Average(Ref(_NOW.sub("", text[m.end() :])))
    m = _PRIOR.match(text)
    if m is not None:
        return Ref(text[m.end() :], -1)
    m = _MOVE.match(text)
    if m is not None and (stock := measure_of(m["x"])) is not None and stock.kind == STOCK:
        return Binary("-", Ref(m["x"]), Ref(m["x"], -1))
    bare = _NOW.sub("", text)
    if not bare or len(bare.split()) > 12:
        raise NotAnExpression
    return Ref(bare if measure_of(bare) else text)


def _refs(tree: Expr) -> bool:
    if isinstance(tree, Ref | Average):
        return True
    return isinstance(tree, Binary) and (_refs(tree.left) or _refs(tree.right))


def names_a_measure(text: str) -> bool:
    """True when ``text`` holds the wording of a known line."""
    return _PROTECTED.search(fold(text)) is not None


def has_operator(text: str) -> bool:
    """True when words in brackets state a calculation rather than belong to a name."""
    folded = _PROTECTED.sub(" q ", fold(text))
    return (
        re.search(
            r"\b(?:over|divided by|less|minus|plus|times|multiplied by|excluding|net of|as a percent(?:age)? of)\b|[/×÷*+]|\s-\s|\baverage\b",
            folded,
        )
        is not None
    )


def known(tree: Expr) -> bool:
    """True when every operand is a measure of the vocabulary."""
    if isinstance(tree, Ref):
        return measure_of(tree.phrase) is not None
    if isinstance(tree, Average):
        return measure_of(tree.of.phrase) is not None
    return isinstance(tree, Number) or (known(tree.left) and known(tree.right))
