"""Small made-up filings for the engine's tests: readers are not under test here."""

from __future__ import annotations

from smalt.library.parsed import Box, Cell, Kind, Line, Page, Parsed, Row, Table
from smalt.search.segment import Opened, build, decode, encode

_RIGHT = 300.0


def table(
    above: list[str],
    heads: list[list[str]],
    rows: list[tuple[str, list[str]] | tuple[str, list[str], float]],
    top: float = 200.0,
) -> Table:
    """A table with right-aligned columns 70 points apart; a row without cells is a section head."""

    def box(column: int, text: str, y: float, count: int, of: int) -> Box:
        right = _RIGHT + 70 * (column + 1)
        if of < count:  # a head that spans several columns stands over their middle
            share = count // of
            right = _RIGHT + 70 * (column * share + share) - 20 * (share - 1)
        return Box(right - 5 * len(text), y, right, y + 8)

    count = max((len(row[1]) for row in rows), default=0)
    head_rows = [
        Row("", [Cell(text, at, box(at, text, top + 10 * i, count, len(line))) for at, text in enumerate(line)])
        for i, line in enumerate(heads)
    ]
    body = []
    for i, row in enumerate(rows):
        y = top + 60 + 12 * i
        indent = row[2] if len(row) > 2 else 0.0
        body.append(
            Row(
                row[0],
                [Cell(text, at, box(at, text, y, count, count)) for at, text in enumerate(row[1]) if text],
                Box(20, y, 580, y + 8),
                indent,
                i,
                False,
                Box(20, y, 280, y + 8),
            )
        )
    return Table(above, head_rows, body, Box(20, top, 580, top + 60 + 12 * len(rows)))


def page(number: int, lines: list[str], tables: list[Table] | None = None) -> Page:
    return Page(
        number,
        612,
        792,
        [Line(text, Box(20, 20 + 12 * i, 580, 28 + 12 * i)) for i, text in enumerate(lines)],
        tables or [],
    )


def opened(pages: list[Page], name: str = "report.pdf") -> Opened:
    return Opened(name, name, decode(encode(build(Parsed(Kind.PDF, pages)))))


def cover(company: str, form: str = "10-K", ended: str = "For the fiscal year ended June 30, 2025") -> Page:
    return page(
        0, ["UNITED STATES", f"FORM {form}", ended, company, "(Exact name of registrant as specified in its charter)"]
    )


INCOME = [
    ("Net sales", ["$ 9,400", "$ 9,000", "$ 8,500"]),
    ("Cost of sales", ["5,400", "5,300", "5,100"]),
    ("Gross profit", ["4,000", "3,700", "3,400"]),
    ("Selling, general and administrative", ["2,100", "2,000", "1,900"]),
    ("Operating income", ["1,900", "1,700", "1,500"]),
    ("Interest expense", ["(100)", "(90)", "(80)"]),
    ("Income before income taxes", ["1,800", "1,610", "1,420"]),
    ("Provision for income taxes", ["378", "338", "298"]),
    ("Net income", ["$ 1,422", "$ 1,272", "$ 1,122"]),
    ("Earnings per common share:", []),
    ("Basic", ["$ 2.90", "$ 2.55", "$ 2.21"], 8.0),
    ("Diluted", ["$ 2.85", "$ 2.50", "$ 2.17"], 8.0),
    ("Weighted average common shares outstanding:", []),
    ("Basic", ["490.3", "498.8", "507.7"], 8.0),
    ("Diluted", ["498.9", "508.8", "517.1"], 8.0),
]
BALANCE = [
    ("Current assets:", []),
    ("Cash and cash equivalents", ["$ 1,200", "$ 1,000"], 8.0),
    ("Accounts receivable, net", ["940", "870"], 8.0),
    ("Inventories", ["600", "640"], 8.0),
    ("Total current assets", ["2,740", "2,510"]),
    ("Property, plant and equipment, net", ["3,260", "3,090"]),
    ("Total assets", ["$ 6,000", "$ 5,600"]),
    ("Current liabilities:", []),
    ("Accounts payable", ["$ 540", "$ 500"], 8.0),
    ("Total current liabilities", ["1,370", "1,300"]),
    ("Long-term debt", ["1,630", "1,700"]),
    ("Total liabilities", ["3,000", "3,000"]),
    ("Total shareholders' equity", ["3,000", "2,600"]),
    ("Total liabilities and shareholders' equity", ["$ 6,000", "$ 5,600"]),
]
CASH = [
    ("Operating activities:", []),
    ("Net income", ["$ 1,422", "$ 1,272", "$ 1,122"]),
    ("Depreciation and amortization", ["300", "280", "260"]),
    ("Accounts receivable", ["(70)", "(20)", "5"]),
    ("Net cash provided by operating activities", ["1,750", "1,560", "1,400"]),
    ("Investing activities:", []),
    ("Purchases of property, plant and equipment", ["(470)", "(430)", "(400)"]),
    ("Net cash used in investing activities", ["(470)", "(430)", "(400)"]),
    ("Financing activities:", []),
    ("Dividends paid", ["(500)", "(450)", "(400)"]),
    ("Repurchases of common stock", ["(580)", "(560)", "(540)"]),
    ("Net cash used in financing activities", ["(1,080)", "(1,010)", "(940)"]),
    ("Cash and cash equivalents, beginning of year", ["1,000", "880", "820"]),
    ("Cash and cash equivalents, end of year", ["1,200", "1,000", "880"]),
]


