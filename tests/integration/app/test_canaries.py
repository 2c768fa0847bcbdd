"""After a full day of use, no planted word stands anywhere on the disk in a form that can be read without the keys.

Errors are forced all along, because it is errors that quote. The same search, in the same test, finds words that were
put there in clear on purpose, so that finding nothing means something.
"""

from __future__ import annotations

import base64
import gzip
import textwrap
import uuid
from pathlib import Path

import httpx
import psycopg

from tests.conformance import files
from tests.conformance.client import PASSWORD, Api, Install, Workspace
from tests.integration.app.rawscan import Scan, word

EXPLODES = textwrap.dedent(
    """
    import smalt.chat.engines, smalt.chat.thread, smalt.search.ingest, smalt.library.reading
    from smalt.store.sql import query

    def exploding(module, name, quoted):
        inner = getattr(module, name)
        def outer(*given):
            if "explode" in str(given[quoted]):
                raise RuntimeError(repr(given))
            return inner(*given)
        setattr(module, name, outer)

    exploding(smalt.chat.engines, "answer", 0)
    exploding(smalt.search.ingest, "_built", 0)
    add = smalt.chat.thread.add
    async def refused_by_the_database(scope, person, title, at):
        if "explode" in title:
            await scope.execute(query("boom", "select %(tenant_id)s::uuid, %(t)s::int"), {"t": title})
        return await add(scope, person, title, at)
    smalt.chat.thread.add = refused_by_the_database
    """
)


class Planted(dict[str, str]):
    """Words by what they were planted in; naming a new place makes its word."""

    def __missing__(self, label: str) -> str:
        self[label] = word().capitalize()
        return self[label]


def use_all_day(install: Install, planted: Planted) -> None:
    w = planted
    workspace = install.workspace(
        f"{w['tenant name']} Capital", owner=f"Ada {w['person name']}", email=f"{w['e-mail']}@example.com"
    )
    api, browser = workspace.api, workspace.browser
    browser.http.post("/settings/profile", data={"name": f"Bea {w['new person name']}"})
    browser.post("/api/v1/tokens", {"name": w["token name"]})
    browser.http.headers["user-agent"] += f" {w['user agent']}/1.0"
    assert workspace.signed_in().get("/api/v1/me").status_code == 200
    documents(api, w)
    conversations(api, w)
    pages(browser, w)
    deletions(api, w)
    mistakes(install, workspace, w)


def documents(api: Api, w: Planted) -> None:
    rows = [(f"Net sales of {w['pdf row']} division", 1234, 1100), *files.ROWS]
    added = {
        f"{w['pdf name']}.pdf": files.pdf(f"{w['pdf company']} Corp", rows, [f"We sold {w['pdf prose']} in 2024."]),
        f"{w['xlsx name']}.xlsx": files.xlsx(w["xlsx sheet"], [(w["xlsx row"], 77, 66)]),
        f"{w['csv name']}.csv": files.table_csv([(w["csv row"], 55, 44)]),
        f"{w['docx name']}.docx": files.word(w["docx title"], [(w["docx row"], 33, 22)], [w["docx prose"]]),
        f"{w['md name']}.md": files.markdown(w["md title"], [(w["md row"], 11, 10)], [w["md prose"]]),
        f"{w['txt name']}.txt": f"The {w['txt prose']} clause holds.\n".encode() * 300,
    }
    for name, data in added.items():
        ready = api.add(name, data)
        assert ready["status"] == "ready", ready
    refused = {
        f"{w['macro name']}.xlsm": files.xlsx(w["macro sheet"], macro=True),
        f"{w['broken name']}.pdf": files.pdf(w["broken company"])[:-200],
        f"explode {w['exploding name']}.csv": files.table_csv([(f"explode {w['exploding row']}", 1, 2)]),
    }
    for name, data in refused.items():
        assert api.add(name, data)["status"] == "failed"
    assert api.upload(f"{w['keyed name']}.txt", b"text", key=f"key-{w['upload key']}").status_code == 201


