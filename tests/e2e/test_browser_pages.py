"""Documents, usage, refusals; the same pages by keyboard alone, without scripts, on a phone, in the dark."""

from __future__ import annotations

import re

import pytest
from conftest import Join
from driving import PASSWORD, PDF_NAME, PHONE, XLSX_NAME, Member, Visitor, asked, settled
from playwright.sync_api import Page, expect

LIGHT, DARK = "rgb(252, 252, 250)", "rgb(20, 23, 29)"


def document_path(member: Member, name: str) -> str:
    return f"/d/{member.documents[name]['id']}"


def test_document_is_read_and_searched(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto(document_path(ada, PDF_NAME))
    expect(page.get_by_role("heading", level=1)).to_have_text(PDF_NAME)
    expect(page.locator(".sheet-page img")).to_have_js_property("complete", value=True)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**?page=2")
    page.keyboard.press("/")
    page.keyboard.type("free cash")
    page.keyboard.press("Enter")
    page.wait_for_url("**find=free**")
    hits = page.locator(".hits a")
    assert hits.count() >= 1
    expect(hits.first.locator("mark")).to_have_text(re.compile("free cash", re.IGNORECASE))
    hits.first.click()
    expect(page.locator(".mark-cell")).to_be_in_viewport()
    expect(page.locator('.hits [aria-current="true"]')).to_have_count(1)
    page.fill("#find", "no such words stand here")
    page.press("#find", "Enter")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_sheet_opens_at_a_cell(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto(f"{document_path(ada, XLSX_NAME)}?sheet=Budget+2025&cell=B7")
    expect(page.locator(".the-cell")).to_have_text("345")
    expect(page.locator('nav[aria-label="Sheets"] [aria-current]')).to_have_text("Budget 2025")
    page.get_by_role("link", name="Revenue", exact=True).click()
    expect(page.locator(".grid-page")).to_contain_text("Flow Measurement")


def test_usage_counts_and_says_that_nothing_left(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    asked(page, "What was free cash flow in 2025?")
    page.goto("/usage")
    expect(page.locator(".lead")).to_contain_text("Nothing left this machine.")
    expect(page.get_by_role("row", name="local")).to_be_visible()
    assert "free cash flow" not in page.content()


def test_what_is_another_tenants_does_not_exist(ada: Member, join: Join, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    asked(page, "What was free cash flow in 2025?")
    theirs = [page.url, document_path(ada, PDF_NAME), "/c/thr_00000000-0000-7000-8000-000000000000"]
    stranger = visitor.window(join("Eve Else", "eve@example.com"))
    visitor.expects(404)
    seen = set()
    for address in theirs:
        answer = stranger.goto(address)
        assert answer is not None
        assert answer.status == 404
        seen.add(stranger.get_by_role("heading", level=1).inner_text())
        expect(stranger.locator("body")).not_to_contain_text("cash")
        expect(stranger.get_by_role("link", name="To the workspace")).to_be_visible()
    assert len(seen) <= 2, "the page tells what is hidden from what does not exist"
    identity = ada.documents[PDF_NAME]["id"]
    for path in (f"/api/v1/documents/{identity}", f"/api/v1/documents/{identity}/pages/0.png"):
        answer = stranger.request.get(path)
        assert answer.status == 404


def test_reading_needs_no_scripts(ada: Member, visitor: Visitor) -> None:
    scripted = visitor.window(ada)
    scripted.goto("/")
    asked(scripted, "What was free cash flow in 2025?")
    page = visitor.window(ada, java_script_enabled=False)
    page.goto(scripted.url)
    expect(page.locator(".turn .said")).to_contain_text("$540 million")
    expect(page.locator(".turn .checks")).to_contain_text("figures traced")
    assert page.locator(".turn .answer").inner_text() == scripted.locator(".turn .answer").inner_text()
    page.locator(".turn .fig").first.click()
    page.wait_for_url("**/d/*")
    expect(page.locator(".mark-cell")).to_have_count(1)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#page")).to_have_value("11")
    page.goto("/library")
    expect(page.get_by_role("link", name=PDF_NAME)).to_be_visible()
    page.context.clear_cookies()  # signing out would end the session that other tests share
    page.goto("/settings")
    visitor.expects(401)
    page.fill("#email", "nobody@example.com")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


def test_whole_visit_by_keyboard_alone(ada: Member, visitor: Visitor) -> None:
    page = visitor.window()
    page.goto("/signin")
    page.keyboard.type(ada.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    page.keyboard.press("/")
    expect(page.locator("#ask")).to_be_focused()
    page.keyboard.type("What was free cash flow in 2025?")
    page.keyboard.press("Enter")
    turn = settled(page.locator(".turn"))
    expect(turn.locator(".fig").first).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.sources a')"):
            break
    expect(page.locator("#lift output")).to_have_text("2 of 2")
    outline = page.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle")
    assert outline == "solid", "the focus is not to be seen"
    page.keyboard.press("[")
    expect(page.locator("#lift output")).to_have_text("1 of 2")
    page.keyboard.press("]")
    expect(page.locator("#lift output")).to_have_text("2 of 2")
    page.keyboard.press("z")
    expect(page.locator("#zoom")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    expect(keys).to_contain_text("next citation")
    expect(keys.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.keyboard.press("Enter")  # on the focused source: shows it here
    expect(page.locator("#source-name")).to_contain_text(PDF_NAME)
    page.keyboard.press("n")
    page.wait_for_url(re.compile(r"/$"))


def overflows(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found


@pytest.mark.parametrize("path", ["/library", "/usage", "/settings", "document", "sheet"])
def test_nothing_sticks_out_on_a_phone(ada: Member, visitor: Visitor, path: str) -> None:
    addresses = {"document": document_path(ada, PDF_NAME), "sheet": document_path(ada, XLSX_NAME)}
    page = visitor.window(ada, PHONE, is_mobile=True, has_touch=True)
    page.goto(addresses.get(path, path))
    expect(page.locator(".top .who")).to_be_attached()
    assert overflows(page) <= 0


def test_phone_shows_three_sheets(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada, PHONE, is_mobile=True, has_touch=True)
    page.goto("/")
    turn = asked(page, "What was free cash flow in 2025?")
    assert overflows(page) <= 0
    expect(page.locator("#source")).not_to_be_visible()
    turn.locator(".fig").first.tap()
    expect(page.locator("#source")).to_be_visible()
    expect(page.locator("#stage .mark-cell")).to_be_in_viewport()
    page.locator("label", has=page.locator("#sheet-rail")).tap()
    expect(page.locator(".talks")).to_be_visible()
    expect(page.locator("#thread")).not_to_be_visible()
    page.locator("label", has=page.locator("#sheet-thread")).tap()
    expect(turn).to_be_visible()


@pytest.mark.parametrize(("scheme", "paper"), [("light", LIGHT), ("dark", DARK)])
def test_light_and_dark_are_both_set(ada: Member, visitor: Visitor, scheme: str, paper: str) -> None:
    page = visitor.window(ada, color_scheme=scheme)
    for path in ("/", "/library", document_path(ada, PDF_NAME)):
        page.goto(path)
        expect(page.locator(".who")).to_be_attached()
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == paper
