"""Which lines of a page form tables: the figures, the lines between them and the heads above them."""

from __future__ import annotations

from itertools import pairwise

from smalt.library.readers.layout import (
    PERIOD,
    UNITS,
    Block,
    Column,
    Laid,
    column_at,
    columns_of,
    label_count,
    over_column,
    stub_apart,
)

_GAP = 3.4  # of the line height: a wider white band ends a table
_BETWEEN_MAX = 7
_HEAD_MAX = 9


def header_row(laid: Laid) -> bool:
    """Years or dates over the columns, perhaps with "(In millions)" in the label's place."""
    if laid.data and not laid.years:
        return False
    pieces = laid.pieces
    if laid.years:
        label = None if pieces[0].figure else pieces[0]
        return label is None or _stub(label.text) or _in_turn(laid)
    return False


def _in_turn(laid: Laid) -> bool:
    """Years one after the other ("2024 2023 2022"): heads, whatever stands beside them."""
    years = [int(p.text[:4]) for p in laid.pieces[1:] if p.figure]
    return len(years) > 1 and len({b - a for a, b in pairwise(years)} & {-1, 1}) == 1


def _alone_at_left(line: Laid, edge: float) -> bool:
    """A year by itself in the label's place: a section head."""
    return len(line.pieces) == 1 and line.x1 < edge


def _stub(text: str) -> bool:
    """Whether a text in the label's place can stand beside column heads."""
    return text.startswith("(") or PERIOD.search(text) is not None or UNITS.search(text) is not None


def blocks_of(laid: list[Laid], page_width: float) -> list[Block]:
    """The tables of a page as blocks, in reading order."""
    blocks: list[Block] = []
    taken = -1  # the last line that belongs to a block
    index = 0
    while index < len(laid):
        if not _starts(laid[index]):
            index += 1
            continue
        end = _end_of(laid, index)
        block = Block(body=laid[index : end + 1])
        block.left = min(line.x0 for line in block.body)
        block.columns = columns_of(block.body, block.left)
        if block.columns:
            _take_head(block, laid, index, taken, page_width)
            _take_wrapped(block, laid, taken)
            end = _take_tail(block, laid, end)
            if _is_stray(block):
                index += 1
                continue
            blocks.append(block)
            taken = end
            index = end + 1
        else:
            index += 1
    return blocks


def _is_stray(block: Block) -> bool:
    """One line of figures without heads: a page footer, or prose set wide."""
    if block.head or len([line for line in block.body if line.data]) > 1:
        return False
    cells = block.body[0].pieces[1:] if len(block.body) == 1 else [p for line in block.body for p in line.pieces[1:]]
    return len(cells) < 2 or not all(p.figure for p in cells)


def _starts(laid: Laid) -> bool:
    return laid.data and not header_row(laid)


def _end_of(laid: list[Laid], start: int) -> int:
    """The last data line of the table that starts at ``start``."""
    end = start
    edge = _first_column(laid[start], laid[start].x0)
    left = laid[start].x0
    index = start + 1
    while index < len(laid):
        line = laid[index]
        if line.line.top - laid[index - 1].line.bottom > _GAP * line.line.size or index - end > _BETWEEN_MAX:
            break
        if (header_row(line) and not _alone_at_left(line, edge)) or _heads(line, edge, left):
            break
        if line.data:
            if index - end > 1 and not _same_layout(laid, start, end, line):
                break
            end = index
            left = min(left, line.x0)
            edge = min(edge, _first_column(line, left))
        elif len(line.pieces) == 1 and line.x1 > edge + 3 and line.x0 < edge - 3 and not _wide_head(laid, index, left):
            break  # prose runs under the figures
        index += 1
    return end


def _wide_head(laid: list[Laid], index: int, left: float) -> bool:
    """A section head that reaches under the columns: alone between lines of the table."""
    line = laid[index]
    if line.x0 - left > 40 or index + 1 == len(laid) or line.pieces[0].text.endswith((".", ",", ";")):
        return False
    if not laid[index - 1].data or line.line.text[0].islower():
        return False
    below = laid[index + 1]
    return below.data and not header_row(below) and below.x0 - left < 60 and line.x1 < below.pieces[-1].x0


def _same_layout(laid: list[Laid], start: int, end: int, line: Laid) -> bool:
    """Whether ``line`` prints its figures in the columns that the table has so far."""
    columns = columns_of(laid[start : end + 1], min(x.x0 for x in laid[start : end + 1]))
    figures = [p for p in line.pieces[1:] if p.figure]
    hits = 0
    for piece in figures:
        column = columns[column_at(columns, piece)] if columns else Column(0, 0)
        hits += piece.core1 > column.x0 - 2 and piece.core0 < column.x1 + 2
    return hits * 2 >= len(figures)


def _first_column(laid: Laid, left: float) -> float:
    """The left edge of the leftmost figure that is not the label."""
    for index, piece in enumerate(laid.pieces):
        if piece.figure and (index > 0 or piece.x0 - left > 60):
            return piece.core0
    return laid.x1


def _heads(line: Laid, edge: float, left: float) -> bool:
    """Texts over the columns with nothing in the label's place: the heads of a further table."""
    if line.data or len(line.pieces) < 2:
        return False
    first = line.pieces[0]
    if first.x0 < edge - 40 and not (_stub(first.text) and first.x0 - left < 30):
        return False
    return any(PERIOD.search(p.text) for p in line.pieces)


