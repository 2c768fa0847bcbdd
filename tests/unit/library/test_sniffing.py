from __future__ import annotations

import pytest
from made_documents import SHEET_TYPES, pdf_of, sparse_xlsx, xlsx_of, zip_of

from smalt.kernel import limits
from smalt.kernel.errors import Failure
from smalt.library.parsed import Kind
from smalt.library.refusals import CODES, refusal
from smalt.library.sniff import delimiter_of, kind_of

PDF = pdf_of([(40.0, 40.0, "word", "l")])
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (PDF, "ledger.xlsx", Kind.PDF),
        (xlsx_of([["a", 1]]), "scan.pdf", Kind.XLSX),
        (b"a,b,c\n1,2,3\n4,5,6\n", "x.pdf", Kind.CSV),
        (b"a;b\n1,5;2\n3;4\n", "", Kind.CSV),
        ("Größe\tWert\n1\t2\n".encode("cp1252"), "", Kind.CSV),
        ("Betrag\tDatum\n1\t2\n".encode("utf-16"), "", Kind.CSV),
        (b"# Title\n\ntext\n", "", Kind.MARKDOWN),
        (b"Just a note, with a comma.\nAnd more.\n", "", Kind.TEXT),
        (b"1,2\n", "x.csv", Kind.CSV),
    ],
)
def test_content_decides(data, name, kind):
    assert kind_of(data, name) is kind


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "document.empty"),
        (b"\xef\xbb\xbf \r\n", "document.empty"),
        (bytes(5000), "document.empty"),
        (PDF[: len(PDF) // 2], "document.truncated"),
        (xlsx_of([["a", 1]])[:-200], "document.truncated"),
        (OLE, "document.unsupported"),
        (OLE + "EncryptedPackage".encode("utf-16le"), "document.encrypted"),
        (zip_of({"a.txt": b"x"}), "document.unsupported"),
        (zip_of({"[Content_Types].xml": SHEET_TYPES, "xl/vbaProject.bin": b"x"}), "document.macros"),
        (zip_of({"[Content_Types].xml": b"vnd.ms-excel.sheet.macroEnabled.main+xml"}), "document.macros"),
        (zip_of({"[Content_Types].xml": SHEET_TYPES, "xl/a.xml": bytes(64 * limits.MIB)}), "document.bomb"),
        (
            zip_of({"[Content_Types].xml": SHEET_TYPES} | {f"{n}": b"" for n in range(limits.ZIP_ENTRIES_MAX + 1)}),
            "document.bomb",
        ),
        (
            zip_of({"[Content_Types].xml": SHEET_TYPES, "xl/a.xml": b"<?xml?><!DOCTYPE x [<!ENTITY a 'b'>]>"}),
            "document.unsupported",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "document.unsupported"),
        (b"\x7fELF" + bytes(range(256)) * 8, "document.unsupported"),
        (b"<!DOCTYPE html><html></html>", "document.unsupported"),
    ],
)
def test_the_rest_is_refused_by_name(data, code):
    with pytest.raises(Failure) as failed:
        kind_of(data, "innocent.xlsx")
    assert failed.value.code == code


def test_a_zip_that_lies_about_its_sizes_is_a_bomb():
    honest = zip_of({"[Content_Types].xml": SHEET_TYPES, "xl/a.xml": b"0" * 3_000_000})
    size = (3_000_000).to_bytes(4, "little")
    assert honest.count(size) == 2
    with pytest.raises(Failure) as failed:
        kind_of(honest.replace(size, (3_000).to_bytes(4, "little")))
    assert failed.value.code == "document.bomb"


def test_a_far_cell_is_no_bomb():
    assert kind_of(sparse_xlsx()) is Kind.XLSX


def test_delimiters():
    assert delimiter_of("a,b,c\n1,2,3") == ","
    assert delimiter_of('a;b\n"x;y";2') == ";"
    assert delimiter_of("Dear sir, hello\nthank you, bye") is None


def test_every_code_has_its_sentences():
    for code in CODES:
        failure = refusal(code)
        assert failure.code == code
        assert failure.happened.endswith(".")
        assert failure.kept.endswith(".")
        assert failure.todo.endswith(".")
    assert refusal("from a hostile child").code == "document.crashed"
