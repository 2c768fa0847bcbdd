"""The published description is true: what a real server replies matches it, reply by reply and member by member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance import files
from tests.conformance.client import Install, Workspace
from tests.conformance.schema import faults

V1 = "/api/v1"


class Described:
    """Sends requests by their described path, checks the replies, and remembers which operations were seen."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.description: dict[str, Any] = workspace.api.get(f"{V1}/openapi.json").raise_for_status().json()
        self.seen: set[tuple[str, str]] = set()

    def operations(self) -> Iterator[tuple[str, str, str, Any]]:
        """(method, path, status, schema) of every reply in JSON."""
        for path, methods in self.description["paths"].items():
            for method, operation in methods.items():
                for status, reply in operation["responses"].items():
                    content = reply.get("content", {})
                    if status != "default" and "application/json" in content:
                        yield method, path, status, content["application/json"]["schema"]

    def schema(self, name: str) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{name}"}

    def check(self, value: Any, schema: Any) -> None:
        assert list(faults(value, schema, self.description)) == []

    def send(self, method: str, path: str, *, browser: bool = False, **options: Any) -> Any:
        """The reply's JSON. ``path`` is the described one; what stands in its braces comes from ``options['at']``."""
        client = (self.workspace.browser if browser else self.workspace.api).http
        reply = client.request(method, path.format(**options.pop("at", {})), **options)
        found = [
            one for m, p, status, one in self.operations() if (m, p, status) == (method, path, str(reply.status_code))
        ]
        assert len(found) == 1, reply.text
        self.seen.add((method, path))
        self.check(reply.json(), found[0])
        return reply.json()


@pytest.fixture(scope="module")
def described(install: Install) -> Described:
    return Described(install.workspace("Described"))


DOCUMENTS = f"{V1}/documents"
DOCUMENT = f"{DOCUMENTS}/{{document_id}}"
PAGE = f"{DOCUMENT}/pages/{{number}}"
CONVERSATIONS = f"{V1}/conversations"
CONVERSATION = f"{CONVERSATIONS}/{{conversation}}"
MESSAGES = f"{CONVERSATION}/messages"
MESSAGE = f"{MESSAGES}/{{message}}"
NOT_YET = {
    ("get", f"{V1}/audit/{{entry}}/proof"),
    ("get", f"{V1}/register"),
    ("get", f"{V1}/witnesses"),
    ("post", f"{V1}/witnesses"),
    ("post", "/trust/challenge"),
    ("get", "/trust/challenge/{nonce}"),
}
"""Of the Trust Center: replies without a shape so far. A new operation does not come in here; it is described."""
QUESTIONS = (
    ("What was operating income in 2024?", "answered"),
    ("What was operating margin in 2024?", "answered"),
    ("What was the change in net sales from 2023 to 2024?", "answered"),
    ("What was operating income in 2024 and in 2023?", "answered"),
    ("Why did operating income increase?", "answered"),
    ("What was operating income in 2019?", "declined"),
    ("What was goodwill in 2024?", "declined"),
)


def _documents(described: Described) -> dict[str, str]:
    """A document of each kind and one that cannot be read, each checked while it is read and after."""
    prose = ["Operating income increased primarily due to higher prices and a better mix of the products sold."]
    made = {
        "report.pdf": files.pdf(prose=prose, pages=2),
        "book.xlsx": files.xlsx(),
        "table.csv": files.table_csv(),
        "note.docx": files.word(),
        "note.md": files.markdown(),
        "broken.pdf": files.pdf()[:-300],
    }
    found = {}
    for name, data in made.items():
        found[name] = described.send("post", DOCUMENTS, files={"file": (name, data)})["id"]
        described.workspace.api.settled(found[name])
        shown = described.send("get", DOCUMENT, at={"document_id": found[name]})
        assert (shown["failure"] is None) is (name != "broken.pdf")
    return found


