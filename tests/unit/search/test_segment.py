"""From a parsed document to a segment and back, and the shelf that holds opened ones."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from smalt.kernel.errors import Untrusted
from smalt.library.parsed import Box, Cell, Kind, Line, Page, Parsed, Row, Table
from smalt.search.segment import SEGMENT_VERSION, Outdated, build, decode, encode
from smalt.search.shelf import Shelf


def _row(label, *texts, indent=0.0, top=0.0):
    cells = [Cell(text, at, Box(300 + 80 * at, top, 350 + 80 * at, top + 8)) for at, text in enumerate(texts)]
    return Row(label, cells, Box(20, top, 500, top + 8), indent)


def _document(company="Osprey Tools, Inc."):
    head = Row("", [Cell("2025", 0, Box(320, 100, 350, 108)), Cell("2024", 1, Box(400, 100, 430, 108))])
    rows = [
        _row("Current assets:", top=120),
        _row("Cash", "$ 5.5", "4.0", indent=8, top=132),
        _row("Total current assets", "9.0", "8.0", top=144),
        _row("Total assets", "$ 20.0", "(1.0)", top=156),
        _row("Total liabilities", "7.0", "6.0", top=168),
    ]
    cover = [
        Line(text, Box(20, 20 + 12 * at, 500, 28 + 12 * at))
        for at, text in enumerate(
            [
                "FORM 10-K",
                "For the fiscal year ended January 31, 2025",
                company,
                "(Exact name of registrant as specified in its charter)",
                "We call our fiscal 2024 the year ended January 31, 2025.",
            ]
        )
    ]
    return Parsed(
        Kind.PDF,
        [
            Page(0, 612, 792, cover, []),
            Page(
                1,
                612,
                792,
                [Line("CONSOLIDATED BALANCE SHEETS", Box(20, 20, 300, 28))],
                [
                    Table(
                        ["CONSOLIDATED BALANCE SHEETS", "(In thousands) January 31,"],
                        [head],
                        rows,
                        Box(20, 90, 500, 180),
                    )
                ],
            ),
        ],
    )


def test_a_fact_carries_all_that_a_citation_needs():
    segment = decode(encode(build(_document())))
    cash = next(fact for fact in segment.facts if fact.label == "Cash")
    assert (cash.value, cash.scale, cash.currency, cash.path) == (Decimal("5500.0"), 3, "USD", ("Current assets:",))
    assert (cash.span.end, cash.span.months, cash.page) == (date(2025, 1, 31), 0, 1)
    assert cash.box == Box(300, 132, 350, 140)
    assert next(fact for fact in segment.facts if fact.printed == "(1.0)").value == Decimal("-1000.0")


def test_a_total_ends_its_section():
    total = next(fact for fact in build(_document()).facts if fact.label == "Total assets")
    assert total.path == ()


def test_the_profile_names_company_form_and_year_end():
    profile = build(_document()).profile
    assert profile.names[:2] == ["osprey tools, inc", "osprey tools"]
    assert (profile.form, profile.end, profile.months) == ("10-K", date(2025, 1, 31), 12)


def test_a_segment_of_another_version_is_outdated_whatever_its_shape():
    for other in (SEGMENT_VERSION - 1, SEGMENT_VERSION + 1):
        segment = build(_document())
        segment.version = other
        with pytest.raises(Outdated):
            decode(encode(segment))
        with pytest.raises(Outdated):
            decode(msgspec.msgpack.encode({"facts": {"of": "another shape"}, "version": other}))


NO_SEGMENTS = [
    b"",
    b"\x00",
    b"nonsense",
    msgspec.msgpack.encode({"version": "1"}),
    msgspec.msgpack.encode({"version": SEGMENT_VERSION, "facts": "none"}),
]


@pytest.mark.parametrize("data", NO_SEGMENTS)
def test_bytes_that_are_no_segment_are_not_trusted(data):
    with pytest.raises(Untrusted):
        decode(data)


def test_the_shelf_forgets_the_least_recently_used_first():
    data = encode(build(_document()))
    shelf = Shelf(limit_bytes=len(data) * 4 * 2)
    for name in ("a", "b"):
        shelf.put("t1", name, name, data)
    assert shelf.get("t1", "a") is not None
    shelf.put("t1", "c", "c", data)
    assert shelf.get("t1", "b") is None
    assert shelf.get("t1", "a") is not None
    assert shelf.get("t2", "a") is None


def test_the_shelf_drops_a_document_and_a_tenant():
    data = encode(build(_document()))
    shelf = Shelf(limit_bytes=10**9)
    shelf.put("t1", "a", "a", data)
    shelf.put("t1", "b", "b", data)
    shelf.drop("t1", "a")
    assert shelf.get("t1", "a") is None
    shelf.drop("t1")
    assert shelf.get("t1", "b") is None
