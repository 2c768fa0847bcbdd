"""Tables out of blocks of lines: rows with their labels joined over wrapped lines, cells in their columns."""

from __future__ import annotations

import re
from statistics import median

from smalt.library.parsed import Box, Cell, Row, Table
from smalt.library.readers.blocks import blocks_of
from smalt.library.readers.layout import Block, Column, Laid, column_at, label_count
from smalt.library.readers.pdf_words import Word, text_of
from smalt.library.readers.pieces import Piece, box_of, is_number, piece_of

_ABOVE_MAX = 5
_UNFINISHED = re.compile(
    r"(?:[,–—-]|\b(?:and|or|of|to|in|for|the|a|an|by|on|at|with|from|per|net|attributable|including|related|than|its|under|as"
    r"|through|into|held|total|other))$",
    re.IGNORECASE,
)


class _Pending:
    """A row being built: label words line by line, and the cells of its one figure line."""

    def __init__(self) -> None:
        self.label: list[Laid] = []
        self.parts: list[list[Word]] = []
        self.cells: list[Piece] = []
        self.figures_at = -1


def tables_of(laid: list[Laid], page_width: float) -> list[Table]:
    """The page's tables in reading order."""
    tables: list[Table] = []
    last_end = -1
    for block in blocks_of(laid, page_width):
        rows = _rows(block)
        top = (block.head or block.body)[0].order
        above = [line.line.text for line in laid[max(last_end + 1, top - _ABOVE_MAX) : top]]
        header = [_head_row(line, block, number) for number, line in enumerate(block.head)]
        words = [w for line in block.head + block.body for w in line.line.words]
        tables.append(Table(above, header, rows, box_of(words)))
        last_end = block.body[-1].order
    return tables


def _head_row(line: Laid, block: Block, number: int) -> Row:
    first = block.columns[0].x0
    beside = label_count(line, block.left, first) if line.pieces[0].x1 < first + 3 else 0
    if line.pieces[0].x0 >= first - 40 and len(line.pieces) >= len(block.columns):
        beside = 0
    label = line.pieces[0] if beside else None
    cells = []
    for piece in line.pieces[beside:]:
        column, span = _span(block.columns, piece)
        cells.append(Cell(piece.text, column, piece.box, span=span))
    return Row(
        label.text if label else "",
        cells,
        box_of(line.line.words),
        label.x0 if label else 0.0,
        number,
        _bold(line.line.words),
        label.box if label else None,
    )


def _span(columns: list[Column], piece: Piece) -> tuple[int, int]:
    """The first column under a head and how many it spans: those whose middle it covers."""
    under = [i for i, c in enumerate(columns) if piece.x0 - 2 <= (c.x0 + c.x1) / 2 <= piece.x1 + 2]
    if len(under) > 1:
        return under[0], under[-1] - under[0] + 1
    return column_at(columns, piece), 1


def _bold(words: list[Word]) -> bool:
    return sum(w.bold for w in words) * 2 > len(words)


def _split_label(line: Laid, block: Block) -> tuple[list[Word], list[Piece]]:
    """The line's label words and its cells; figures that almost touch the label are cut off it."""
    first = block.columns[0]
    count = label_count(line, block.left, first.x0)
    label = list(line.pieces[0].words) if count else []
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
    return label, cells


def _rows(block: Block) -> list[Row]:
    pending = _group(block)
    rows: list[Row] = []
    for order, row in enumerate(pending):
        words = [w for part in row.parts for w in part]
        label = _joined(row.parts)
        cells: list[Cell] = []
        for piece in row.cells:
            cells.append(Cell(piece.text, column_at(block.columns, piece), piece.box))
        everything = words + [w for p in row.cells for w in p.words]
        rows.append(
            Row(
                label,
                cells,
                box_of(everything),
                round(words[0].x0 - block.left, 1) if words else 0.0,
                order,
                _bold(words) if words else False,
                _label_box(words),
            )
        )
    return rows


