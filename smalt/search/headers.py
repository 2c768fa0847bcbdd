"""Table heads: which printed head belongs to which column, and what it says (span, percent, change, dimension)."""

from __future__ import annotations

import re
from collections import defaultdict

from smalt.kernel.figures import printed_number
from smalt.library.parsed import Box, Cell, Row, Table
from smalt.search import units
from smalt.search.model import Column
from smalt.search.periods import Span, dates, fiscal_years, header_span, month_day, months_of, quarter_of, years
from smalt.search.tokens import fold

_CHANGE = re.compile(
    r"\bchange|\bvs\.?\b|\bversus\b|\bvariance\b|\b(?:increase|decrease)\b|%\s*chg|\bfluctuation\b|\bgrowth\b|\byoy\b|y/y|\bcompared\b"
)
_PERCENT_HEAD = re.compile(r"^[(\s]*(?:%|percent(?:age)?)\b|%|\bpercentage\b|\bpercent\b")
_PERIOD_WORDS = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
    r"|three|six|nine|twelve|fifty-two|fifty-three|thirteen|months?|weeks?|years?|fiscal|fy|quarters?|q[1-4]|first|second|third|fourth|ended|ending|as|of|at|for|the|in|and"
    r"|19\d\d|20\d\d|fy\s?\d{2,4}|\d{1,2}|dollars?|amounts?|millions?|thousands?|billions?|except|per|share|data|unaudited|audited|note|notes|restated)\b|[^\w%]+"
)
_SHARE_HEAD = re.compile(r"\b(?:number of )?shares\b|\bunits\b|\brsus?\b")
_TITLE = re.compile(r"\bstatements? of\b|\bbalance sheets?\b|\bsee accompanying\b|\(unaudited\)$")
_DAY_STUB = re.compile(r"^(?:[A-Za-z]+\.? )?\d{1,2},?$")
_LENGTHS = re.compile(
    r"(?:three|six|nine|twelve)\s+months\s+ended|(?:thirteen|twenty-six|thirty-nine|fifty-two|fifty-three|1[34]|2[67]|39|40|5[23])\s+weeks\s+ended|(?:fiscal\s+)?(?:years?|quarters?)\s+ended"
)
_YEAR_ONLY = re.compile(r"^\W*(?:19|20)\d\d\W*(?:\(?[a-z0-9]\)?)?$")


def _extent(rows: list[Row]) -> dict[int, tuple[float, float]]:
    spans: dict[int, list[Box]] = defaultdict(list)
    for row in rows:
        for cell in row.cells:
            if cell.box is not None and printed_number(cell.text.replace("%", "").strip()) is not None:
                spans[cell.column].append(cell.box)
    return {column: (min(b.x0 for b in boxes), max(b.x1 for b in boxes)) for column, boxes in spans.items()}


def _is_period(text: str) -> bool:
    return bool(dates(text) or years(text) or months_of(text) or month_day(text) or quarter_of(text))


def _by_position(row: Row, extent: dict[int, tuple[float, float]]) -> dict[int, str]:
    """Each column's head text on one header row, by overlap, then by nearness where one head spans several columns."""
    order = sorted(extent)
    cells = [cell for cell in row.cells if cell.text.strip()]
    if not cells:
        return {}
    boxes = [cell.box for cell in cells]
    if any(box is None for box in boxes):
        return {cell.column: cell.text for cell in cells if cell.column in extent}
    if len(cells) == len(order):
        ordered = sorted(cells, key=lambda c: c.box.x0 if c.box else 0.0)
        if all(_near(cell, extent[column]) < 60 for cell, column in zip(ordered, order, strict=True)):
            return {column: cell.text for cell, column in zip(ordered, order, strict=True)}
    found: dict[int, str] = {}
    for column in order:
        best = min(cells, key=lambda c: (_near(c, extent[column]), _centre_gap(c, extent[column])))
        gap = _near(best, extent[column])
        text = best.text
        spanning = _is_period(text) and not _YEAR_ONLY.match(text.strip()) and len(cells) < len(order)
        if gap <= 4 or (spanning and gap < 220) or (gap < 25 and len(cells) >= len(order)):
            found[column] = text
    return found


def _near(cell: Cell, extent: tuple[float, float]) -> float:
    box = cell.box
    return max(0.0, box.x0 - extent[1], extent[0] - box.x1) if box is not None else 1e9


def _centre_gap(cell: Cell, extent: tuple[float, float]) -> float:
    box = cell.box
    return abs((box.x0 + box.x1) / 2 - (extent[0] + extent[1]) / 2) if box is not None else 1e9


def _split(table: Table, extent: dict[int, tuple[float, float]]) -> tuple[list[Row], list[str]]:
    """Header rows whose cells stand over columns, and the rest of the head's text (stub captions, titles)."""
    if not extent:
        return table.header, [row.label for row in table.header if row.label]
    left = min(x0 for x0, _ in extent.values())
    right = max(x1 for _, x1 in extent.values())
    heads, context = [], []
    for row in table.header:
        over: list[Cell] = []
        if row.label:
            context.append(row.label)
        for cell in row.cells:
            if cell.box is None:
                over.append(cell)
            elif (
                units.is_caption(cell.text)
                or _TITLE.search(fold(cell.text))
                or cell.box.x1 < left - 4
                or (cell.box.x0 < left - 90 and cell.box.x1 - cell.box.x0 > (right - left) * 0.8)
            ):
                context.append(cell.text)
            else:
                over.append(cell)
        if over:
            heads.append(Row(row.label, over, row.box, row.indent, row.index))
    return heads, context