def conversations(api: Api, w: Planted) -> None:
    made = api.post("/api/v1/conversations", {"title": w["title"]}, headers={"idempotency-key": w["title key"]})
    conversation = made.json()["id"]
    api.patch(f"/api/v1/conversations/{conversation}", {"title": w["new title"]})
    quoted = api.ask(conversation, f"What were the net sales of {w['pdf row']} division in 2024?").json()
    assert w["pdf row"] in quoted["answer"]["text"], quoted
    assert quoted["state"] == "answered"
    asked = {"headers": {"idempotency-key": w["question key"]}}
    again = [api.ask(conversation, f"What was {w['xlsx row']} in 2024?", **asked).json() for _ in range(2)]
    assert again[0] == again[1]
    assert w["xlsx row"] in again[0]["answer"]["text"], again[0]
    declined = api.stream(conversation, f"Who is {w['unknown name']}?")[-1][1]
    assert declined["state"] == "declined"
    untitled = api.conversation()
    api.ask(untitled, f"What does {w['first question']} mean?")
    assert w["first question"] in api.get(f"/api/v1/conversations/{untitled}").json()["title"]
    failed = api.ask(conversation, f"Does {w['exploding question']} explode?").json()
    assert failed["state"] == "failed"
    boom = api.post("/api/v1/conversations", {"title": f"{w['exploding title']} explode"})
    assert boom.status_code == 500, boom.text


def pages(browser: Api, w: Planted) -> None:
    html = {"accept": "text/html"}
    listed = browser.get("/api/v1/documents").json()["items"]
    shown = next(each for each in listed if each["kind"] == "pdf" and each["status"] == "ready")
    conversation = browser.get("/api/v1/conversations").json()["items"][-1]["id"]
    for path in ("/", "/library", "/usage", "/settings", f"/c/{conversation}", f"/d/{shown['id']}"):
        assert browser.get(path, headers=html).status_code == 200
    found = browser.get(f"/d/{shown['id']}", params={"find": w["pdf prose"], "quote": w["quote"]}, headers=html)
    assert w["pdf prose"] in found.text
    assert browser.get(f"/api/v1/documents/{shown['id']}/pages/0.png").status_code == 200


def deletions(api: Api, w: Planted) -> None:
    gone = api.add(f"{w['deleted name']}.csv", files.table_csv([(w["deleted row"], 9, 8)]))
    conversation = api.conversation(w["deleted title"])
    api.ask(conversation, f"What was {w['deleted row']} in 2024?", document_ids=[gone["id"]])
    assert api.delete(f"/api/v1/conversations/{conversation}").status_code == 204
    assert api.delete(f"/api/v1/documents/{gone['id']}").status_code == 204


