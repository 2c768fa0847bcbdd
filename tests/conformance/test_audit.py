"""The audit log as its readers meet it: searched, exported, and with their own reading in it."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest

from tests.conformance.client import Install, Workspace, check_problem
from tests.conformance.test_membership import join

AUDIT = "/api/v1/audit"
DONE, DENIED = 1, 2
CEF = re.compile(
    r"CEF:0\|Smalt\|Smalt\|[^|]+\|[a-z_.]+\|[a-z_.]+\|\d+\|rt=\d+ externalId=ent_\S+ outcome=\w+ suid=\S+ .+"
)


@pytest.fixture(scope="module")
def firm(install: Install) -> Workspace:
    firm = install.workspace("Ledger and Lane")
    conversation = firm.api.conversation("Secret title of a talk")
    firm.api.ask(conversation, "What was the secret revenue?")
    firm.api.delete(f"/api/v1/conversations/{conversation}")
    narrow, _ = firm.with_scopes("usage.read")
    assert narrow.get("/api/v1/documents").status_code == 403
    return firm


def listed(workspace: Workspace, **asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        reply = workspace.api.get(AUDIT, params={**asked, **more, "limit": "7"})
        assert reply.status_code == 200, reply.text
        found += reply.json()["items"]
        cursor = reply.json()["next"]
        if cursor is None:
            return found


def test_every_act_and_every_denied_act_is_there(firm: Workspace) -> None:
    listed(firm)
    entries = listed(firm)  # with the reading before in it
    acts = {one["act"] for one in entries}
    assert {"tenant.create", "session.begin", "token.create", "conversation.write", "turn.ask", "audit.read"} <= acts
    denied = [one for one in entries if one["outcome"] == DENIED]
    assert [(one["act"], one["actor_kind"]) for one in denied] == [("document.read", "token")]
    assert len({one["id"] for one in entries}) == len(entries)
    times = [one["begun_at"] for one in entries]
    assert times == sorted(times, reverse=True)


def test_it_is_searched(firm: Workspace) -> None:
    assert {one["act"] for one in listed(firm, act="conversation.")} == {"conversation.write"}
    assert {one["act"] for one in listed(firm, act="turn.ask")} == {"turn.ask"}
    mine = listed(firm, actor=firm.person)
    assert mine
    assert {one["actor"] for one in mine} == {firm.person}
    assert {one["outcome"] for one in listed(firm, outcome="denied")} == {DENIED}
    whole = listed(firm, act="token.create")
    at = whole[-1]["begun_at"]
    later = {one["id"] for one in listed(firm, act="token.create", since=at)}
    earlier = {one["id"] for one in listed(firm, act="token.create", until=at)}
    assert later | earlier == {one["id"] for one in whole}
    assert not later & earlier


@pytest.mark.parametrize(
    "asked", [{"act": "turn"}, {"act": "a%"}, {"actor": "ada"}, {"actor": "doc_" + "0" * 36}, {"act": "x' or 1=1"}]
)
def test_what_cannot_be_looked_for_is_said(firm: Workspace, asked: dict[str, str]) -> None:
    check_problem(firm.api.get(AUDIT, params=asked), 422, "audit.filter")


def test_the_exports_hold_the_same_and_no_content(firm: Workspace) -> None:
    by_id = {one["id"]: one for one in listed(firm, act="conversation.")}
    texts = {
        form: firm.api.get(f"{AUDIT}/export", params={"format": form, "act": "conversation."})
        for form in ("jsonl", "csv", "cef")
    }
    for form, reply in texts.items():
        assert reply.status_code == 200
        assert reply.headers["content-disposition"] == f'attachment; filename="audit.{form}"'
        assert "ecret" not in reply.text
    lines = [json.loads(line) for line in texts["jsonl"].text.splitlines()]
    assert {one["id"]: one for one in lines} == by_id
    rows = list(csv.DictReader(io.StringIO(texts["csv"].text)))
    assert [(row["id"], row["act"], row["outcome"]) for row in rows] == [
        (one["id"], one["act"], "done") for one in lines
    ]
    cef = texts["cef"].text.splitlines()
    assert len(cef) == len(lines)
    assert all(CEF.fullmatch(line) for line in cef), cef
    exports = [one for one in listed(firm, act="audit.read") if one["outcome"] != DONE]
    assert exports == [], "an export that was read to its end is done"


def test_more_than_one_transaction_of_entries_is_exported_once(firm: Workspace) -> None:
    for _ in range(1100):
        firm.api.get("/api/v1/me")
    lines = firm.api.get(f"{AUDIT}/export").text.splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert len(ids) == len(set(ids)) > 1100


def test_who_may_read_it(install: Install, firm: Workspace) -> None:
    auditor, analyst = (join(install, firm.browser, role).browser for role in ("auditor", "analyst"))
    assert auditor.get(AUDIT).status_code == 200
    check_problem(analyst.get(AUDIT), 403, "act.role")
    check_problem(analyst.get(f"{AUDIT}/export"), 403, "act.role")
    assert "Ada Quill" in auditor.get("/audit", headers={"accept": "text/html"}).text
    page = auditor.get("/audit?outcome=denied", headers={"accept": "text/html"})
    assert "document.read" in page.text
    assert "turn.ask" not in page.text
    wrong = auditor.get("/audit?act=%3Cscript%3E", headers={"accept": "text/html"})
    assert wrong.status_code == 422
    assert "<script>" not in wrong.text.partition("<main")[2]
