"""Facts: every printed figure of a document's tables with label, section path, period, unit, scale and place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from smalt.kernel.figures import Unit, printed_number
from smalt.library.parsed import Cell, Page, Parsed, Row, Table
from smalt.search import headers, sections, statements, units
from smalt.search.model import BALANCE, CASHFLOW, COMPREHENSIVE, EQUITY, INCOME, Column, Fact, Profile, TableNote
from smalt.search.periods import Span, back, dates
from smalt.search.profile import label_year, profile_of
from smalt.search.tokens import fold, without_mark

_CORE = frozenset({INCOME, BALANCE, CASHFLOW})
_SET_PAGES = 14
_OPENING = re.compile(
    r"\b(?:beginning|opening|start) (?:of|balances?)|\bbeginning balance|\b(?:balances?,?|at|-|cash[\w\s]*,) (?:at )?beginning\b|\bbeginning of (?:the )?(?:year|period|quarter)"
)
_CLOSING = re.compile(
    r"\b(?:end|ending|close|closing) (?:of|balances?)|\bending balance|\b(?:balances?,?|at|-|cash[\w\s]*,) (?:at )?end\b|\bend of (?:the )?(?:year|period|quarter)"
)
_BALANCE_LABEL = re.compile(r"^(?:balances?|shares? outstanding|outstanding)\b|\bbalances?\b.{0,12}$")
_TOTAL = re.compile(r"^total\b")


def extract(parsed: Parsed, profile: Profile | None = None) -> tuple[list[Fact], list[TableNote]]:
    """All facts of ``parsed``, in reading order, and a note per table (``Fact.table`` indexes it)."""
    profile = profile or profile_of(parsed)
    facts: list[Fact] = []
    notes: list[TableNote] = []
    for page in parsed.pages:
        for table in page.tables:
            above = table.box.y0 if table.box is not None else page.height
            top = (
                [line.text for line in page.lines[:9] if line.box is None or line.box.y0 <= above]
                if page.sheet is None
                else []
            )
            note = statements.note_of(page, table, top)
            notes.append(note)
            facts.extend(_table_facts(page, table, note, len(notes) - 1, profile))
    _keep_one_set(facts, notes)
    return facts, notes


def _keep_one_set(facts: list[Fact], notes: list[TableNote]) -> None:
    """Only one set of statements is primary: the run of pages that holds most kinds with most figures (the first of equals).

    Guarantor groups, subsidiaries and held-for-sale groups print statements of their own elsewhere.
    """
    # Columns like "as reported", "impact", "restated" belong to a reconciliation of statements, not to the statements.
    sizes = Counter(fact.table for fact in facts if not fact.qualifier or notes[fact.table].statement == EQUITY)
    primary = [(notes[at].page, notes[at].statement, size) for at, size in sizes.items() if notes[at].primary]
    if not primary:
        return

    def weight(start: int) -> tuple[int, int]:
        inside = [(kind, size) for page, kind, size in primary if start <= page <= start + _SET_PAGES]
        best: dict[str, int] = {}
        for kind, size in inside:
            best[kind] = max(best.get(kind, 0), size)
        return len({kind for kind in best if kind in _CORE}), sum(best.values())

    start = max(sorted({page for page, _, _ in primary}), key=lambda page: (*weight(page), page))
    chief: dict[str, int] = {}
    for at in sorted(sizes, key=lambda one: -sizes[one]):
        if notes[at].primary and start <= notes[at].page <= start + _SET_PAGES:
            chief.setdefault(notes[at].statement, notes[at].page)
    for note in notes:
        note.primary = note.primary and note.statement in chief and abs(note.page - chief[note.statement]) <= 1


def _scales(table: Table, page: Page, profile: Profile, columns: dict[int, Column]) -> units.Scale:
    heads = (
        [row.label for row in table.header]
        + [cell.text for row in table.header for cell in row.cells]
        + [c.header for c in columns.values()]
    )
    stub = [row.label for row in table.rows[:2] if not row.cells]
    for group in ([*heads, " ".join(heads)], stub, list(reversed(table.above[-5:])), [" ".join(table.above[-2:])]):
        for text in group:
            scale = units.caption_scale(text)
            if scale.money is not None or scale.shares is not None:
                return scale
    for line in page.lines[:8]:
        scale = units.caption_scale(line.text)
        if scale.money is not None and len(line.text) < 160:
            return scale
    return units.Scale(profile.scale, profile.scale) if page.sheet is None else units.Scale()


def _whole_span(span: Span, note: TableNote, profile: Profile) -> Span:
    """A column's span with end, length and fiscal year filled in from the statement and the fiscal calendar."""
    end, months, year, quarter = span.end, span.months, span.year, span.quarter
    if note.statement == BALANCE:
        months = 0
    elif (
        note.statement in {INCOME, CASHFLOW, COMPREHENSIVE}
        and months in (None, 0)
        and (end is not None or year is not None)
    ):
        months = (
            profile.months if profile.months and profile.months != 12 and quarter is None else (3 if quarter else 12)
        )
    if end is None and year is not None and quarter is None:
        end = profile.fiscal_ends.get(year)
        if months is not None and months not in (0, 12):
            end = None
    if end is None and year is not None and quarter is not None and year in profile.fiscal_ends:
        end = _quarter_end(profile.fiscal_ends[year], quarter)
    if end is not None and year is None and months in (0, 12, None):
        year = label_year(profile, end, 9)
        end = profile.fiscal_ends.get(year, end) if year is not None else end
    return Span(end, months, year, quarter)


