"""Which tables are the statements: from the titles above them and from what their rows say."""

from __future__ import annotations

import re

from smalt.library.parsed import Page, Table
from smalt.search.model import BALANCE, CASHFLOW, COMPREHENSIVE, EQUITY, INCOME, NOTE, TableNote
from smalt.search.tokens import fold, label_key

_TITLES = [
    (COMPREHENSIVE, re.compile(r"statements? of (?:consolidated )?(?:other )?comprehensive (?:income|loss|earnings)|comprehensive income statements?")),
    (CASHFLOW, re.compile(r"statements? of (?:consolidated )?cash flows?|cash flows? statements?")),
    (BALANCE, re.compile(r"balance sheets?|statements? of (?:consolidated )?financial (?:position|condition)")),
    (EQUITY, re.compile(r"statements? of (?:consolidated )?(?:changes in )?(?:redeemable[\w\s]+and )?(?:total )?(?:(?:share|stock)(?:holders|owners)['\s]*s?['\s]+)?(?:equity|investment|deficit)|statements? of [\w\s']*equity")),
    (INCOME, re.compile(r"statements? of (?:consolidated )?(?:net )?(?:income|operations|earnings|profit)|income statements?|(?:profit and loss|p&l)")),
]  # fmt: skip
_SENTENCE = re.compile(
    r"\b(?:see|notes? to|included|location|line items?|presents?|following|our|we|is|are|was|were|within|recorded|recognized|respectively|impact|effects?)\b"
)
_PART = re.compile(r"\b(?:parent|condensed financial information of|supplemental|pro forma|vie)\b")
_CASH_ROW = re.compile(
    r"\bnet cash\b|cash (?:provided|used|flows?)|operating activities|investing activities|financing activities"
)


def _title_kind(lines: list[str]) -> tuple[str, str]:
    for line in reversed(lines):
        folded = fold(line)
        if len(folded) > 110 or folded.endswith((".", ":", ";", ",")) or _SENTENCE.search(folded):
            continue
        for kind, pattern in _TITLES:
            if pattern.search(folded):
                return kind, line
    return NOTE, ""


def _content_kind(table: Table) -> str:
    keys = {label_key(row.label) for row in table.rows}
    labels = [fold(row.label) for row in table.rows]
    if any("total asset" in key for key in keys) and any(
        "total" in key and ("liabilit" in key or "equity" in key) for key in keys
    ):
        return BALANCE
    activities = sum(
        any(_CASH_ROW.search(label) and word in label for label in labels)
        for word in ("operating", "investing", "financing")
    )
    if activities >= 2 and len(labels) > 12:
        return CASHFLOW
    rolls = sum(
        re.match(r"(?:total )?(?:ending |beginning )?balances?\b.*(?:\d|beginning|end|,)", label) is not None
        for label in labels
    )
    width = max((len(row.cells) for row in table.rows), default=0)
    if (
        rolls >= 2
        and width >= 4
        and any(
            re.match(r"(?:consolidated )?net (?:income|earnings|loss|\(loss\))(?!.*reclass)", label) for label in labels
        )
        and not any("reclass" in label for label in labels)
    ):
        return EQUITY
    taxes = any("income tax" in label for label in labels)
    profit = any(re.match(r"(?:consolidated )?net (?:income|earnings|loss|\(loss\))", label) for label in labels)
    if taxes and profit and any(re.search(r"revenue|sales|interest income", label) for label in labels):
        return INCOME
    return NOTE


def note_of(page: Page, table: Table, top: list[str]) -> TableNote:
    """What surrounds ``table``: title, statement, whether it is a primary one. ``top``: the head lines of its page."""
    near = [
        *table.above[-6:],
        *(row.label for row in table.header),
        *(cell.text for row in table.header for cell in row.cells if len(cell.text) > 14),
        *(row.label for row in table.rows[:2] if not row.cells),
    ]
    kind, title = _title_kind(near)
    if kind == NOTE:
        kind, title = _title_kind(top)
    content = _content_kind(table)
    primary = kind != NOTE and (content == kind or (kind in {EQUITY, COMPREHENSIVE}) or len(table.rows) > 8)
    if content not in (NOTE, kind):
        primary = kind != NOTE and kind not in {EQUITY, COMPREHENSIVE}
        kind = content
    if any(_PART.search(fold(line)) for line in [*near, *top]):
        primary = False
    plain = [line for line in table.above[-3:] if len(line) < 200]
    said = [line for line in [*table.above[-4:], *(row.label for row in table.header)] if 0 < len(line) < 160]
    return TableNote(page.number, title or (plain[-1] if plain else ""), kind, page.sheet, primary, " | ".join(said))
