"""Search segments that another version of the product wrote, met by a question after an upgrade."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance import files
from tests.conformance.client import Install, Workspace, check_problem, until

OLDER = textwrap.dedent(
    """
    import msgspec
    import smalt.search.segment as segment
    def encode(made, inner=segment.encode):
        made.version = segment.SEGMENT_VERSION - 1
        held = msgspec.to_builtins(made)
        if any(fact.label == "Goodwill impairment" for fact in made.facts):
            del held["postings"]
            held["facts"] = {"were": "kept otherwise"}
        return msgspec.msgpack.encode(held)
    segment.encode = encode
    """
)
UNREADABLE = "import smalt.search.segment as segment\nsegment.encode = lambda made: b'nonsense'"
PLAIN, RESHAPED = "Operating income", "Goodwill impairment"
ROWS = {PLAIN: (PLAIN, 500, 400), RESHAPED: (RESHAPED, 500, 300)}


def question(label: str) -> str:
    return f"What was {label.lower()} in 2024?"


def indexed(install: Install) -> list[str]:
    return [line["document"] for line in install.lines() if line["event"] == "document_indexed"]


def segment_of(install: Install, document: str) -> Path:
    return next((install.data_dir / "blobs").glob(f"*/{document[4:]}/segment"))


@pytest.fixture
def upgraded(install: Install) -> Callable[[str], tuple[Workspace, dict[str, str]]]:
    """Two documents of a server that writes segments in another way, and that server replaced by the real one."""

    def upgrade(preamble: str) -> tuple[Workspace, dict[str, str]]:
        install.preamble = preamble
        install.start()
        workspace = install.workspace()
        made = {}
        for label, row in ROWS.items():
            ready = workspace.api.add(f"{label}.pdf", files.pdf(rows=[row]))
            assert ready["status"] == "ready", ready
            made[label] = str(ready["id"])
        assert install.stop() == 0
        install.preamble = ""
        install.start()
        workspace.api = install.client(token=workspace.token)
        return workspace, made

    return upgrade


def test_an_older_segment_is_built_anew_within_the_turn(
    install: Install, upgraded: Callable[[str], tuple[Workspace, dict[str, str]]]
) -> None:
    workspace, made = upgraded(OLDER)
    api, before = workspace.api, indexed(install)
    # One document, named; then all of them, of which one is still to be done; streamed, the turn is told at once.
    first = api.ask(api.conversation(), question(PLAIN), document_ids=[made[PLAIN]])
    assert first.status_code == 201, first.text
    assert first.json()["answer"]["figure"]["value"] == "500000000"
    events = api.stream(api.conversation(), question(RESHAPED))
    assert (events[0][0], events[-1][0]) == ("turn", "answer")
    assert events[-1][1]["answer"]["figure"]["value"] == "500000000"
    assert sorted(indexed(install)[len(before) :]) == sorted(made.values()), "each is built anew once"
    assert all(api.get(f"/api/v1/documents/{each}").json()["status"] == "ready" for each in made.values())

    assert install.stop() == 0
    install.start()
    api = install.client(token=workspace.token)
    again = api.ask(api.conversation(), question(RESHAPED)).json()
    assert again["answer"]["figure"]["value"] == "500000000"
    assert len(indexed(install)) == len(before) + 2, "what was built anew was not kept"

    # Cut off while it was stored, a segment may be gone: it can be had again too.
    assert install.stop() == 0
    segment_of(install, made[RESHAPED]).unlink()
    install.start()
    api = install.client(token=workspace.token)
    again = api.ask(api.conversation(), question(RESHAPED)).json()
    assert again["answer"]["figure"]["value"] == "500000000"
    assert segment_of(install, made[RESHAPED]).exists()
    # Deleted, it is not brought back.
    api.delete(f"/api/v1/documents/{made[RESHAPED]}")
    until(lambda: not list((install.data_dir / "blobs").glob(f"*/{made[RESHAPED][4:]}/*")))
    assert api.ask(api.conversation(), question(RESHAPED)).json()["state"] == "declined"


def test_a_corrupted_segment_is_not_trusted(
    install: Install, upgraded: Callable[[str], tuple[Workspace, dict[str, str]]]
) -> None:
    workspace, made = upgraded(UNREADABLE)
    api, before = workspace.api, len(indexed(install))
    check_problem(api.ask(api.conversation(), question(PLAIN)), 500, "segment.unreadable")
    blob = segment_of(install, made[RESHAPED])
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    asked = api.ask(api.conversation(), question(RESHAPED), document_ids=[made[RESHAPED]])
    assert asked.status_code == 500
    assert asked.json()["title"] == "Stored data failed its integrity check and was not used."
    assert asked.json()["code"] != "segment.unreadable"
    assert len(indexed(install)) == before
