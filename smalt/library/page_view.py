"""A parsed page as the JSON that the browser and the templates read: named fields, and for sheets a grid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smalt.kernel.errors import Missing
from smalt.library.parsed import Box, Page, Parsed, Row, Table

_REF = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def page_view(page: Page) -> dict[str, Any]:
    """``{"number","width","height","sheet","lines":[{"text","box"}],"tables":[…],"grid": …|None}``.

    Boxes are ``[x0, y0, x1, y1]`` in points from the top left. A table is ``{"above","header","rows","box"}``; a row
    ``{"label","label_box","label_ref","box","index","indent","bold","cells":[{"text","column","box","ref","formula"}]}``.
    ``grid`` (None unless cells carry references) is ``{"columns":["A",…],"rows":[{"index","bold","cells":[{"ref","text","formula"}|None,…]}]}``.
    """
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "sheet": page.sheet,
        "lines": [{"text": line.text, "box": _box(line.box)} for line in page.lines],
        "tables": [_table(table) for table in page.tables],
        "grid": _grid(page),
    }


def page_number(read: Parsed, number: int, sheet: str = "") -> int:
    """The 0-based page asked for, by the name of its sheet if it has one of that name, else by ``number``; `Missing`
    when there is none.
    """
    for each in read.pages:
        if sheet and each.sheet == sheet:
            return each.number
    if not 0 <= number < len(read.pages):
        raise Missing("page.unknown", "The document has no such page.", facts={"pages": len(read.pages)})
    return number


def window_start(grid: Mapping[str, Any], cell: str | None, size: int = 200) -> int:
    """Where a window of ``size`` rows of ``grid`` begins so that ``cell`` ("F18") stands in it; 0 without one."""
    found = _REF.fullmatch(cell or "")
    if found is None:
        return 0
    at = next((i for i, row in enumerate(grid["rows"]) if row["index"] >= int(found[2])), 0)
    return 0 if at < size else at - size // 2


def _table(table: Table) -> dict[str, Any]:
    return {
        "above": table.above,
        "header": [_row(row) for row in table.header],
        "rows": [_row(row) for row in table.rows],
        "box": _box(table.box),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "label_box": _box(row.label_box),
        "label_ref": row.label_ref,
        "box": _box(row.box),
        "index": row.index,
        "indent": row.indent,
        "bold": row.bold,
        "cells": [
            {"text": c.text, "column": c.column, "box": _box(c.box), "ref": c.ref, "formula": c.formula}
            for c in row.cells
        ],
    }


def _box(box: Box | None) -> list[float] | None:
    return None if box is None else [box.x0, box.y0, box.x1, box.y1]


def _grid(page: Page) -> dict[str, Any] | None:
    """The filled rows and columns of a sheet; empty ones between them are left out and show by their numbers.

    None when no cell carries a sheet reference.
    """
    rows: dict[int, dict[str, dict[str, Any]]] = {}
    bold: set[int] = set()
    for table in page.tables:
        for row in (*table.header, *table.rows):
            cells = [(cell.ref, cell.text, cell.formula) for cell in row.cells]
            for ref, text, formula in [(row.label_ref, row.label, None), *cells]:
                found = _REF.fullmatch(ref or "")
                if found is not None:
                    rows.setdefault(int(found[2]), {})[found[1]] = {"ref": ref, "text": text, "formula": formula}
                    if row.bold or row in table.header:
                        bold.add(int(found[2]))
    if not rows:
        return None
    columns = sorted({column for cells in rows.values() for column in cells}, key=lambda name: (len(name), name))
    return {
        "columns": columns,
        "rows": [
            {"index": index, "bold": index in bold, "cells": [cells.get(column) for column in columns]}
            for index, cells in sorted(rows.items())
        ],
    }
