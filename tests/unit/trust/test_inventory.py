"""The record of processing is read strictly, and the comparison with the catalogue sees every kind of difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from smalt.trust.checks.schema import missing, unknown, unsealed
from smalt.trust.inventory import load

RECORD = load()
LIVE = {(field.table, field.column): field.sealed for field in RECORD}


def test_a_catalogue_that_is_as_recorded_differs_in_nothing() -> None:
    assert (unknown(LIVE, RECORD), missing(LIVE, RECORD), unsealed(LIVE, RECORD)) == ([], [], [])


def test_differences_are_named() -> None:
    live = {**LIVE, ("smalt.person", "phone"): False, ("smalt.turn", "question"): False}
    del live["smalt.usage_entry", "at"]
    assert unknown(live, RECORD) == ["smalt.person.phone"]
    assert missing(live, RECORD) == ["smalt.usage_entry.at"]
    assert unsealed(live, RECORD) == ["smalt.turn.question"]


def test_what_is_sealed_is_content_or_personal() -> None:
    assert {(f.table, f.column) for f in RECORD if f.sealed} >= {("smalt.turn", "answer"), ("smalt.person", "email")}
    assert all(field.purpose and field.retention and field.basis for field in RECORD)


@pytest.mark.parametrize(
    "wrong", ["", 'a = { purpose = "x", colour = "blue" }', 'a = { purpose = "x", personal = true }']
)
def test_a_record_that_is_not_complete_is_refused(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "inventory.toml"
    head = '["x.y"]\npurpose = "p"\nsubjects = ""\nretention = "r"\nbasis = "b"\n["x.y".columns]\n'
    file.write_text(head + (wrong or 'a = ""'), "utf-8")
    with pytest.raises(ValueError):
        load(file)
