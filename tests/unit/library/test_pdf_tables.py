from __future__ import annotations

import io
import itertools
import struct
import zlib

import pypdfium2 as pdfium
import pytest
from made_documents import HEIGHT, WIDTH, pdf_of, row
from reportlab.pdfgen import canvas

from smalt.kernel.errors import Failure
from smalt.library.parsed import Table, decode, encode, figures_of
from smalt.library.readers import pdf
from smalt.library.readers.pdf_words import sound


def table(*lines: list, rules=(), **more) -> Table:
    found = pdf.read(pdf_of(list(itertools.chain(*lines)), rules=rules, **more)).pages[0].tables
    assert len(found) == 1
    return found[0]


def cells(row_) -> list[tuple[int, str]]:
    return [(cell.column, cell.text) for cell in row_.cells]


HEAD = row(100, "(In millions)", "2024", "2023", "2022")


def test_rows_keep_label_figures_and_order():
    found = table(HEAD, row(115, "Revenues", "46,309", "51,362", "51,217"), row(130, "Cost of sales", "1", "2", "3"))
    assert [(r.label, figures_of(r)) for r in found.rows] == [
        ("Revenues", ["46,309", "51,362", "51,217"]),
        ("Cost of sales", ["1", "2", "3"]),
    ]
    assert found.header[0].label == "(In millions)"
    assert cells(found.header[0]) == [(0, "2024"), (1, "2023"), (2, "2022")]


def test_a_missing_cell_does_not_shift_the_others():
    found = table(
        HEAD, row(115, "All", "10", "20", "30"), row(130, "Gap", "11", "", "31"), row(145, "Last", "", "", "32")
    )
    assert cells(found.rows[1]) == [(0, "11"), (2, "31")]
    assert cells(found.rows[2]) == [(2, "32")]


def test_signs_in_columns_of_their_own_join_their_figure():
    lines = [
        (340.0, 115.0, "$", "l"),
        (400.0, 115.0, "(1,234", "r"),
        (402.0, 115.0, ")", "l"),
        (480.0, 115.0, "12.5", "r"),
        (486.0, 115.0, "%", "l"),
    ]
    found = table(HEAD, [(40.0, 115.0, "Net", "l"), *lines], row(130, "Other", "7", "8.0", "—"))
    assert cells(found.rows[0]) == [(0, "$(1,234)"), (1, "12.5%")]
    assert cells(found.rows[1]) == [(0, "7"), (1, "8.0"), (2, "—")]


def test_a_wrapped_label_is_one_label():
    wrapped = [(40.0, 130.0, "Net income attributable to noncontrolling interests and", "l")]
    found = table(
        HEAD,
        row(115, "Net income", "9", "8", "7"),
        wrapped,
        row(139, "redeemable interests", "3", "2", "1"),
        row(154, "Total", "6", "6", "6"),
    )
    assert [r.label for r in found.rows] == [
        "Net income",
        "Net income attributable to noncontrolling interests and redeemable interests",
        "Total",
    ]


def test_closer_lines_are_one_label_even_when_both_could_stand_alone():
    wrapped = [(40.0, 130.0, "Repurchases of Class B", "l")]
    found = table(
        HEAD,
        row(115, "Net income", "9", "8", "7"),
        wrapped,
        row(139, "Common Stock", "3", "2", "1"),
        row(154, "Total", "6", "6", "6"),
    )
    assert [r.label for r in found.rows] == ["Net income", "Repurchases of Class B Common Stock", "Total"]


def test_figures_beside_the_middle_of_a_label():
    label = [(40.0, 130.0, "Share repurchase programs", "l"), (40.0, 142.0, "(Note 18)", "l")]
    found = table(
        HEAD, row(115, "Before", "9", "8", "7"), label, row(136, "", "3", "2", "1"), row(157, "After", "6", "6", "6")
    )
    assert [(r.label, figures_of(r)) for r in found.rows][1] == ("Share repurchase programs (Note 18)", ["3", "2", "1"])


def test_section_heads_are_rows_without_cells():
    found = table(
        HEAD, row(115, "Current assets:"), row(130, "Cash", "1", "2", "3", x=48), row(145, "Total", "1", "2", "3")
    )
    assert found.rows[0].label == "Current assets:"
    assert found.rows[0].cells == []
    assert found.rows[1].indent == pytest.approx(8, abs=0.5)


def test_footnote_signs_leave_figures_and_stay_in_labels():
    note = [(92.0, 112.0, "3", "ls"), (401.0, 112.0, "1", "ls")]
    found = table(HEAD, row(115, "Net change", "1,234", "2", "3"), note, row(130, "Other", "5", "6", "7"))
    assert found.rows[0].label.replace(" ", "") == "Netchange3"
    assert figures_of(found.rows[0]) == ["1,234", "2", "3"]


def test_a_head_over_several_columns_spans_them_by_its_rule():
    four = (330.0, 400.0, 480.0, 550.0)
    heads = [(365.0, 85.0, "Three Months Ended", "c"), (515.0, 85.0, "Nine Months Ended", "c")]
    years = row(100, "", "2025", "2024", "2025", "2024", at=four)
    found = table(
        heads, years, row(115, "Sales", "10", "20", "30", "40", at=four), rules=((88, 300, 404), (88, 450, 554))
    )
    assert [(c.text, c.column, c.span) for c in found.header[0].cells] == [
        ("Three Months Ended", 0, 2),
        ("Nine Months Ended", 2, 2),
    ]
    assert cells(found.header[1]) == [(0, "2025"), (1, "2024"), (2, "2025"), (3, "2024")]


