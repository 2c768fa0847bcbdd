"""Questions over ledger-like sheets: sums, counts, largest lines, shares, joins with a master file, overdue and ageing.

Every figure is a sum or count over records that are cited by row; a name, code or month without records is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from smalt.engine import render
from smalt.engine.ageing import NO_DELAY, aged
from smalt.engine.aggregate import Selection, aggregated, figure_over, in_words, total_of
from smalt.engine.answer import Answer, Citation
from smalt.engine.asked import Mode, periods_in
from smalt.engine.books import Book, amount, amount_column, books_of, entity_column, link, shapes
from smalt.kernel.figures import Unit
from smalt.search.periods import dates
from smalt.search.segment import Opened
from smalt.search.tokens import content_terms, fold

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = re.compile(r"\b(" + "|".join(_MONTHS) + r")\s+((?:19|20)\d\d)\b")
_CODE = re.compile(r"\b[A-Za-z]{2,}[-_]?\d{2,}\b|\b\d{4,}\b")


def answer(question: str, sheets: Sequence[Opened]) -> Answer | None:
    """The answer over ``sheets``; None when the question names nothing that the sheets hold."""
    books = [book for opened in sheets for book in books_of(opened)]
    if not books:
        return None
    ledger = max(books, key=lambda book: (bool(book.amounts) and bool(book.dates), len(book.records)))
    unknown = _unknown_code(question, books)
    if unknown is not None:
        return render.refused(f"No record holds {unknown}.", [unknown], [])
    hits = _hits(question, books)
    folded = fold(question)
    if re.search(r"\btie\b|\bcontrol total\b|\breconcile", folded):
        return _control(ledger, question)
    attribute = _attribute(folded, books, hits)
    if attribute is not None:
        return attribute
    if re.search(r"\boverdue\b|\bpast due\b|\bage?ing\b", folded):
        named = [hit for hit in hits if not NO_DELAY.match(hit[2])]
        chosen = (
            _select(re.sub(r"\bas of\b.*", "", question), ledger, named)
            if named
            else Selection(ledger, list(range(len(ledger.records))))
        )
        return chosen if isinstance(chosen, Answer) else aged(question, chosen, books)
    if re.search(r"\bhow many\b|\bnumber of\b|\bcount\b", folded):
        return _counted(folded, ledger, books, hits)
    column = amount_column(ledger, question)
    if column is None or not _asks_amount(folded, hits):
        return None
    chosen = _select(question, ledger, hits)
    if isinstance(chosen, Answer):
        return chosen
    return aggregated(folded, chosen, column)


def _asks_amount(folded: str, hits: list[tuple[Book, int, str]]) -> bool:
    words = re.search(
        r"\btotal\b|\bsum\b|\bhow much\b|\bamount\b|\blargest\b|\bhighest\b|\bsmallest\b|\baverage\b|\bmean\b|\bpercent|\bshare\b|\bposted\b|\bcombined\b|\binvoiced\b|\bdebit\b|\bcredit\b",
        folded,
    )
    return words is not None and (
        bool(hits)
        or re.search(
            r"\bline|\bcustomer|\bjournal|\bledger|\bentr|\bdebit|\bcredit|\binvoice|\baccount|\btotal (?:amount|in)\b",
            folded,
        )
        is not None
    )


def _unknown_code(question: str, books: list[Book]) -> str | None:
    """A code of the shape of a key column that no record holds."""
    known = {value for book in books for held in book.values for value in held}
    for m in _CODE.finditer(question):
        shape = re.sub(r"\d", "9", m[0])
        if m[0] in known or re.fullmatch(r"(?:19|20)\d\d", m[0]):
            continue
        for book in books:
            column = entity_column(book, question)
            if column is not None and shape in shapes(book, column):
                return m[0]
        if m[0].isdigit() and len(m[0]) >= 5 and re.search(rf"\baccount\s+{m[0]}\b", question):
            return m[0]
    return None


def _hits(question: str, books: list[Book]) -> list[tuple[Book, int, str]]:
    """(book, column, value) for every value of the sheets that the question prints, the longest first, none inside another."""
    found: list[tuple[int, int, Book, int, str]] = []
    for book in books:
        for column, held in enumerate(book.values):
            if column in book.amounts or column in book.dates:
                continue
            for value, rows in held.items():
                if (
                    len(value) < 2
                    or value not in question
                    or (len(rows) >= 0.95 * len(book.records) and f'"{value}"' not in question)
                ):
                    continue
                if re.fullmatch(r"\d{1,4}", value):
                    continue
                m = re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", question)
                if m is not None:
                    found.append((m.start(), m.end(), book, column, value))
    found.sort(key=lambda item: item[0] - item[1])
    taken: list[tuple[int, int]] = []
    hits = []
    for start, end, book, column, value in found:
        if any(a < end and start < b and (a, b) != (start, end) for a, b in taken):
            continue
        taken.append((start, end))
        hits.append((book, column, value))
    return hits


def _select(question: str, target: Book, hits: list[tuple[Book, int, str]]) -> Selection | Answer:
    """The rows of ``target`` that all named values and months select; other books join by their common key."""
    rows = set(range(len(target.records)))
    reasons: list[str] = []
    direct: dict[str, set[int]] = defaultdict(set)
    for book, column, value in hits:
        if book is target:
            direct[value] |= set(book.values[column][value])
    joined: dict[str, set[int]] = {}
    for book, column, value in hits:
        if book is target or value in direct:
            continue
        columns = link(target, book)
        if columns is None:
            continue
        keys = {book.cell(row, columns[1]) for row in book.values[column][value]}
        joined.setdefault(value, set())
        joined[value] |= {row for key in keys for row in target.values[columns[0]].get(key, ())}
    for value, chosen in {**direct, **joined}.items():
        rows &= chosen
        reasons.append(value)
    span = _span(question)
    if span is not None:
        column_dates = next(iter(target.dates.values()), None)
        if column_dates is None:
            return render.refused("The sheet has no dates.", [span[2]], [])
        rows = {row for row in rows if (day := column_dates[row]) is not None and span[0] <= day <= span[1]}
        reasons.append(span[2])
    if not rows:
        return render.refused(f"No record fits {' and '.join(reasons)}.", reasons, [])
    return Selection(target, sorted(rows), reasons, bool(reasons))


def _span(question: str) -> tuple[date, date, str] | None:
    folded = fold(question)
    m = _MONTH.search(folded)
    if m is not None and not dates(folded):
        month, year = _MONTHS.index(m[1]) + 1, int(m[2])
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return date(year, month, 1), last, f"{m[1].title()} {year}"
    periods, _ = periods_in(question)
    for asked in periods:
        if asked.mode is Mode.YEAR and asked.year is not None:
            return date(asked.year, 1, 1), date(asked.year, 12, 31), str(asked.year)
        if asked.mode is Mode.INSTANT and asked.end is not None and re.search(r"\bon\b", folded):
            return asked.end, asked.end, asked.end.isoformat()
    return None


def _counted(folded: str, ledger: Book, books: list[Book], hits: list[tuple[Book, int, str]]) -> Answer:
    lines = re.search(r"\b(?:lines?|entries|rows|transactions?|postings|invoices|records)\b", folded) is not None
    homes = {id(book) for book, _, _ in hits}
    target = ledger
    if not lines:
        target = next(
            (book for book in books if id(book) in homes),
            next((book for book in books if book is not ledger and re.search(r"\bmaster\b", folded)), ledger),
        )
    chosen = _select(folded, target, hits)
    if isinstance(chosen, Answer):
        return chosen
    about = f" for {', '.join(chosen.reasons)}" if chosen.reasons else ""
    entity = entity_column(target, folded)
    if not lines and entity is not None:
        distinct = {target.cell(row, entity) for row in chosen.rows}
        return figure_over(
            f"{len(distinct):,} different values of {target.grid.heads[entity]}{about}.",
            Decimal(len(distinct)),
            Unit.COUNT,
            (target, chosen.rows, entity),
            f"distinct count of {target.grid.heads[entity]}",
        )
    column = entity if entity is not None else 0
    return figure_over(
        f"{len(chosen.rows):,} records{about}.",
        Decimal(len(chosen.rows)),
        Unit.COUNT,
        (target, chosen.rows, column),
        f"count of {len(chosen.rows):,} records",
    )


def _attribute(folded: str, books: list[Book], hits: list[tuple[Book, int, str]]) -> Answer | None:
    """Answers "What are the payment terms of X": the cell of the one record named, under the head the question names."""
    if not re.match(r"(?:what|which|who|where)\b", folded) or re.search(
        r"\btotal\b|\bhow much\b|\bamount\b|\blargest\b|\bpercent", folded
    ):
        return None
    for book in books:
        rows: set[int] | None = None
        used = set()
        for other, column, value in hits:
            if other is book:
                found = set(book.values[column][value])
                rows = found if rows is None else rows & found
                used.add(column)
        if rows is None or len(rows) != 1:
            continue
        asked = set(content_terms(folded))
        scored = [
            (len(terms & asked) / len(terms), column)
            for column, head in enumerate(book.heads)
            if column not in used and (terms := set(content_terms(head)) - {"id", "code"}) and terms & asked
        ]
        if scored and max(scored)[0] >= 0.5:
            column = max(scored, key=lambda item: (item[0], -item[1]))[1]
            row = next(iter(rows))
            value = book.cell(row, column)
            if value:
                return figure_over(
                    f"{book.grid.heads[column]}: {value} (row {book.records[row].row}).",
                    value,
                    Unit.TEXT,
                    (book, [row], column),
                    None,
                )
    return None


def _control(ledger: Book, question: str) -> Answer | None:
    """The difference between the summed lines and the total printed above them."""
    column = amount_column(ledger, question)
    if column is None:
        return None
    for record in ledger.grid.preface:
        numbers = [(at, value) for at, text in enumerate(record.cells) if (value := amount(text)) is not None]
        if numbers and re.search(r"\btotals?\b|\bcontrol\b", fold(" ".join(record.cells))):
            total = total_of(ledger, range(len(ledger.records)), column)
            control = numbers[0][1]
            difference = total - control
            verdict = "tie" if difference == 0 else "do not tie"
            text = f"The lines {verdict} to the control total: {in_words(ledger, total)} − {in_words(ledger, control)} = {in_words(ledger, difference)}."
            found = figure_over(
                text,
                difference.quantize(Decimal("0.01")),
                Unit.MONEY,
                (ledger, range(len(ledger.records)), column),
                f"{total:,} − {control:,}",
            )
            found.citations.append(
                Citation(
                    ledger.opened.document,
                    ledger.opened.name,
                    None,
                    record.cells[numbers[0][0]],
                    ledger.grid.sheet,
                    None,
                    label=" ".join(text for text in record.cells if text and amount(text) is None),
                    row=record.row,
                )
            )
            return found
    return render.refused("The sheet prints no control total above its lines.", ["control total"], [])
