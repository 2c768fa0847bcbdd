"""Sums, means, shares, largest lines and leaders over selected records, each with the records it stands on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from smalt.engine import render
from smalt.engine.answer import Answer, Citation, FigureOut
from smalt.engine.books import Book, entity_column
from smalt.kernel.figures import Unit

_CITED_ROWS_MAX = 200
_NUMBERS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twenty": 20,
}
_TOP = re.compile(
    r"\b(?:top|largest|biggest|highest)\s+(\d+|"
    + "|".join(_NUMBERS)
    + r")\b|\b(\d+|"
    + "|".join(_NUMBERS)
    + r")\s+(?:largest|biggest|top|highest)\b"
)


@dataclass(slots=True)
class Selection:
    """The records a question selects in one book, and in words why."""

    book: Book
    rows: list[int]
    reasons: list[str] = field(default_factory=list)
    filtered: bool = False


def _cite(book: Book, row: int, column: int) -> Citation:
    record = book.records[row]
    letters = book.grid.refs[column]
    return Citation(
        book.opened.document,
        book.opened.name,
        None,
        record.cells[column],
        book.grid.sheet,
        f"{letters}{record.row}" if letters else None,
        label=book.grid.heads[column],
        header=book.grid.heads[column],
        row=record.row,
    )


def figure_over(
    text: str, value: Decimal | str, unit: Unit, where: tuple[Book, Iterable[int], int], formula: str | None
) -> Answer:
    """An answer over records (book, rows, column): up to 200 are cited one by one, more as one range of the column."""
    book, rows, column = where
    listed = list(rows)
    if len(listed) <= _CITED_ROWS_MAX:
        citations = [_cite(book, row, column) for row in listed]
    else:
        letters, first, last = book.grid.refs[column], book.records[listed[0]].row, book.records[listed[-1]].row
        citations = [
            Citation(
                book.opened.document,
                book.opened.name,
                None,
                f"{len(listed):,} records",
                book.grid.sheet,
                f"{letters}{first}:{letters}{last}",
                label=book.grid.heads[column],
                header=book.grid.heads[column],
            )
        ]
    currency = _currency(book) if unit == Unit.MONEY else None
    shown = f"{value:f}" if isinstance(value, Decimal) else value
    return Answer(
        text, FigureOut(shown, unit.value, 0, "", currency), formula, citations=citations, traced=1, figures=1
    )


def _currency(book: Book) -> str | None:
    for column, head in enumerate(book.heads):
        if "currency" in head and len(book.values[column]) == 1:
            return next(iter(book.values[column]))
    return None


def total_of(book: Book, rows: Iterable[int], column: int) -> Decimal:
    return sum((value for row in rows if (value := book.amounts[column][row]) is not None), Decimal(0))


def in_words(book: Book, value: Decimal) -> str:
    symbol = {"USD": "$", "EUR": "€", "GBP": "£"}.get(_currency(book) or "", "")
    return f"{'−' if value < 0 else ''}{symbol}{abs(value):,.2f}"


def aggregated(folded: str, chosen: Selection, column: int) -> Answer:
    book, rows = chosen.book, [row for row in chosen.rows if chosen.book.amounts[column][row] is not None]
    about = f" for {', '.join(chosen.reasons)}" if chosen.reasons else ""
    head = book.grid.heads[column]
    if not rows:
        return render.refused(f"No amount stands in {head}{about}.", chosen.reasons, [])
    top = _TOP.search(folded)
    per_entity = re.search(
        r"\b(?:which|what) (?:customer|account|vendor|supplier|client)\b|\bcustomers?\b.*\b(?:highest|largest|top|biggest)\b|\b(?:highest|largest|top|biggest)\b.*\b(?:customers|accounts|vendors|suppliers|clients)\b",
        folded,
    )
    if (top is not None or re.search(r"\b(?:highest|largest|biggest)\b", folded)) and per_entity is not None:
        return _leaders(folded, chosen, rows, column, top)
    if re.search(r"\b(?:largest|biggest|highest|maximum|smallest|lowest|minimum)\b", folded):
        return _extreme(folded, chosen, rows, column, about)
    total = total_of(book, rows, column)
    if re.search(r"\baverage\b|\bmean\b", folded):
        mean = (total / len(rows)).quantize(Decimal("0.01"))
        return figure_over(
            f"The average {head.lower()}{about} is {in_words(book, mean)}: {in_words(book, total)} over {len(rows):,} lines.",
            mean,
            Unit.MONEY,
            (book, rows, column),
            f"{total:,} / {len(rows)}",
        )
    if chosen.filtered and re.search(r"\bpercent|\bshare of\b|\bproportion\b|%", folded):
        whole = total_of(book, range(len(book.records)), column)
        share = (total / whole * 100).quantize(Decimal("0.01"))
        return figure_over(
            f"{', '.join(chosen.reasons)}: {share}% of the total, {in_words(book, total)} of {in_words(book, whole)}.",
            share,
            Unit.PERCENT,
            (book, rows, column),
            f"{total:,} / {whole:,} × 100",
        )
    formula = (
        " + ".join(f"{book.amounts[column][row]:,}" for row in rows)
        if len(rows) <= 12
        else f"SUM of {len(rows):,} cells of {head}"
    )
    return figure_over(
        f"Total {head.lower()}{about}: {in_words(book, total)} over {len(rows):,} lines.",
        total,
        Unit.MONEY,
        (book, rows, column),
        formula,
    )


def _extreme(folded: str, chosen: Selection, rows: list[int], column: int, about: str) -> Answer:
    book = chosen.book
    low = re.search(r"\b(?:smallest|lowest|minimum)\b", folded) is not None
    row = (min if low else max)(rows, key=lambda at: book.amounts[column][at] or Decimal(0))
    value = book.amounts[column][row] or Decimal(0)
    day = next((days[row] for days in book.dates.values()), None)
    dated = f" on {day.isoformat()}" if day is not None else ""
    return figure_over(
        f"The {'smallest' if low else 'largest'} line{about} is {in_words(book, value)}{dated}, row {book.records[row].row}.",
        value,
        Unit.MONEY,
        (book, [row], column),
        None,
    )


def _leaders(folded: str, chosen: Selection, rows: list[int], column: int, top: re.Match[str] | None) -> Answer:
    book = chosen.book
    entity = entity_column(book, folded)
    if entity is None:
        return render.refused("The sheet has no column of accounts.", ["account"], [])
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[book.cell(row, entity)] += book.amounts[column][row] or Decimal(0)
    word = (top[1] or top[2]) if top is not None else "1"
    count = int(word) if word.isdigit() else _NUMBERS[word]
    leaders = sorted(totals, key=lambda name: (-totals[name], name))[:count]
    value = sum((totals[name] for name in leaders), Decimal(0))
    cited = [row for row in rows if book.cell(row, entity) in set(leaders)]
    formula = " + ".join(f"{totals[name]:,} ({name})" for name in leaders)
    if re.search(r"\bpercent|\bshare\b|%", folded):
        whole = total_of(book, rows, column)
        share = (value / whole * 100).quantize(Decimal("0.01"))
        return figure_over(
            f"The {count} largest make {share}% of the total: {in_words(book, value)} of {in_words(book, whole)}.",
            share,
            Unit.PERCENT,
            (book, cited, column),
            f"({formula}) / {whole:,} × 100",
        )
    name = leaders[0] if count == 1 else f"The {count} largest together"
    return figure_over(f"{name}: {in_words(book, value)}.", value, Unit.MONEY, (book, cited, column), formula)
