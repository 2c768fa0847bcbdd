"""The sample workbook: revenue by segment and quarter, budget against actual, headcount; formulas with their values."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from smalt.cli.sample import company
from smalt.cli.sample.company import QUARTERLY, QUARTERS, SEGMENTS

CREATED = datetime(2026, 2, 12, 9, 0, tzinfo=UTC)
PERIODS = tuple(f"{quarter} {year}" for year in (2024, 2025) for quarter in QUARTERS)
BUDGET_2025: tuple[tuple[str, int, int], ...] = (
    ("Net sales", 3840, 3911),
    ("Cost of sales", 2106, 2124),
    ("Research and development", 345, 351),
    ("Selling, general and administrative", 668, 681),
    ("Capital expenditures", 225, 211),
)
HEADCOUNT: dict[str, tuple[tuple[str, int, int], ...]] = {
    "Flow Measurement": (("United States", 2310, 2275), ("Europe", 1480, 1442), ("Asia Pacific", 1120, 1064)),
    "Laboratory Optics": (("United States", 1215, 1190), ("Europe", 1034, 1011), ("Asia Pacific", 706, 688)),
    "Field Services": (("United States", 1420, 1296), ("Europe", 1265, 1178), ("Asia Pacific", 742, 667)),
    "Corporate": (("United States", 315, 309), ("Europe", 148, 144), ("Asia Pacific", 85, 82)),
}


class _Styles:
    def __init__(self, book: Workbook) -> None:
        face = {"font_name": "Arial", "font_size": 10}
        self.title: Format = book.add_format({**face, "bold": True, "font_size": 14, "font_color": "#1F3F8F"})
        self.note: Format = book.add_format({**face, "italic": True, "font_color": "#5B6675"})
        self.head: Format = book.add_format({**face, "bold": True, "align": "right", "bottom": 1})
        self.corner: Format = book.add_format({**face, "bold": True, "bottom": 1})
        self.label: Format = book.add_format(face)
        self.number: Format = book.add_format({**face, "num_format": "#,##0;(#,##0);–"})
        self.percent: Format = book.add_format({**face, "num_format": "0.0%;(0.0%)"})
        self.total_label: Format = book.add_format({**face, "bold": True, "top": 1})
        self.total: Format = book.add_format({**face, "bold": True, "top": 1, "num_format": "#,##0;(#,##0);–"})


def xlsx(reference: str = "") -> bytes:
    """The workbook as XLSX bytes, always the same for the same ``reference`` (a copy number under the first title)."""
    out = BytesIO()
    book = Workbook(out, {"in_memory": True})
    book.set_properties(
        {"title": f"{company.NAME}: planning workbook", "author": company.NAME, "created": CREATED.replace(tzinfo=None)}
    )
    styles = _Styles(book)
    _revenue(book.add_worksheet("Revenue"), styles, reference)
    _budget(book.add_worksheet("Budget 2025"), styles)
    _headcount(book.add_worksheet("Headcount"), styles)
    book.close()
    return out.getvalue()


def _open(sheet: Worksheet, styles: _Styles, title: str, note: str, heads: tuple[str, ...], columns: int) -> None:
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, columns, 12)
    sheet.write_string(0, 0, title, styles.title)
    sheet.write_string(1, 0, note, styles.note)
    sheet.write_string(3, 0, heads[0], styles.corner)
    for column, text in enumerate(heads[1:], 1):
        sheet.write_string(3, column, text, styles.head)
    sheet.freeze_panes(4, 1)


def _sum(sheet: Worksheet, row: int, column: int, first: str, last: str, value: int, style: Format) -> None:
    sheet.write_formula(row, column, f"=SUM({first}:{last})", style, value)


def _revenue(sheet: Worksheet, styles: _Styles, reference: str) -> None:
    heads = ("Segment", *PERIODS, "FY2024", "FY2025")
    note = "In millions of US dollars" + (f" · copy {reference}" if reference else "")
    _open(sheet, styles, f"{company.NAME}: net sales by segment and quarter", note, heads, len(heads))
    columns: list[int] = [0] * (len(PERIODS) + 2)
    for row, name in enumerate(SEGMENTS, 4):
        sheet.write_string(row, 0, name, styles.label)
        values = [*QUARTERLY[name][2024], *QUARTERLY[name][2025]]
        for column, value in enumerate(values, 1):
            sheet.write_number(row, column, value, styles.number)
        for offset, part in ((0, values[:4]), (1, values[4:])):
            first = xl_rowcol_to_cell(row, 1 + 4 * offset)
            last = xl_rowcol_to_cell(row, 4 + 4 * offset)
            _sum(sheet, row, 9 + offset, first, last, sum(part), styles.number)
        columns = [have + new for have, new in zip(columns, [*values, sum(values[:4]), sum(values[4:])], strict=True)]
    bottom = 4 + len(SEGMENTS)
    sheet.write_string(bottom, 0, "Total net sales", styles.total_label)
    for column, value in enumerate(columns, 1):
        first, last = xl_rowcol_to_cell(4, column), xl_rowcol_to_cell(bottom - 1, column)
        _sum(sheet, bottom, column, first, last, value, styles.total)


def _budget(sheet: Worksheet, styles: _Styles) -> None:
    heads = ("Line", "Budget 2025", "Actual 2025", "Variance", "Variance %")
    _open(sheet, styles, f"{company.NAME}: budget and actual, 2025", "In millions of US dollars", heads, 5)
    for row, (label, planned, actual) in enumerate(BUDGET_2025, 4):
        sheet.write_string(row, 0, label, styles.label)
        sheet.write_number(row, 1, planned, styles.number)
        sheet.write_number(row, 2, actual, styles.number)
        excel = row + 1
        sheet.write_formula(row, 3, f"=C{excel}-B{excel}", styles.number, actual - planned)
        sheet.write_formula(row, 4, f"=D{excel}/B{excel}", styles.percent, (actual - planned) / planned)


def _headcount(sheet: Worksheet, styles: _Styles) -> None:
    heads = ("Segment and region", "December 2025", "December 2024", "Change")
    _open(sheet, styles, f"{company.NAME}: headcount", "Employees at the end of the month", heads, 4)
    sheet.set_column(1, 3, 15)
    row = 4
    totals = []
    for segment, regions in HEADCOUNT.items():
        first = row + 2
        sheet.write_string(row, 0, segment, styles.corner)
        for region, now, before in regions:
            row += 1
            sheet.write_string(row, 0, f"{segment}, {region}", styles.label)
            _counts(sheet, row, now, before, styles.number)
        last, row = row + 1, row + 1
        now, before = sum(count for _, count, _ in regions), sum(count for _, _, count in regions)
        sheet.write_string(row, 0, f"Total {segment}", styles.total_label)
        _sum(sheet, row, 1, f"B{first}", f"B{last}", now, styles.total)
        _sum(sheet, row, 2, f"C{first}", f"C{last}", before, styles.total)
        sheet.write_formula(row, 3, f"=B{row + 1}-C{row + 1}", styles.total, now - before)
        totals.append((row + 1, now, before))
        row += 2
    sheet.write_string(row, 0, "Total employees", styles.total_label)
    for column, letter in ((1, "B"), (2, "C")):
        formula = "=" + "+".join(f"{letter}{at}" for at, _, _ in totals)
        sheet.write_formula(row, column, formula, styles.total, sum(counts[column - 1] for _, *counts in totals))
    grown = sum(now - before for _, now, before in totals)
    sheet.write_formula(row, 3, f"=B{row + 1}-C{row + 1}", styles.total, grown)


def _counts(sheet: Worksheet, row: int, now: int, before: int, style: Format) -> None:
    sheet.write_number(row, 1, now, style)
    sheet.write_number(row, 2, before, style)
    sheet.write_formula(row, 3, f"=B{row + 1}-C{row + 1}", style, now - before)
