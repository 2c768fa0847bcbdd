"""From a question to the very cell: streamed answers, citations, the page with its mark, the keys that walk them."""

from __future__ import annotations

import re

import pypdfium2
import pytest
from conftest import Join
from driving import PDF_NAME, Member, Visitor, asked, settled
from playwright.sync_api import Locator, Page, expect

TOLERANCE_PX = 1.5
PAD_PT = 2.0


def conversation(page: Page, member: Member) -> list[dict]:
    identity = page.url.rsplit("/", 1)[1]
    return member.api.get(f"/api/v1/conversations/{identity}")["messages"]


def text_in(pdf: bytes, page: int, box: list[float]) -> str:
    """What the document itself prints inside ``box`` (points from the top left)."""
    document = pypdfium2.PdfDocument(pdf)
    sheet = document[page]
    height = sheet.get_height()
    left, top, right, bottom = box
    text = sheet.get_textpage().get_text_bounded(left - 1, height - bottom - 1, right + 1, height - top + 1)
    document.close()
    return str(text).strip()


def require_over(page: Page, stage: Locator, box: list[float], width: float, height: float) -> None:
    """The mark stands over ``box`` on the picture of the page, where it can be seen."""
    picture = stage.locator(".sheet-page img")
    mark = stage.locator(".mark-cell")
    expect(mark).to_be_in_viewport()
    expect(picture).to_have_js_property("complete", value=True)
    assert picture.evaluate("image => image.naturalWidth") > 0
    image, shown = picture.bounding_box(), mark.evaluate("rect => rect.getBoundingClientRect().toJSON()")
    assert image is not None
    across, down = image["width"] / width, image["height"] / height
    left, top, right, bottom = box
    assert shown["x"] == pytest.approx(image["x"] + (left - PAD_PT) * across, abs=TOLERANCE_PX)
    assert shown["y"] == pytest.approx(image["y"] + (top - PAD_PT) * down, abs=TOLERANCE_PX)
    assert shown["width"] == pytest.approx((right - left + 2 * PAD_PT) * across, abs=TOLERANCE_PX)
    assert shown["height"] == pytest.approx((bottom - top + 2 * PAD_PT) * down, abs=TOLERANCE_PX)


