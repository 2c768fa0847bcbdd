"""Typed views over ledger-like sheets: amounts, dates, keys and categories, found from heads and contents."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from weakref import WeakKeyDictionary

from smalt.kernel.figures import printed_number
from smalt.search.model import Grid, Record
from smalt.search.segment import Opened
from smalt.search.tokens import content_terms

_DATE = re.compile(r"^(\d{1,4})[/.\-](\d{1,2})[/.\-](\d{1,4})(?:[ T].*)?$")
_MONEY_HEAD = re.compile(r"\b(?:debit|credit|amount|total|balance|value|price|net|gross|invoiced?|paid|cost|sum)\b")
_CODE_HEAD = re.compile(r"\b(?:id|account|code|number|no|zip|phone|line|batch|ref|reference|region|group)\b")


@dataclass(slots=True)
class Book:
    """One sheet: ``heads`` in words, ``values`` by column (folded text → record numbers), typed columns by index."""

    opened: Opened
    grid: Grid
    heads: list[str] = field(default_factory=list)
    values: list[dict[str, list[int]]] = field(default_factory=list)
    amounts: dict[int, list[Decimal | None]] = field(default_factory=dict)
    dates: dict[int, list[date | None]] = field(default_factory=dict)
    key: int | None = None

    @property
    def records(self) -> list[Record]:
        return self.grid.records

    def cell(self, row: int, column: int) -> str:
        return self.records[row].cells[column]


_BOOKS: WeakKeyDictionary[Opened, list[Book]] = WeakKeyDictionary()


def books_of(opened: Opened) -> list[Book]:
    """The books of a document, read once and kept as long as the document stays opened."""
    held = _BOOKS.get(opened)
    if held is None:
        held = _BOOKS[opened] = [_book(opened, grid) for grid in opened.segment.grids]
    return held


def words(head: str) -> str:
    """``PaymentTermsId`` as "payment terms id"."""
    return " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", head).lower().split())


def amount(text: str) -> Decimal | None:
    """The exact decimal of a cell, or None."""
    found = printed_number(text)
    if found is None or text.strip() in {"-", "–", "—"}:
        try:
            return Decimal(text.strip())
        except InvalidOperation:
            return None
    return found


def day_of(text: str, *, day_first: bool = False) -> date | None:
    """A date as sheets print it: 2025-10-25, 10/25/2025, 25.10.2025."""
    m = _DATE.match(text.strip())
    if m is None:
        return None
    a, b, c = int(m[1]), int(m[2]), int(m[3])
    try:
        if len(m[1]) == 4:
            return date(a, b, c)
        year = c if c > 99 else 2000 + c
        return date(year, b, a) if day_first or a > 12 else date(year, a, b)
    except ValueError:
        return None


def _book(opened: Opened, grid: Grid) -> Book:
    book = Book(opened, grid, [words(head) for head in grid.heads])
    for column, head in enumerate(book.heads):
        texts = [record.cells[column] for record in grid.records]
        held: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            if text:
                held.setdefault(text.strip(), []).append(row)
        book.values.append(held)
        filled = sum(map(len, held.values()))
        if not filled:
            continue
        dated = [_DATE.match(text) for text in texts if text]
        if sum(m is not None for m in dated) >= 0.9 * filled:
            day_first = any(m is not None and len(m[1]) < 4 and int(m[1]) > 12 for m in dated)
            book.dates[column] = [day_of(text, day_first=day_first) if text else None for text in texts]
            continue
        numbers = [amount(text) if text else None for text in texts]
        counted = sum(number is not None for number in numbers)
        money = _MONEY_HEAD.search(head) is not None and _CODE_HEAD.search(head) is None
        fractions = any(
            "." in text and number is not None and number != number.to_integral_value()
            for text, number in zip(texts, numbers, strict=True)
        )
        if counted >= 0.9 * filled and (money or (fractions and _CODE_HEAD.search(head) is None)):
            book.amounts[column] = numbers
    return book


def link(first: Book, second: Book) -> tuple[int, int] | None:
    """The columns by which two books join: the pair sharing most distinct values, at least half of the smaller."""
    best: tuple[int, int, int] | None = None
    for a, left in enumerate(first.values):
        for b, right in enumerate(second.values):
            if (
                min(len(left), len(right)) < 10
                or a in first.amounts
                or b in second.amounts
                or a in first.dates
                or b in second.dates
            ):
                continue
            shared = len(left.keys() & right.keys())
            if shared * 2 >= min(len(left), len(right)) and (best is None or shared > best[0]):
                best = (shared, a, b)
    return (best[1], best[2]) if best is not None else None


def amount_column(book: Book, question: str) -> int | None:
    """The column a question sums: one whose head it names, else debit, else the first amount."""
    if not book.amounts:
        return None
    asked = set(content_terms(question))
    named = [column for column in book.amounts if set(content_terms(book.heads[column])) & asked - {"total"}]
    if named:
        return named[0]
    for word in ("debit", "amount", "total"):
        for column in book.amounts:
            if word in book.heads[column].split():
                return column
    return next(iter(book.amounts))


def entity_column(book: Book, question: str) -> int | None:
    """The column of accounts: many values that look like codes ("CUST-0001"), or one whose head the question names."""
    best: tuple[int, int] | None = None
    for column, held in enumerate(book.values):
        if column in book.amounts or column in book.dates or len(held) < 10:
            continue
        coded = sum(1 for value in list(held)[:200] if re.fullmatch(r"[A-Za-z]{2,}[-_ ]?\d{2,}", value))
        if coded >= 0.8 * min(200, len(held)):
            score = coded + len(set(content_terms(book.heads[column])) & set(content_terms(question))) * 1000
            if best is None or score > best[0]:
                best = (score, column)
    return best[1] if best is not None else None


def shapes(book: Book, column: int) -> Counter[str]:
    """The code shapes of a column: "CUST-0001" is "CUST-9999"."""
    return Counter(re.sub(r"\d", "9", value) for value in book.values[column])
