"""The classified lines of a page and the columns of a table, before rows are made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from smalt.library.readers.pdf_words import VLine, Word
from smalt.library.readers.pieces import Piece, piece_of, pieces_of, without_notes

PERIOD = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:months?|weeks?|years?|quarters?|fiscal|ended|ending|as of|january|february|march|april|may|june"
    r"|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b",
    re.IGNORECASE,
)
_NEAR = 4.5  # points: how far a head may be off its column
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
        texts = [p for p in self.pieces[1:] if not p.figure]
        # Justified prose falls apart into many texts around a stray figure.
        return len(texts) <= figures + 1 and sum(len(p.words) for p in texts) <= 4 + 4 * figures

    @property
    def years(self) -> bool:
        """All of its figures are years: a header row unless a label says otherwise."""
        figures = [p for p in self.pieces if p.figure]
        return bool(figures) and all(p.year for p in figures)


@dataclass(slots=True)
class Column:
    """``x0`` to ``x1`` holds the digits, ``left`` to ``right`` also currency signs and brackets."""

    x0: float
    x1: float
    edge: float = 0.0  # the usual right edge of its digits
    text: bool = False
    left: float = 0.0
    right: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.left or self.x0
        self.right = self.right or self.x1


@dataclass(slots=True)
class Block:
    """Lines of one table: ``head`` above the first figure, ``body`` from there on."""

    head: list[Laid] = field(default_factory=list)
    body: list[Laid] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    left: float = 0.0


def laid_lines(lines: list[VLine]) -> list[Laid]:
    return [Laid(line, _label_first(without_notes(pieces_of(line))), order) for order, line in enumerate(lines)]


def _label_first(pieces: list[Piece]) -> list[Piece]:
    """A label that begins with a figure ("4.85%" "2027 Notes") is one piece."""
    if len(pieces) > 1 and pieces[0].figure and not pieces[1].figure:
        first, second = pieces[0], pieces[1]
        if second.x0 - first.x1 < 0.35 * first.words[-1].size:
            return [piece_of(first.words + second.words), *pieces[2:]]
    return pieces


def label_count(laid: Laid, left: float, first_column: float) -> int:
    """1 if the line's first piece is its label, 0 if the line starts with a cell."""
    piece = laid.pieces[0]
    if piece.figure:
        return int(piece.x0 - left < 3.5 * laid.line.size and piece.x1 < first_column)
    return int(piece.x0 < first_column - 2 or piece.x0 - left < 2)


def columns_of(body: list[Laid], left: float) -> list[Column]:
    """The columns of ``body``, left to right: figures that overlap sideways, texts that start at one place."""
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
    for laid in body:
        if laid.data:
            for piece in laid.pieces[1:]:
                if piece.figure:
                    column = columns[column_at(columns, piece)]
                    column.left, column.right = min(column.left, piece.x0), max(column.right, piece.x1)
    return sorted(columns + _text_columns(body, columns), key=lambda c: c.x0)


def _text_columns(body: list[Laid], figures: list[Column]) -> list[Column]:
    """Columns of texts ("Statement line"): at least two rows start a text at the same place, away from the figures."""
    texts = [p for laid in body if laid.data for p in laid.pieces[1:] if not p.figure]
    columns: list[Column] = []
    for piece in sorted(texts, key=lambda p: p.x0):
        if any(piece.x0 < c.right + 2 and piece.x1 > c.left - 2 for c in figures):
            continue
        if columns and piece.x0 < columns[-1].x1 + 2:
            columns[-1].x1 = columns[-1].right = columns[-1].edge = max(columns[-1].x1, piece.x1)
        else:
            columns.append(Column(piece.x0, piece.x1, piece.x1, text=True))
    return [c for c in columns if sum(c.x0 - 1 <= p.x0 and p.x1 <= c.x1 + 1 for p in texts) > 1]


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


def over_column(words: list[Word], columns: list[Column], middle: bool | None = None) -> int | None:
    """The column that a head aligns with, by its right edge or its middle (``middle`` allows only one of them)."""
    x0, x1 = words[0].x0, words[-1].x1
    best: int | None = None
    best_off = _NEAR
    for index, column in enumerate(columns):
        if x1 - x0 > 2.5 * max(column.right - column.left, 12):
            continue
        off_right = min(abs(x1 - column.right), abs(x1 - column.edge))
        off_middle = abs((x0 + x1) / 2 - (column.left + column.right) / 2)
        off = min(off_right, off_middle) if middle is None else (off_middle if middle else off_right)
        if off < best_off and x0 < column.right and x1 > column.left:
            best, best_off = index, off
    return best


def stub_apart(piece: Piece, block: Block) -> tuple[Piece | None, Piece | None]:
    """A text in the label's place that runs into the first column's head, cut so that the head is over its column."""
    first = block.columns[0]
    if piece.x0 - block.left > 40:
        return None, piece
    if piece.x1 <= first.x0 + 8:
        return piece, None
    for index in range(1, len(piece.words)):
        rest = piece.words[index:]
        if rest[0].x0 >= first.left - 12 and over_column(rest, block.columns) is not None:
            return piece_of(piece.words[:index]), piece_of(rest)
    return piece, None
