"""The words of the sample report. Every figure in a sentence comes from the books, so that text and tables agree."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from smalt.cli.sample import company
from smalt.cli.sample.company import Series
from smalt.cli.sample.statements import growth, share

BUSINESS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "What we do",
        (
            "Tarnwick Instruments designs, makes and looks after instruments that measure the flow of liquids and gases, "
            "and optical instruments for laboratories. Our customers are water utilities, chemical and food producers, "
            "hospitals and research institutes. We were founded in 1961 as a maker of water meters and have been a "
            "public company since 1987.",
            "We sell in 46 countries through our own sales force and about 180 distributors. No customer accounted for "
            "more than 6% of net sales in any of the last three years.",
        ),
    ),
    (
        "Segments",
        (
            "<b>Flow Measurement</b> makes ultrasonic, magnetic and mechanical meters and the valves and registers "
            "that belong to them. Its meters are read, tested and replaced over fifteen to twenty years, which makes "
            "demand steady.",
            "<b>Laboratory Optics</b> makes spectrometers, microscopes and light sources. In 2024 it acquired Quillhaven "
            "Photonics, an invented maker of compact light sources, for cash.",
            "<b>Field Services</b> calibrates, repairs and monitors instruments, our own and those of others, mostly "
            "under contracts of three to five years billed in advance.",
        ),
    ),
    (
        "Manufacturing and supply",
        (
            "We make our products in seven plants: three in the United States, two in Europe and two in Asia. We buy "
            "castings, sensors, optical glass and electronic components from several sources where we can. Some optical "
            "glass comes from a single supplier under an agreement that runs to 2029.",
        ),
    ),
    (
        "People",
        (
            "At December 31, 2025 we had 11,840 employees, of whom 5,260 worked in the United States. About 22% are "
            "covered by collective agreements. We consider relations with our employees to be good.",
        ),
    ),
    (
        "Research and patents",
        (
            "We hold 1,310 patents and have 240 applications pending. No single patent is material to the company as a "
            "whole. Research and development is done in five centres and is charged to expense as it is incurred.",
        ),
    ),
)

RISKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Public budgets",
        (
            "Utilities buy roughly two fifths of what Flow Measurement sells. When public budgets are cut, they repair "
            "meters rather than replace them, and our product sales fall before our service sales rise.",
        ),
    ),
    (
        "Components and glass",
        (
            "A shortage of electronic components or of optical glass would delay deliveries. We keep safety stocks of "
            "parts with long lead times, which ties up working capital and can lead to write-downs.",
        ),
    ),
    (
        "Information security",
        (
            "Connected meters carry data of our customers. A breach could harm them and our reputation, and could cost "
            "us contracts. We test our products and our own systems, and we insure part of the risk.",
        ),
    ),
    (
        "Exchange rates",
        (
            "About half of net sales arises outside the United States. A stronger dollar lowers the sales and profit "
            "that we report from those countries.",
        ),
    ),
)


def _cents(value: Decimal) -> str:
    return f"${value}"


def letter(book: Mapping[str, Series]) -> tuple[str, ...]:
    diluted = company.per_share(book["net_income"], company.DILUTED_SHARES)
    return (
        f"In 2025 net sales grew {growth(book['revenue'], 2025)} to ${book['revenue'][2025]:,} million, and our "
        f"operating margin reached {share(book['operating_income'][2025], book['revenue'][2025])}.",
        f"All three segments grew. Field Services, the smallest, grew fastest, as more customers asked us to look after "
        f"whole fleets of instruments. Net income rose to ${book['net_income'][2025]:,} million, or "
        f"{_cents(diluted[2025])} per diluted share, from {_cents(diluted[2024])} the year before.",
        f"Operations brought in ${book['operating_cash'][2025]:,} million of cash. We put ${book['capex'][2025]:,} "
        f"million into plant and equipment, returned ${book['dividends'][2025] + book['repurchases'][2025]:,} million "
        "to shareholders in dividends and repurchases, and repaid debt as it came due.",
        f"We ended the year with ${book['cash'][2025]:,} million of cash and with an order book that covers five months "
        "of product sales. We thank our people, who did this work, and our customers, who trust its results.",
        "The Board of Directors<br/>February 2026",
    )


def discussion(book: Mapping[str, Series]) -> dict[str, tuple[str, ...]]:
    """Paragraphs of the management discussion by section."""
    return {
        "overview": (
            "This discussion should be read with the consolidated financial statements and their notes. Amounts are in "
            "millions of US dollars unless said otherwise. Our fiscal year is the calendar year.",
        ),
        "results": _results(book),
        "segments": _segments(),
        "expenses": _expenses(book),
        "liquidity": _liquidity(book),
        "market": (
            "A rise of one percentage point in short-term interest rates would raise yearly interest on our term loan "
            "by about $3 million. A fall of ten percent in all foreign currencies against the dollar would have lowered "
            "operating income of 2025 by about $31 million.",
        ),
    }


def _results(book: Mapping[str, Series]) -> tuple[str, ...]:
    revenue, gross = book["revenue"], book["gross_profit"]
    return (
        f"Net sales rose by ${revenue[2025] - revenue[2024]:,} million, or {growth(revenue, 2025)}, in 2025. Higher "
        "volume accounted for about four points of the growth and prices for about six; currencies took back a little.",
        f"Gross margin was {share(gross[2025], revenue[2025])} in 2025 and {share(gross[2024], revenue[2024])} in 2024. "
        "A richer mix of optical instruments and lower freight costs outweighed higher wages.",
    )


def _segments() -> tuple[str, ...]:
    flow, optics, field = (company.segment_revenue(name) for name in company.SEGMENTS)
    return (
        f"Flow Measurement grew {growth(flow, 2025)} on replacement programmes of water utilities. Laboratory Optics "
        f"grew {growth(optics, 2025)}, of which two points came from Quillhaven in the months before the anniversary of "
        f"its purchase. Field Services grew {growth(field, 2025)} with 96% of expiring contracts renewed.",
    )


def _expenses(book: Mapping[str, Series]) -> tuple[str, ...]:
    return (
        f"Research and development was {share(book['research'][2025], book['revenue'][2025])} of net sales in 2025 and "
        f"{share(book['research'][2024], book['revenue'][2024])} in 2024. Selling, general and administrative expenses "
        f"rose by ${book['selling'][2025] - book['selling'][2024]:,} million, less than sales did.",
        f"Restructuring charges of ${book['restructuring'][2025]:,} million in 2025 are for closing an assembly hall and "
        "moving its work to a larger plant. There were none in 2024.",
        f"Interest expense was ${book['interest'][2025]:,} million, compared with ${book['interest'][2024]:,} million, "
        "because the notes issued in 2024 were outstanding for the whole year. The effective tax rate was "
        f"{share(book['tax'][2025], book['before_tax'][2025])}, compared with "
        f"{share(book['tax'][2024], book['before_tax'][2024])} in 2024.",
    )


def _liquidity(book: Mapping[str, Series]) -> tuple[str, ...]:
    return (
        f"Cash and cash equivalents were ${book['cash'][2025]:,} million at December 31, 2025. In addition we have a "
        "revolving credit facility of $600 million that runs to 2029 and was undrawn at both year ends.",
        f"We expect capital expenditures of about $230 million in 2026. In 2025 we repurchased common stock for "
        f"${book['repurchases'][2025]:,} million; $410 million remained available under the authorization of 2024.",
        "We believe that cash on hand, cash from operations and the credit facility are enough for our needs over the "
        "next twelve months and beyond.",
    )


def notes(book: Mapping[str, Series]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Each note: its short name, its title, its paragraphs."""
    return (*_policies(), *_asset_notes(book), *_claim_notes(book), *_last_notes(book))


