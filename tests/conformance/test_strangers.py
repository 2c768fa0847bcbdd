"""Every route, tried by whoever has no business there. The routes come from tests/pinned/routes.txt, which another test
holds equal to those that are served: a new route is tried here without anybody thinking of it.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance import files
from tests.conformance.client import ALL_SCOPES, Api, Install, Workspace, check_problem, events_of

PINNED = Path(__file__).parents[1] / "pinned" / "routes.txt"
PREFIXES = {
    "conversation": "thr",
    "message": "trn",
    "document_id": "doc",
    "session_id": "ses",
    "token_id": "tok",
    "person_id": "per",
    "entry": "ent",
    "witness_id": "wit",
}
WITNESS = "witness.example/strangers+908a6ab7+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
PARAMETER = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/conversations"): {"json": {"title": "A title"}},
    ("PATCH", "/api/v1/conversations/{conversation}"): {"json": {"title": "Taken over"}},
    ("POST", "/api/v1/conversations/{conversation}/messages"): {"json": {"content": "What was revenue?"}},
    ("POST", "/api/v1/documents"): {"files": {"file": ("a.txt", b"text")}},
    ("POST", "/api/v1/tokens"): {"json": {"name": "more"}},
    ("POST", "/api/v1/people"): {"json": {"role": "analyst"}},
    ("PATCH", "/api/v1/people/{person_id}"): {"json": {"role": "viewer"}},
    ("POST", "/people"): {"data": {"role": "analyst"}},
    ("POST", "/people/{person_id}/role"): {"data": {"role": "viewer"}},
    ("POST", "/api/v1/witnesses"): {"json": {"key": "not a key"}},
    ("POST", "/settings/witnesses"): {"data": {"key": "not a key"}},
    ("POST", "/api/v1/register/objections"): {"json": {"vendor": "none", "reason": "No."}},
    ("POST", "/api/v1/register/objections/withdraw"): {"json": {"vendor": "none"}},
    ("POST", "/settings/notices/object"): {"data": {"vendor": "none", "reason": "No."}},
    ("POST", "/settings/notices/withdraw"): {"data": {"vendor": "none"}},
    ("POST", "/settings/profile"): {"data": {"name": "Somebody"}},
    ("POST", "/settings/tokens"): {"data": {"name": "more"}},
    ("POST", "/settings/factor/confirm"): {"data": {"code": "000000"}},
    ("POST", "/settings/password"): {"data": {"current": "a", "password": "a long enough one"}},
}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    door: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    def call(self, api: Api, ids: dict[str, str]) -> httpx.Response:
        path = PARAMETER.sub(lambda found: ids[found[1]], self.path)
        headers = {"accept": "application/json"}
        return api.http.request(self.method, path, headers=headers, **BODIES.get((self.method, self.path), {}))


def routes() -> list[Route]:
    return [Route(*line.split()) for line in PINNED.read_text("utf-8").splitlines()]


CLOSED = [route for route in routes() if route.door != "anyone"]
WITH_IDS = [route for route in CLOSED if set(route.parameters()) & set(PREFIXES)]


def unknown() -> dict[str, str]:
    return {name: f"{prefix}_{uuid.uuid4()}" for name, prefix in PREFIXES.items()} | {"number": "0"}


def same(reply: httpx.Response) -> tuple[int, str, Any]:
    """What a reply tells, without the id that every request gets."""
    members = reply.json()
    members.pop("request_id", None)
    return reply.status_code, reply.headers["content-type"], members


@pytest.fixture(scope="module")
def victim(theirs: Workspace) -> dict[str, str]:
    """One id of each kind that belongs to the other tenant."""
    document = theirs.api.add("secret.pdf", files.pdf())["id"]
    conversation = theirs.api.conversation("Secret")
    message = theirs.api.ask(conversation, "What was operating income in 2024?").json()["id"]
    session = theirs.browser.get("/api/v1/sessions").json()["items"][0]["id"]
    witness = theirs.browser.post("/api/v1/witnesses", {"key": WITNESS}).json()["id"]
    return {
        "document_id": document,
        "conversation": conversation,
        "message": message,
        "session_id": session,
        "token_id": theirs.token_id,
        "person_id": theirs.person,
        "entry": theirs.api.get("/api/v1/audit").json()["items"][0]["id"],
        "witness_id": witness,
        "number": "0",
    }


def everything(workspace: Workspace) -> list[Any]:
    paths = ("me", "documents", "conversations", "tokens", "sessions", "people")
    found = [workspace.browser.get(f"/api/v1/{path}").raise_for_status().json() for path in paths]
    found += [workspace.api.get(f"/api/v1/conversations/{each['id']}").json() for each in found[2]["items"]]
    return found


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_a_stranger_is_told_nothing(install: Install, victim: dict[str, str], route: Route) -> None:
    doors = [
        install.client(),
        install.client(token="smalt_tok_" + "A" * 43),
        Api(install.open_http(headers={"authorization": "Basic dXNlcjpwYXNz"})),
        Api(
            install.open_http(cookies={"__Host-smalt": "ses_forged.cookie"}, headers={"sec-fetch-site": "same-origin"})
        ),
    ]
    for door in doors:
        known, guessed = route.call(door, victim), route.call(door, unknown())
        assert known.status_code == 401
        assert same(known) == same(guessed)
        assert known.headers["www-authenticate"]


@pytest.mark.parametrize("route", WITH_IDS, ids=str)
def test_another_tenants_ids_are_unknown_ids(
    ours: Workspace, theirs: Workspace, victim: dict[str, str], route: Route
) -> None:
    before = everything(theirs)
    ways = [ours.browser] if route.door == "browser" else [ours.browser, ours.api]
    for way in ways:
        taken, guessed = route.call(way, victim), route.call(way, unknown())
        assert taken.status_code == 404, taken.text
        assert same(taken) == same(guessed)
    assert everything(theirs) == before


def test_their_documents_are_not_asked(ours: Workspace, report: str, victim: dict[str, str]) -> None:
    conversation = ours.api.conversation()
    question = "What was operating income in 2024?"
    taken = ours.api.ask(conversation, question, document_ids=[report, victim["document_id"]])
    guessed = ours.api.ask(conversation, question, document_ids=[report, unknown()["document_id"]])
    assert same(taken) == same(guessed)
    check_problem(taken, 404, "document.unknown")
    assert ours.api.get(f"/api/v1/conversations/{conversation}").json()["messages"] == []


def test_a_token_does_not_open_what_needs_a_browser(ours: Workspace) -> None:
    for route in CLOSED:
        if route.door == "browser":
            check_problem(route.call(ours.api, unknown()), 401, "session.missing")


ANYHOW = {"GET /api/v1/me", "GET /api/v1/openapi.json", "POST /trust/questionnaire/fill"}
"""What any token may: who it is, what there is, and what anybody may read, written into a spreadsheet."""
READ = {str(route) for route in CLOSED if str(route).startswith("GET /api/v1/documents")}
ALLOWED = {
    "audit.read": {str(route) for route in CLOSED if route.path.startswith("/api/v1/audit")},
    "conversations": READ | {str(route) for route in CLOSED if route.path.startswith("/api/v1/conversations")},
    "documents.read": READ,
    "documents.write": {str(route) for route in CLOSED if route.path.startswith("/api/v1/documents")},
    "usage.read": {"GET /api/v1/usage"},
}


@pytest.mark.parametrize("scope", ALL_SCOPES)
def test_a_narrow_token_does_only_what_it_is_for(ours: Workspace, scope: str) -> None:
    api, token = ours.with_scopes(scope)
    made: list[str] = []
    for route in CLOSED:
        if route.door == "browser":
            continue
        reply = route.call(api, unknown())
        if str(route) in ALLOWED[scope] | ANYHOW:
            faulty = {422} if route.path == "/trust/questionnaire/fill" else set()  # nothing was uploaded
            assert reply.status_code in {200, 201, 404} | faulty, f"{route}: {reply.text}"
            made += [reply.json()["id"]] if reply.status_code == 201 and "documents" in route.path else []
        else:
            assert reply.status_code == 403, f"{route}: {reply.text}"
            check_problem(reply, 403, reply.json()["code"])
    for document in made:
        ours.api.settled(document)
        ours.api.delete(f"/api/v1/documents/{document}")
    ours.browser.delete(f"/api/v1/tokens/{token}")


# -- credentials that end while they are used


def test_a_revoked_token_ends_at_once(ours: Workspace) -> None:
    api, token = ours.with_scopes("documents.read")
    assert api.get("/api/v1/documents").status_code == 200
    assert ours.browser.delete(f"/api/v1/tokens/{token}").status_code == 204
    check_problem(api.get("/api/v1/documents"), 401, "token.unknown")


def test_an_ended_session_ends_at_once(ours: Workspace) -> None:
    other = ours.signed_in()
    current = next(s for s in other.get("/api/v1/sessions").json()["items"] if s["current"])
    assert ours.browser.delete(f"/api/v1/sessions/{current['id']}").status_code == 204
    check_problem(other.get("/api/v1/me"), 401, "session.over")
    page = other.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/signin?next=/")
    again = ours.signed_in()
    cookies = dict(again.http.cookies)
    assert again.http.post("/signout").status_code == 303
    stolen = ours.install.browser(cookie="; ".join(f"{name}={value}" for name, value in cookies.items()))
    check_problem(stolen.get("/api/v1/me"), 401, "session.over")


def test_a_token_revoked_during_an_upload_stores_nothing(ours: Workspace) -> None:
    api, token = ours.with_scopes("documents.write")
    under_way, revoked = threading.Event(), threading.Event()
    name, boundary = f"{uuid.uuid4()}.txt", uuid.uuid4().hex

    def body() -> Iterator[bytes]:
        disposition = f'content-disposition: form-data; name="file"; filename="{name}"'
        yield f"--{boundary}\r\n{disposition}\r\n\r\n".encode() + b"line of text\n" * 10_000
        under_way.set()
        revoked.wait(20)
        yield b"the end\n" + f"\r\n--{boundary}--\r\n".encode()

    replies: list[httpx.Response] = []
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    sender = threading.Thread(
        target=lambda: replies.append(api.http.post("/api/v1/documents", content=body(), headers=headers))
    )
    sender.start()
    assert under_way.wait(20)
    assert ours.browser.delete(f"/api/v1/tokens/{token}").status_code == 204
    revoked.set()
    sender.join()
    check_problem(replies[0], 401, "token.unknown")
    assert name not in [item["name"] for item in ours.api.get("/api/v1/documents").json()["items"]]


def test_a_token_revoked_during_a_stream_hears_no_more(ours: Workspace) -> None:
    api, token = ours.with_scopes("documents.read")
    made = ours.api.upload("long.pdf", files.pdf(pages=1500, prose=["A line of prose that is long enough."] * 30))
    heard: list[tuple[str, Any]] = []
    with api.http.stream("GET", f"/api/v1/documents/{made.json()['id']}/events") as reply:
        for name, data in events_of(reply):
            if not heard:
                assert ours.browser.delete(f"/api/v1/tokens/{token}").status_code == 204
            heard.append((name, data))
    assert heard[-1][0] == "problem", heard[-1]
    assert heard[-1][1]["code"] == "token.unknown"
    assert all(data["status"] != "ready" for _, data in heard)
    ours.api.delete(f"/api/v1/documents/{made.json()['id']}")


def test_a_page_of_another_site_changes_nothing(ours: Workspace) -> None:
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        browser = ours.install.browser(cookie=f"__Host-smalt={ours.browser.http.cookies['__Host-smalt']}")
        browser.http.headers.pop("sec-fetch-site")
        for route in CLOSED:
            if route.method == "GET":
                continue
            path = PARAMETER.sub(lambda found: unknown()[found[1]], route.path)
            reply = browser.http.request(
                route.method, path, headers=headers, **BODIES.get((route.method, route.path), {})
            )
            check_problem(reply, 403, "origin.foreign")
