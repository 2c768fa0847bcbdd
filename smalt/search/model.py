"""The records search keeps of a document: profile, tables, facts, passages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from smalt.kernel.figures import Unit
from smalt.library.parsed import Box
from smalt.search.periods import Span

INCOME, BALANCE, CASHFLOW, EQUITY, COMPREHENSIVE, NOTE = "income", "balance", "cashflow", "equity", "comprehensive", ""


class Profile(msgspec.Struct):
    """What a document says about itself. ``names`` are folded company names and aliases, the fullest first.

    ``fiscal_ends`` maps the label of a fiscal year to its last day; ``end`` is the last day the document reports on.
    """

    names: list[str] = msgspec.field(default_factory=list)
    display_name: str = ""
    form: str = ""
    end: date | None = None
    months: int | None = None
    fiscal_ends: dict[int, date] = msgspec.field(default_factory=dict)
    currency: str | None = None
    scale: int | None = None

    @property
    def latest_year(self) -> int | None:
        """The label of the newest fiscal year that had ended when the document's period did."""
        done = [year for year, day in self.fiscal_ends.items() if self.end is None or day <= self.end]
        return max(done, default=None)


class Column(msgspec.Struct, array_like=True):
    """One column of figures: its printed head, the span it names, what else it says, and its unit if it has one."""

    header: str
    span: Span
    qualifier: str = ""
    percent: bool = False
    change: bool = False
    scale: int | None = None
    shares: bool = False


class TableNote(msgspec.Struct, array_like=True):
    """What a table's surroundings say of it. ``statement`` is one of the primary statements or empty (a note)."""

    page: int
    title: str
    statement: str = NOTE
    sheet: str | None = None
    primary: bool = False
    said: str = ""
    """The captions above the table and the texts of its stub head."""


class Fact(msgspec.Struct, array_like=True, gc=False):
    """One printed figure with all that is needed to cite it. ``value`` is in base units; ``printed`` as it stands."""

    label: str
    path: tuple[str, ...]
    printed: str
    value: Decimal
    unit: Unit
    scale: int
    currency: str | None
    span: Span
    header: str
    qualifier: str
    change: bool
    page: int
    table: int
    row: int
    column: int
    box: Box | None = None
    ref: str | None = None
    sheet: str | None = None


class Passage(msgspec.Struct, array_like=True, gc=False):
    """A stretch of prose on one page with the box of its lines."""

    page: int
    text: str
    box: Box | None = None
    sheet: str | None = None


class Record(msgspec.Struct, array_like=True, gc=False):
    """One row of a ledger-like sheet: its 1-based sheet row and its cells as printed, one per column of the grid."""

    row: int
    cells: tuple[str, ...]


class Grid(msgspec.Struct, array_like=True):
    """A ledger-like sheet: heads, records, and the cells above the head row ("Control total", "87,654.32")."""

    page: int
    sheet: str | None
    heads: tuple[str, ...]
    refs: tuple[str, ...]
    records: list[Record]
    preface: list[Record]