def _take_head(block: Block, laid: list[Laid], start: int, taken: int, page_width: float) -> None:
    below = laid[start]
    first = block.columns[0]
    for index in range(start - 1, max(taken, start - 1 - _HEAD_MAX), -1):
        line = laid[index]
        limit = 2.2 if not block.head and _over_columns(line, block) else 0.75
        if below.line.top - line.line.bottom > limit * line.line.size + 2:
            break
        if _is_stub(line, block) and not _head_above(laid, index, taken, block, page_width):
            break
        if not _is_head(line, block, first, page_width):
            if block.head or not _is_section(line, block) or not _head_above(laid, index, taken, block, page_width):
                break
            # A section head stands between the column heads and the first figures.
            block.body.insert(0, line)
        else:
            block.head.insert(0, line)
        below = line


def _over_columns(line: Laid, block: Block) -> bool:
    """Whether all that the line says stands over columns: a head even with a blank row below it."""
    if line.data and not line.years:
        return False
    pieces = line.pieces[label_count(line, block.left, block.columns[0].left) :]
    return bool(pieces) and all(over_column(p.words, block.columns) is not None for p in pieces)


def _is_stub(line: Laid, block: Block) -> bool:
    """A line of the text beside the column heads: "(In millions, except per share"."""
    piece = line.pieces[0]
    if len(line.pieces) > 1 or piece.figure or piece.x1 >= block.columns[0].left or piece.x0 - block.left > 20:
        return False
    return _stub(piece.text) and not piece.text[0].islower() and not piece.text.endswith((".", ":"))


def _take_wrapped(block: Block, laid: list[Laid], taken: int) -> None:
    """The first lines of a label that wraps into the table's first figure line."""
    while True:
        first = block.body[0]
        index = first.order - 1
        if index <= taken or (block.head and index <= block.head[-1].order):
            return
        above = laid[index]
        step = first.y - above.y
        alone = len(above.pieces) == 1 and not above.data and above.x1 < block.columns[0].left + 3
        if not alone or above.x0 - block.left > 60 or above.pieces[0].text.endswith((".", ":")):
            return
        begins = first.pieces[0]
        floating = begins.figure and begins.x0 >= block.columns[0].left - 2  # figures beside the label's middle
        goes_on = not begins.figure and begins.text[0].islower() and step < 1.05 * first.line.size
        if not (floating and step < 0.75 * first.line.size) and not goes_on:
            return
        block.body.insert(0, above)


def _take_tail(block: Block, laid: list[Laid], end: int) -> int:
    """The last lines of a label whose figures stand on its first or middle line."""
    while end + 1 < len(laid):
        last, line = block.body[-1], laid[end + 1]
        alone = len(line.pieces) == 1 and not line.data and line.x1 < block.columns[0].left + 3
        if not alone or line.x0 - block.left > 60:
            break
        begins = last.pieces[0]
        floating = begins.figure and begins.x0 >= block.columns[0].left - 2
        step = line.y - last.y
        goes_on = line.pieces[0].text[0].islower() and step < 1.05 * last.line.size
        if not (floating and step < 0.75 * last.line.size) and not goes_on:
            break
        block.body.append(line)
        end += 1
    return end


def _is_section(line: Laid, block: Block) -> bool:
    """A text in the label's place, perhaps reaching under the first columns' heads."""
    if len(line.pieces) != 1:
        return False
    if line.x1 < block.columns[0].left + 3:
        return True
    reaches = line.x1 < block.columns[-1].x0 and len(block.columns) > 1
    return reaches and line.x0 - block.left <= 40 and not line.pieces[0].text.endswith((".", ",", ";"))


def _head_above(laid: list[Laid], index: int, taken: int, block: Block, page_width: float) -> bool:
    for above in range(index - 1, max(taken, index - 5), -1):
        line = laid[above]
        beside = len(line.pieces) > 1 or line.years or line.x0 > block.left + 40
        if beside and _is_head(line, block, block.columns[0], page_width):
            return True
        if not _is_section(laid[above], block):
            return False
    return False


def _is_head(line: Laid, block: Block, first: Column, page_width: float) -> bool:
    pieces = line.pieces
    if line.data and not line.years:
        return False
    if line.years:
        return header_row(line) and not _alone_at_left(line, first.left)
    if _is_stub(line, block):
        return bool(block.head)
    beside = label_count(line, block.left, first.left)
    if beside and pieces[0].x1 >= first.x0 + 3:
        stub, rest = stub_apart(pieces[0], block)
        if stub is not None and rest is not None:
            pieces = [stub, rest, *pieces[1:]]
    cells = pieces[beside:] if pieces[0].x1 < first.x0 + 3 else pieces
    if not cells or (cells is pieces and pieces[0].x0 < first.x0 - 60):
        return False
    if any(c.x1 > block.columns[-1].x1 + 40 for c in cells):
        return False
    if len(pieces) == 1:
        centre = (pieces[0].x0 + pieces[0].x1) / 2
        if abs(centre - page_width / 2) < 4 and not PERIOD.search(pieces[0].text):
            return False  # a title or "(unaudited)" centred on the page
        return not line.line.text.rstrip().endswith(".") or len(pieces[0].words) < 4
    return not (len(pieces) > beside and beside and len(pieces[0].words) > 12)
