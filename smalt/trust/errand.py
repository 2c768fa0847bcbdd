"""A short day of use of a synthetic tenant, with a random word of its own in every input. Several checks share it.

It goes through every way in: files of every kind, names, titles, questions, tokens, browsers, search, streams, and a
row of mistakes that are refused. What it adds stays until `data.deletion` removes it, or the next errand does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from smalt.trust import papers
from smalt.trust.check import Unclear
from smalt.trust.target import Target, Tenant
from smalt.trust.traces import word

SETTLE_S = 60.0
PAGES_MAX = 50
KEPT_TOKEN = "checks"  # noqa: S105  # the name of the token that the checks work with
CREATED, OK, SEE_OTHER, NO_CONTENT = 201, 200, 303, 204
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Words(dict[str, str]):
    """Random words by what they were put in; naming a new place makes its word."""

    def __missing__(self, label: str) -> str:
        self[label] = word()
        return self[label]


@dataclass
class Request:
    """One request of the errand, as the server's log must show it."""

    id: str
    method: str
    status: int


@dataclass
class Errand:
    """``began`` in Unix seconds. ``documents``, ``conversations``: label to id. ``turns``: label to the turn as answered."""

    words: Words = field(default_factory=Words)
    began: float = field(default_factory=time.time)
    ended: float = 0.0
    requests: list[Request] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    conversations: dict[str, str] = field(default_factory=dict)
    turns: dict[str, dict[str, Any]] = field(default_factory=dict)
    token: str = ""
    session: str = ""
    mistakes: dict[str, int] = field(default_factory=dict)
    echoed: list[str] = field(default_factory=list)

    def noted(self, reply: httpx.Response) -> None:
        """Remember a response, by its own id."""
        if (name := reply.headers.get("x-request-id")) is not None:
            self.requests.append(Request(name, reply.request.method, reply.status_code))


def expect(reply: httpx.Response, *statuses: int) -> httpx.Response:
    """``reply`` when it has one of ``statuses``; otherwise the check cannot look."""
    if reply.status_code not in statuses:
        code = ""
        with contextlib.suppress(ValueError, AttributeError):
            code = str(reply.json().get("code", ""))
        raise Unclear(f"The product answered a request of the check with {reply.status_code} {code}".strip() + ".")
    return reply


@contextlib.contextmanager
def browsing(target: Target, tenant: Tenant, **options: Any) -> Iterator[httpx.Client]:
    """A browser's session of the owner; it is ended afterwards."""
    headers = {"origin": target.url, "sec-fetch-site": "same-origin", "user-agent": AGENT, **options.pop("headers", {})}
    with target.client(headers=headers, **options) as browser:
        expect(browser.post("/signin", data={"email": tenant.email, "password": tenant.password}), SEE_OTHER)
        try:
            yield browser
        finally:
            browser.post("/signout")


