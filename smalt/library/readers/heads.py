"""Column heads: which texts above a table stand over which columns.

Heads that stand close are cut apart where the columns are; a head over several columns gets its span from the ruled
line under it, or, where nothing is ruled, from the run of columns it is centred on.
"""

from __future__ import annotations

from collections.abc import Callable

from smalt.library.parsed import Cell, Row
from smalt.library.readers.layout import Block, Column, Laid, column_at, label_count, over_column, stub_apart
from smalt.library.readers.pdf_words import Word
from smalt.library.readers.pieces import Piece, box_of, piece_of
from smalt.library.readers.rows import mostly_bold

Rule = tuple[float, float, float]  # y, x0, x1
Rules = Callable[[], list[Rule]]
_CENTRED = 4.0  # points


def head_rows(block: Block, rules: Rules) -> list[Row]:
    """The table's head lines as rows, top to bottom, their cells over the block's columns."""
    rows: list[Row] = []
    for number, line in enumerate(block.head):
        below = block.head[number + 1].line if number + 1 < len(block.head) else block.body[0].line
        # A ruled line belongs to the heads above it, down to the middle of the next line.
        under = [rule for rule in rules() if line.y - 2 < rule[0] < max(below.y, line.y + 0.5 * line.line.size)]
        label, cells = _apart(line, block, under)
        spans = _spans(cells, block.columns, under)
        rows.append(
            Row(
                label.text if label else "",
                [
                    Cell(cell.text, column, cell.box, span=span)
                    for cell, (column, span) in zip(cells, spans, strict=True)
                ],
                box_of(line.line.words),
                round(label.x0 - block.left, 1) if label else 0.0,
                number,
                mostly_bold(line.line.words),
                label.box if label else None,
            )
        )
    return rows


def _apart(line: Laid, block: Block, rules: list[Rule]) -> tuple[Piece | None, list[Piece]]:
    """The stub text of a head line, if any, and its heads, cut where the columns are."""
    first = block.columns[0]
    pieces = list(line.pieces)
    label: Piece | None = None
    if label_count(line, block.left, first.left):
        head, rest = stub_apart(pieces[0], block)
        label = head
        pieces = ([rest] if rest else []) + pieces[1:]
        if label is not None and label.x1 > first.x0 + 8 and len(pieces) < len(block.columns):
            pieces, label = [label, *pieces], None
    cells: list[Piece] = []
    for piece in pieces:
        cells += _pieces(piece, block.columns, rules)
    return label, cells


def _cut(words: list[Word], columns: list[Column], middle: bool) -> list[Piece] | None:
    """One piece per column when all runs of words align with columns of their own, in the same way."""
    for index in range(1, len(words)):
        over = over_column(words[:index], columns, middle)
        if over is None:
            continue
        rest = _cut(words[index:], columns, middle)
        if rest is None:
            beyond = over_column(words[index:], columns, middle)
            if beyond is not None and beyond > over:
                return [piece_of(words[:index]), piece_of(words[index:])]
        elif (following := over_column(rest[0].words, columns, middle)) is not None and following > over:
            return [piece_of(words[:index]), *rest]
    return None


def _pieces(piece: Piece, columns: list[Column], rules: list[Rule]) -> list[Piece]:
    """The heads in ``piece``: itself when a ruled line of its own is under it."""
    centre = (piece.x0 + piece.x1) / 2
    over_rule = any(abs((x0 + x1) / 2 - centre) < _CENTRED and x0 < piece.x0 + 4 for _, x0, x1 in rules)
    if len(piece.words) == 1 or over_rule:
        return [piece]
    return _cut(piece.words, columns, middle=False) or _cut(piece.words, columns, middle=True) or [piece]


def _spans(cells: list[Piece], columns: list[Column], under: list[Rule]) -> list[tuple[int, int]]:
    """(first column, columns spanned) of each head of a line with the ruled lines ``under`` it."""
    if len(cells) >= len(columns):
        return [(column_at(columns, cell), 1) for cell in cells]
    found: list[tuple[int, int]] = []
    taken = -1
    for position, cell in enumerate(cells):
        span = _ruled(cell, cells, columns, under)
        if span is None or (position + 1 < len(cells) and columns[span[1]].x0 > cells[position + 1].x1):
            span = _centred(cell, columns, cells[position + 1] if position + 1 < len(cells) else None, taken + 1)
        taken = max(taken, span[1])
        found.append((span[0], span[1] - span[0] + 1))
    return found


def _ruled(cell: Piece, cells: list[Piece], columns: list[Column], rules: list[Rule]) -> tuple[int, int] | None:
    """The first and last column over the ruled line under ``cell`` alone; None when there is none."""
    middle = (cell.x0 + cell.x1) / 2
    for _, x0, x1 in rules:
        if not x0 - 2 <= middle <= x1 + 2 or cell.x0 < x0 - 4 or cell.x1 > x1 + 4:
            continue
        if any(x0 <= (other.x0 + other.x1) / 2 <= x1 for other in cells if other is not cell):
            continue
        over = [i for i, c in enumerate(columns) if x0 - 2 <= (c.x0 + c.x1) / 2 <= x1 + 2]
        if over and x0 > columns[0].left - 60:
            return over[0], over[-1]
    return None


def _centred(cell: Piece, columns: list[Column], following: Piece | None, first: int) -> tuple[int, int]:
    """The column that ``cell`` aligns with, else the run of columns it is centred on."""
    own = column_at(columns, cell)
    single = over_column(cell.words, columns)
    middle = (cell.x0 + cell.x1) / 2
    best, best_off = (own, own), 12.0
    for start in range(min(first, own), own + 1):
        for end in range(max(own, start + 1), len(columns)):
            if following is not None and columns[end].x0 >= following.x0 - 2:
                break
            off = abs((columns[start].left + columns[end].right) / 2 - middle)
            if off < best_off:
                best, best_off = (start, end), off
    if single is not None and best_off > 1.0:
        return single, single
    return best