def annual(company: str = "Bluebird Mills, Inc.", name: str = "bluebird-10-k.pdf") -> Opened:
    """A 10-K for the year ended June 30, 2025 with its three statements in millions and a deferred tax note."""
    years = [["Year Ended June 30,"], ["2025", "2024", "2023"]]
    return opened(
        [
            cover(company),
            page(1, ["The Company is subject to risks.", "Demand for our yarn fell because two customers closed their plants in Ohio."]),
            page(2, [company, "CONSOLIDATED STATEMENTS OF INCOME"], [table(["CONSOLIDATED STATEMENTS OF INCOME", "(In millions, except per share data)"], years, INCOME)]),
            page(3, [company, "CONSOLIDATED BALANCE SHEETS"], [table(["CONSOLIDATED BALANCE SHEETS", "(In millions)"], [["June 30,"], ["2025", "2024"]], BALANCE)]),
            page(4, [company, "CONSOLIDATED STATEMENTS OF CASH FLOWS"], [table(["CONSOLIDATED STATEMENTS OF CASH FLOWS", "(In millions)"], years, CASH)]),
            page(5, ["NOTE 9. INCOME TAXES"], [table(["Deferred taxes as of June 30, were (in millions):"], [["2025", "2024"]], [("Accrued bonuses", ["14", "12"]), ("Valuation allowance", ["(3)", "(2)"]), ("Effective rate", ["21.0%", "21.0%"])])]),
        ],
        name,
    )  # fmt: skip


def quarterly() -> Opened:
    """A 10-Q with quarter and year-to-date columns side by side."""
    heads = [
        ["Three Months Ended", "Six Months Ended"],
        ["December 31,", "December 31,"],
        ["2025", "2024", "2025", "2024"],
    ]
    rows = [
        ("Revenues", ["$ 2,500", "$ 2,300", "$ 4,900", "$ 4,500"]),
        ("Operating income", ["510", "470", "990", "900"]),
        ("Income before income taxes", ["500", "460", "970", "880"]),
        ("Income tax expense", ["(105)", "(97)", "(204)", "(185)"]),
        ("Net income", ["$ 395", "$ 363", "$ 766", "$ 695"]),
    ]
    return opened(
        [
            cover("Heron Optics Corporation", "10-Q", "For the quarterly period ended December 31, 2025"),
            page(
                1,
                ["CONSOLIDATED STATEMENTS OF OPERATIONS"],
                [table(["CONSOLIDATED STATEMENTS OF OPERATIONS", "(in millions)"], heads, rows)],
            ),
            page(2, ["These notes go with the Annual Report on Form 10-K for the year ended June 30, 2025."]),
        ],
        "heron-10-q.pdf",
    )
