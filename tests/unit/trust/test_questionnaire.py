"""An answer is what the claims give, and nothing else can make a yes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import openpyxl
import pytest

from smalt.trust import questionnaire, sheets
from smalt.trust.questionnaire import Question, answer, answers, questions, replies, word_of
from smalt.trust.registry import load
from smalt.trust.status import HOLDING, Verdict
from smalt.trust.view import TrustView

MakeView = Callable[..., TrustView]


@pytest.fixture
def view(make_view: MakeView) -> TrustView:
    return make_view({"web.hsts": "passed"})


def with_states(view: TrustView, **states: str) -> TrustView:
    """``view`` with other states: names with ``__`` for the dot."""
    wanted = {name.replace("__", "."): state for name, state in states.items()}
    return replace(
        view,
        claims=tuple(
            replace(one, verdict=Verdict(wanted[one.claim.id], 1, 1)) if one.claim.id in wanted else one
            for one in view.claims
        ),
    )


def test_every_question_names_claims_that_exist_and_every_claim_is_asked_for() -> None:
    asked = {name for one in questions() for name in one.claims}
    known = {claim.id for claim in load()}
    assert asked <= known
    assert len(questions()) >= 60
    assert {claim.id for claim in load() if claim.section < 11} <= asked


def test_a_yes_stands_only_while_every_claim_holds(view: TrustView) -> None:
    pair = Question("X-1", "t", "?", ("enc.rest", "enc.transit"))
    words = {}
    for one in ("verified", "contract", "attested", "stale", "failing", "planned", "overdue", "withdrawn",
                "inconclusive", "expired", "not_applicable"):  # fmt: skip
        for other in ("verified", "planned", "not_applicable"):
            words[one, other] = answer(with_states(view, enc__rest=one, enc__transit=other), pair).word
    for (one, other), word in words.items():
        here = [state for state in (one, other) if state != "not_applicable"]
        assert (word == "yes") == (bool(here) and set(here) <= HOLDING)
    assert words["verified", "planned"] == "partial"
    assert words["planned", "planned"] == "planned"
    assert words["failing", "planned"] == words["stale", "not_applicable"] == "no"
    assert words["not_applicable", "not_applicable"] == "not applicable"


def test_nothing_gives_no_yes(view: TrustView) -> None:
    assert word_of([]) == "no"
    noted = [one for one in answers(view) if not one.question.claims]
    assert len(noted) > 3
    assert {one.word for one in noted} == {"no"}
    assert all(one.text for one in answers(view))


def test_the_answer_shows_sentence_state_and_oldest_proof(view: TrustView) -> None:
    (hsts,) = [one for one in answers(view) if one.question.id == "ENC-02"]
    assert hsts.word == "yes"
    assert hsts.text == view["enc.hsts"].claim.sentence
    assert hsts.claims == (("enc.hsts", "verified"),)
    assert hsts.proved_at == view["enc.hsts"].verdict.proved_at
    (broken,) = [one for one in answers(with_states(view, enc__hsts="failing")) if one.question.id == "ENC-02"]
    assert broken.word == "no"
    assert "Not shown now: failing" in broken.text


def test_table_and_workbook_say_the_same(view: TrustView) -> None:
    told = [(one.question.id, one.word) for one in answers(view)]
    lines = list(csv.reader(io.StringIO(sheets.csv_of(view).decode("utf-8-sig"))))
    assert [(row[0], row[3]) for row in lines[1:]] == told
    book = openpyxl.load_workbook(io.BytesIO(sheets.xlsx_of(view)))
    rows = list(book["Answers"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[3]) for row in rows] == told
    assert not any(cell.data_type == "f" for row in book["Answers"].iter_rows() for cell in row)
    assert sum(questionnaire.counts(answers(view)).values()) == len(told)


def test_replies_to_the_ids_of_others_never_say_more_than_the_claims(view: TrustView) -> None:
    exact = replies(view).exact
    assert exact["ENC-02"].answer == exact["ENC.HSTS"].answer == "Yes"
    assert exact["CC6.7"].answer == "Partial"  # other claims on it do not hold
    only = with_states(view, **{one.claim.id.replace(".", "__"): "verified" for one in view.claims})
    exact, parts = (found := replies(only)).exact, found.parts
    assert exact["CEK-03"].answer == "Yes"
    assert parts["CEK-03"].answer == exact["CC6.7"].answer == "Partial"
    assert "for a person to decide" in parts["CEK-03"].comment
    assert "BCR-99" not in exact
    none = with_states(view, **{one.claim.id.replace(".", "__"): "stale" for one in view.claims})
    for table in (replies(none).exact, replies(none).parts):
        assert {one.answer for one in table.values()} == {"No"}