def test_a_head_without_rule_spans_the_columns_it_is_centred_on():
    found = table([(470.0, 85.0, "Year Ended May 31,", "c")], HEAD, row(115, "Sales", "1,000", "2,000", "3,000"))
    assert [(c.column, c.span) for c in found.header[0].cells] == [(0, 3)]


def test_a_figure_in_a_label_stays_there():
    found = table(
        HEAD, row(115, "4.85% 2027 Notes", "1", "2", "3"), row(130, "Balance at January 1, 2024", "4", "5", "6")
    )
    assert [r.label for r in found.rows] == ["4.85% 2027 Notes", "Balance at January 1, 2024"]


def test_two_heads_make_two_tables_with_the_lines_above_them():
    again = row(220, "(In thousands)", "2024", "2023", "2022")
    lines = [
        [(40.0, 80.0, "Note 3 – Revenue", "lb")],
        HEAD,
        row(115, "A", "1", "2", "3"),
        [(40.0, 200.0, "Note 4 – Leases", "lb")],
        again,
        row(235, "B", "4", "5", "6"),
    ]
    found = pdf.read(pdf_of(list(itertools.chain(*lines)))).pages[0].tables
    assert [t.above[-1] for t in found] == ["Note 3 – Revenue", "Note 4 – Leases"]
    assert [t.rows[0].label for t in found] == ["A", "B"]


def test_prose_is_no_table():
    prose = [
        (40.0, 100.0 + 12 * n, "In 2023 we recorded $28 million of income tax expense and 3.5 percent growth.", "l")
        for n in range(5)
    ]
    page = pdf.read(pdf_of(prose)).pages[0]
    assert page.tables == []
    assert len(page.lines) == 5


def test_boxes_count_from_the_top_left_and_hold_their_text():
    found = table(HEAD, row(115, "Revenues", "46,309", "51,362", "51,217"), row(130, "x", "1", "2", "3"))
    box = found.rows[0].cells[0].box
    assert box is not None
    assert box.x1 == pytest.approx(400, abs=1)
    assert 100 < box.y0 < 115 < box.y1 < 125
    assert found.rows[0].label_box is not None
    assert found.rows[0].label_box.x0 == pytest.approx(40, abs=1)
    assert found.rows[0].bold is False


@pytest.mark.parametrize(
    "box", [(1, 2, 3, 2), (1, 5, 3, 2), (0, 1e20, 5, 1e20), (float("nan"), 0, 0, 9), (0, 0, float("inf"), 9)]
)
def test_letters_without_sensible_size_get_one(box):
    x0, top, x1, bottom = sound(box)
    assert bottom > top
    assert all(abs(edge) < 1e6 for edge in (x0, top, x1, bottom))


def test_bold_is_seen():
    found = table(HEAD, [(40.0, 115.0, "TOTAL", "lb")], row(115, "", "1", "2", "3"), row(130, "x", "1", "2", "3"))
    assert [r.bold for r in found.rows] == [True, False]


def sideways(angle: int) -> bytes:
    """A page turned by ``angle`` whose text, as displayed, starts 100 points from the left and 50 below the top."""
    width, _height = (HEIGHT, WIDTH) if angle in {90, 270} else (WIDTH, HEIGHT)
    x, y = {0: (100, HEIGHT - 50), 90: (50, 100), 180: (width - 100, 50), 270: (WIDTH - 50, width - 100)}[angle]
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=(WIDTH, HEIGHT))
    page.translate(x, y)
    page.rotate(angle)
    page.setFont("Helvetica", 9)
    page.drawString(0, 0, "two words")
    page.drawString(0, -20, "below")
    page.showPage()
    page.save()
    document = pdfium.PdfDocument(out.getvalue())
    document[0].set_rotation(angle)
    turned = io.BytesIO()
    document.save(turned)
    return turned.getvalue()


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_boxes_of_a_turned_page_are_as_displayed(angle):
    page = pdf.read(sideways(angle)).pages[0]
    assert (page.width, page.height) == ((HEIGHT, WIDTH) if angle in {90, 270} else (WIDTH, HEIGHT))
    assert [line.text for line in page.lines] == ["two words", "below"]
    box = page.lines[0].box
    assert box is not None
    assert box.x0 == pytest.approx(100, abs=1)
    assert box.y0 < 50 < box.y1 < 55
    assert box.y1 - box.y0 < 14


def test_parsed_survives_encoding():
    parsed = pdf.read(pdf_of([*HEAD, *row(115, "A", "1", "2", "3")]))
    assert decode(encode(parsed)) == parsed


def test_progress_counts_pages():
    seen: list[tuple[int, int]] = []
    pdf.read(
        pdf_of([(40.0, 40.0, "one", "l")], [(40.0, 40.0, "two", "l")]), lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdf_of([(40.0, 40.0, "secret", "l")], password="x"), "document.encrypted"),
        (b"%PDF-1.7\nnothing more", "document.truncated"),
        (pdf_of([]), "document.no_text"),
    ],
)
def test_what_cannot_be_read_says_why(data, code):
    with pytest.raises(Failure) as failed:
        pdf.read(data)
    assert failed.value.code == code
    assert failed.value.happened
    assert failed.value.todo


def test_a_page_image_is_a_png_of_the_asked_size():
    data = pdf.render(pdf_of([(40.0, 40.0, "word", "l")]), 0, 144)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (2 * WIDTH, 2 * HEIGHT)
    body = data[data.index(b"IDAT") + 4 :]
    assert len(zlib.decompressobj().decompress(body)) == 2 * HEIGHT * (2 * WIDTH * 3 + 1)
    with pytest.raises(Failure) as failed:
        pdf.render(pdf_of([(40.0, 40.0, "word", "l")]), 1, 96)
    assert failed.value.code == "document.no_such_page"