def _quarter_end(year_end: date, quarter: int) -> date:
    return year_end if quarter == 4 else back(year_end, 3 * (4 - quarter)) - timedelta(days=1)


def _row_span(label: str, span: Span, profile: Profile) -> Span:
    """The span of a row that is itself a balance: "Balance at May 31, 2023", "…, beginning of period"."""
    folded = fold(label)
    found = dates(folded)
    if len({day for _, _, day in found}) == 1 and (
        _BALANCE_LABEL.search(folded) or re.search(r"\b(?:as of|at)\b", folded)
    ):
        return Span(found[-1][2], 0, label_year(profile, found[-1][2]))
    if span.end is None or (span.months == 0 and not _OPENING.search(folded)):
        return span
    months = span.months or 12
    if _OPENING.search(folded) and not re.search(r"\bnet\b.{0,12}\b(?:increase|decrease|change)", folded):
        start = back(span.end, months) - timedelta(days=1)
        if span.year is not None and months == 12:
            start = profile.fiscal_ends.get(span.year - 1, start)
        year = label_year(profile, start)
        return Span(profile.fiscal_ends.get(year, start) if year is not None else start, 0, year)
    if _CLOSING.search(folded):
        return Span(span.end, 0, label_year(profile, span.end))
    return span


def _table_facts(page: Page, table: Table, note: TableNote, index: int, profile: Profile) -> list[Fact]:
    columns, leads = headers.columns(table, table.above)
    grid = _Figures(
        page, note, index, profile, columns, _scales(table, page, profile, columns),
        {at: _whole_span(column.span, note, profile) for at, column in columns.items()}, _percent_columns(table),
    )  # fmt: skip
    found: list[Fact] = []
    for number, label, path, row in _labelled(table, {id(row) for row in leads}, note):
        found += grid.of_row(number, label, path, row)
    return found


def _labelled(table: Table, leads: set[int], note: TableNote) -> Iterator[tuple[int, str, tuple[str, ...], Row]]:
    """The rows that hold figures with their label and section path; unlabelled totals get a name where it is sure."""
    stack: list[tuple[float, str]] = []
    head_before = False
    running: list[Row] = []
    grand = _grand_totals(table) if note.statement == BALANCE else {}
    for number, row in enumerate(table.rows):
        if id(row) in leads:
            continue
        label = without_mark(row.label)
        if not row.cells:
            sections.push(stack, row, head_before)
            running = []
            head_before = True
            continue
        head_before = False
        if _heads_again(row):
            continue
        path = sections.path(stack, row)
        if not label and number in grand:
            label = grand[number]
        elif not label and path and sections.sums(row, running):
            label = f"Total {path[-1].rstrip(':').lower()}"
        running.append(row)
        if _TOTAL.match(fold(label)):
            sections.close(stack, row)
        if label:
            yield number, label, path, row