def mistakes(install: Install, workspace: Workspace, w: Planted) -> None:
    """Everything here is refused, and nothing of it may be written down."""
    api, http = workspace.api, workspace.api.http
    json, text = {"content-type": "application/json"}, {"content-type": "text/plain"}
    conversation = api.conversation()
    messages = f"/api/v1/conversations/{conversation}/messages"
    boundary = {"content-type": "multipart/form-data; boundary=b"}
    part = 'content-disposition: form-data; name="{}"; filename="{}"'
    replies: list[tuple[int, httpx.Response]] = [
        (422, http.post(messages, content=f'{{"content": "{w["broken json"]}'.encode(), headers=json)),
        (422, http.post(messages, content=w["not json"].encode(), headers=text)),
        (422, api.post(messages, {"content": [w["wrong type"]]})),
        (422, api.post(messages, {"content": "x", w["extra field"]: 1})),
        (422, http.post(messages, content=f'{{"content": "{w["surrogate"]}\\ud800"}}'.encode(), headers=json)),
        (422, http.post("/api/v1/conversations", content=f'{{"title": "{w["nul"]}\\ud83d"}}'.encode(), headers=json)),
        (422, api.ask(conversation, w["long question"] * 800)),
        (413, api.ask(conversation, w["huge question"] * 90_000)),
        (404, api.ask(conversation, "x", document_ids=[w["bad document id"]])),
        (422, http.post("/api/v1/documents", content=w["no multipart"].encode(), headers=boundary)),
        (422, http.post("/api/v1/documents", content=f"--b\r\n{part.format('file', w['cut off name'])}\r\n\r\n{w['cut off']}".encode(), headers=boundary)),
        (422, http.post("/api/v1/documents", content=f"--b\r\n{part.format(w['field name'], 'x')}\r\n\r\nx\r\n--b--\r\n".encode(), headers=boundary)),
        (422, http.post("/api/v1/documents", content=f"--b\r\n{w['bad header']}\r\n\r\nx\r\n--b--\r\n".encode(), headers=boundary)),
        (404, api.get(f"/api/v1/{w['unknown path']}")),
        (404, api.get(f"/api/v1/documents/{w['unknown id']}")),
        (422, api.get("/api/v1/documents", params={"cursor": w["cursor"]})),
        (422, api.get("/api/v1/documents", params={"limit": w["limit"]})),
        (422, api.post("/api/v1/conversations", {}, headers={"idempotency-key": f"{w['bad key']} with space"})),
        (421, api.get("/", headers={"host": f"{w['host']}.example"})),
        (401, api.get("/api/v1/me", headers={"authorization": f"Bearer {w['bearer']}"})),
        (401, install.client().get("/api/v1/me", headers={"cookie": f"__Host-smalt={w['cookie']}"})),
        (401, install.browser().http.post("/signin", data={"email": workspace.email, "password": w["wrong password"]})),
        (401, install.browser().http.post("/signin", data={"email": f"{w['unknown e-mail']}@a.example", "password": "x"})),
        (410, install.browser().http.post(f"/link/{w['link']}", data={"name": "x", "email": "a@b.c", "password": PASSWORD})),
        (405, http.request("PURGE", f"/{w['method path']}")),
    ]  # fmt: skip
    for number, (status, reply) in enumerate(replies):
        assert reply.status_code == status, f"{number}: {reply.status_code} {reply.text}"
        for label, planted in w.items():
            assert planted not in reply.text or label == "unknown e-mail", f"{label} is echoed"


def plant_controls(install: Install, planted: Planted) -> Path:
    """The same kind of words in clear: in a scratch table (TOAST, pglz, WAL) and in a scratch file of every shape."""
    where = (install.postgres_home / "socket.place").read_text("utf-8").strip()
    conninfo = f"host={where} user=postgres dbname=smalt"
    repeated = "".join(f"the {planted['control toast']} of {number} is {uuid.uuid4()}; " for number in range(400))
    with psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute("create table public.scratch (long text, short text)")
        admin.execute("insert into public.scratch values (%s, %s)", (repeated, planted["control row"]))
        stored = admin.execute("select pg_column_size(long), length(long) from public.scratch").fetchone()
        assert stored is not None
        assert stored[0] < stored[1], "the control is not compressed"
        admin.execute("analyze")
        admin.execute("checkpoint")
        admin.execute("drop table public.scratch")
        admin.execute("checkpoint")
    scratch = install.data_dir / "scratch.bin"
    packed = gzip.compress(b"x" * 999 + planted["control gzip"].encode())
    wide = planted["control utf-16"].encode("utf-16-le")
    text = base64.b64encode(b"ab" + planted["control base64"].encode())
    hexed = planted["control hex"].encode().hex().encode()
    scratch.write_bytes(b"\0" * 5000 + packed + b"\0" * 99 + wide + b" " + text + b" " + hexed)
    return scratch


def test_no_planted_word_is_found_at_rest(install: Install) -> None:
    install.preamble = EXPLODES
    install.start()
    planted = Planted()
    use_all_day(install, planted)
    controls = Planted()
    plant_controls(install, controls)
    roots = install.roots()
    install.stop()

    scan = Scan({**planted, **controls}).look(roots)
    assert scan.size_bytes > 30_000_000
    assert set(controls) <= set(scan.found), "the search does not see what is there"
    shapes = {shape for label in controls for _, shape in scan.found[label]}
    assert {"plain", "utf-16", "base64", "hex", "packed plain"} <= shapes
    assert len(planted) > 60
    leaked = {label: where for label, where in scan.found.items() if label in planted}
    assert leaked == {}

    # And the log is events, every line of it.
    lines = install.lines()
    assert {"request_answered", "exception_raised", "turn_settled", "document_read"} <= {
        line["event"] for line in lines
    }
