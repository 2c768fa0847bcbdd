"""The classified lines of a page and the columns of a table, before rows are made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from smalt.library.readers.pdf_words import VLine
from smalt.library.readers.pieces import Piece, pieces_of, without_notes

PERIOD = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:months?|weeks?|years?|quarters?|fiscal|ended|ending|as of|january|february|march|april|may|june"
    r"|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b",
    re.IGNORECASE,
)
UNITS = re.compile(r"\b(?:millions?|thousands?|billions?|dollars|per share|unaudited|%|percent)\b", re.IGNORECASE)


@dataclass(slots=True)
class Laid:
    """A visual line with its pieces."""

    line: VLine
    pieces: list[Piece]
    order: int

    @property
    def y(self) -> float:
        return self.line.y

    @property
    def x0(self) -> float:
        return self.pieces[0].x0

    @property
    def x1(self) -> float:
        return self.pieces[-1].x1

    @property
    def data(self) -> bool:
        """Carries at least one figure in a column of its own."""
        figures = sum(p.figure for p in self.pieces[1:])
        if figures == 0:
            return False
        loose = sum(len(p.words) for p in self.pieces[1:] if not p.figure)
        return loose <= 4 + 4 * figures

    @property
    def years(self) -> bool:
        """All of its figures are years: a header row unless a label says otherwise."""
        figures = [p for p in self.pieces if p.figure]
        return bool(figures) and all(p.year for p in figures)


@dataclass(slots=True)
class Column:
    x0: float
    x1: float
    edge: float = 0.0  # the usual right edge of its digits


@dataclass(slots=True)
class Block:
    """Lines of one table: ``head`` above the first figure, ``body`` from there on."""

    head: list[Laid] = field(default_factory=list)
    body: list[Laid] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    left: float = 0.0


def laid_lines(lines: list[VLine]) -> list[Laid]:
    return [Laid(line, without_notes(pieces_of(line)), order) for order, line in enumerate(lines)]


def label_count(laid: Laid, left: float, first_column: float) -> int:
    """1 if the line's first piece is its label, 0 if the line starts with a cell."""
    piece = laid.pieces[0]
    if piece.figure:
        return int(len(laid.pieces) > 1 and piece.x0 - left < 3.5 * laid.line.size and piece.x1 < first_column)
    return int(piece.x0 < first_column - 2 or piece.x0 - left < 2)


def columns_of(body: list[Laid], left: float) -> list[Column]:
    """The figure columns of ``body``: figures that overlap sideways stand in one column."""
    spans: list[tuple[float, float, float]] = []
    for laid in body:
        if not laid.data:
            continue
        for index, piece in enumerate(laid.pieces):
            if not piece.figure or (index == 0 and piece.x0 - left < 3.5 * laid.line.size):
                continue
            spans.append((piece.core0, piece.core1, piece.x0))
    columns = _by_overlap(spans)
    if _crowded(body, columns):
        finer = _by_edge(spans)
        if len(finer) > len(columns):
            columns = finer
    return columns


def _by_overlap(spans: list[tuple[float, float, float]]) -> list[Column]:
    columns: list[Column] = []
    edges: list[list[float]] = []
    for x0, x1, _ in sorted(spans):
        if columns and x0 < columns[-1].x1 - 0.5:
            columns[-1].x1 = max(columns[-1].x1, x1)
            edges[-1].append(x1)
        else:
            columns.append(Column(x0, x1))
            edges.append([x1])
    for column, seen in zip(columns, edges, strict=True):
        column.edge = max(set(seen), key=lambda e: sum(abs(e - o) < 1.5 for o in seen))
    return columns


def _by_edge(spans: list[tuple[float, float, float]]) -> list[Column]:
    columns: list[Column] = []
    for x0, x1, _ in sorted(spans, key=lambda s: s[1]):
        if columns and x1 - columns[-1].edge < 6:
            columns[-1].x0 = min(columns[-1].x0, x0)
            columns[-1].x1 = columns[-1].edge = x1
        else:
            columns.append(Column(x0, x1, x1))
    return columns


def _crowded(body: list[Laid], columns: list[Column]) -> bool:
    for laid in body:
        if laid.data:
            seen = [column_at(columns, p) for p in laid.pieces[1:] if p.figure]
            if len(seen) != len(set(seen)):
                return True
    return False


def column_at(columns: list[Column], piece: Piece) -> int:
    """The column that ``piece`` overlaps most, or the nearest one."""
    best, best_score = 0, -1e9
    for index, column in enumerate(columns):
        overlap = min(column.x1, piece.core1) - max(column.x0, piece.core0)
        score = overlap if overlap < 0 else overlap + 1000 - abs(piece.core1 - column.edge) * 0.01
        if score > best_score:
            best, best_score = index, score
    return best