def test_figure_leads_to_its_cell(ada: Member, samples: dict[str, bytes], visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    expect(page.locator("#scope-word")).to_have_text("All 2 documents")
    turn = asked(page, "What was free cash flow in 2025?")
    expect(turn).to_have_attribute("data-state", "answered")
    page.wait_for_url("**/c/*")
    expect(page).to_have_title("What was free cash flow in 2025? · Smalt")
    expect(turn.locator(".said")).to_contain_text("$540 million")
    expect(turn.locator(".checks")).to_contain_text(re.compile(r"checked: (\d) of \1 figures traced"))
    expect(turn.locator(".checks")).to_contain_text("not sent")
    expect(page.locator("#live")).to_contain_text("$540 million")

    citations = conversation(page, ada)[0]["answer"]["citations"]
    stage, lift = page.locator("#stage"), page.locator("#lift")
    for step, cited in enumerate(citations):
        view = ada.api.get(f"/api/v1/documents/{cited['document_id']}/pages/{cited['page']}")
        assert text_in(samples[PDF_NAME], cited["page"], cited["box"]) == cited["quote"]
        expect(lift.locator("output")).to_have_text(f"{step + 1} of {len(citations)}")
        expect(lift.locator("strong")).to_have_text(cited["quote"])
        expect(page.locator("#source-name")).to_have_text(f"{PDF_NAME} · page {cited['page'] + 1}")
        expect(turn.locator(f'.sources tr[data-n="{cited["n"]}"]')).to_have_class("on")
        require_over(page, stage, cited["box"], view["width"], view["height"])
        page.locator("#title").click()
        page.keyboard.press("]")
    page.keyboard.press("[")
    expect(lift.locator("output")).to_have_text(f"{len(citations)} of {len(citations)}")

    page.locator("#zoom").click()
    expect(stage.locator(".sheet-page")).to_have_class(re.compile("large"))
    require_over(page, stage, citations[-1]["box"], view["width"], view["height"])

    turn.locator(".fig").first.hover()
    expect(lift.locator("output")).to_have_text(f"1 of {len(citations)}")
    lift.get_by_role("link", name="Open document").click()
    page.wait_for_url("**/d/*")
    require_over(page, page.locator("#stage"), citations[0]["box"], view["width"], view["height"])


def test_sheet_cell_is_shown_in_its_own_sheet(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    turn = asked(page, "What was the budget for research and development in 2025?")
    expect(turn.locator(".said")).to_contain_text("$345 million")
    expect(page.locator("#stage .the-cell")).to_have_text("345")
    expect(page.locator("#stage .the-cell")).to_be_in_viewport()
    expect(page.locator("#stage th.in-column")).to_have_text("B")
    expect(page.locator("#source-name")).to_contain_text("Budget 2025")
    page.goto(turn.locator(".fig").get_attribute("href") or "")
    expect(page.locator(".the-cell")).to_have_text("345")
    expect(page.locator(".in-row")).to_contain_text("Research and development")


def test_follow_up_and_decline(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    asked(page, "What was the gross margin in 2025?")
    follow_up = asked(page, "And in 2024?")
    expect(follow_up).to_have_attribute("data-state", "answered")
    expect(follow_up.locator(".said")).to_contain_text("2024")
    expect(follow_up.locator(".said .fig")).to_contain_text("44.82%")
    declined = asked(page, "What was the revenue of Zorkmid Holdings in 2025?")
    expect(declined).to_have_attribute("data-state", "declined")
    expect(declined.locator(".looked")).to_contain_text("Zorkmid Holdings")
    expect(declined.locator(".checks")).to_contain_text("declined")
    expect(declined.locator(".fig")).to_have_count(0)


def test_answer_is_streamed_and_survives_a_reload(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    page.fill("#ask", "Slowly: what was free cash flow in 2025?")
    page.press("#ask", "Enter")
    turn = page.locator(".turn")
    expect(turn.locator(".said:not(.muted)")).to_contain_text("Tarnwick")
    expect(turn).to_have_attribute("data-state", "working")
    expect(page.locator("#stop")).to_be_visible()
    page.reload()
    settled(page.locator(".turn"))
    expect(page.locator(".turn .said")).to_contain_text("$540 million")
    expect(page.locator("#stage .mark-cell")).to_be_in_viewport()


def test_running_answer_is_stopped_and_the_question_kept(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    page.fill("#ask", "Slowly: what was total net sales in 2024?")
    page.press("#ask", "Enter")
    expect(page.locator(".turn .said:not(.muted)")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    turn = page.locator(".turn")
    expect(turn).to_have_attribute("data-state", "cancelled")
    expect(turn).to_contain_text("Stopped before an answer was ready. The question was kept.")
    expect(page.locator("#send")).to_be_visible()
    page.reload()
    expect(turn).to_have_attribute("data-state", "cancelled")
    expect(asked(page, "What was free cash flow in 2025?")).to_have_attribute("data-state", "answered")


def test_scope_narrows_the_question(ada: Member, visitor: Visitor) -> None:
    page = visitor.window(ada)
    page.goto("/")
    page.locator("#scope summary").click()
    page.locator(".scope label", has_text=PDF_NAME).click()
    expect(page.locator("#scope-word")).to_have_text("1 of 2 documents")
    turn = asked(page, "What was total net sales in fiscal 2025?")
    expect(turn.locator(".sources").first).to_contain_text("xlsx")
    expect(turn.locator(".sources").first).not_to_contain_text("pdf")


def test_conversation_is_renamed_and_deleted(join: Join, visitor: Visitor) -> None:
    owner = join("Ruth Rename", "ruth@example.com")
    for title in ("First talk", "Second talk"):
        made = owner.api.client.post("/api/v1/conversations", json={"title": title})
        assert made.status_code == 201
    page = visitor.window(owner)
    page.goto("/")
    item = page.locator("[data-talk]", has_text="First talk")
    item.hover()
    item.get_by_role("button", name="Rename").click()
    page.keyboard.type("Working capital")
    with page.expect_response(lambda reply: reply.request.method == "PATCH"):
        page.keyboard.press("Enter")
    expect(page.locator("[data-talk]", has_text="Working capital")).to_be_visible()
    page.reload()
    renamed = page.locator("[data-talk]", has_text="Working capital")
    expect(renamed).to_be_visible()
    renamed.hover()
    renamed.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    expect(renamed).to_be_visible()
    renamed.hover()
    renamed.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(renamed).to_have_count(0)
    page.reload()
    expect(page.locator("[data-talk]")).to_have_count(1)


def test_deleted_document_leaves_the_words_and_says_that_the_source_is_gone(
    join: Join, samples: dict[str, bytes], visitor: Visitor
) -> None:
    owner = join("Dora Delete", "dora@example.com")
    document = owner.api.upload(PDF_NAME, samples[PDF_NAME])
    page = visitor.window(owner)
    page.goto("/")
    turn = asked(page, "What was free cash flow in 2025?")
    source = turn.locator(".fig").first.get_attribute("href") or ""
    assert owner.api.client.delete(f"/api/v1/documents/{document['id']}").status_code == 204
    visitor.expects(404)
    page.reload()
    expect(page.locator(".turn .said")).to_contain_text("$540 million")
    expect(page.locator("#stage").get_by_role("alert")).to_be_visible()
    page.goto(source)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".overline")).to_contain_text("404")
