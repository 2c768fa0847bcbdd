"""Rows out of a table's lines: which lines make one row, and what its label and cells say.

A line with figures is an anchor; each row has at most one. The lines between two anchors continue the label (or a
text cell) of the one above, begin that of the one below, or stand alone as section heads. Spacing decides first:
lines inside a cell are closer than rows are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from smalt.library.parsed import Cell, Row
from smalt.library.readers.layout import Block, Laid, column_at, label_count
from smalt.library.readers.pdf_words import Word, text_of
from smalt.library.readers.pieces import Piece, box_of, is_number, piece_of

_UNFINISHED = re.compile(
    r"(?:[,–—-]|\b(?:and|or|of|to|in|for|the|a|an|by|on|at|with|from|per|net|attributable|including|related|than|its|under|as"
    r"|through|into|held))$",
    re.IGNORECASE,
)
_TIGHT = 0.93  # of the row pitch: closer lines stand in one cell
_LOOSE = 1.12


@dataclass(slots=True)
class Part:
    """One line of a table, taken apart."""

    line: Laid
    label: list[Word]
    cells: list[Piece]

    @property
    def anchor(self) -> bool:
        return any(cell.figure for cell in self.cells)

    @property
    def first(self) -> str:
        return self.label[0].text

    @property
    def bold(self) -> bool:
        return mostly_bold(self.label)


def mostly_bold(words: list[Word]) -> bool:
    return sum(w.bold for w in words) * 2 > len(words)


def parts_of(block: Block) -> list[Part]:
    return [_part(line, block) for line in block.body]


def steps_of(parts: list[Part]) -> list[float]:
    """The distances between anchors on neighbouring lines: the rows that took one line."""
    return [b.line.y - a.line.y for a, b in pairwise(parts) if a.anchor and b.anchor and b.label]


def pitch_of(parts: list[Part], page_steps: list[float]) -> float:
    """The distance between two one-line rows, from this table, else from the page, else from the type size."""
    for steps in (steps_of(parts), page_steps):
        if len(steps) > 1:
            return sorted(steps)[len(steps) // 4]
    return _LOOSE * median(part.line.line.size for part in parts)


def rows_of(block: Block, parts: list[Part], pitch: float) -> list[Row]:
    """The rows of the table in order; rows without cells are section heads."""
    rows: list[Row] = []
    for chain in _chains(parts, pitch):
        rows.append(_row(block, chain, len(rows)))
    return rows


def _part(line: Laid, block: Block) -> Part:
    """The line's label words and its cells; figures that almost touch the label are cut off it."""
    first = block.columns[0]
    count = 0 if _wrapped_cell(line, block) else label_count(line, block.left, first.left)
    while 0 < count < len(line.pieces) and _runs_on(line.pieces[count - 1], line.pieces[count], first.left):
        count += 1
    label = [word for piece in line.pieces[:count] for word in piece.words]
    cells = list(line.pieces[count:])
    if count and not line.pieces[0].figure:
        cut: list[Piece] = []
        while len(label) > 1 and is_number(label[-1].text) and not label[-1].raised:
            word = label[-1]
            column = min(block.columns, key=lambda c: abs(c.edge - word.x1))
            if abs(column.edge - word.x1) > 2.5 or word.x0 < first.x0 - 4:
                break
            cut.insert(0, piece_of([label.pop()]))
        cells = cut + cells
    return Part(line, label, cells)


def _runs_on(piece: Piece, following: Piece, limit: float) -> bool:
    """Whether a label goes on with ``following``: "4.85%" "2027 Notes"."""
    return following.x1 < limit and following.x0 - piece.x1 < 0.35 * piece.words[-1].size


def _wrapped_cell(line: Laid, block: Block) -> bool:
    """Whether a line without figures starts in a text column: part of a cell, not of a label."""
    if line.data:
        return False
    start = line.pieces[0].x0
    return start > block.left + 40 and any(c.text and c.x0 - 2 <= start < c.x1 for c in block.columns)