def _label_box(words: list[Word]) -> Box | None:
    return box_of(words) if words else None


def _joined(parts: list[list[Word]]) -> str:
    """The label's lines as one text; a word cut by a hyphen at a line's end keeps its hyphen."""
    text = ""
    for part in parts:
        piece = text_of(part)
        text = piece if not text else text + ("" if text.endswith("-") else " ") + piece
    return text


def _group(block: Block) -> list[_Pending]:
    """Rows out of lines: which label lines belong to the figures below or above them."""
    split = [_split_label(line, block) for line in block.body]
    pitch = _row_pitch(block, split)
    rows: list[_Pending] = []
    waiting: list[int] = []  # label-only lines not yet given to a row

    def flush() -> None:
        for number in waiting:
            row = _Pending()
            row.parts.append(split[number][0])
            row.label.append(block.body[number])
            rows.append(row)
        waiting.clear()

    for index, line in enumerate(block.body):
        label, cells = split[index]
        if not cells:
            if rows and not waiting and _continues_above(block, split, index, pitch):
                rows[-1].parts.append(label)
                continue
            waiting.append(index)
            continue
        row = _Pending()
        row.cells = cells
        joined: list[int] = []
        below = index
        while waiting and _continues_below(block, split, waiting[-1], below, pitch, bool(joined)):
            below = waiting.pop()
            joined.insert(0, below)
        flush()
        row.parts = [split[n][0] for n in joined]
        if label:
            row.parts.append(label)
        rows.append(row)
    flush()
    return rows


def _row_pitch(block: Block, split: list[tuple[list[Word], list[Piece]]]) -> float:
    """The usual distance between the baselines of two one-line rows."""
    steps = [
        b.y - a.y
        for (a, b), (x, y) in zip(
            zip(block.body, block.body[1:], strict=False), zip(split, split[1:], strict=False), strict=True
        )
        if x[1] and y[1] and y[0]
    ]
    if not steps:
        return 1.3 * median(line.line.size for line in block.body)
    return sorted(steps)[len(steps) // 4]


def _continues_below(
    block: Block, split: list[tuple[list[Word], list[Piece]]], upper: int, lower: int, pitch: float, chained: bool
) -> bool:
    """Whether the label-only line ``upper`` runs on in line ``lower``."""
    head, tail = split[upper][0], split[lower][0]
    step = block.body[lower].y - block.body[upper].y
    if not tail:
        return step < 0.95 * pitch
    text, after = text_of(head), tail[0].text
    tight = step < 0.93 * pitch
    if step > 1.25 * pitch and step > 1.5 * block.body[upper].line.size:
        return False
    if text.endswith(":"):
        return tight and after[0].islower()
    if tight:
        return True
    if step > 1.12 * pitch:
        return False
    if after[0].islower() or _UNFINISHED.search(text):
        return True
    if after[0] in "(" and head[0].x0 <= tail[0].x0:
        return _full(block, split, upper, tail[0])
    return False


def _full(block: Block, split: list[tuple[list[Word], list[Piece]]], upper: int, word: Word) -> bool:
    """Whether ``word`` would not have fitted on the line above it."""
    width = max(part[0][-1].x1 for part in split if part[0])
    return split[upper][0][-1].x1 + (word.x1 - word.x0) + 3 > width


def _continues_above(block: Block, split: list[tuple[list[Word], list[Piece]]], index: int, pitch: float) -> bool:
    """Whether the label-only line ``index`` ends the label of the row above (figures on its first line)."""
    above, words = block.body[index - 1], split[index][0]
    if index == 0 or not split[index - 1][0]:
        return False
    up = block.body[index].y - above.y
    down = block.body[index + 1].y - block.body[index].y if index + 1 < len(block.body) else 1e9
    if up >= 0.93 * pitch:
        return False
    below = split[index + 1][0] if index + 1 < len(block.body) else []
    if abs(up - down) < 0.08 * pitch:
        return words[0].text[0].islower() and not (below and below[0].text[0].islower())
    return up < down
