"""The people of a workspace, through the interface: who comes in, as what, and who is out at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.conformance import files
from tests.conformance.client import PASSWORD, Api, Install, Workspace, check_problem

PEOPLE = "/api/v1/people"


@dataclass
class Colleague:
    person: str
    email: str
    browser: Api


@pytest.fixture(scope="module")
def firm(install: Install) -> Workspace:
    return install.workspace("Rowan and Reed")


def join(install: Install, inviter: Api, role: str) -> Colleague:
    """Somebody new, who came by the link and set a password."""
    email = f"{role}-{len(inviter.get(PEOPLE).json()['items'])}@example.com"
    made = inviter.post(PEOPLE, {"role": role, "email": email})
    assert made.status_code == 201, made.text
    browser = install.browser()
    path = "/link/" + made.json()["link"].rpartition("/")[2]
    reply = browser.http.post(path, data={"name": f"The {role}", "email": email, "password": PASSWORD})
    assert reply.status_code == 303, reply.text
    return Colleague(made.json()["id"], email, browser)


def test_an_invitation_becomes_a_member_with_that_role(install: Install, firm: Workspace) -> None:
    made = firm.browser.post(PEOPLE, {"role": "analyst", "name": "Ines Vale", "email": "ines@example.com"})
    assert made.status_code == 201
    listed = {one["id"]: one for one in firm.browser.get(PEOPLE).json()["items"]}
    assert listed[made.json()["id"]] | {"created_at": ""} == {
        "id": made.json()["id"], "name": "Ines Vale", "email": "ines@example.com", "role": "analyst",
        "state": "invited", "created_at": "",
    }  # fmt: skip
    browser = install.browser()
    path = "/link/" + made.json()["link"].rpartition("/")[2]
    shown = browser.get(path)
    assert "Join Rowan and Reed" in shown.text
    assert "Ines Vale" in shown.text
    form = {"name": "Ines Vale", "email": "ines@example.com", "password": PASSWORD}
    assert browser.http.post(path, data=form).status_code == 303
    me = browser.get("/api/v1/me").json()
    assert (me["id"], me["role"], me["workspace"]["id"]) == (made.json()["id"], "analyst", firm.tenant)
    check_problem(browser.http.post(path, data=form, headers={"accept": "application/json"}), 410, "link.over")


def test_a_new_link_ends_the_one_before(install: Install, firm: Workspace) -> None:
    made = firm.browser.post(PEOPLE, {"role": "viewer"}).json()
    again = firm.browser.post(f"{PEOPLE}/{made['id']}/link")
    assert again.status_code == 201
    old, new = ("/link/" + one["link"].rpartition("/")[2] for one in (made, again.json()))
    assert "no longer works" in install.browser().get(old).text
    assert "You were invited" in install.browser().get(new).text
    check_problem(firm.browser.post(f"{PEOPLE}/{firm.person}/link"), 409, "person.has_come")


def test_a_role_counts_from_the_next_thing(install: Install, firm: Workspace) -> None:
    one = join(install, firm.browser, "analyst")
    assert one.browser.upload("a.txt", b"Revenue was 12 million.").status_code == 201
    assert firm.browser.patch(f"{PEOPLE}/{one.person}", {"role": "viewer"}).status_code == 204
    refused = one.browser.upload("b.txt", b"Revenue was 13 million.")
    assert refused.status_code == 403, refused.text
    assert one.browser.get("/api/v1/documents").status_code == 200


def test_who_is_removed_is_out_at_once_everywhere(install: Install, firm: Workspace) -> None:
    one = join(install, firm.browser, "analyst")
    secret = one.browser.post("/api/v1/tokens", {"name": "mine"}).json()["secret"]
    program, elsewhere = install.client(token=secret), install.browser()
    signed_in = elsewhere.http.post("/signin", data={"email": one.email, "password": PASSWORD})
    assert signed_in.status_code == 303
    kept = one.browser.add("kept.pdf", files.pdf())["id"]
    assert firm.browser.delete(f"{PEOPLE}/{one.person}").status_code == 204
    for way in (one.browser, program, elsewhere):
        assert way.get("/api/v1/documents").status_code == 401
    refused = elsewhere.http.post(
        "/signin", data={"email": one.email, "password": PASSWORD}, headers={"accept": "application/json"}
    )
    check_problem(refused, 401, "signin.refused")
    assert firm.browser.get(f"/api/v1/documents/{kept}").status_code == 200, "what they made stays"
    assert one.person not in {each["id"] for each in firm.browser.get(PEOPLE).json()["items"]}
    check_problem(firm.browser.delete(f"{PEOPLE}/{one.person}"), 404, "person.unknown")
    back = firm.browser.post(PEOPLE, {"role": "analyst", "email": one.email}).json()
    path = "/link/" + back["link"].rpartition("/")[2]
    form = {"name": "Back again", "email": one.email, "password": PASSWORD}
    assert install.browser().http.post(path, data=form).status_code == 303, "the address is free again"


def test_there_is_always_an_owner(install: Install, firm: Workspace) -> None:
    check_problem(firm.browser.patch(f"{PEOPLE}/{firm.person}", {"role": "admin"}), 409, "person.last_owner")
    check_problem(firm.browser.delete(f"{PEOPLE}/{firm.person}"), 409, "person.self")
    second = join(install, firm.browser, "owner")
    assert second.browser.patch(f"{PEOPLE}/{firm.person}", {"role": "admin"}).status_code == 204
    check_problem(firm.browser.patch(f"{PEOPLE}/{second.person}", {"role": "admin"}), 403, "person.rank")
    check_problem(second.browser.patch(f"{PEOPLE}/{second.person}", {"role": "admin"}), 409, "person.last_owner")
    assert second.browser.patch(f"{PEOPLE}/{firm.person}", {"role": "owner"}).status_code == 204
    assert firm.browser.delete(f"{PEOPLE}/{second.person}").status_code == 204


def test_an_admin_stays_below_owners(install: Install, firm: Workspace) -> None:
    admin = join(install, firm.browser, "admin")
    check_problem(admin.browser.post(PEOPLE, {"role": "owner"}), 403, "person.rank")
    check_problem(admin.browser.delete(f"{PEOPLE}/{firm.person}"), 403, "person.rank")
    check_problem(admin.browser.patch(f"{PEOPLE}/{admin.person}", {"role": "owner"}), 403, "person.rank")
    assert join(install, admin.browser, "billing").browser.get("/api/v1/usage").status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"role": "emperor"}, "person.role"),
        ({"role": "service"}, "person.role"),
        ({"role": "analyst", "email": "no address"}, "person.email"),
        ({"role": "analyst", "name": "\u0007"}, "person.name"),
    ],
)
def test_what_does_not_fit_is_refused(firm: Workspace, body: dict[str, str], code: str) -> None:
    check_problem(firm.browser.post(PEOPLE, body), 422, code)


def test_the_page_works_without_scripts(install: Install, firm: Workspace) -> None:
    page = firm.browser.get("/people", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "Invite somebody" in page.text
    made = firm.browser.http.post("/people", data={"role": "auditor", "name": "Otto Lind"})
    assert "shown this once" in made.text
    auditor = join(install, firm.browser, "auditor")
    seen = auditor.browser.get("/people", headers={"accept": "text/html"}).text
    assert "Otto Lind" in seen
    assert '<form method="post" action="/people' not in seen
    assert "Invite somebody" not in seen
    viewer = join(install, firm.browser, "viewer")
    assert viewer.browser.get("/people", headers={"accept": "text/html"}).status_code == 403
    assert 'href="/people"' not in viewer.browser.get("/settings", headers={"accept": "text/html"}).text
    assert 'href="/people"' in firm.browser.get("/settings", headers={"accept": "text/html"}).text


def test_who_does_not_ask_begins_where_their_work_is(install: Install, firm: Workspace) -> None:
    for role, home in {"auditor": "/people", "billing": "/usage"}.items():
        one = join(install, firm.browser, role)
        assert one.browser.get("/", headers={"accept": "text/html"}).headers["location"] == home
        page = one.browser.get(home, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert 'href="/library"' not in page.text
