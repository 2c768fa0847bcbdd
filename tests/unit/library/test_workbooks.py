from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from made_documents import sparse_xlsx, xlsx_of, zip_of
from openpyxl.worksheet.formula import ArrayFormula

from smalt.kernel.errors import Failure
from smalt.library.readers import xlsx
from smalt.library.readers.formulas import column_number, letters, moved


def test_numbers_are_exact_decimals_dates_iso_and_formats_told():
    day = dt.date(2025, 3, 31)
    data = xlsx_of(
        [["Day", "Amount", "Share"], [day, 1234567.89, 0.1], [day, 2.675, 1e-7]], {0: "yyyy-mm-dd", 2: "0.0%"}
    )
    table = xlsx.read(data).pages[0].tables[0]
    assert [(c.text, c.format) for c in table.rows[0].cells] == [("1234567.89", None), ("0.1", "0.0%")]
    assert [c.text for c in table.rows[1].cells] == ["2.675", "0.0000001"]
    assert table.rows[0].label == "2025-03-31"
    assert [c.text for c in table.header[0].cells] == ["Amount", "Share"]


def test_title_rows_head_and_sheet_rows():
    rows = [
        ["Journal"],
        [None, None, "Debit", "Credit"],
        [None, "Totals", 5, 6],
        [],
        ["Date", "Account", "Amount"],
        ["a", "b", 2],
        ["c", "d", 3],
    ]
    tables = xlsx.read(xlsx_of(rows)).pages[0].tables
    last = tables[-1]
    assert last.header[0].index == 5
    assert [(r.index, r.label, r.label_ref, [(c.column, c.ref) for c in r.cells]) for r in last.rows] == [
        (6, "a", "A6", [(0, "B6"), (1, "C6")]),
        (7, "c", "A7", [(0, "B7"), (1, "C7")]),
    ]
    assert tables[0].above == ["Journal"]
    assert [c.text for c in tables[0].header[0].cells] == ["Debit", "Credit"]


def test_two_tables_on_a_sheet_keep_their_heads():
    rows = [["Sales", 2024, 2023], ["Shoes", 10, 20], [], ["Costs"], ["Item", 2024, 2023], ["Rent", 1, 2]]
    tables = xlsx.read(xlsx_of(rows)).pages[0].tables
    assert [(t.header[0].label, t.rows[0].label) for t in tables] == [("Sales", "Shoes"), ("Item", "Rent")]
    assert tables[1].above == ["Costs"]


def test_a_blank_row_does_not_end_a_table_and_section_heads_stay():
    rows = [["", "FY24", "FY25"], ["Revenue", 1, 2], [], ["Operating costs"], ["Rent", 3, 4]]
    table = xlsx.read(xlsx_of(rows)).pages[0].tables
    assert len(table) == 1
    assert [(r.label, [c.text for c in r.cells]) for r in table[0].rows] == [
        ("Revenue", ["1", "2"]),
        ("Operating costs", []),
        ("Rent", ["3", "4"]),
    ]


def test_formulas_come_with_values_and_without():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Item", "A", "B"])
    sheet.append(["Sum", 2, "=B2*2"])
    sheet.append(["Many", 3, None])
    sheet["C3"] = ArrayFormula("C3", "=SUM(B2:B3)")
    out = io.BytesIO()
    book.save(out)
    rows = xlsx.read(out.getvalue()).pages[0].tables[0].rows
    assert [(c.ref, c.text, c.formula) for c in rows[0].cells] == [("B2", "2", None), ("C2", "", "=B2*2")]
    assert rows[1].cells[1].formula == "=SUM(B2:B3)"


def test_shared_formulas_move():
    assert moved("A1*$B$1+C$1+$D1", 2, 1) == "B3*$B$1+D$1+$D3"
    assert moved("SUM(A:A)+LOG10(2)+'My A1'!A1&\"A1\"", 0, 1) == "SUM(B:B)+LOG10(2)+'My A1'!B1&\"A1\""
    assert moved("Inputs!F4", 0, 2) == "Inputs!H4"
    assert [letters(n) for n in (0, 25, 26, 701, 16383)] == ["A", "Z", "AA", "ZZ", "XFD"]
    assert column_number("XFD") == 16383


def test_the_widest_sheet_is_read_by_its_cells():
    page = xlsx.read(sparse_xlsx()).pages[0]
    texts = [(c.ref, c.text) for t in page.tables for r in t.rows for c in r.cells]
    assert ("B1", "1") in texts
    assert (page.width, page.height) == (16384, 1048576)


def test_too_many_cells(monkeypatch):
    monkeypatch.setattr(xlsx.limits, "PARSE_CELLS_MAX", 3)
    with pytest.raises(Failure) as failed:
        xlsx.read(xlsx_of([[1, 2], [3, 4]]))
    assert failed.value.code == "document.too_many_cells"


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("5", "5"),
        ("-0.5", "-0.5"),
        ("1.1000000000000001", "1.1"),
        ("1E+20", "100000000000000000000"),
        ("0", "0"),
        ("-0", "-0"),
    ],
)
def test_stored_numbers(stored, text):
    assert xlsx.plain_number(stored) == text


def test_a_broken_part_is_a_truncated_workbook():
    parts = {"xl/workbook.xml": b"<workbook><sheets>", "xl/_rels/workbook.xml.rels": b"<R/>"}
    with pytest.raises(Failure) as failed:
        xlsx.read(zip_of(parts))
    assert failed.value.code == "document.truncated"


def test_an_entity_is_refused_wherever_it_stands():
    bomb = b"<?xml version='1.0'?>" + b" " * 2000 + b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>"
    with pytest.raises(Failure) as failed:
        xlsx.read(zip_of({"xl/workbook.xml": bomb}))
    assert failed.value.code == "document.unsupported"
