"""The JSON of a page: named fields, boxes as lists, and a grid for sheets."""

from __future__ import annotations

import pytest

from smalt.kernel.errors import Missing
from smalt.library.page_view import page_number, page_view, window_start
from smalt.library.parsed import Box, Cell, Kind, Line, Page, Parsed, Row, Table


def _sheet(rows: int) -> Page:
    body = [Row(f"r{n}", [Cell(str(n), 0, ref=f"C{n}")], index=n, label_ref=f"A{n}") for n in range(2, rows + 2)]
    head = Row("Name", [Cell("Amount", 0, ref="C1")], index=1, label_ref="A1")
    return Page(0, 0, 0, [], [Table([], [head], body)], sheet="Ledger")


def test_a_pdf_page_has_boxes_and_no_grid() -> None:
    row = Row("Cash", [Cell("1,200", 0, Box(1, 2, 3, 4))], Box(0, 2, 3, 4))
    seen = page_view(Page(4, 612, 792, [Line("Cash 1,200", Box(0, 2, 3, 4))], [Table(["In millions"], [], [row])]))
    assert seen["grid"] is None
    assert seen["lines"] == [{"text": "Cash 1,200", "box": [0, 2, 3, 4]}]
    assert seen["tables"][0]["rows"][0]["cells"][0] == {
        "text": "1,200",
        "column": 0,
        "box": [1, 2, 3, 4],
        "ref": None,
        "formula": None,
    }


def test_a_sheet_has_a_grid_in_sheet_order_with_its_head_bold() -> None:
    grid = page_view(_sheet(2))["grid"]
    assert grid["columns"] == ["A", "C"]
    assert [(row["index"], row["bold"], [cell["text"] for cell in row["cells"]]) for row in grid["rows"]] == [
        (1, True, ["Name", "Amount"]),
        (2, False, ["r2", "2"]),
        (3, False, ["r3", "3"]),
    ]


def test_columns_are_ordered_as_a_sheet_orders_them() -> None:
    cells = [Cell("x", n, ref=f"{name}1") for n, name in enumerate(["AA", "B", "Z"])]
    grid = page_view(Page(0, 0, 0, [], [Table([], [], [Row("", cells, index=1)])]))["grid"]
    assert grid["columns"] == ["B", "Z", "AA"]


def test_a_window_holds_the_cell() -> None:
    grid = page_view(_sheet(900))["grid"]
    for cell in ("C1", "C150", "C500", "C901"):
        start = window_start(grid, cell)
        assert int(cell[1:]) in [row["index"] for row in grid["rows"][start : start + 200]]
    assert window_start(grid, None) == 0
    assert window_start(grid, "C99999") == 0


def test_a_page_is_found_by_its_sheet_or_its_number() -> None:
    read = Parsed(Kind.XLSX, [Page(0, 0, 0, [], [], sheet="Revenue"), Page(1, 0, 0, [], [], sheet="Budget 2025")])
    assert page_number(read, 0, "Budget 2025") == 1
    assert page_number(read, 1, "") == 1
    assert page_number(read, 1, "renamed since") == 1
    with pytest.raises(Missing):
        page_number(read, 2)
    with pytest.raises(Missing):
        page_number(read, -1)