def _chains(parts: list[Part], pitch: float) -> list[list[Part]]:
    """The parts grouped into rows."""
    width = max((p.label[-1].x1 for p in parts if p.label), default=0.0)
    ties = [_tied(a, b, pitch, width) for a, b in pairwise(parts)]
    _untie_anchors(parts, ties, pitch)
    chains = [[parts[0]]]
    for part, tied in zip(parts[1:], ties, strict=True):
        if tied:
            chains[-1].append(part)
        else:
            chains.append([part])
    return chains


def _tied(upper: Part, lower: Part, pitch: float, width: float) -> bool:
    """Whether two neighbouring lines can belong to one row."""
    if upper.anchor and lower.anchor:
        return False
    step = lower.line.y - upper.line.y
    size = upper.line.line.size
    if not upper.label or not lower.label:
        return step < max(_TIGHT * pitch, 0.75 * size)
    if (step > 1.25 * pitch and step > 1.5 * size) or upper.bold != lower.bold:
        return False
    tight = step < _TIGHT * pitch and (step < size or step < 0.85 * pitch)
    goes_on = lower.first[0].islower()
    if upper.anchor:
        if not goes_on and lower.label[-1].text.endswith(":"):
            return False
        return tight or (goes_on and step < 1.02 * pitch and step < 1.1 * size)
    text = text_of(upper.label)
    if text.endswith(":"):
        return tight and goes_on
    if tight:
        return True
    if step > _LOOSE * pitch:
        return False
    if goes_on or _UNFINISHED.search(text):
        return True
    return lower.first[0] == "(" and upper.label[-1].x1 + lower.label[0].x1 - lower.label[0].x0 + 3 > width


def _untie_anchors(parts: list[Part], ties: list[bool], pitch: float) -> None:
    """Cut every run of ties between two anchors once, where the lines are farthest apart."""
    start: int | None = None
    for index, part in enumerate(parts):
        if index > 0 and not ties[index - 1]:
            start = None
        if not part.anchor:
            continue
        if start is not None:
            ties[_weakest(parts, start, index, pitch)] = False
        start = index


def _weakest(parts: list[Part], start: int, end: int, pitch: float) -> int:
    """The tie between ``start`` and ``end`` to cut: the widest step, else the first (figures stand on last lines)."""
    steps = [parts[i + 1].line.y - parts[i].line.y for i in range(start, end)]
    widest = max(steps)
    near = [start + i for i, step in enumerate(steps) if widest - step < 0.08 * pitch]
    if len(near) == 1:
        return near[0]
    for index in near:
        lower = parts[index + 1]
        if lower.label and not lower.first[0].islower():
            return index
    return near[0]


def _row(block: Block, chain: list[Part], order: int) -> Row:
    cells: dict[int, list[Piece]] = {}
    lines: dict[int, set[int]] = {}
    for part in chain:
        for piece in part.cells:
            column = column_at(block.columns, piece)
            cells.setdefault(column, []).append(piece)
            lines.setdefault(column, set()).add(part.line.order)
    labels = [part.label for part in chain if part.label]
    if not labels and len(cells) > 1 and not any(p.figure for p in cells[min(cells)]):
        # A label that stands for several rows is printed once; the next column then names the row.
        labels = [p.words for p in cells.pop(min(cells))]
    words = [w for label in labels for w in label]
    everything = words + [w for pieces in cells.values() for p in pieces for w in p.words]
    return Row(
        _joined(labels),
        [cell for column in sorted(cells) for cell in _cells(column, cells[column], len(lines[column]) > 1)],
        box_of(everything),
        round(words[0].x0 - block.left, 1) if words else 0.0,
        order,
        mostly_bold(words) if words else False,
        box_of(words) if words else None,
    )


def _cells(column: int, pieces: list[Piece], wrapped: bool) -> list[Cell]:
    """One cell for the wrapped lines of a text; figures stay apart even when they claim one column."""
    if not wrapped or all(p.figure for p in pieces):
        return [Cell(p.text, column, p.box) for p in pieces]
    return [Cell(" ".join(p.text for p in pieces), column, box_of([w for p in pieces for w in p.words]))]


def _joined(parts: list[list[Word]]) -> str:
    """The label's lines as one text; a word cut by a hyphen at a line's end keeps its hyphen."""
    text = ""
    for part in parts:
        piece = text_of(part)
        text = piece if not text else text + ("" if text.endswith("-") else " ") + piece
    return text
