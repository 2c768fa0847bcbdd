"""Filling in questionnaires of others: columns are found, known ids are answered, everything else is left as it was."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation

from smalt.kernel.errors import Failure
from smalt.library import sandbox
from smalt.library.form import Filled, Replies, Reply
from smalt.library.readers.form import fill

REPLIES = Replies(
    {"AB-01": Reply("Yes", "=because()"), "ENC.HSTS": Reply("No", "not shown")}, {"AB-01": Reply("Partial", "some")}
)
CAIQ = (
    "Question ID",
    "Question",
    "CSP CAIQ Answer",
    "SSRM Control Ownership",
    "CSP Implementation Description",
    "CCM Control ID",
)


def book(*sheets: tuple[str, list[tuple[Any, ...]]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets:
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    found = io.BytesIO()
    made.save(found)
    return found.getvalue()


def rows(filled: Filled, sheet: str) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(filled.body))[sheet].iter_rows(values_only=True))


def test_a_caiq_is_answered_by_its_ids() -> None:
    data = book(
        (
            "CAIQ",
            [
                ("A title",),
                (),
                CAIQ,
                ("AB-01.1", "?", None, None, None, "AB-01"),
                ("AB-02.1", "?", None, None, None, "AB-02"),
            ],
        )
    )
    filled = fill(data, REPLIES)
    (report,) = filled.sheets
    assert (report.filled, report.kept, report.unknown) == (1, 0, ("AB-02.1",))
    shown = rows(filled, "CAIQ")
    assert shown[3] == ("AB-01.1", "?", "Partial", None, "some", "AB-01")
    assert shown[4] == ("AB-02.1", "?", None, None, None, "AB-02")
    assert rows(filled, "Filled by Smalt")[1] == ("CAIQ", "1", "0", "1", "AB-02.1")


@pytest.mark.parametrize(
    "heads",
    [
        ("Ref", "Ask", "Response", "Comments"),
        ("#", "Control", "Yes/No", "Additional information"),
        ("No.", "Text", "ANSWER", "Notes"),
    ],
)
def test_columns_are_found_by_what_their_heads_say(heads: tuple[str, ...]) -> None:
    filled = fill(book(("S", [heads, ("enc.hsts", "?"), ("ab-01", "?"), ("99.9", "?")])), REPLIES)
    shown = rows(filled, "S")
    assert shown[1][2:] == ("No", "not shown")
    assert shown[2][2:] == ("Yes", "=because()")
    assert not shown[3][2]
    assert filled.unknown == 1


def test_text_is_never_a_formula() -> None:
    filled = fill(book(("S", [("Id", "Q", "Answer", "Comment"), ("AB-01", "?")])), REPLIES)
    cell = openpyxl.load_workbook(io.BytesIO(filled.body))["S"]["D2"]
    assert (cell.value, cell.data_type) == ("=because()", "s")


def test_what_is_there_stays() -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    for row in (("Id", "Question", "Answer"), ("AB-01", "?", "Mine"), ("AB-01", "?", "=1+1"), ("AB-01", "?", None)):
        sheet.append(row)
    sheet["C4"].font = Font(bold=True)
    chosen = DataValidation(type="list", formula1='"Yes,No"')
    sheet.add_data_validation(chosen)
    chosen.add("C2:C9")
    data = io.BytesIO()
    made.save(data)
    filled = fill(data.getvalue(), REPLIES)
    assert (filled.filled, filled.kept) == (1, 2)
    after = openpyxl.load_workbook(io.BytesIO(filled.body)).active
    assert [after[f"C{row}"].value for row in (2, 3, 4)] == ["Mine", "=1+1", "Yes"]
    assert after["C4"].font.bold
    assert len(after.data_validations.dataValidation) == 1


def test_a_sheet_without_ids_or_without_answers_is_left_alone() -> None:
    filled = fill(book(("Cover", [("Welcome",), ("to this",)]), ("S", [("Id", "Question"), ("AB-01", "?")])), REPLIES)
    assert [(one.name, one.problem, one.filled) for one in filled.sheets] == [
        ("S", "No column for answers was found.", 0)
    ]
    assert rows(filled, "S") == [("Id", "Question"), ("AB-01", "?")]


def test_a_second_filling_keeps_the_first() -> None:
    once = fill(book(("S", [("Id", "Q", "Answer"), ("AB-01", "?")])), REPLIES)
    twice = fill(once.body, Replies({"AB-01": Reply("No", "")}, {}))
    assert twice.kept == 1
    assert rows(twice, "S")[1][2] == "Yes"


def altered(data: bytes, part: str, body: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, body if info.filename == part else old.read(info))
    return made.getvalue()


ENTITY = (
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c t="inlineStr"><is><t>&e;</t>'
    b"</is></c></row></sheetData></worksheet>"
)


async def test_hostile_files_are_refused_in_the_child() -> None:
    sound = book(("S", [("Id", "Q", "Answer"), ("AB-01", "?")]))
    for body in (b"", b"no workbook", b"%PDF-1.7\n%%EOF", sound[:300], altered(sound, "xl/worksheets/sheet1.xml", ENTITY),
                 altered(sound, "xl/worksheets/sheet1.xml", b"<worksheet"), altered(sound, "xl/workbook.xml", b"<a/>")):  # fmt: skip
        with pytest.raises(Failure):
            await sandbox.fill(body, REPLIES)
    assert (await sandbox.fill(sound, REPLIES)).filled == 1
