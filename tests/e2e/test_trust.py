"""The Trust Center in a real browser: read by anybody, without scripts, on a phone, on paper, and as time goes by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from driving import PHONE, Server, Visitor
from playwright.sync_api import Page, Route, expect

PAGES = ("/trust", "/trust/claims/enc.hsts", "/trust/roadmap")
STICKS_OUT = "document.documentElement.scrollWidth - innerWidth"
NAMELESS = """[...document.querySelectorAll('a[href], button, input, summary')].filter((one) =>
  !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length)).map((one) => one.outerHTML)"""
LOOSE = """[...document.querySelectorAll('[aria-labelledby], [aria-describedby], a[href^="#"], label[for]')].flatMap((one) =>
  [...(one.getAttribute('aria-labelledby') ?? '').split(' '), one.getAttribute('for') ?? '',
   (one.getAttribute('href') ?? '').replace(/^[^#].*/, '').slice(1)]).filter((id) => id && !document.getElementById(id))"""
TWICE = (
    """[...document.querySelectorAll('[id]')].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at)"""
)
MOVED = """new Promise((resolve) => { let sum = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) sum += entry.value; }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => resolve(sum), 300); })"""


@pytest.fixture(scope="module")
def proved(server: Server) -> Server:
    """A server whose HSTS was proved just now, and nothing else."""
    server.command("trust", "run", "enc.hsts")
    return server


@pytest.fixture
def reader(visitor: Visitor, proved: Server) -> Iterator[Page]:
    page = visitor.window()
    yield page
    assert page.context.cookies() == [], "the Trust Center keeps nothing in a browser"


def row(page: Page, claim: str = "enc.hsts") -> str:
    return f'[data-claim="{claim}"]:not(.t-also)'


def test_the_page_says_what_holds_and_leads_to_the_evidence(reader: Page) -> None:
    reader.goto("/trust")
    expect(reader.get_by_role("heading", level=1)).to_contain_text("finance questions")
    expect(reader.locator("#all")).to_contain_text(re.compile(r"\d+ of \d+ claims hold"))
    line = reader.locator(row(reader))
    expect(line).to_have_attribute("data-state", "verified")
    expect(line).to_contain_text("proved")
    line.get_by_role("link").click()
    reader.wait_for_url("**/trust/claims/enc.hsts")
    expect(reader.get_by_role("heading", name="web.hsts")).to_be_visible()
    expect(reader.locator(".t-probes").first).not_to_be_empty()
    expect(reader.locator(".ledger")).to_contain_text("verified")
    answer = reader.request.get(reader.get_by_role("link", name="The evidence").get_attribute("href") or "")
    assert answer.json()["check"] == "web.hsts"
    assert reader.request.get("/trust/claims/enc.hsts.json").json()["verdict"]["state"] == "verified"


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_built_for_everybody(reader: Page, path: str) -> None:
    reader.goto(path)
    assert reader.evaluate(NAMELESS) == []
    assert reader.evaluate(LOOSE) == []
    assert reader.evaluate(TWICE) == []
    assert reader.locator("h1").count() == 1
    levels = reader.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))")
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    for landmark in ("banner", "main"):
        assert reader.get_by_role(landmark).count() == 1
    assert reader.locator("html").get_attribute("lang") == "en"
    assert len(reader.locator('meta[name="description"]').get_attribute("content") or "") > 20
    for state in reader.locator(".state").all():
        assert state.inner_text().strip(), "a state by colour alone"
    assert reader.locator("[style]").count() == 0


def test_unknown_claims_are_a_calm_404(reader: Page, visitor: Visitor) -> None:
    visitor.expects(404)
    answer = reader.goto("/trust/claims/no.such_claim")
    assert answer is not None
    assert answer.status == 404
    expect(reader.get_by_role("heading", level=1)).to_have_text("There is no such claim.")
    reader.get_by_role("link", name="Trust Center").click()
    reader.wait_for_url("**/trust")


def test_by_keyboard(reader: Page) -> None:
    reader.goto("/trust")
    reader.keyboard.press("Tab")
    expect(reader.get_by_role("link", name="Skip to the content")).to_be_focused()
    reader.keyboard.press("Enter")
    reader.keyboard.press("Tab")
    outline = reader.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is not to be seen"
    for _ in range(60):
        if reader.evaluate("document.activeElement.matches('[data-claim=\"enc.hsts\"] a')"):
            break
        reader.keyboard.press("Tab")
    reader.keyboard.press("Enter")
    reader.wait_for_url("**/trust/claims/enc.hsts")


def test_reading_needs_no_scripts(visitor: Visitor, proved: Server) -> None:
    page, scripted = visitor.window(java_script_enabled=False), visitor.window()
    for path in PAGES:
        page.goto(path)
        scripted.goto(path)
        assert page.locator("main").inner_text() == scripted.locator("main").inner_text()
    page.goto("/trust")
    page.locator(row(page)).get_by_role("link").click()
    page.wait_for_url("**/trust/claims/enc.hsts")


@pytest.mark.parametrize("path", PAGES)
def test_nothing_sticks_out_on_a_phone(visitor: Visitor, proved: Server, path: str) -> None:
    page = visitor.window(size=PHONE, is_mobile=True, has_touch=True)
    page.goto(path)
    assert page.evaluate(STICKS_OUT) <= 0


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(252, 252, 250)"), ("dark", "rgb(20, 23, 29)")])
def test_light_and_dark_are_both_set(visitor: Visitor, proved: Server, scheme: str, paper: str) -> None:
    page = visitor.window(color_scheme=scheme)
    page.goto("/trust")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == paper


@pytest.mark.parametrize("path", PAGES)
def test_it_prints(reader: Page, path: str) -> None:
    reader.goto(path)
    reader.emulate_media(media="print")
    expect(reader.get_by_role("navigation", name="Trust Center")).not_to_be_visible()
    expect(reader.get_by_role("heading", level=1)).to_be_visible()
    printed = reader.pdf(format="A4")
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 1


def test_a_proof_grows_old_in_the_readers_browser_when_the_server_no_longer_answers(reader: Page) -> None:
    reader.clock.install()
    reader.goto("/trust")
    line, before = reader.locator(row(reader)), reader.locator("#all").inner_text()
    expect(line).to_have_attribute("data-state", "verified")
    reader.route("**/trust/claims.json", Route.abort)
    reader.clock.fast_forward("02:30:00")
    expect(line).to_have_attribute("data-state", "verified")
    reader.clock.fast_forward("01:00:00")
    expect(line).to_have_attribute("data-state", "stale")
    expect(line.locator(".state")).to_contain_text("stale")
    expect(line.locator(".state")).to_have_class(re.compile("warn"))
    expect(line.locator(".t-since")).to_contain_text("since")
    expect(reader.locator("#live")).to_contain_text("Now stale.")
    assert reader.locator("#all").inner_text() != before
    expect(reader.locator("#all")).to_have_class(re.compile("warn"))
    assert reader.evaluate(MOVED) == 0


def test_a_claim_page_and_the_roadmap_grow_old_too(reader: Page) -> None:
    reader.clock.install()
    for path in PAGES[1:]:
        reader.goto(path)
        expect(reader.locator(row(reader))).to_have_attribute("data-state", "verified")
        reader.clock.fast_forward("04:00:00")
        expect(reader.locator(row(reader))).to_have_attribute("data-state", "stale")
        reader.clock.set_system_time(datetime.now(UTC))


def test_a_slow_clock_keeps_no_proof_young(reader: Page) -> None:
    reader.clock.install(time=datetime.now(UTC) - timedelta(days=2))
    reader.goto("/trust")
    reader.clock.fast_forward("04:00:00")
    expect(reader.locator(row(reader))).to_have_attribute("data-state", "stale")


def test_coming_back_asks_the_server_once(reader: Page) -> None:
    reader.clock.install()
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        found = route.fetch().json()
        hsts = next(one for one in found["claims"] if one["id"] == "enc.hsts")
        hsts["verdict"] |= {"state": "failing", "since": found["now"], "good_until": None, "then": ""}
        route.fulfill(json={**found, "sentence": "0 of 9 claims hold; one is failing."})

    reader.route("**/trust/claims.json", answer)
    reader.goto("/trust")
    reader.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert asked == [], "nothing changed in a few seconds"
    reader.clock.fast_forward("00:02:00")
    reader.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(reader.locator(row(reader))).to_have_attribute("data-state", "failing")
    expect(reader.locator("#all")).to_have_text("0 of 9 claims hold; one is failing.")
    assert len(asked) == 1


def test_every_page_leads_here(visitor: Visitor, proved: Server) -> None:
    page = visitor.window()
    page.goto("/signin")
    page.get_by_role("link", name="Trust Center").click()
    page.wait_for_url("**/trust")


@pytest.mark.parametrize("name", ["/trust/badge.svg", "/trust/badge/enc.hsts.svg", "/trust/dot.svg"])
def test_badges_are_pictures(reader: Page, name: str) -> None:
    reader.goto("/trust")
    answer = reader.request.get(name)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "max-age=30" in answer.headers["cache-control"]
    assert reader.evaluate(
        "(src) => new Promise((done) => { const one = new Image(); one.onload = () => done(one.width > 0);"
        " one.onerror = () => done(false); one.src = src; })",
        name,
    )