def _policies() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return (
        (
            "policies",
            "Basis of presentation and accounting policies",
            (
                "The consolidated statements include Tarnwick Instruments, Inc. and the companies it controls. "
                "Transactions between them are eliminated. Preparing the statements requires estimates; results may "
                "differ from them.",
                "<b>Revenue</b> from products is recognized when control passes to the customer, usually on delivery. "
                "Revenue from services is recognized evenly over the contract. Amounts billed in advance are shown as "
                "deferred revenue.",
                "<b>Inventories</b> are stated at the lower of cost, first in first out, and net realizable value. "
                "<b>Property, plant and equipment</b> is stated at cost and depreciated straight-line: buildings over "
                "20 to 40 years, machinery and equipment over 3 to 15 years.",
                "<b>Goodwill</b> is tested for impairment each October 1 and whenever events call for it. No impairment "
                "was recorded in the years presented.",
            ),
        ),
    )


def _asset_notes(book: Mapping[str, Series]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return (
        (
            "revenue",
            "Revenue",
            (
                "Net sales by the customer’s region were:",
                f"Of deferred revenue of ${book['deferred_revenue'][2024]:,} million at December 31, 2024, substantially "
                "all was recognized in 2025. Unfilled firm orders were $1,284 million at December 31, 2025.",
            ),
        ),
        ("inventories", "Inventories", ("Inventories consist of:",)),
        (
            "property",
            "Property, plant and equipment",
            (
                f"Depreciation expense was ${book['depreciation'][2025]:,} million in 2025, "
                f"${book['depreciation'][2024]:,} million in 2024 and ${book['depreciation'][2023]:,} million in 2023.",
            ),
        ),
        (
            "goodwill",
            "Goodwill and intangible assets",
            (
                f"In March 2024 we acquired Quillhaven Photonics for ${book['acquisition'][2024]:,} million in cash. "
                f"The price was allocated to intangible assets (${book['acquired_intangibles'][2024]:,} million, mostly "
                f"developed technology) and goodwill (${book['acquired_goodwill'][2024]:,} million).",
                "Amortization of the intangible assets on hand is expected to be $58 million in each of 2026 and 2027, "
                "$54 million in 2028, $51 million in 2029 and $47 million in 2030.",
            ),
        ),
    )


def _claim_notes(book: Mapping[str, Series]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return (
        (
            "debt",
            "Debt",
            (
                "The term loan bears interest at a variable rate, 5.2% at December 31, 2025. The agreements limit the "
                "ratio of net debt to earnings before interest, taxes, depreciation and amortization to 3.5; we were "
                "well within it in all years presented.",
            ),
        ),
        (
            "leases",
            "Leases",
            (
                "We lease offices, service depots and vehicles. Operating lease cost was $51 million in 2025, $50 "
                "million in 2024 and $47 million in 2023. The weighted-average remaining term is 4.9 years and the "
                "weighted-average discount rate 4.7%.",
            ),
        ),
        (
            "taxes",
            "Income taxes",
            (
                f"Income taxes paid were ${book['tax_paid'][2025]:,} million in 2025. Unrecognized tax benefits were "
                "$38 million at December 31, 2025.",
            ),
        ),
        (
            "awards",
            "Share-based compensation",
            (
                f"The cost of share awards was ${book['share_compensation'][2025]:,} million in 2025. Unrecognized cost "
                "of $89 million is expected to be recognized over a weighted average of 1.8 years.",
            ),
        ),
    )


def _last_notes(book: Mapping[str, Series]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    shares = company.DIVIDEND_PER_SHARE
    return (
        (
            "shares",
            "Earnings per share and dividends",
            (
                f"Dividends declared per share were ${shares[2025]} in 2025, ${shares[2024]} in 2024 and ${shares[2023]} "
                "in 2023.",
            ),
        ),
        (
            "segments",
            "Segment information",
            (
                "The chief executive reviews net sales and operating income by segment. Corporate expenses, "
                "amortization of intangible assets and restructuring charges are not allocated.",
            ),
        ),
        (
            "contingencies",
            "Commitments and contingencies",
            (
                "We are party to lawsuits and claims that arise in the ordinary course of business. We do not expect "
                "their outcome to be material. Accrued warranty cost was $43 million at December 31, 2025 and $39 "
                f"million at December 31, 2024. Purchase commitments were $312 million, of which "
                f"${book['capex'][2025] // 3:,} million for equipment.",
            ),
        ),
        ("quarters", "Quarterly information", ("Net sales by segment and net income by quarter were:",)),
        (
            "later",
            "Subsequent events",
            ("On January 29, 2026 the Board declared a quarterly dividend of $0.21 per share, payable in March 2026.",),
        ),
    )
