"""Ledger questions over a small journal and its master file."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smalt.engine.local import answer
from smalt.library.parsed import Cell, Kind, Page, Parsed, Row, Table
from smalt.search.segment import Opened, build

_KINDS = ["Yarn", "Dyeing", "Freight"]


def _sheet(rows, kind, name):
    body = [
        Row(
            "",
            [Cell(text, at, None, f"{chr(65 + at)}{number}") for at, text in enumerate(cells) if text],
            None,
            0,
            number,
        )
        for number, cells in rows
    ]
    return Opened(
        name,
        name,
        build(Parsed(kind, [Page(0, 0, 0, [], [Table([], [], body)], "Journal" if kind is Kind.XLSX else None)])),
    )


@pytest.fixture(scope="module")
def sheets():
    lines = [
        (f"{i % 12 + 1:02d}/15/2025", f"ACME-{i % 20:04d}", _KINDS[i % 3], "USD", f"{100 + i}.25") for i in range(60)
    ]
    total = sum(Decimal(line[4]) for line in lines)
    journal = [
        (1, ["Journal"]),
        (2, ["", "", "", "Control total", str(total)]),
        (4, ["Date", "Customer", "Description", "Currency", "Debit"]),
    ]
    journal += [(5 + at, list(line)) for at, line in enumerate(lines)]
    master = [(1, ["CustomerAccount", "OrganizationName", "PaymentTermsId", "AddressState"])]
    master += [
        (2 + i, [f"ACME-{i:04d}", f"Mill {i} Limited", ["COD", "Net30"][i % 2], ["OH", "TX"][i % 2]]) for i in range(20)
    ]
    return [_sheet(journal, Kind.XLSX, "journal.xlsx"), _sheet(master, Kind.CSV, "customers.csv")]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What is the total amount invoiced to Mill 3 Limited (ACME-0003)?", "369.75"),
        ("How many journal lines are there for customer ACME-0004?", "3"),
        ("What is the largest single line for ACME-0005, and on which date? Give the amount.", "145.25"),
        ("What was the total debit amount in March 2025?", "631.25"),
        ('Total amount described as "Freight"?', "2615"),
        ("How many customers in the master file have payment terms Net30?", "10"),
        ("What are the payment terms of Mill 1 Limited (ACME-0001)?", "Net30"),
        ("Total amount for customers located in TX?", "3907.50"),
        ("How many different customers appear in the journal?", "20"),
        (
            "Does the sum of the debit lines tie to the control total at the top of the journal? Give the difference (lines minus control).",
            "0",
        ),
        (
            "Assuming nothing was paid and terms run in days from the line date (COD = 0), how much was overdue for ACME-0001 as of December 1, 2025?",
            "363.75",
        ),
    ],
)
def test_ledger(sheets, question, value):
    found = answer(question, sheets)
    assert not found.declined, found.text
    try:
        assert Decimal(found.figure.value) == Decimal(value)
    except ArithmeticError:
        assert found.figure.value == value
    assert found.citations


def test_sums_cite_their_rows(sheets):
    found = answer("What is the total amount invoiced to Mill 3 Limited (ACME-0003)?", sheets)
    assert [one.row for one in found.citations] == [8, 28, 48]
    assert [one.cell for one in found.citations] == ["E8", "E28", "E48"]


@pytest.mark.parametrize("question", ["What is the total for customer ACME-9987?", "What was the total in March 2019?"])
def test_unknown_names_and_months_are_refused(sheets, question):
    assert answer(question, sheets).declined
