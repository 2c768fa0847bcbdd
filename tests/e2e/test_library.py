"""Adding files in a browser: progress, the kinds that are read, the sentences for those that are not."""

from __future__ import annotations

import io

import docx
import pytest
from conftest import Join
from driving import PDF_NAME, XLSX_NAME, Visitor, asked
from playwright.sync_api import Page, expect
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

CSV = b"account,fiscal 2024,fiscal 2025\nTravel expenses,120,135\nRent expenses,300,310\nTotal expenses,420,445\n"
MARKDOWN = b"# Minutes\n\nThe board met on March 3, 2025 and approved a dividend of $0.80 per share.\n"

WATCH = """list => {
  window.seen = [];
  new MutationObserver(() => {
    for (const state of list.querySelectorAll('.status .state')) window.seen.push(state.textContent.trim());
  }).observe(list, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def word_file() -> bytes:
    made = docx.Document()
    made.add_heading("Lease of the Leeds works", level=1)
    made.add_paragraph("The annual rent is $1,250 thousand. The lease ends on December 31, 2031.")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def locked_pdf() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, encrypt=StandardEncryption("open sesame", canPrint=0))
    canvas.drawString(72, 720, "Nobody reads this.")
    canvas.save()
    return out.getvalue()


def add(page: Page, files: dict[str, bytes]) -> None:
    given = [{"name": name, "mimeType": "application/octet-stream", "buffer": body} for name, body in files.items()]
    page.set_input_files("#files", given)  # type: ignore[arg-type]


def test_every_kind_is_read_with_progress(join: Join, samples: dict[str, bytes], visitor: Visitor) -> None:
    owner = join("Lena Library", "lena@example.com")
    page = visitor.window(owner)
    page.goto("/library")
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    page.locator("#documents").evaluate(WATCH)
    add(page, {**samples, "expenses.csv": CSV, "lease.docx": word_file(), "minutes.md": MARKDOWN})
    expect(page.locator("#count")).to_have_text("5 documents")
    expect(page.locator('tr[data-status="ready"]')).to_have_count(5, timeout=60_000)
    seen = page.evaluate("window.seen")
    words = {text.split(" ")[0] for text in seen}
    assert {"uploading", "ready"} <= words
    assert words & {"waiting", "reading", "indexing"}, words
    assert all(text.endswith("%") for text in seen if text != "ready"), "work that takes time shows how far it is"
    expect(page.get_by_role("row", name=PDF_NAME).locator(".pages")).to_have_text("18")
    expect(page.get_by_role("row", name=XLSX_NAME).locator(".kind")).to_have_text("XLSX")

    page.locator("body").press("/")
    page.keyboard.type("lease")
    expect(page.locator("#documents tr:visible")).to_have_count(1)
    page.get_by_role("link", name="lease.docx").click()
    expect(page.locator(".text-page")).to_contain_text("annual rent")

    page.goto("/")
    turn = asked(page, "What were travel expenses in fiscal 2025?")
    expect(turn.locator(".said")).to_contain_text("135")
    expect(page.locator("#stage .the-cell")).to_have_text("135")


def test_files_that_cannot_be_read_say_why(join: Join, visitor: Visitor) -> None:
    owner = join("Fay Failure", "fay@example.com")
    page = visitor.window(owner)
    page.goto("/library")
    add(page, {"locked.pdf": locked_pdf(), "noise.pdf": bytes(range(256)) * 40, "torn.pdf": locked_pdf()[:400]})
    failed = page.locator('tr[data-status="failed"]')
    expect(failed).to_have_count(3, timeout=60_000)
    for reload in (False, True):
        if reload:
            page.reload()
        expect(failed.filter(has_text="locked.pdf")).to_contain_text("protected by a password. Save a copy without")
        expect(failed.filter(has_text="noise.pdf")).to_contain_text("This kind of file cannot be read")
        expect(failed.filter(has_text="torn.pdf")).to_contain_text("damaged or incomplete. Export or download it again")
    page.get_by_role("button", name="Delete noise.pdf").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#count")).to_have_text("2 documents")
    page.goto("/")
    expect(page.get_by_role("heading", name="Start with a document")).to_be_visible()


def test_empty_file_is_refused_in_its_row(join: Join, visitor: Visitor) -> None:
    owner = join("Fay Failure", "fay@example.com")
    page = visitor.window(owner)
    page.goto("/library")
    visitor.expects(400, 413, 422)
    add(page, {"nothing.txt": b""})
    row = page.get_by_role("row", name="nothing.txt")
    expect(row.locator(".state.bad")).to_be_visible()
    expect(row).to_contain_text("The file is empty.")


@pytest.mark.parametrize("leave", ["reload", "workspace"])
def test_reading_goes_on_when_the_page_is_left(
    join: Join, samples: dict[str, bytes], visitor: Visitor, leave: str
) -> None:
    owner = join("Rita Reload", "rita@example.com")
    page = visitor.window(owner)
    page.goto("/library")
    name = f"{leave}.pdf"
    with page.expect_response("**/api/v1/documents"):
        add(page, {name: samples[PDF_NAME]})
    if leave == "workspace":
        page.goto("/usage")
        page.goto("/library")
    else:
        page.reload()
    row = page.get_by_role("row", name=name)
    expect(row).to_have_attribute("data-status", "ready", timeout=60_000)
    expect(row.get_by_role("link", name=name)).to_be_visible()
