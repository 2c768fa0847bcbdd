"""The tables of a page: blocks of lines, their heads put over columns, their lines made rows."""

from __future__ import annotations

from smalt.library.parsed import Table
from smalt.library.readers.blocks import blocks_of
from smalt.library.readers.heads import Rules, head_rows
from smalt.library.readers.layout import Laid
from smalt.library.readers.pieces import box_of
from smalt.library.readers.rows import parts_of, pitch_of, rows_of, steps_of

_ABOVE_MAX = 5


def tables_of(laid: list[Laid], page_width: float, rules: Rules) -> list[Table]:
    """The page's tables in reading order; ``rules`` gives the ruled lines when a head needs them."""
    blocks = blocks_of(laid, page_width)
    taken_apart = [parts_of(block) for block in blocks]
    page_steps = [step for parts in taken_apart for step in steps_of(parts)]
    tables: list[Table] = []
    last_end = -1
    for block, parts in zip(blocks, taken_apart, strict=True):
        rows = rows_of(block, parts, pitch_of(parts, page_steps))
        top = min(line.order for line in block.head + block.body)
        above = [line.line.text for line in laid[max(last_end + 1, top - _ABOVE_MAX) : top]]
        words = [w for line in block.head + block.body for w in line.line.words]
        tables.append(Table(above, head_rows(block, rules), rows, box_of(words)))
        last_end = block.body[-1].order
    return tables
