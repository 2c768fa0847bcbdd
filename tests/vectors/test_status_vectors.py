"""What may be said of a claim, held to vectors whose answers were written by hand (`make_status.py`)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from smalt.trust import status

FOLDER = Path(__file__).parent
WHOLE = json.loads((FOLDER / "status.json").read_text("utf-8"))


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"]).replace(" ", "-")


@pytest.mark.parametrize("vector", WHOLE["vectors"], ids=name_of)
def test_verdict(vector: dict[str, Any]) -> None:
    seen = status.verdicts([vector["claim"]], vector["events"], vector["now"])[vector["claim"]["id"]]
    assert asdict(seen) == vector["verdict"]


@pytest.mark.parametrize("vector", WHOLE["vectors"], ids=name_of)
def test_the_order_in_which_events_are_handed_in_does_not_matter(vector: dict[str, Any]) -> None:
    seen = status.verdicts([vector["claim"]], vector["events"][::-1], vector["now"])[vector["claim"]["id"]]
    assert asdict(seen) == vector["verdict"]


@pytest.mark.parametrize("vector", WHOLE["history"], ids=name_of)
def test_history(vector: dict[str, Any]) -> None:
    told = status.history(vector["claim"], vector["events"], vector["now"])
    assert [{"state": one.state, "since": one.since} for one in told] == vector["states"]


def test_every_state_has_vectors_and_each_that_ends_by_itself_says_what_it_becomes() -> None:
    verdicts = [vector["verdict"] for vector in WHOLE["vectors"]]
    assert {one["state"] for one in verdicts} == set(status.STATES)
    assert all(bool(one["then"]) == (one["state"] in status.HOLDING | {"planned"}) for one in verdicts)


def test_the_file_is_what_its_program_writes(tmp_path: Path) -> None:
    source = (FOLDER / "make_status.py").read_text("utf-8")
    made = tmp_path / "make_status.py"
    made.write_text(source, "utf-8")
    exec(compile(source, str(made), "exec"), {"__name__": "__main__", "__file__": str(made)})  # noqa: S102
    assert json.loads((tmp_path / "status.json").read_text("utf-8")) == WHOLE
