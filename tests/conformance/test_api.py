"""The API of the issue's part 10, black box: what is promised to programs, over HTTPS, against a real server."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conformance import files
from tests.conformance.client import Install, Workspace, check_problem

DOCUMENT = {"id", "name", "kind", "size_bytes", "status", "progress", "pages", "failure", "created_at"}
TURN = {"id", "conversation_id", "question", "state", "answer", "asked_at", "total_ms", "sent_to"}
QUESTION = "What was operating income in 2024?"


def key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def walk(workspace: Workspace, path: str, limit: int) -> list[str]:
    """The ids of every page of a list, in order."""
    found: list[str] = []
    cursor = None
    while True:
        params = {"limit": limit, **({} if cursor is None else {"cursor": cursor})}
        page = workspace.api.get(path, params=params).raise_for_status().json()
        assert len(page["items"]) <= limit
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return found
        assert len(page["items"]) == limit


def test_health(install: Install) -> None:
    stranger = install.client()
    assert stranger.get("/healthz").json() == {"status": "alive"}
    assert stranger.get("/readyz").json() == {"status": "ready"}


def test_document_from_upload_to_deletion(ours: Workspace) -> None:
    data = files.pdf(pages=3)
    reply = ours.api.upload("Résumé – 2024.pdf", data)
    assert reply.status_code == 201
    made = reply.json()
    assert set(made) == DOCUMENT
    assert (made["name"], made["size_bytes"]) == ("Résumé – 2024.pdf", len(data))
    assert made["status"] in {"queued", "reading", "indexing"}

    ready = ours.api.settled(made["id"])
    assert (ready["status"], ready["kind"], ready["pages"], ready["progress"]) == ("ready", "pdf", 3, 100)
    assert ready["failure"] is None
    assert made["id"] in [item["id"] for item in ours.api.get("/api/v1/documents").json()["items"]]

    path = f"/api/v1/documents/{made['id']}"
    page = ours.api.get(f"{path}/pages/2").json()
    assert page["number"] == 2
    assert any("Operating income" in line["text"] for line in page["lines"])
    image = ours.api.get(f"{path}/pages/2.png")
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG\r\n\x1a\n")
    check_problem(ours.api.get(f"{path}/pages/3"), 404, "page.unknown")
    check_problem(ours.api.get(f"{path}/pages/3.png"), 404, "page.no_image")

    gone = ours.api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    for again in (ours.api.get(path), ours.api.delete(path), ours.api.get(f"{path}/pages/2.png")):
        check_problem(again, 404, "document.unknown")
    assert made["id"] not in walk(ours, "/api/v1/documents", 50)


def test_a_document_can_be_followed(ours: Workspace) -> None:
    made = ours.api.upload("followed.csv", files.table_csv()).json()
    with ours.api.http.stream("GET", f"/api/v1/documents/{made['id']}/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        body = "".join(reply.iter_text())
    assert body.count("event: document") >= 1
    assert '"status":"ready"' in body.rpartition("data: ")[2]
    ours.api.delete(f"/api/v1/documents/{made['id']}")


def test_conversation_from_making_to_deletion(ours: Workspace) -> None:
    reply = ours.api.post("/api/v1/conversations", {"title": "  Margins   of 2024 "})
    assert reply.status_code == 201
    made = reply.json()
    assert set(made) == {"id", "title", "created_at", "updated_at"}
    assert made["title"] == "Margins of 2024"
    path = f"/api/v1/conversations/{made['id']}"
    assert ours.api.get(path).json() == {**made, "messages": []}

    renamed = ours.api.patch(path, {"title": "Renamed"})
    assert (renamed.status_code, renamed.json()["title"]) == (200, "Renamed")
    assert ours.api.get("/api/v1/conversations", params={"limit": 1}).json()["items"][0]["title"] == "Renamed"
    check_problem(ours.api.patch(path, {"title": " "}), 422, "conversation.title_empty")
    check_problem(ours.api.patch(path, {"title": "x" * 201}), 422, "conversation.title_too_long")
    check_problem(ours.api.patch(path, {"name": "x"}), 422, "request.invalid")

    assert ours.api.delete(path).status_code == 204
    for again in (ours.api.get(path), ours.api.delete(path), ours.api.patch(path, {"title": "x"})):
        check_problem(again, 404, "conversation.unknown")


def test_a_question_as_json(ours: Workspace, report: str) -> None:
    conversation = ours.api.conversation()
    reply = ours.api.ask(conversation, QUESTION, document_ids=[report])
    assert reply.status_code == 201
    turn = reply.json()
    assert set(turn) == TURN
    assert (turn["state"], turn["sent_to"]) == ("answered", None)
    answer = turn["answer"]
    assert (answer["figure"]["value"], answer["checks"]) == ("500000000", {"figures": 1, "traced": 1})
    cited = answer["citations"][0]
    assert (cited["document_id"], cited["page"], cited["quote"]) == (report, 1, "500")
    assert len(cited["box"]) == 4

    path = f"/api/v1/conversations/{conversation}/messages"
    assert ours.api.get(f"{path}/{turn['id']}").json() == turn
    assert ours.api.get(path).json() == {"items": [turn], "next": None}
    assert ours.api.get(f"/api/v1/conversations/{conversation}").json()["messages"] == [turn]
    # Cancelling what has settled changes nothing.
    assert ours.api.post(f"{path}/{turn['id']}/cancel").json() == turn


def test_a_question_as_a_stream(ours: Workspace, report: str) -> None:
    conversation = ours.api.conversation()
    events = ours.api.stream(conversation, QUESTION, document_ids=[report])
    names = [name for name, _ in events]
    assert names[0] == "turn"
    assert names[-1] == "answer"
    assert set(names[1:-1]) == {"delta"}
    whole = events[-1][1]
    assert events[0][1] == {"id": whole["id"], "conversation_id": conversation}
    assert "".join(data["text"] for name, data in events if name == "delta") == whole["answer"]["text"]
    assert ours.api.get(f"/api/v1/conversations/{conversation}/messages/{whole['id']}").json() == whole


def test_what_the_documents_do_not_say_is_declined(ours: Workspace, report: str) -> None:
    turn = ours.api.ask(ours.api.conversation(), "What was goodwill in 2024?", document_ids=[report]).json()
    assert turn["state"] == "declined"
    assert turn["answer"]["declined"]
    assert turn["answer"]["figure"] is None


def test_usage_counts_what_was_asked(ours: Workspace, report: str) -> None:
    ours.api.ask(ours.api.conversation(), QUESTION, document_ids=[report])
    shown = ours.api.get("/api/v1/usage", params={"limit": 2}).json()
    assert {"since", "totals", "engines", "days", "items", "next"} <= set(shown)
    assert shown["items"][0]["input_chars"] == len(QUESTION)
    assert shown["next"] is not None


def test_lists_have_no_gaps_and_no_duplicates(install: Install) -> None:
    workspace = install.workspace()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: workspace.api.conversation(f"number {n}"), range(53)))
    for limit in (1, 7, 53, 200):
        found = walk(workspace, "/api/v1/conversations", limit)
        assert len(found) == len(set(found)) == 53
        assert set(found) == set(made)
    thread = made[0]
    asked = [workspace.api.ask(thread, f"What was revenue {n}?").json()["id"] for n in range(11)]
    assert walk(workspace, f"/api/v1/conversations/{thread}/messages", 3) == asked[::-1]
    stored = [workspace.api.upload(f"{n}.txt", b"One line of text.\n").json()["id"] for n in range(9)]
    assert sorted(walk(workspace, "/api/v1/documents", 4)) == sorted(stored)
    assert len(walk(workspace, "/api/v1/usage", 5)) >= 11


@pytest.mark.parametrize("path", ["/api/v1/documents", "/api/v1/conversations", "/api/v1/usage"])
def test_a_list_refuses_what_is_no_cursor(ours: Workspace, path: str) -> None:
    check_problem(ours.api.get(path, params={"cursor": "A" * 34}), 422, "cursor.unknown")
    for params in ({"limit": 0}, {"limit": 201}, {"limit": "many"}, {"cursor": "x" * 500}):
        check_problem(ours.api.get(path, params=params), 422, "request.invalid")


# -- Idempotency-Key


def test_the_same_conversation_request_is_done_once(ours: Workspace) -> None:
    headers = key()
    first = ours.api.post("/api/v1/conversations", {"title": "Once"}, headers=headers)
    again = ours.api.post("/api/v1/conversations", {"title": "Once"}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    other = ours.api.post("/api/v1/conversations", {"title": "Other"}, headers=headers)
    check_problem(other, 409, "idempotency.reused")
    bad = ours.api.post("/api/v1/conversations", {}, headers={"idempotency-key": "two words"})
    check_problem(bad, 422, "idempotency.key")


def test_the_same_question_is_asked_once(ours: Workspace, report: str) -> None:
    conversation, headers = ours.api.conversation(), key()
    first = ours.api.ask(conversation, QUESTION, headers=headers, document_ids=[report])
    again = ours.api.ask(conversation, QUESTION, headers=headers, document_ids=[report])
    assert (again.status_code, again.json()) == (201, first.json())
    streamed = ours.api.stream(conversation, QUESTION, headers=headers, document_ids=[report])
    assert streamed[-1] == ("answer", first.json())
    assert len(walk(ours, f"/api/v1/conversations/{conversation}/messages", 50)) == 1
    for other in ({"question": "What was revenue?"}, {"document_ids": None}):
        sent = {"question": QUESTION, "document_ids": [report], **other}
        reply = ours.api.ask(conversation, sent["question"], headers=headers, document_ids=sent["document_ids"])
        check_problem(reply, 409, "idempotency.reused")


def test_the_same_upload_is_stored_once(ours: Workspace) -> None:
    one, data, other = str(uuid.uuid4()), files.table_csv(), files.table_csv().replace(b"1234", b"4321")
    first = ours.api.upload("once.csv", data, key=one).json()
    again = ours.api.upload("once.csv", data, key=one)
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    # As long, by the same name, and another file.
    check_problem(ours.api.upload("once.csv", other, key=one), 409, "idempotency.reused")
    check_problem(ours.api.upload("twice.csv", data, key=one), 409, "idempotency.reused")
    ours.api.delete(f"/api/v1/documents/{first['id']}")


def test_a_refused_upload_leaves_its_key_free(ours: Workspace) -> None:
    one = str(uuid.uuid4())
    check_problem(ours.api.upload("empty.csv", b"", key=one), 422, "document.empty")
    again = ours.api.upload("empty.csv", files.table_csv(), key=one)
    assert again.status_code == 201, again.text
    ours.api.delete(f"/api/v1/documents/{again.json()['id']}")


@pytest.mark.parametrize("what", ["conversation", "question", "upload"])
def test_concurrent_duplicates_do_it_once(ours: Workspace, report: str, what: str) -> None:
    headers, conversation, name = key(), ours.api.conversation(), f"{uuid.uuid4()}.csv"
    start = threading.Barrier(6)
    apis = [ours.install.client(token=ours.token) for _ in range(6)]

    def send(number: int) -> httpx.Response:
        api = apis[number]
        api.get("/healthz")
        start.wait()
        if what == "conversation":
            return api.post("/api/v1/conversations", {"title": name}, headers=headers)
        if what == "question":
            return api.ask(conversation, QUESTION, headers=headers, document_ids=[report])
        return api.upload(name, files.table_csv(), key=headers["idempotency-key"])

    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(send, range(6)))
    done = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert len(done) == 1
    for reply in replies:
        if reply.status_code != 201:
            check_problem(reply, 409, "idempotency.under_way")
            assert int(reply.headers["retry-after"]) > 0
    if what == "question":
        assert len(walk(ours, f"/api/v1/conversations/{conversation}/messages", 50)) == 1
    elif what == "conversation":
        titles = [item["title"] for item in ours.api.get("/api/v1/conversations").json()["items"]]
        assert titles.count(name) == 1
    else:
        names = [item["name"] for item in ours.api.get("/api/v1/documents").json()["items"]]
        assert names.count(name) == 1
        ours.api.delete(f"/api/v1/documents/{done.pop()}")


def test_a_key_is_its_persons_own(ours: Workspace, theirs: Workspace) -> None:
    headers = key()
    first = ours.api.post("/api/v1/conversations", {"title": "Same"}, headers=headers).json()
    other = theirs.api.post("/api/v1/conversations", {"title": "Same"}, headers=headers)
    assert other.status_code == 201
    assert other.json()["id"] != first["id"]


# -- problems


def test_every_problem_has_one_shape(ours: Workspace) -> None:
    api = ours.api
    conversation = api.conversation()
    path = f"/api/v1/conversations/{conversation}/messages"
    malformed = {"content": b'{"content": ', "headers": {"content-type": "application/json"}}
    check_problem(api.http.post(path, **malformed), 422, "body.json")
    check_problem(api.post(path, {"content": 7}), 422, "request.invalid")
    check_problem(api.post(path, {"content": "x", "more": 1}), 422, "request.invalid")
    check_problem(api.ask(conversation, "   "), 422, "question.empty")
    check_problem(api.ask(conversation, "x" * 8001), 422, "question.too_long")
    check_problem(api.ask(conversation, "x" * (1 << 20)), 413, "body.too_large")
    check_problem(api.ask(conversation, "x", document_ids=["doc_none"]), 404, "id.unknown")
    check_problem(api.ask(conversation, "x", document_ids=[f"doc_{uuid.uuid4()}"]), 404, "document.unknown")
    check_problem(api.get("/api/v1/nothing"), 404, "route.unknown")
    check_problem(api.http.put("/api/v1/documents"), 405, "method.unknown")
    check_problem(api.http.post("/api/v1/documents", content=b"x"), 422, "upload.malformed")
    check_problem(api.get("/api/v1/documents", headers={"host": "evil.example"}), 421, "host.unknown")
    check_problem(api.get("/api/v1/documents", params={"x": "y" * 5000}), 414, "address.too_long")
    check_problem(api.get("/api/v1/documents", headers={"x": "y" * 20_000}), 431, "headers.too_large")
    for wrong in ("doc_", "thr_" + str(uuid.uuid4()), "doc_" + str(uuid.uuid4()).upper(), "doc_\u00e9", "..%2f.."):
        assert api.get(f"/api/v1/documents/{wrong}").status_code == 404
