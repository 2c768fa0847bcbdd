"""The second step of signing in, as a person and as a thief of their password meet it."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import time

import httpx
import pytest

from tests.conformance.client import PASSWORD, Api, Install, Workspace, check_problem

JSON = {"accept": "application/json"}


def code_at(secret: str, at: float) -> str:
    """RFC 6238, written down once more: the tests must not believe the product's own."""
    mac = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(at) // 30), "sha1")
    (number,) = struct.unpack(">I", mac[(mac[-1] & 15) :][:4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06d}"


class Person:
    """An owner with an authenticator; every code is used at most once, so later ones are taken from the next step."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        page = workspace.browser.http.post("/settings/factor", data={"current": PASSWORD})
        found = re.search(r'<p class="code">([A-Z2-7 ]+)</p>', page.text)
        assert found, page.text
        self.secret = found[1].replace(" ", "")
        picture = workspace.browser.get("/settings/factor/qr.svg")
        assert picture.headers["content-type"] == "image/svg+xml"
        done = workspace.browser.http.post("/settings/factor/confirm", data={"code": self.code(-30)})
        assert "One-time codes are on" in done.text, done.text
        self.recovery = re.findall(r"\b[a-z2-9]{5}-[a-z2-9]{5}\b", done.text)

    def code(self, shift_s: int = 0) -> str:
        return code_at(self.secret, time.time() + shift_s)

    def half_way(self) -> Api:
        """A browser after the password and before the code."""
        browser = self.workspace.install.browser()
        reply = browser.http.post(
            "/signin", data={"email": self.workspace.email, "password": PASSWORD, "next": "/usage"}
        )
        assert reply.headers["location"] == "/signin/factor?next=%2Fusage"
        return browser


@pytest.fixture
def person(install: Install) -> Person:
    return Person(install.workspace())


def second_step(browser: Api, code: str) -> httpx.Response:
    return browser.http.post("/signin/factor", data={"code": code, "next": "/usage"}, headers=JSON)


def test_the_password_alone_opens_nothing(person: Person) -> None:
    browser = person.half_way()
    for path in ("/api/v1/me", "/api/v1/documents", "/api/v1/tokens"):
        check_problem(browser.get(path), 401, "session.factor")
    check_problem(browser.post("/api/v1/tokens", {"name": "sneaky"}), 401, "session.factor")
    check_problem(
        browser.http.post("/settings/factor/off", data={"current": PASSWORD}, headers=JSON), 401, "session.factor"
    )
    assert len(person.recovery) == 10
    assert "Second step" in browser.get("/signin/factor").text


def test_a_code_signs_in_once_and_with_another_session(person: Person) -> None:
    browser = person.half_way()
    before, code = browser.http.cookies["__Host-smalt"], person.code()
    reply = second_step(browser, code)
    assert (reply.status_code, reply.headers["location"]) == (303, "/usage")
    assert browser.http.cookies["__Host-smalt"] != before
    assert browser.get("/api/v1/me").status_code == 200
    check_problem(second_step(person.half_way(), code), 403, "factor.wrong")
    old = person.workspace.install.browser()
    old.http.cookies.set("__Host-smalt", before)
    check_problem(old.get("/api/v1/me"), 401, "session.over")


def test_a_recovery_code_works_once(person: Person) -> None:
    spent = person.recovery[3]
    assert second_step(person.half_way(), spent.upper().replace("-", " ")).status_code == 303
    check_problem(second_step(person.half_way(), spent), 403, "factor.wrong")
    assert "9 recovery codes left" in person.workspace.browser.get("/settings/factor").text
    renewed = person.workspace.browser.http.post("/settings/factor/codes", data={"current": PASSWORD})
    assert "no longer work" in renewed.text
    check_problem(second_step(person.half_way(), person.recovery[5]), 403, "factor.wrong")


def test_codes_are_not_guessed_at_leisure(person: Person) -> None:
    browser = person.half_way()
    for _ in range(5):
        check_problem(second_step(browser, "000000"), 403, "factor.wrong")
    reply = second_step(browser, person.code())
    check_problem(reply, 429, "signin.too_many")
    assert int(reply.headers["retry-after"]) > 0
    check_problem(second_step(person.half_way(), person.code()), 429, "signin.too_many")


def test_turning_it_off_needs_the_password(person: Person) -> None:
    browser = person.workspace.browser
    check_problem(
        browser.http.post("/settings/factor/off", data={"current": "wrong"}, headers=JSON), 403, "password.wrong"
    )
    person.half_way()
    assert "are off" in browser.http.post("/settings/factor/off", data={"current": PASSWORD}).text
    reply = person.workspace.install.browser().http.post(
        "/signin", data={"email": person.workspace.email, "password": PASSWORD}
    )
    assert reply.headers["location"] == "/"


def test_a_secret_that_was_not_confirmed_protects_nothing_and_is_not_shown_again(install: Install) -> None:
    workspace = install.workspace()
    assert "Scan" in workspace.browser.http.post("/settings/factor", data={"current": PASSWORD}).text
    check_problem(
        workspace.browser.http.post("/settings/factor/confirm", data={"code": "123456"}, headers=JSON),
        403,
        "factor.wrong",
    )
    assert workspace.signed_in().get("/api/v1/me").status_code == 200
    person = Person(workspace)
    check_problem(workspace.browser.get("/settings/factor/qr.svg", headers=JSON), 410, "factor.not_pending")
    check_problem(
        workspace.browser.http.post("/settings/factor", data={"current": PASSWORD}, headers=JSON), 409, "factor.on"
    )
    assert person.secret not in workspace.browser.get("/settings/factor").text


def test_turning_it_on_ends_sessions_that_came_without(install: Install) -> None:
    workspace = install.workspace()
    elsewhere = workspace.signed_in()
    Person(workspace)
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert workspace.browser.get("/api/v1/me").status_code == 200
