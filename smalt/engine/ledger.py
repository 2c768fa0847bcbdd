"""Questions over ledger-like sheets: sums, counts, largest lines, shares, joins with a master file, overdue and ageing.

Every figure is a sum or count over records that are cited by row; a name, code or month without records is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from smalt.engine import render
from smalt.engine.answer import Answer, Citation, FigureOut
from smalt.engine.asked import Mode, periods_in
from smalt.engine.books import Book, amount, amount_column, books_of, entity_column, link, shapes
from smalt.kernel.figures import Unit
from smalt.search.periods import dates
from smalt.search.segment import Opened
from smalt.search.tokens import content_terms, fold

_CITED_ROWS_MAX = 200
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = re.compile(r"\b(" + "|".join(_MONTHS) + r")\s+((?:19|20)\d\d)\b")
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twenty": 20}
_TOP = re.compile(r"\b(?:top|largest|biggest|highest)\s+(\d+|" + "|".join(_NUMBERS) + r")\b|\b(\d+|" + "|".join(_NUMBERS) + r")\s+(?:largest|biggest|top|highest)\b")
_BUCKET = re.compile(r"\b(\d+)\s*(?:-|to)\s*(\d+)\s+days?\b|\b(?:over|more than|>)\s*(\d+)\s+days?\b|\b(\d+)\s*\+\s*days?\b")
_CODE = re.compile(r"\b[A-Za-z]{2,}[-_]?\d{2,}\b|\b\d{4,}\b")
_NO_DELAY = re.compile(r"^(?:cod|cash|due on receipt|immediate|prepaid|cia)", re.IGNORECASE)


@dataclass(slots=True)
class Selection:
    """The records a question selects in one book, and in words why."""

    book: Book
    rows: list[int]
    reasons: list[str] = field(default_factory=list)
    filtered: bool = False


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
        return _aged(question, ledger, books, hits)
    if re.search(r"\bhow many\b|\bnumber of\b|\bcount\b", folded):
        return _counted(folded, ledger, books, hits)
    column = amount_column(ledger, question)
    if column is None or not _asks_amount(folded, hits):
        return None
    chosen = _select(question, ledger, books, hits)
    if isinstance(chosen, Answer):
        return chosen
    return _aggregated(folded, chosen, column)


def _asks_amount(folded: str, hits: list[tuple[Book, int, str]]) -> bool:
    words = re.search(r"\btotal\b|\bsum\b|\bhow much\b|\bamount\b|\blargest\b|\bhighest\b|\bsmallest\b|\baverage\b|\bmean\b|\bpercent|\bshare\b|\bposted\b|\bcombined\b|\binvoiced\b|\bdebit\b|\bcredit\b", folded)
    return words is not None and (bool(hits) or re.search(r"\bline|\bcustomer|\bjournal|\bledger|\bentr|\bdebit|\bcredit|\binvoice|\baccount|\btotal (?:amount|in)\b", folded) is not None)


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
                if len(value) < 2 or value not in question or len(rows) >= 0.95 * len(book.records) and f'"{value}"' not in question:
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


def _select(question: str, target: Book, books: list[Book], hits: list[tuple[Book, int, str]]) -> Selection | Answer:
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


def _cite(book: Book, row: int, column: int) -> Citation:
    record = book.records[row]
    letters = book.grid.refs[column]
    return Citation(book.opened.document, book.opened.name, None, record.cells[column], book.grid.sheet, f"{letters}{record.row}" if letters else None, label=book.grid.heads[column], header=book.grid.heads[column], row=record.row)


def _figure(text: str, value: Decimal | str, unit: Unit, book: Book, rows: Iterable[int], column: int, formula: str | None) -> Answer:
    """An answer over records: up to 200 are cited one by one, more as one range of the column."""
    listed = list(rows)
    if len(listed) <= _CITED_ROWS_MAX:
        citations = [_cite(book, row, column) for row in listed]
    else:
        letters, first, last = book.grid.refs[column], book.records[listed[0]].row, book.records[listed[-1]].row
        citations = [Citation(book.opened.document, book.opened.name, None, f"{len(listed):,} records", book.grid.sheet, f"{letters}{first}:{letters}{last}", label=book.grid.heads[column], header=book.grid.heads[column])]
    currency = _currency(book) if unit == Unit.MONEY else None
    shown = f"{value:f}" if isinstance(value, Decimal) else value
    return Answer(text, FigureOut(shown, unit.value, 0, "", currency), formula, citations=citations, traced=1, figures=1)


def _currency(book: Book) -> str | None:
    for column, head in enumerate(book.heads):
        if "currency" in head and len(book.values[column]) == 1:
            return next(iter(book.values[column]))
    return None


def _sum(book: Book, rows: Iterable[int], column: int) -> Decimal:
    return sum((value for row in rows if (value := book.amounts[column][row]) is not None), Decimal(0))


def _money(book: Book, value: Decimal) -> str:
    symbol = {"USD": "$", "EUR": "€", "GBP": "£"}.get(_currency(book) or "", "")
    return f"{'−' if value < 0 else ''}{symbol}{abs(value):,.2f}"


def _aggregated(folded: str, chosen: Selection, column: int) -> Answer:
    book, rows = chosen.book, [row for row in chosen.rows if chosen.book.amounts[column][row] is not None]
    about = f" for {', '.join(chosen.reasons)}" if chosen.reasons else ""
    head = book.grid.heads[column]
    if not rows:
        return render.refused(f"No amount stands in {head}{about}.", chosen.reasons, [])
    top = _TOP.search(folded)
    per_entity = re.search(r"\b(?:which|what) (?:customer|account|vendor|supplier|client)\b|\bcustomers?\b.*\b(?:highest|largest|top|biggest)\b|\b(?:highest|largest|top|biggest)\b.*\b(?:customers|accounts|vendors|suppliers|clients)\b", folded)
    if (top is not None or re.search(r"\b(?:highest|largest|biggest)\b", folded)) and per_entity is not None:
        return _leaders(folded, chosen, rows, column, top)
    if re.search(r"\b(?:largest|biggest|highest|maximum|smallest|lowest|minimum)\b", folded):
        return _extreme(folded, chosen, rows, column, about)
    total = _sum(book, rows, column)
    if re.search(r"\baverage\b|\bmean\b", folded):
        mean = (total / len(rows)).quantize(Decimal("0.01"))
        return _figure(f"The average {head.lower()}{about} is {_money(book, mean)}: {_money(book, total)} over {len(rows):,} lines.", mean, Unit.MONEY, book, rows, column, f"{total:,} / {len(rows)}")
    if chosen.filtered and re.search(r"\bpercent|\bshare of\b|\bproportion\b|%", folded):
        whole = _sum(book, range(len(book.records)), column)
        share = (total / whole * 100).quantize(Decimal("0.01"))
        return _figure(f"{', '.join(chosen.reasons)}: {share}% of the total, {_money(book, total)} of {_money(book, whole)}.", share, Unit.PERCENT, book, rows, column, f"{total:,} / {whole:,} × 100")
    formula = " + ".join(f"{book.amounts[column][row]:,}" for row in rows) if len(rows) <= 12 else f"SUM of {len(rows):,} cells of {head}"
    return _figure(f"Total {head.lower()}{about}: {_money(book, total)} over {len(rows):,} lines.", total, Unit.MONEY, book, rows, column, formula)


def _extreme(folded: str, chosen: Selection, rows: list[int], column: int, about: str) -> Answer:
    book = chosen.book
    low = re.search(r"\b(?:smallest|lowest|minimum)\b", folded) is not None
    row = (min if low else max)(rows, key=lambda at: book.amounts[column][at] or Decimal(0))
    value = book.amounts[column][row] or Decimal(0)
    day = next((days[row] for days in book.dates.values()), None)
    dated = f" on {day.isoformat()}" if day is not None else ""
    return _figure(f"The {'smallest' if low else 'largest'} line{about} is {_money(book, value)}{dated}, row {book.records[row].row}.", value, Unit.MONEY, book, [row], column, None)


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
        whole = _sum(book, rows, column)
        share = (value / whole * 100).quantize(Decimal("0.01"))
        return _figure(f"The {count} largest make {share}% of the total: {_money(book, value)} of {_money(book, whole)}.", share, Unit.PERCENT, book, cited, column, f"({formula}) / {whole:,} × 100")
    name = leaders[0] if count == 1 else f"The {count} largest together"
    return _figure(f"{name}: {_money(book, value)}.", value, Unit.MONEY, book, cited, column, formula)


def _counted(folded: str, ledger: Book, books: list[Book], hits: list[tuple[Book, int, str]]) -> Answer:
    lines = re.search(r"\b(?:lines?|entries|rows|transactions?|postings|invoices|records)\b", folded) is not None
    homes = {id(book) for book, _, _ in hits}
    target = ledger
    if not lines:
        target = next((book for book in books if id(book) in homes), next((book for book in books if book is not ledger and re.search(r"\bmaster\b", folded)), ledger))
    chosen = _select(folded if not hits else folded, target, books, hits)
    if isinstance(chosen, Answer):
        return chosen
    about = f" for {', '.join(chosen.reasons)}" if chosen.reasons else ""
    entity = entity_column(target, folded)
    if not lines and entity is not None:
        distinct = {target.cell(row, entity) for row in chosen.rows}
        return _figure(f"{len(distinct):,} different values of {target.grid.heads[entity]}{about}.", Decimal(len(distinct)), Unit.COUNT, target, chosen.rows, entity, f"distinct count of {target.grid.heads[entity]}")
    column = entity if entity is not None else 0
    return _figure(f"{len(chosen.rows):,} records{about}.", Decimal(len(chosen.rows)), Unit.COUNT, target, chosen.rows, column, f"count of {len(chosen.rows):,} records")


def _attribute(folded: str, books: list[Book], hits: list[tuple[Book, int, str]]) -> Answer | None:
    """ "What are the payment terms of X": the cell of the one record named, under the head the question names."""
    if not re.match(r"(?:what|which|who|where)\b", folded) or re.search(r"\btotal\b|\bhow much\b|\bamount\b|\blargest\b|\bpercent", folded):
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
        scored = [(len(terms & asked) / len(terms), column) for column, head in enumerate(book.heads) if column not in used and (terms := set(content_terms(head)) - {"id", "code"}) and terms & asked]
        if scored and max(scored)[0] >= 0.5:
            column = max(scored, key=lambda item: (item[0], -item[1]))[1]
            row = next(iter(rows))
            value = book.cell(row, column)
            if value:
                return _figure(f"{book.grid.heads[column]}: {value} (row {book.records[row].row}).", value, Unit.TEXT, book, [row], column, None)
    return None


def _control(ledger: Book, question: str) -> Answer | None:
    """The difference between the summed lines and the total printed above them."""
    column = amount_column(ledger, question)
    if column is None:
        return None
    for record in ledger.grid.preface:
        numbers = [(at, value) for at, text in enumerate(record.cells) if (value := amount(text)) is not None]
        if numbers and re.search(r"\btotals?\b|\bcontrol\b", fold(" ".join(record.cells))):
            total = _sum(ledger, range(len(ledger.records)), column)
            control = numbers[0][1]
            difference = total - control
            verdict = "tie" if difference == 0 else "do not tie"
            text = f"The lines {verdict} to the control total: {_money(ledger, total)} − {_money(ledger, control)} = {_money(ledger, difference)}."
            found = _figure(text, difference.quantize(Decimal("0.01")), Unit.MONEY, ledger, range(len(ledger.records)), column, f"{total:,} − {control:,}")
            found.citations.append(Citation(ledger.opened.document, ledger.opened.name, None, record.cells[numbers[0][0]], ledger.grid.sheet, None, label=" ".join(text for text in record.cells if text and amount(text) is None), row=record.row))
            return found
    return render.refused("The sheet prints no control total above its lines.", ["control total"], [])


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
    if _NO_DELAY.match(terms):
        return 0
    found = re.search(r"\d+", terms)
    return int(found[0]) if found else None


def _aged(question: str, ledger: Book, books: list[Book], hits: list[tuple[Book, int, str]]) -> Answer | None:
    """Lines past due on a day, on the assumption the question states: nothing paid, terms in days from the line's date."""
    column = amount_column(ledger, question)
    found = dates(fold(question))
    days = next(iter(ledger.dates.values()), None)
    terms = _terms(ledger, books)
    if column is None or not found or days is None or terms is None:
        return render.refused("Ageing needs a date of reference, dated lines and payment terms.", ["payment terms", "date"], [])
    today = found[0][2]
    named = [hit for hit in hits if not _NO_DELAY.match(hit[2])]
    chosen = _select(re.sub(r"\bas of\b.*", "", question), ledger, books, named) if named else Selection(ledger, list(range(len(ledger.records))))
    if isinstance(chosen, Answer):
        return chosen
    low, high = _bucket(fold(question))
    rows = []
    for row in chosen.rows:
        day, delay = days[row], terms[row]
        if day is None or delay is None or ledger.amounts[column][row] is None:
            continue
        late = (today - day).days - delay
        if low <= late and (high is None or late <= high):
            rows.append(row)
    total = _sum(ledger, rows, column)
    bucket = f"{low}–{high} days" if high is not None else ("overdue" if low == 1 else f"more than {low - 1} days")
    about = f" for {', '.join(chosen.reasons)}" if chosen.reasons else ""
    text = f"{bucket[0].upper()}{bucket[1:]} past due{about} as of {today.isoformat()}, if nothing was paid and terms run from the line date: {_money(ledger, total)} over {len(rows):,} lines."
    formula = " + ".join(f"{ledger.amounts[column][row]:,}" for row in rows) if len(rows) <= 12 else f"SUM of {len(rows):,} cells of {ledger.grid.heads[column]}"
    return _figure(text.replace("Overdue past due", "Overdue"), total, Unit.MONEY, ledger, rows, column, formula)


def _bucket(folded: str) -> tuple[int, int | None]:
    m = _BUCKET.search(folded)
    if m is None:
        return 1, None
    if m[1]:
        return int(m[1]), int(m[2])
    return int(m[3] or m[4]) + 1, None
