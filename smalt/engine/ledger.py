"""Questions over ledger-like sheets."""

from __future__ import annotations

from collections.abc import Sequence

from smalt.engine.answer import Answer
from smalt.search.segment import Opened


def answer(question: str, sheets: Sequence[Opened]) -> Answer | None:
    """None: not answered here."""
    del question, sheets
    return None
