"""Overdue amounts and ageing buckets, on the assumption the question states: nothing paid, terms from the line's date."""

from __future__ import annotations

import re

from smalt.engine import render
from smalt.engine.aggregate import Selection, figure_over, in_words, total_of
from smalt.engine.answer import Answer
from smalt.engine.books import Book, amount_column, link
from smalt.kernel.figures import Unit
from smalt.search.periods import dates
from smalt.search.tokens import fold

_BUCKET = re.compile(
    r"\b(\d+)\s*(?:-|to)\s*(\d+)\s+days?\b|\b(?:over|more than|>)\s*(\d+)\s+days?\b|\b(\d+)\s*\+\s*days?\b"
)
NO_DELAY = re.compile(r"^(?:cod|cash|due on receipt|immediate|prepaid|cia)", re.IGNORECASE)


def _terms(ledger: Book, books: list[Book]) -> list[int | None] | None:
    """Days of the payment terms of each line, from the line itself or from the joined master file."""
    for book in [ledger, *(book for book in books if book is not ledger)]:
        column = next((at for at, head in enumerate(book.heads) if re.search(r"\bterms?\b", head)), None)
        if column is None:
            continue
        if book is ledger:
            return [_days(ledger.cell(row, column)) for row in range(len(ledger.records))]
        columns = link(ledger, book)
        if columns is None:
            continue
        by_key = {book.cell(row, columns[1]): _days(book.cell(row, column)) for row in range(len(book.records))}
        return [by_key.get(ledger.cell(row, columns[0])) for row in range(len(ledger.records))]
    return None


def _days(terms: str) -> int | None:
    if NO_DELAY.match(terms):
        return 0
    found = re.search(r"\d+", terms)
    return int(found[0]) if found else None


def aged(question: str, chosen: Selection, books: list[Book]) -> Answer:
    """Lines past due on a day, on the assumption the question states: nothing paid, terms in days from the line's date."""
    ledger = chosen.book
    column = amount_column(ledger, question)
    found = dates(fold(question))
    days = next(iter(ledger.dates.values()), None)
    terms = _terms(ledger, books)
    if column is None or not found or days is None or terms is None:
        return render.refused(
            "Ageing needs a date of reference, dated lines and payment terms.", ["payment terms", "date"], []
        )
    today = found[0][2]
    low, high = _bucket(fold(question))
    rows = []
    for row in chosen.rows:
        day, delay = days[row], terms[row]
        if day is None or delay is None or ledger.amounts[column][row] is None:
            continue
        late = (today - day).days - delay
        if low <= late and (high is None or late <= high):
            rows.append(row)
    total = total_of(ledger, rows, column)
    bucket = f"{low}–{high} days" if high is not None else ("overdue" if low == 1 else f"more than {low - 1} days")
    about = f" for {', '.join(chosen.reasons)}" if chosen.reasons else ""
    text = f"{bucket[0].upper()}{bucket[1:]} past due{about} as of {today.isoformat()}, if nothing was paid and terms run from the line date: {in_words(ledger, total)} over {len(rows):,} lines."
    formula = (
        " + ".join(f"{ledger.amounts[column][row]:,}" for row in rows)
        if len(rows) <= 12
        else f"SUM of {len(rows):,} cells of {ledger.grid.heads[column]}"
    )
    return figure_over(text.replace("Overdue past due", "Overdue"), total, Unit.MONEY, (ledger, rows, column), formula)


def _bucket(folded: str) -> tuple[int, int | None]:
    m = _BUCKET.search(folded)
    if m is None:
        return 1, None
    if m[1]:
        return int(m[1]), int(m[2])
    return int(m[3] or m[4]) + 1, None
