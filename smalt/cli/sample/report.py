"""The sample annual report: a cover, a letter, the business, the discussion, the statements and their notes."""

from __future__ import annotations

from collections.abc import Mapping

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph

from smalt.cli.sample import company, notes, prose, setting, statements
from smalt.cli.sample.company import SEGMENTS, YEARS, Series
from smalt.cli.sample.setting import figures, gap, part, section, text
from smalt.cli.sample.statements import Row, Table, Weight, amount, growth, share

TITLE = f"{company.NAME}: Annual Report on Form 10-K (invented), fiscal year 2025"


def pdf(reference: str = "") -> bytes:
    """The report as PDF bytes, always the same for the same ``reference`` (a copy number printed under the contents)."""
    book = company.books()
    story: list[Flowable] = [
        *_cover(),
        *_contents(reference),
        *_letter(book),
        *_business(),
        *_discussion(book),
        *_statements(book),
        *_notes(book),
    ]
    return setting.press(
        story,
        title=TITLE,
        author=company.NAME,
        running=f"{company.NAME} · Annual Report 2025",
        foot="An invented company. Set by Smalt for its demonstration.",
    )


def _cover() -> list[Flowable]:
    mark = ParagraphStyle(
        "mark", fontName="Helvetica-Bold", fontSize=30, leading=36, textColor=setting.INK, spaceAfter=6
    )
    return [
        gap(120),
        Paragraph("ANNUAL REPORT 2025", ParagraphStyle("kind", parent=setting.UNIT, fontName="Helvetica-Bold")),
        gap(10),
        Paragraph(company.NAME, mark),
        Paragraph("(Exact name of the company)", setting.SMALL),
        Paragraph("Annual report in the manner of Form 10-K", setting.LEAD),
        Paragraph("For the fiscal year ended December 31, 2025", setting.LEAD),
        gap(210),
        Paragraph(
            "Aggregate market value of common stock held by non-affiliates on June 30, 2025: $10,214 million. "
            "Shares of common stock outstanding on January 31, 2026: 142.9 million.",
            setting.BODY,
        ),
        gap(20),
        Paragraph(
            "Tarnwick Instruments is an invented company. Its people, products, customers and figures do not exist; "
            "its books tie. This document may be copied and used freely to try Smalt.",
            setting.SMALL,
        ),
        setting.after_cover(),
        setting.new_page(),
    ]


def _contents(reference: str) -> list[Flowable]:
    copy = [gap(24), Paragraph(f"Copy {reference}", setting.SMALL)] if reference else []
    title = Paragraph("Contents", ParagraphStyle("contents-title", parent=setting.PART))
    return [title, setting.contents(), *copy, setting.new_page()]


def _letter(book: Mapping[str, Series]) -> list[Flowable]:
    charts = setting.side_by_side(
        setting.bars("Net sales, $ millions", [(str(year), book["revenue"][year]) for year in sorted(YEARS)]),
        setting.bars(
            "Free cash flow, $ millions", [(str(year), book["free_cash_flow"][year]) for year in sorted(YEARS)]
        ),
    )
    words = prose.letter(book)
    return [
        part("To our shareholders"),
        Paragraph(words[0], setting.LEAD),
        charts,
        gap(16),
        *map(text, words[1:]),
        setting.new_page(),
    ]


def _business() -> list[Flowable]:
    story: list[Flowable] = [part("Business")]
    for title, paragraphs in prose.BUSINESS:
        story += [section(title), *map(text, paragraphs)]
    story += [part("Risk factors")]
    for title, paragraphs in prose.RISKS:
        story += [section(title), *map(text, paragraphs)]
    return [*story, setting.new_page()]


def _results(book: Mapping[str, Series]) -> Table:
    rows = [
        statements.line("Net sales", book["revenue"], dollar=True),
        Row(
            "Change from the year before", (growth(book["revenue"], 2025), growth(book["revenue"], 2024), ""), indent=1
        ),
        statements.line("Gross profit", book["gross_profit"]),
        _margin("Gross margin", book["gross_profit"], book),
        statements.line("Operating income", book["operating_income"]),
        _margin("Operating margin", book["operating_income"], book),
        statements.line("Net income", book["net_income"], dollar=True, weight=Weight.SUBTOTAL),
    ]
    return Table("In millions, except percentages", tuple(map(str, YEARS)), rows, "Years ended December 31,")