def test_every_reply_is_described(described: Described) -> None:
    made = _documents(described)
    described.send("get", DOCUMENTS, params={"limit": 2})
    described.send("get", DOCUMENTS)
    for name, with_grid in (("report.pdf", False), ("book.xlsx", True), ("note.docx", False)):
        page = described.send("get", PAGE, at={"document_id": made[name], "number": 1 if name == "report.pdf" else 0})
        assert page["tables"]
        assert (page["grid"] is not None) is with_grid

    begun = described.send("post", CONVERSATIONS, json={"title": "Described"})["id"]
    at = {"conversation": begun}
    described.send("patch", CONVERSATION, at=at, json={"title": "Well described"})
    turns = []
    for question, state in QUESTIONS:
        body = {"content": question, "document_ids": [made["report.pdf"]]}
        turns.append(described.send("post", MESSAGES, at=at, json=body))
        assert turns[-1]["state"] == state, turns[-1]
    body = {"content": "What was operating margin in 2024?", "document_ids": [made["book.xlsx"]]}
    turns.append(described.send("post", MESSAGES, at=at, json=body))
    answers = [turn["answer"] for turn in turns]
    # The replies show what the description says may be there: otherwise they would prove little of it.
    for member in ("figure", "formula", "operands", "citations", "looked_for", "nearest"):
        assert any(answer[member] for answer in answers), member
    described.send("get", MESSAGE, at={**at, "message": turns[0]["id"]})
    described.send("post", f"{MESSAGE}/cancel", at={**at, "message": turns[0]["id"]})
    described.send("get", MESSAGES, at=at)
    described.send("get", CONVERSATION, at=at)
    described.send("get", CONVERSATIONS)
    described.send("get", f"{V1}/usage")
    described.send("get", f"{V1}/me")
    described.send("get", f"{V1}/audit")
    described.send("get", f"{V1}/tokens", browser=True)
    described.send("post", f"{V1}/tokens", browser=True, json={"name": "another", "scopes": ["usage.read"]})
    described.send("get", f"{V1}/sessions", browser=True)
    invited = described.send("post", f"{V1}/people", browser=True, json={"role": "analyst", "name": "Bo Reed"})["id"]
    described.send("post", f"{V1}/people/{{person_id}}/link", browser=True, at={"person_id": invited})
    described.send("get", f"{V1}/people", browser=True)
    described.send("get", "/healthz")
    described.send("get", "/readyz")
    assert described.seen == {(method, path) for method, path, _, _ in described.operations()} - NOT_YET


def test_what_streams_tell_is_described_too(described: Described) -> None:
    workspace = described.workspace
    events = workspace.api.stream(workspace.api.conversation(), "What was operating income in 2019?")
    assert events[-1][0] == "answer"
    described.check(events[-1][1], described.schema("Turn"))
    for path, form in ((f"{DOCUMENT}/events", "get"), (MESSAGES, "post")):
        replies = described.description["paths"][path][form]["responses"]
        assert any("text/event-stream" in reply.get("content", {}) for reply in replies.values())


def test_every_problem_is_described(described: Described, install: Install) -> None:
    api = described.workspace.api
    problems: list[httpx.Response] = [
        api.get(f"{V1}/documents/doc_none"),
        api.post(f"{V1}/conversations", {"unknown": 1}),
        api.ask(api.conversation(), "x" * 8001),
        install.client().get(f"{V1}/me"),
        api.get(f"{V1}/nothing"),
    ]
    for reply in problems:
        assert reply.headers["content-type"] == "application/problem+json"
        described.check(reply.json(), described.schema("Problem"))


def test_a_reply_that_differs_is_noticed(described: Described) -> None:
    """The control: what checks the replies above sees a fault when there is one."""
    turn = described.schema("Turn")
    part = {"text": "5", "figure": True, "n": [1], "traced": True}
    whole: dict[str, Any] = {
        "id": "trn_1", "conversation_id": "thr_1", "question": "?", "state": "answered", "asked_at": "2026-01-02T03:04:05+00:00",
        "total_ms": 5, "sent_to": None,
        "answer": {
            "text": "5 [1]", "figure": None, "formula": None, "operands": [], "citations": [], "engine": "local",
            "checks": {"figures": 1, "traced": 1}, "declined": False, "looked_for": [], "nearest": [],
            "parts": [part, {"text": " words"}, {"text": "", "figure": False, "n": [2]}], "formula_parts": [],
        },
    }  # fmt: skip
    described.check(whole, turn)
    for wrong in (
        {"more": 1},
        {"state": "abandoned"},
        {"total_ms": "5"},
        {"total_ms": True},
        {"asked_at": "yesterday"},
        {"question": None},
        {"answer": {**whole["answer"], "parts": [{**part, "n": "1"}]}},
        {"answer": {**whole["answer"], "parts": [{**part, "more": 1}]}},
        {"answer": {**whole["answer"], "checks": {"figures": 1}}},
    ):
        assert list(faults({**whole, **wrong}, turn, described.description)), wrong
