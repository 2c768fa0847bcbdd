"""Coming by a one-time link, signing in and out, the settings: what a person does about their account."""

from __future__ import annotations

import re

import httpx
from conftest import Join
from driving import PASSWORD, Server, Visitor
from playwright.sync_api import expect


def test_first_owner_comes_by_the_link_once_and_signs_in_again(server: Server, visitor: Visitor) -> None:
    made = server.tenant("Quill & Co", "Grace Quill", "grace@example.com")
    page = visitor.window()
    page.goto(made["link"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up Quill & Co")
    expect(page.locator("#name")).to_have_value("Grace Quill")
    visitor.expects(422)
    page.fill("#password", "twelve chars")
    page.locator("#password").evaluate("field => { field.minLength = 0; field.value = 'short' }")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Start with a document")).to_be_visible()
    expect(page.locator("#ask")).to_be_disabled()

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signin")
    page.goto("/library")
    page.wait_for_url("**/signin?next=/library")
    visitor.expects(401)
    page.fill("#email", "grace@example.com")
    page.fill("#password", "not the password")
    page.get_by_role("button", name="Sign in").click()
    wrong = page.get_by_role("alert")
    expect(wrong).to_be_visible()
    expect(page.locator("#email")).to_have_value("grace@example.com")
    known = wrong.inner_text()
    page.fill("#email", "nobody@example.com")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#email")).to_have_value("nobody@example.com")
    assert page.get_by_role("alert").inner_text() == known, "the refusal tells whether the address is known"
    page.fill("#email", "Grace@Example.com")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/library")

    visitor.expects(410)
    page.goto(made["link"])
    expect(page.get_by_role("heading", level=1)).to_have_text("This link no longer works")


def test_token_is_shown_once_works_and_is_revoked(join: Join, visitor: Visitor) -> None:
    owner = join("Tove Token", "tove@example.com")
    page = visitor.window(owner)
    page.goto("/settings")
    page.fill("#token-name", "month-end script")
    page.select_option("#days", "30")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(r"smalt_\S{40,}", secret)
    with httpx.Client(base_url=visitor.url, verify=False, headers={"authorization": f"Bearer {secret}"}) as client:  # noqa: S501
        assert client.get("/api/v1/documents").status_code == 200
        page.goto("/settings")
        expect(page.locator("#secret")).to_have_count(0)
        assert secret not in page.content()
        row = page.get_by_role("row", name="month-end script")
        expect(row).to_be_visible()
        row.get_by_role("button", name="Revoke month-end script").click()
        expect(page.get_by_role("row", name="month-end script")).to_have_count(0)
        assert client.get("/api/v1/documents").status_code == 401


def test_profile_is_saved(join: Join, visitor: Visitor) -> None:
    owner = join("Tove Token", "tove@example.com")
    page = visitor.window(owner)
    page.goto("/settings")
    page.fill("#name", "Tove Tokenring")
    page.get_by_role("button", name="Save the name").click()
    expect(page.locator(".top .who")).to_have_text("Tove Tokenring")
    expect(page.get_by_role("status").first).to_be_visible()
