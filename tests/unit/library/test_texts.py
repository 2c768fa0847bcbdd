from __future__ import annotations

import csv as standard_csv
import io

import docx
import pytest

from smalt.kernel.errors import Failure
from smalt.library.parsed import Kind
from smalt.library.readers import csv, markdown, text
from smalt.library.readers import docx as docx_reader


def test_european_decimals_stay_as_printed():
    parsed = csv.read('Tag;Zweck;Betrag\n2026-04-02;Miete;-1.234,56\n2026-04-05;"Ge;halt";3.500,00\n'.encode("cp1252"))
    table = parsed.pages[0].tables[0]
    assert table.header[0].label == "Tag"
    assert [(r.index, r.label, [c.text for c in r.cells], r.cells[-1].ref) for r in table.rows] == [
        (2, "2026-04-02", ["Miete", "-1.234,56"], "C2"),
        (3, "2026-04-05", ["Ge;halt", "3.500,00"], "C3"),
    ]


def test_records_over_lines_and_blank_lines_count_as_a_sheet_would():
    table = csv.read(b'id,note,sum\n1,"two\nlines",5\n\n2,x,6\n').pages[0].tables[0]
    assert [(r.index, r.cells[0].text) for r in table.rows] == [(2, "two\nlines"), (4, "x")]


def test_a_small_file_does_not_narrow_what_others_may_read():
    csv.read(b"a,b\n1,2\n")
    note = b"x" * 200_000
    assert csv.read(b"note,sum\n" + note + b",5\n").pages[0].tables[0].rows[0].cells[-1].text == "5"
    csv.read(b"a,b\n1,2\n")
    assert list(standard_csv.reader([note.decode()])) == [[note.decode()]]


def test_utf16_and_marks():
    assert csv.read("a\tb\n1\t2\n".encode("utf-16")).pages[0].tables[0].header[0].label == "a"
    assert csv.read(b"\xef\xbb\xbfa\tb\n1\t2\n").pages[0].tables[0].header[0].label == "a"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1,234.50", True),
        ("1.234,50", True),
        ("(12)", True),
        ("$5", True),
        ("5%", True),
        ("12-34", False),
        ("A1", False),
        ("", False),
    ],
)
def test_numbers_in_texts(value, number):
    assert csv.is_number(value) is number


def test_markdown_tables_and_chapters():
    parsed = markdown.read(
        b"# Report\n\nIntro with [a link](http://x.example/) and **weight**.\n\n| Item | 2024 |\n|---|--:|\n| Cash | 1,2 |\n"
    )
    page = parsed.pages[0]
    assert parsed.title == "Report"
    assert [line.text for line in page.lines] == ["Report", "Intro with a link and weight."]
    table = page.tables[0]
    assert (table.header[0].label, table.header[0].cells[0].text) == ("Item", "2024")
    assert (table.rows[0].label, table.rows[0].cells[0].text) == ("Cash", "1,2")
    assert table.above[-1].startswith("Intro")


def test_raw_markup_in_markdown_is_text():
    parsed = markdown.read(b"before <script>alert(1)</script> after\n")
    assert "<script>" in parsed.pages[0].lines[0].text


def test_plain_text_is_cut_at_form_feeds_and_by_length():
    parsed = text.read(("x" * 99 + "\n").encode() * 200)
    assert parsed.kind is Kind.TEXT
    assert len(parsed.pages) > 3
    assert [page.number for page in parsed.pages] == list(range(len(parsed.pages)))


def made_docx() -> bytes:
    document = docx.Document()
    document.add_heading("Lease", 1)
    document.add_paragraph("The rent is due monthly.")
    table = document.add_table(rows=3, cols=3)
    for r, cells in enumerate([["", "2024", "2023"], ["Rent", "1,200", "1,100"], ["Total", "1,200", "1,100"]]):
        for c, value in enumerate(cells):
            table.cell(r, c).text = value
    document.add_paragraph("Signed.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_docx_paragraphs_and_tables_in_order():
    page = docx_reader.read(made_docx()).pages[0]
    assert [line.text for line in page.lines] == ["Lease", "The rent is due monthly.", "Signed."]
    table = page.tables[0]
    assert [c.text for c in table.header[0].cells] == ["2024", "2023"]
    assert [(r.label, [c.text for c in r.cells]) for r in table.rows] == [
        ("Rent", ["1,200", "1,100"]),
        ("Total", ["1,200", "1,100"]),
    ]
    assert table.above[-1] == "The rent is due monthly."


@pytest.mark.parametrize("reader", [text, markdown])
def test_nothing_to_read(reader):
    with pytest.raises(Failure) as failed:
        reader.read(b" \n\n ")
    assert failed.value.code == "document.empty"