def every(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    cursor = None
    for _ in range(PAGES_MAX):
        page = expect(client.get(path, params={} if cursor is None else {"cursor": cursor}), OK).json()
        yield from page["items"]
        cursor = page.get("next")
        if cursor is None:
            return


def sweep(target: Target, tenant: Tenant) -> None:
    """Remove what earlier errands left with ``tenant``: documents, conversations, tokens but the one in use."""
    with target.client(tenant) as api:
        for kind in ("documents", "conversations"):
            for one in list(every(api, f"/api/v1/{kind}")):
                api.delete(f"/api/v1/{kind}/{one['id']}")
    with browsing(target, tenant) as browser:
        for one in list(every(browser, "/api/v1/tokens")):
            if one["name"] != KEPT_TOKEN:
                browser.delete(f"/api/v1/tokens/{one['id']}")


_DONE: dict[str, Errand] = {}


def errand(target: Target) -> Errand:
    """The errand of this run; done at the first call in a process, then remembered."""
    if target.run not in _DONE:
        made = Errand()
        sweep(target, target.ours)
        hooks = {"response": [made.noted]}
        with target.client(target.ours, event_hooks=hooks) as api:
            _documents(api, made)
            _conversations(api, made)
            _deletions(api, made)
            _mistakes(target, api, made)
        with browsing(target, target.ours, event_hooks=hooks) as browser:
            _account(target, browser, made)
            _pages(browser, made)
        made.ended = time.time()
        _DONE[target.run] = made
    return _DONE[target.run]


def upload(api: httpx.Client, name: str, data: bytes, **headers: str) -> str:
    """Upload one file; the document's id."""
    reply = api.post("/api/v1/documents", files={"file": (name, data)}, headers=headers)
    return str(expect(reply, CREATED).json()["id"])


def settled(api: httpx.Client, documents: list[str]) -> dict[str, dict[str, Any]]:
    """``documents`` by id once all are ready or failed."""
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until:
        found = {one: expect(api.get(f"/api/v1/documents/{one}"), OK).json() for one in documents}
        if all(one["status"] in {"ready", "failed"} for one in found.values()):
            return found
        time.sleep(0.1)
    raise Unclear("The documents that the check uploaded were not read in time.")


def _documents(api: httpx.Client, made: Errand) -> None:
    w = made.words
    rows = [(f"Net sales of {w['pdf row']} division", 1234, 1100), ("Operating income", 500, 400)]
    files = {
        "pdf": (
            f"{w['pdf name']}.pdf",
            papers.pdf(f"{w['pdf title']} Corp", rows, [f"We sold {w['pdf prose']} in 2024."]),
        ),
        "xlsx": (f"{w['xlsx name']}.xlsx", papers.xlsx(w["xlsx sheet"], [(w["xlsx row"], 77, 66)])),
        "csv": (f"{w['csv name']}.csv", papers.csv([(w["csv row"], 55, 44)])),
        "docx": (f"{w['docx name']}.docx", papers.docx(w["docx title"], [(w["docx row"], 33, 22)], [w["docx prose"]])),
        "md": (f"{w['md name']}.md", papers.markdown(w["md title"], [(w["md row"], 11, 10)], [w["md prose"]])),
        "txt": (f"{w['txt name']}.txt", f"The {w['txt prose']} clause holds.\n".encode() * 300),
    }
    broken = {
        "cut": (f"{w['cut name']}.pdf", papers.pdf(w["cut title"], rows, [w["cut prose"]])[:-200]),
        "encrypted": (f"{w['odd name']}.xlsx", b"PK\x03\x04" + w["odd bytes"].encode() * 20),
    }
    for label, (name, data) in files.items():
        made.documents[label] = upload(api, name, data, **{"idempotency-key": w[f"{label} key"]})
    for label, (name, data) in broken.items():
        made.refused[label] = upload(api, name, data)
    found = settled(api, [*made.documents.values(), *made.refused.values()])
    if any(found[one]["status"] != "ready" for one in made.documents.values()):
        raise Unclear("A document that the check uploaded was not read.")
    if any(found[one]["status"] != "failed" for one in made.refused.values()):
        raise Unclear("A document that nobody can read was not refused.")


def ask(api: httpx.Client, conversation: str, question: str, **more: Any) -> dict[str, Any]:
    """Ask and wait; the turn."""
    headers = more.pop("headers", {})
    path = f"/api/v1/conversations/{conversation}/messages"
    turn: dict[str, Any] = expect(api.post(path, json={"content": question, **more}, headers=headers), CREATED).json()
    return turn


def converse(api: httpx.Client, title: str | None, **headers: str) -> str:
    """A new conversation; its id."""
    body = {} if title is None else {"title": title}
    return str(expect(api.post("/api/v1/conversations", json=body, headers=headers), CREATED).json()["id"])


def _conversations(api: httpx.Client, made: Errand) -> None:
    w = made.words
    first = made.conversations["titled"] = converse(api, w["title"], **{"idempotency-key": w["title key"]})
    expect(api.patch(f"/api/v1/conversations/{first}", json={"title": w["new title"]}), OK)
    made.turns["pdf"] = ask(api, first, f"What were the net sales of {w['pdf row']} division in 2024?")
    keyed = {"headers": {"idempotency-key": w["question key"]}}
    for _ in range(2):  # the second answer comes from what is remembered under the key
        made.turns["xlsx"] = ask(api, first, f"What was {w['xlsx row']} in 2024?", **keyed)
    made.turns["narrow"] = ask(api, first, f"What was {w['csv row']} in 2024?", document_ids=[made.documents["csv"]])
    path = f"/api/v1/conversations/{first}/messages"
    wanted = {"accept": "text/event-stream"}
    with api.stream("POST", path, json={"content": f"Who is {w['unknown name']}?"}, headers=wanted) as reply:
        expect(reply, CREATED)
        reply.read()
    untitled = made.conversations["untitled"] = converse(api, None)
    made.turns["untitled"] = ask(api, untitled, f"What does {w['first question']} mean?")


def _deletions(api: httpx.Client, made: Errand) -> None:
    w = made.words
    gone = upload(api, f"{w['deleted name']}.csv", papers.csv([(w["deleted row"], 9, 8)]))
    settled(api, [gone])
    conversation = converse(api, w["deleted title"])
    ask(api, conversation, f"What was {w['deleted row']} in 2024?", document_ids=[gone])
    expect(api.delete(f"/api/v1/conversations/{conversation}"), NO_CONTENT)
    expect(api.delete(f"/api/v1/documents/{gone}"), NO_CONTENT)


def _account(target: Target, browser: httpx.Client, made: Errand) -> None:
    w = made.words
    expect(browser.post("/settings/profile", data={"name": f"Probe {w['person name']}"}), OK)
    made.token = expect(browser.post("/api/v1/tokens", json={"name": w["token name"]}), CREATED).json()["id"]
    agent = {"user-agent": f"{AGENT} {w['user agent']}/1.0"}
    with browsing(target, target.ours, headers=agent) as other:
        expect(other.get("/api/v1/me"), OK)


def _pages(browser: httpx.Client, made: Errand) -> None:
    w = made.words
    html = {"accept": "text/html"}
    conversation, shown = made.conversations["titled"], made.documents["pdf"]
    for path in ("/", "/library", "/usage", "/settings", f"/c/{conversation}", f"/d/{shown}"):
        expect(browser.get(path, headers=html), OK)
    expect(browser.get(f"/d/{shown}", params={"find": w["search"], "quote": w["quote"]}, headers=html), OK)
    expect(browser.get(f"/api/v1/documents/{shown}/pages/0.png"), OK)


def _mistakes(target: Target, api: httpx.Client, made: Errand) -> None:
    """Everything here is refused, and nothing of it may be written down or sent back."""
    w, conversation = made.words, made.conversations["untitled"]
    messages = f"/api/v1/conversations/{conversation}/messages"
    json, form = {"content-type": "application/json"}, {"content-type": "multipart/form-data; boundary=b"}
    part = 'content-disposition: form-data; name="{}"; filename="{}"'
    replies = {
        "broken json": api.post(messages, content=f'{{"content": "{w["broken json"]}'.encode(), headers=json),
        "wrong type": api.post(messages, json={"content": [w["wrong type"]]}),
        "extra field": api.post(messages, json={"content": "x", w["extra field"]: 1}),
        "surrogate": api.post(messages, content=f'{{"content": "{w["surrogate"]}\\ud800"}}'.encode(), headers=json),
        "long question": api.post(messages, json={"content": w["long question"] * 800}),
        "huge question": api.post(messages, json={"content": w["huge question"] * 30_000}),
        "bad document id": api.post(messages, json={"content": "x", "document_ids": [w["bad document id"]]}),
        "no multipart": api.post("/api/v1/documents", content=w["no multipart"].encode(), headers=form),
        "cut off upload": api.post(
            "/api/v1/documents",
            content=f"--b\r\n{part.format('file', w['cut off name'])}\r\n\r\n{w['cut off bytes']}".encode(),
            headers=form,
        ),
        "unknown path": api.get(f"/api/v1/{w['unknown path']}"),
        "unknown id": api.get(f"/api/v1/documents/{w['unknown id']}"),
        "bad cursor": api.get("/api/v1/documents", params={"cursor": w["cursor"]}),
        "bad limit": api.get("/api/v1/documents", params={"limit": w["limit"]}),
        "bad key": api.post("/api/v1/conversations", json={}, headers={"idempotency-key": f"{w['bad key']} x"}),
        "bad host": api.get("/", headers={"host": f"{w['host']}.example"}),
        "bad method": api.request("PURGE", f"/{w['method path']}"),
    }
    with target.client(event_hooks={"response": [made.noted]}) as stranger:
        email = f"{w['unknown e-mail']}@synthetic.invalid"
        replies["bad token"] = stranger.get("/api/v1/me", headers={"authorization": f"Bearer {w['bearer']}"})
        replies["bad cookie"] = stranger.get("/api/v1/me", headers={"cookie": f"__Host-smalt={w['cookie']}"})
        replies["bad password"] = stranger.post("/signin", data={"email": email, "password": w["wrong password"]})
        replies["bad link"] = stranger.get(f"/link/{w['link']}")
    made.mistakes = {label: reply.status_code for label, reply in replies.items()}
    if not all(400 <= status < 600 for status in made.mistakes.values()):
        raise Unclear("A request that nobody can answer was answered.")
    allowed = {w["unknown e-mail"]}  # the form shows again what was typed into it
    made.echoed = [
        label for label, reply in replies.items() if any(one in reply.text for one in set(w.values()) - allowed)
    ]
