"""What the checks see with, without a server: each detector sees the wrong thing, and only that."""

from __future__ import annotations

import hashlib
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from smalt.chat.verify import verified
from smalt.people.token import SCOPES
from smalt.trust.belongings import stranger_to
from smalt.trust.checks.answers import Sample, faults, seeded
from smalt.trust.checks.build import Installed, Mapped, changed, foreign
from smalt.trust.checks.isolation import METHODS, Route, mixes
from smalt.trust.checks.reader import FILES_MAX, Locks
from smalt.trust.checks.roles import TABLE, expected
from smalt.trust.checks.statements import tickets
from smalt.trust.papers import pages
from smalt.trust.probes.files import Open, inner_pipes
from smalt.trust.traces import word

ROOT = Path(__file__).parents[3]
TENANT = "ten_01a20fb8-314a-7cf5-9cfc-e6bd839e36fa"
TIGHT = {
    "Max address space": 1 << 30,
    "Max cpu time": 90,
    "Max open files": FILES_MAX,
    "Max file size": 0,
    "Max processes": 0,
}


def turn(value: str = "48213000000", traced: int = 1, quote: str = "$48,213") -> dict[str, object]:
    return {
        "state": "answered",
        "answer": {
            "figure": {"value": value, "scale": 6},
            "checks": {"figures": 1, "traced": traced},
            "text": "Net sales, 2024: $48,213 million [1].",
            "parts": [{"text": "$48,213 million", "figure": True, "n": [1], "traced": True}],
            "citations": [{"quote": quote}],
            "formula": None,
        },
    }


def test_faults_of_an_answer() -> None:
    wanted, printed = Decimal(48213), {Decimal(48213)}
    assert faults(turn(), wanted, printed) == []
    assert faults(turn(value="48214000000"), wanted, printed) == ["value"]
    assert faults(turn(traced=0), wanted, printed) == ["traced"]
    told = turn()
    told["answer"]["text"] += " Of which 917 abroad."  # type: ignore[index]
    assert faults(told, wanted, printed) == ["text"]
    assert faults(turn(quote="$48,214"), wanted, printed) == ["citations"]
    assert faults({"state": "declined", "answer": None}, wanted, printed) == ["answered"]


def test_the_sample_adds_up() -> None:
    lines = Sample.fresh().lines
    for year in (0, 1):
        assert lines["Net sales"][year] - lines["Cost of sales"][year] == lines["Gross profit"][year]


def test_seeded_errors_are_caught_and_sound_answers_hold() -> None:
    sound, errors = seeded()
    assert all(one.figure and one.traced == one.figures > 0 for one in map(verified, sound))
    assert [
        what for what, one in errors.items() if verified(one).figure and verified(one).traced >= verified(one).figures
    ] == []


def test_a_changed_file_and_a_missing_one_are_seen(tmp_path: Path) -> None:
    fine, wrong, gone = (tmp_path / name for name in ("fine.py", "wrong.py", "gone.py"))
    fine.write_bytes(b"1")
    wrong.write_bytes(b"2")
    digest = hashlib.sha256(b"1").digest()
    found = Installed({"a": "1"}, dict.fromkeys((fine, wrong, gone), "a"), dict.fromkeys((fine, wrong, gone), digest))
    assert changed(found, ["a"]) == (["a: gone.py", "a: wrong.py"], 3)
    assert changed(found, ["b"]) == ([], 0)


def test_code_from_elsewhere_is_seen() -> None:
    site = Path("/opt/python/lib/python3.11/site-packages")
    found = Installed({"a": "1", "b": "1"}, {site / "a.so": "a", site / "b.so": "b"})
    loaded = [
        Mapped(path, deleted=False)
        for path in (site / "a.so", site / "b.so", site / "nobody.so", Path("/tmp/x.so"), Path("/usr/lib/libc.so.6"))
    ]
    assert foreign(loaded, found, ["a"], Path("/opt/python")) == ["b.so", "nobody.so", "x.so"]


def test_locks_that_a_reader_lacks() -> None:
    assert Locks("2", "1", "net:[2]", TIGHT).missing("net:[1]") == []
    assert Locks("2", "1", "net:[1]", TIGHT).missing("net:[1]") == ["the network"]
    assert Locks("0", "0", "net:[2]", {**TIGHT, "Max open files": 64}).missing("net:[1]") == [
        "opening of files",
        "system calls",
        "new rights",
    ]
    assert len(Locks().missing("net:[1]")) == 7


def test_tickets_that_are_none() -> None:
    made = tickets(TENANT)
    assert made["no ticket"] is None
    whole = [one for one in made.values() if one and len(one) == 120]
    assert len(whole) >= 4
    assert all(one.startswith(TENANT[4:].replace("-", "")) for one in whole)


def test_ids_of_both_tenants_are_mixed_with_at_least_one_foreign() -> None:
    ours, theirs = {"a": "1", "b": "2", "number": "0"}, {"a": "8", "b": "9", "number": "0"}
    made = list(mixes(["a", "b", "number"], ours, theirs))
    assert {(one["a"], one["b"]) for one in made} == {("8", "9"), ("8", "2"), ("1", "9")}
    assert stranger_to(TENANT) != TENANT
    assert stranger_to(TENANT).startswith("ten_")


def test_routes_that_end_something() -> None:
    assert Route("delete", "/api/v1/documents/{document_id}").ends
    assert Route("post", "/settings/tokens/{token_id}/revoke", by_form=True).ends
    assert not Route("patch", "/api/v1/conversations/{conversation}").ends


def test_pipes_inside_the_installation_are_told_from_those_that_lead_out() -> None:
    def pipe(inode: int, *, writable: bool) -> Open:
        return Open(1, 1, "pipe", Path("pipe"), writable, (0, inode))

    assert inner_pipes([pipe(1, writable=True), pipe(1, writable=False), pipe(2, writable=True)]) == {(0, 1)}


@pytest.mark.parametrize(
    ("who", "route", "wanted"),
    [
        ("scope usage.read", "GET /api/v1/usage", "passes"),
        ("scope usage.read", "GET /api/v1/documents", "refused"),
        ("scope documents.write", "POST /api/v1/tokens", "no door"),
        ("role viewer", "DELETE /api/v1/documents/{document_id}", "refused"),
        ("role billing", "GET /api/v1/usage", "passes"),
        ("role owner", "GET /healthz", "passes"),
    ],
)
def test_what_the_tables_say(who: str, route: str, wanted: str) -> None:
    assert expected(who, route) == wanted
    assert route in TABLE
    assert SCOPES


def test_every_route_of_the_interface_stands_in_the_reviewed_table() -> None:
    """A new route is reviewed here before a running installation meets it."""
    described = json.loads((ROOT / "tests" / "pinned" / "openapi.json").read_text("utf-8"))["paths"]
    routes = {f"{method.upper()} {path}" for path, given in described.items() for method in METHODS if method in given}
    assert routes | {"GET /api/v1/openapi.json"} == set(TABLE)


def test_the_words_and_the_long_document() -> None:
    assert len({word() for _ in range(50)}) == 50
    assert pages(3).startswith(b"%PDF")
    assert os.path.sep not in word()