def _margin(label: str, series: Series, book: Mapping[str, Series]) -> Row:
    return Row(label, tuple(share(series[year], book["revenue"][year]) for year in YEARS), indent=1)


def _segment_results() -> Table:
    rows = []
    for index, name in enumerate(SEGMENTS):
        sales = company.segment_revenue(name)
        values = [amount(sales[year], dollar=index == 0) for year in YEARS]
        rows.append(Row(name, (*values, growth(sales, 2025))))
    return Table("In millions, except percentages", (*map(str, YEARS), "Change 2025"), rows)


def _liquidity(book: Mapping[str, Series]) -> Table:
    rows = [
        statements.line("Net cash provided by operating activities", book["operating_cash"], dollar=True),
        statements.line("Net cash used in investing activities", book["investing_cash"]),
        statements.line("Net cash used in financing activities", book["financing_cash"]),
    ]
    return Table("In millions", tuple(map(str, YEARS)), rows, "Years ended December 31,")


def _discussion(book: Mapping[str, Series]) -> list[Flowable]:
    words = prose.discussion(book)
    return [
        part("Management’s discussion and analysis"),
        *map(text, words["overview"]),
        figures(_results(book), above=[section("Results of operations")]),
        *map(text, words["results"]),
        figures(_segment_results(), above=[section("Results by segment")]),
        *map(text, words["segments"]),
        section("Expenses, interest and taxes"),
        *map(text, words["expenses"]),
        figures(_liquidity(book), above=[section("Liquidity and capital resources")]),
        *map(text, words["liquidity"]),
        section("Market risk"),
        *map(text, words["market"]),
        setting.new_page(),
    ]


def _statements(book: Mapping[str, Series]) -> list[Flowable]:
    return [
        part("Consolidated statements of income"),
        figures(statements.income(book)),
        figures(statements.comprehensive(book), above=[section("Consolidated statements of comprehensive income")]),
        setting.new_page(),
        part("Consolidated balance sheets"),
        figures(statements.balance(book)),
        setting.new_page(),
        part("Consolidated statements of cash flows"),
        figures(statements.cash_flow(book)),
        setting.new_page(),
        part("Consolidated statements of stockholders’ equity"),
        figures(statements.equity(book), label_width=150),
        setting.new_page(),
    ]


def _notes(book: Mapping[str, Series]) -> list[Flowable]:
    tables: dict[str, list[tuple[Table, float | None]]] = {
        "revenue": [(notes.geography(book), None)],
        "inventories": [(notes.inventories(book), None)],
        "property": [(notes.property_table(book), None)],
        "goodwill": [(notes.goodwill(book), 170), (notes.intangibles(book), None)],
        "debt": [(notes.debt(book), None), (_maturities(book), None)],
        "leases": [(_leases(book), None)],
        "taxes": [(notes.taxes(book), None), (notes.tax_rate(book), None)],
        "awards": [(notes.share_awards(), None)],
        "shares": [(notes.earnings_per_share(book), None)],
        "segments": [(notes.segments(book), None), (notes.segment_capex(book), None)],
        "quarters": [(notes.quarters(book, year), 128) for year in (2025, 2024)],
    }
    story: list[Flowable] = [part("Notes to consolidated financial statements")]
    for number, (name, title, paragraphs) in enumerate(prose.notes(book), 1):
        above: list[Flowable] = [section(f"Note {number}. {title}"), *map(text, paragraphs)]
        for table, width in tables.get(name, []):
            story.append(figures(table, width, above))
            above = []
        story += above
    return story


def _maturities(book: Mapping[str, Series]) -> Table:
    return notes.schedule(
        notes.MATURITIES,
        "Total principal",
        "Less: unamortized issuance costs",
        "Total debt",
        book["debt"][2025],
        "Maturities",
    )


def _leases(book: Mapping[str, Series]) -> Table:
    return notes.schedule(
        notes.LEASE_PAYMENTS,
        "Total lease payments",
        "Less: imputed interest",
        "Present value of lease liabilities",
        book["lease_current"][2025] + book["lease_long"][2025],
        "Operating leases",
    )