def _grand_totals(table: Table) -> dict[int, str]:
    """The two rows of a balance sheet that are equal by its nature, where they are printed without a label."""
    plain: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(table.rows):
        figures = tuple(re.sub(r"[^\d.]", "", cell.text) for cell in row.cells)
        if not row.label.strip() and len(figures) > 1 and all(figures):
            plain.setdefault(figures, []).append(number)
    twice = [numbers for numbers in plain.values() if len(numbers) == 2]
    if len(twice) != 1:
        return {}
    return {twice[0][0]: "Total assets", twice[0][1]: "Total liabilities and equity"}


@dataclass(slots=True)
class _Figures:
    """What the cells of one table have in common; ``of_row`` makes facts of a row."""

    page: Page
    note: TableNote
    index: int
    profile: Profile
    columns: dict[int, Column]
    scales: units.Scale
    spans: dict[int, Span]
    percents: set[int]

    def of_row(self, number: int, label: str, path: tuple[str, ...], row: Row) -> list[Fact]:
        """A fact for every cell of the row that is a figure under a known column."""
        found = []
        for cell in row.cells:
            column = self.columns.get(cell.column)
            value = printed_number(cell.text.replace(" ", "").rstrip("*†"))
            if column is None or value is None:
                continue
            unit = _unit_in(label, path, cell, column, self.note, marked=cell.column in self.percents)
            scale = _scale_for(unit, self.scales, column, cell.text)
            span = _row_span(label, self.spans[cell.column], self.profile)
            currency = self.profile.currency if unit in (Unit.MONEY, Unit.PER_SHARE) else None
            found.append(
                Fact(
                    label, path, cell.text, value * (Decimal(10) ** scale), unit, scale, currency, span,
                    column.header, column.qualifier, column.change, self.page.number, self.index, number, cell.column,
                    cell.box, cell.ref, self.page.sheet,
                )
            )  # fmt: skip
        return found


def _unit_in(label: str, path: tuple[str, ...], cell: Cell, column: Column, note: TableNote, *, marked: bool) -> Unit:
    """The unit of one cell; a balance sheet prints amounts even beside labels that count shares."""
    unit = units.unit_of(
        label, path, cell.text, column.qualifier, percent_column=column.percent or marked, share_column=column.shares
    )
    return Unit.MONEY if unit == Unit.SHARES and note.statement == BALANCE else unit


def _percent_columns(table: Table) -> set[int]:
    """Columns whose unmarked cells are printed like their marked ones ("21.0 %", then "1.1"): all are percentages."""
    marked: dict[int, set[int]] = {}
    plain: dict[int, set[int]] = {}
    barred = set()
    for row in table.rows:
        for cell in row.cells:
            if re.search(r"[$€£¥,]|\d{4}", cell.text):
                barred.add(cell.column)
            elif printed_number(cell.text.replace(" ", "")) is not None and re.search(r"\d", cell.text):
                places = len(re.sub(r"\D", "", cell.text.partition(".")[2]))
                (marked if "%" in cell.text else plain).setdefault(cell.column, set()).add(places)
    return {
        at for at, places in marked.items() if at not in barred and min(places) > 0 and plain.get(at, places) <= places
    }


def _heads_again(row: Row) -> bool:
    """A row of years in the middle of a table repeats its head."""
    texts = [cell.text.strip() for cell in row.cells]
    return len(texts) >= 2 and not row.label and all(re.fullmatch(r"(?:19|20)\d\d", text) for text in texts)


def _scale_for(unit: Unit, scales: units.Scale, column: Column, printed: str) -> int:
    if unit == Unit.MONEY:
        return column.scale if column.scale is not None else scales.money or 0
    if unit == Unit.SHARES:
        scale = column.scale if column.scale is not None else scales.shares
        if scale == 0 and "." in printed and scales.money:
            return scales.money
        return scale or 0
    return 0