def _lead_rows(table: Table) -> list[Row]:
    """Body rows at the top that are heads in truth: only years or dates in their cells."""
    found = []
    for row in table.rows[:3]:
        texts = [cell.text for cell in row.cells]
        if not texts:
            continue
        if all(_YEAR_ONLY.match(text.strip()) or (dates(text) and len(text) < 24) for text in texts) and (
            not re.search(r"\d", row.label[-4:]) or _DAY_STUB.match(row.label.strip())
        ):
            found.append(row)
        else:
            break
    return found


def qualifier_of(header: str) -> str:
    """What a head says besides its period: "Total", "Level 1", "North America"."""
    return " ".join(_PERIOD_WORDS.sub(" ", fold(header)).split())


def columns(table: Table, context: list[str]) -> tuple[dict[int, Column], list[Row]]:
    """The columns of ``table`` by index, and the body rows that served as heads. ``context``: captions, nearest last."""
    leads = _lead_rows(table)
    lead_ids = {id(row) for row in leads}
    body = [row for row in table.rows if id(row) not in lead_ids]
    extent = _extent(body)
    if not extent:
        indices = sorted({cell.column for row in body for cell in row.cells})
        extent = {index: (float(index), float(index)) for index in indices}
        heads, stub = table.header, [row.label for row in table.header if row.label]
        texts = _by_index([*heads, *leads], indices)
    else:
        heads, stub = _split(table, extent)
        texts = defaultdict(list)
        for row in [*heads, *leads]:
            for column, text in _by_position(row, extent).items():
                texts[column].append(text)
    stub += [row.label for row in leads if row.label]
    _lend_lines(texts, context, sorted(extent))
    lent = [*context[-3:], " ".join([*context[-1:], *stub])] if stub else context[-3:]
    found = {}
    for index in extent:
        header = " ".join(dict.fromkeys(texts.get(index, [])))
        found[index] = _column(header, lent)
    _lend_years(found)
    return found, leads


def _by_index(rows: list[Row], indices: list[int]) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        carried = ""
        at = {cell.column: cell.text for cell in row.cells}
        for index in indices:
            text = at.get(index, "").strip()
            if text:
                carried = text if _is_period(text) and not _YEAR_ONLY.match(text) else ""
                texts[index].append(text)
            elif carried:
                texts[index].append(carried)
    return texts


def _lend_lines(texts: dict[int, list[str]], context: list[str], order: list[int]) -> None:
    """Head lines that a reader left above the table, spread evenly: "2024 2023", "Three Months Ended Nine Months Ended"."""
    joined = " ".join(text for found in texts.values() for text in found)
    for line in reversed(context[-6:]):
        folded = fold(line)
        if len(folded) > 90:
            break
        parts = _LENGTHS.findall(folded)
        if parts and _LENGTHS.sub("", folded).strip(" ,") == "" and not _LENGTHS.search(fold(joined)):
            _spread(texts, parts, order)
        found = re.findall(r"(?:19|20)\d\d", folded)
        if found and not years(joined) and not _PERIOD_WORDS.sub("", folded):
            _spread(texts, found, order)
            day = month_day(re.sub(r",?\s*(?:19|20)\d\d", " ", folded, count=1)) if len(found) > 1 else None
            if day is not None:
                _spread(texts, [re.split(r",?\s*(?:19|20)\d\d", folded, maxsplit=1)[0]], order)
        joined = " ".join(text for found in texts.values() for text in found)
    if not years(joined):
        _zip_dates(texts, context, order)


def _zip_dates(texts: dict[int, list[str]], context: list[str], order: list[int]) -> None:
    """Dates broken over lines: "July 2," above "2023  December 31, 2022" are two heads of two columns."""
    lines = [fold(line) for line in context[-4:] if len(line) < 70]
    text = " ".join(line for line in lines if not _PERIOD_WORDS.sub("", re.sub(r"\([^)]*\)", " ", line)))
    text = re.sub(r"\([^)]*\)", " ", text)
    ends = re.findall(r"(?:19|20)\d\d", text)
    days = re.findall(r"[a-z]{3,9}\.? \d{1,2}(?!\d)", text)
    if order and len(ends) == len(days) == len(order) and all(month_day(day) for day in days):
        _spread(texts, [f"{day}, {year}" for day, year in zip(days, ends, strict=True)], order)


def _spread(texts: dict[int, list[str]], parts: list[str], order: list[int]) -> None:
    if len(order) % len(parts):
        return
    each = len(order) // len(parts)
    for at, column in enumerate(order):
        texts.setdefault(column, []).insert(0, parts[at // each])


def _column(header: str, lent: list[str]) -> Column:
    folded = fold(header)
    span = header_span(header, lent)
    several = len(set(years(folded))) > 1 and not fiscal_years(folded) and not dates(folded)
    change = bool(_CHANGE.search(folded)) or (several and re.search(r"\bv|-", folded) is not None)
    scale = units.scale_of(header) if units.is_caption(header) else None
    return Column(
        header,
        span,
        qualifier_of(header),
        _PERCENT_HEAD.search(folded) is not None,
        change,
        scale,
        _SHARE_HEAD.search(folded) is not None and "per share" not in folded,
    )


def _lend_years(found: dict[int, Column]) -> None:
    """A column without a head between two that have one (a change or share-of-total column) is marked as a change."""
    dated = [index for index, column in found.items() if not column.span.empty]
    if len(dated) < 2:
        return
    for column in found.values():
        if column.span.empty and not column.header:
            column.change = True


__all__ = ["Span", "columns", "qualifier_of"]
