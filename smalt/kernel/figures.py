"""Figures: exact decimals with unit, scale and period. No float ever holds money."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation


class Unit(enum.StrEnum):
    """What a figure counts. Money carries its ISO 4217 code in `Figure.currency`."""

    MONEY = "money"
    SHARES = "shares"
    PERCENT = "percent"
    RATIO = "ratio"
    COUNT = "count"
    PER_SHARE = "per_share"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Period:
    """An instant (``start`` is None) or a span, both ends included; ``label`` is how the document names it."""

    end: date | None
    start: date | None = None
    label: str = ""


_NUMBER = re.compile(
    r"^[\s$€£¥]*(?P<open>\()?[\s$€£¥]*(?P<minus>[-\u2212\u2013])?[\s$€£¥]*(?P<body>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*%?\s*(?P<close>\))?\s*%?$"
)
_NIL = frozenset({"-", "\u2013", "\u2014", "\u2212", "$-", "$\u2014", "$ \u2014", "\u2014%", "\u2014 %"})


def printed_number(text: str) -> Decimal | None:
    """The number a cell prints: ``(1,234.5)`` is -1234.5, a lone dash is zero, anything else that is no number None."""
    text = text.strip()
    if text in _NIL:
        return Decimal(0)
    found = _NUMBER.match(text)
    if found is None or (found["open"] is None) != (found["close"] is None):
        return None
    try:
        value = Decimal(found["body"].replace(",", ""))
    except InvalidOperation:
        return None
    return -value if found["open"] or found["minus"] else value
