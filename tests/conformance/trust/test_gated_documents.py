"""Gated documents and notices from outside: links that end, are revoked, are used up or never were; who may object."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conformance.client import Api, Install, Workspace, check_problem, fresh_folder, until
from tests.conformance.test_membership import join

HTML = {"accept": "text/html"}
WHO = {"name": "Ada Quill", "email": "ada.quill@example.com", "company": "Quill and Sons"}
TERMS = (
    "--name", "Acme Models", "--category", "model", "--purpose", "Answers", "--data", "prompts", "--place", "EU",
    "--agreement", "DPA", "--until", "2099-12-31", "--host", "api.acme.example",
)  # fmt: skip
REPORT = b"%PDF-1.7 what the testers found: zanzibar-lantern\n"


@pytest.fixture(scope="module")
def house() -> Iterator[Install]:
    """A server of its own, because of what is stated and counted there."""
    with Install(fresh_folder()) as running:
        yield running


@pytest.fixture(scope="module")
def report(house: Install) -> str:
    """A document that is given out at once."""
    return add(house, "Penetration test")


@pytest.fixture(scope="module")
def firm(house: Install) -> Workspace:
    return house.workspace("Quill and Sons")


def state(install: Install, *words: str) -> None:
    install.operator("trust", *words, "--yes")


def add(house: Install, title: str, *more: str) -> str:
    path = house.folder / "report.pdf"
    path.write_bytes(REPORT)
    return str(house.operator("trust", "document", "add", str(path), "--title", title, *more)["document"])


def asked(house: Install, document: str, **changed: str) -> httpx.Response:
    """The form of a document, sent. The server forgets how often it was sent: that is tested by itself."""
    page = house.browser().get(f"/trust/documents/{document}", headers=HTML)
    found = re.search(r'name="accepted" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return house.browser().http.post(
        f"/trust/documents/{document}", data={**WHO, "accepted": found[1], **changed}, headers={"accept": "application/json"}
    )  # fmt: skip


@pytest.fixture(scope="module")
def link(house: Install, report: str) -> str:
    reply = asked(house, report)
    assert reply.status_code == 303, reply.text
    return str(reply.headers["location"])


def grant_of(house: Install, document: str) -> dict[str, object]:
    return next(one for one in house.operator("trust", "document", "grants")["grants"] if one["document"] == document)


def test_a_visitor_accepts_and_gets_the_document(house: Install, report: str, link: str) -> None:
    browser = house.browser()
    assert "Penetration test" in browser.get("/trust/documents", headers=HTML).text
    for _ in range(3):  # looking uses nothing up
        assert "still works for 10 downloads" in browser.get(link, headers=HTML).text
    reply = browser.http.post(link)
    assert (reply.status_code, reply.content) == (200, REPORT)
    assert reply.headers["content-disposition"] == "attachment; filename*=UTF-8''report.pdf"
    assert (reply.headers["content-type"], reply.headers["cache-control"]) == ("application/octet-stream", "no-store")
    told = grant_of(house, report)
    assert (told["email"], told["company"], told["state"]) == (WHO["email"], WHO["company"], "granted")
    assert told["downloads"] == len(told["downloaded_at"]) == 1  # type: ignore[arg-type]
    assert told["terms"]["version"] == 1  # type: ignore[index]


def test_links_that_do_not_work_look_alike(house: Install, report: str, link: str) -> None:
    revoked = asked(house, report).headers["location"]
    house.operator("trust", "document", "revoke", str(grant_of(house, report)["id"]))
    forged = link[:-1] + ("a" if link[-1] != "a" else "b")
    replies = []
    for path in (revoked, forged, "/trust/documents/link/x", f"/trust/documents/link/{uuid.uuid4()}"):
        for send in (house.client().http.get, house.browser().http.post):
            reply = send(path, headers={"accept": "application/json"})
            check_problem(reply, 410, "grant.over")
            replies.append({**reply.json(), "request_id": ""})
    assert all(one == replies[0] for one in replies)


def test_a_link_is_used_up(house: Install) -> None:
    scarce = add(house, "Scarce")
    path = asked(house, scarce).headers["location"]
    browser = house.browser()
    assert [browser.http.post(path).status_code for _ in range(12)] == [200] * 10 + [410] * 2


def test_the_operator_decides_and_removes(house: Install) -> None:
    kept = add(house, "Architecture", "--approval", "--days", "3")
    waiting = asked(house, kept)
    assert (waiting.status_code, "The operator decides now" in waiting.text) == (200, True)
    grant = grant_of(house, kept)
    assert grant["state"] == "asked"
    made = house.operator("trust", "document", "approve", str(grant["id"]))
    path = "/trust/documents/link/" + made["link"].rpartition("/")[2]
    assert house.browser().http.post(path).content == REPORT
    again = house.run("trust", "document", "approve", str(grant["id"]), "--json")
    assert (again.returncode, "grant.not_waiting" in again.stdout) == (6, True)
    house.operator("trust", "document", "remove", kept)
    check_problem(house.client().get(f"/trust/documents/{kept}"), 404, "gated.unknown")
    check_problem(house.client().get(path), 410, "grant.over")
    assert "Architecture" not in house.client().get("/trust/documents").text


def test_an_expired_link(house: Install, report: str) -> None:
    path = asked(house, report).headers["location"]
    assert house.client().get(path).status_code == 200
    moved = "update smalt.gated_grant set expires_at = now() - interval '1 second'"
    _as_administrator(house, moved)
    check_problem(house.browser().http.post(path, headers={"accept": "application/json"}), 410, "grant.over")


def _as_administrator(house: Install, statement: str) -> None:
    import psycopg

    from smalt.store.postgres import conninfo_of_running

    with psycopg.connect(conninfo_of_running(house.data_dir, "postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


def test_what_is_not_an_acceptance(house: Install, report: str) -> None:
    house.stop()
    house.start()  # the count of the tests before is forgotten
    for changed, code in (
        ({"accepted": "0" * 64}, "grant.terms"),
        ({"accepted": ""}, "grant.terms"),
        ({"email": "ada"}, "person.email"),
        ({"company": " "}, "gated.text"),
    ):
        check_problem(asked(house, report, **changed), 422, code)
    for unknown in (f"gtd_{uuid.uuid4()}", "gtd_x", f"doc_{uuid.uuid4()}"):
        assert house.client().get(f"/trust/documents/{unknown}").status_code == 404
    asked(house, report, email="b@example.com")
    limited = asked(house, report)
    check_problem(limited, 429, "trust.pace")
    assert 0 < int(limited.headers["retry-after"]) <= 900


def test_visitors_and_documents_lie_sealed(house: Install, link: str) -> None:
    assert link
    for root in house.roots():
        for path in root.rglob("*"):
            if path.is_file() and path.name != "report.pdf":
                raw = path.read_bytes()
                for word in (b"zanzibar-lantern", WHO["email"].encode(), b"Penetration test"):
                    assert word not in raw, path


def test_the_house_is_nobody_s_workspace(house: Install, report: str) -> None:
    assert report
    said = house.out.read_text("utf-8")
    house.stop()
    house.start()
    assert "/link/" in house.out.read_text("utf-8")[len(said) :] or "Sign in" in house.out.read_text("utf-8")


# -- notices


def test_admins_are_told_and_may_object(house: Install, firm: Workspace) -> None:
    state(house, "vendor", "add", "acme", *TERMS)
    browser = firm.browser
    assert browser.get("/api/v1/register").json()["subscribed"] is False
    assert browser.http.put("/api/v1/register/subscription").status_code == 204
    assert browser.get("/api/v1/register").json()["subscribed"] is True
    body = {"vendor": "acme", "reason": "Not in this country: quokka-umbrella."}
    assert browser.post("/api/v1/register/objections", body).status_code == 204
    check_problem(browser.post("/api/v1/register/objections", body), 409, "objection.there")
    (objection,) = browser.get("/api/v1/register").json()["objections"]
    assert (objection["vendor"], objection["reason"]) == ("acme", body["reason"])
    check_problem(browser.post("/api/v1/register/objections", {**body, "vendor": "none"}), 404, "objection.no_vendor")
    page = browser.get("/settings/notices", headers=HTML).text
    assert "quokka-umbrella" in page
    other = house.workspace("Feather Partners").browser
    assert other.get("/api/v1/register").json()["objections"] == []
    withdrawn = other.post("/api/v1/register/objections/withdraw", {"vendor": "acme"})
    check_problem(withdrawn, 404, "objection.unknown")
    assert browser.post("/api/v1/register/objections/withdraw", {"vendor": "acme"}).status_code == 204
    assert browser.get("/api/v1/register").json()["objections"] == []


def test_who_may_not(house: Install, firm: Workspace) -> None:
    analyst = join(house, firm.browser, "analyst").browser
    for send in (
        lambda api: api.get("/api/v1/register"),
        lambda api: api.http.put("/api/v1/register/subscription"),
        lambda api: api.post("/api/v1/register/objections", {"vendor": "acme", "reason": "No."}),
    ):
        reply: httpx.Response = send(analyst)
        check_problem(reply, 403, "act.role")
        check_problem(send(firm.api), 401, "session.missing")
        check_problem(send(house.client()), 401, "session.missing")


def test_letters_hold_ids_and_no_word(house: Install, firm: Workspace) -> None:
    before = letters(house)
    state(house, "vendor", "change", "acme", "--place", "US")
    house.stop()
    house.start()  # the janitor comes by at the start
    found = until(lambda: letters(house) - before)
    (name,) = found
    said = (house.data_dir / "letters" / name).read_text("utf-8")
    assert firm.person in said
    assert firm.email not in said
    assert "Quill" not in said
    again = Api(house.open_http())
    assert again.get("/readyz").status_code == 200


def letters(house: Install) -> set[str]:
    folder: Path = house.data_dir / "letters"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
