"""How what is handed out leaves the registers and the claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smalt.kernel.clock import SystemClock
from smalt.trust.keeper import Keeper
from smalt.trust.record import VENDOR, stamp
from smalt.trust.sabotage.case import Break, case

if TYPE_CHECKING:
    from smalt.trust.sabotage.throwaway import Throwaway

YEAR_S = 365 * 86_400


def register_a_vendor(throwaway: Throwaway) -> None:
    """State a sub-processor in the throw-away's log, as its operator would."""
    clock = SystemClock()
    now = int(clock.now().timestamp())
    keeper = Keeper.open(throwaway.data_dir, clock)
    with keeper.writing() as pen:
        pen.state(
            VENDOR,
            {
                "at": stamp(now),
                "vendor": "north-machines",
                "change": "add",
                "name": "North Machines Limited",
                "category": "infrastructure",
                "purpose": "Machines",
                "data": ["stored data, sealed"],
                "place": "Frankfurt",
                "agreement": "Order 7",
                "until": stamp(now + YEAR_S),
                "hosts": ["north.example"],
            },
        )


@case("dpa.current", "a sub-processor is left out")
def _() -> Break:
    return Break(preamble="import smalt.trust.dpa as d; d.listed = lambda view: []", act=register_a_vendor)


@case("dpa.current", "measures are stated as in force whatever their state")
def _() -> Break:
    return Break(
        preamble=(
            "import smalt.trust.dpa as d; both = d.measures\n"
            "d.measures = lambda view: ([*both(view)[0], *both(view)[1]], [])"
        )
    )


@case("dpa.current", "the annex of processing is cut")
def _() -> Break:
    return Break(preamble="import smalt.trust.inventory as i; every = i.load; i.load = lambda: every()[:20]")


@case("dpa.current", "a sub-processor is registered", harmless=True)
def _() -> Break:
    return Break(act=register_a_vendor)


@case("questionnaire.derived", "every answer is yes")
def _() -> Break:
    return Break(preamble="import smalt.trust.questionnaire as q; q.word_of = lambda claims: 'yes'")


@case("questionnaire.derived", "the workbook says more than the page")
def _() -> Break:
    return Break(
        preamble=(
            "import smalt.trust.sheets as s; rows = s.rows\n"
            "s.rows = lambda found: [(*row[:3], 'yes', *row[4:]) for row in rows(found)]"
        )
    )


@case("questionnaire.derived", "a spreadsheet comes back full of yes")
def _() -> Break:
    return Break(
        preamble=("import smalt.trust.questionnaire as q; shown = q._SHOWN\nq._SHOWN = {word: 'Yes' for word in shown}")
    )


@case("questionnaire.derived", "a question about a claim is left out")
def _() -> Break:
    return Break(
        preamble=(
            "import smalt.trust.questionnaire as q; every = q.questions\n"
            "q.questions = lambda: tuple(one for one in every() if 'data.isolation' not in one.claims)"
        )
    )


@case("questionnaire.derived", "questions are asked in another order", harmless=True)
def _() -> Break:
    return Break(
        preamble="import smalt.trust.questionnaire as q; every = q.questions; q.questions = lambda: every()[::-1]"
    )
