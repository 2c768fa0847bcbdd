"""What ``smalt ask`` accepts, what it prints, and the exact shape of its JSON."""

import json

import pytest
from click.testing import CliRunner

from smalt.cli import ask, demo
from smalt.cli.answers import place_text
from smalt.engine.answer import Answer, Citation, FigureOut
from smalt.kernel import limits
from smalt.kernel.errors import Failure, Malformed, Missing, TooLarge
from smalt.library.parsed import Box

PRINTED = Citation(
    document="1", name="report.pdf", page=8, quote="2,014", box=Box(1.0, 2.0, 3.5, 4.0), label="Total current assets"
)
SHEET = Citation(document="2", name="plan.xlsx", page=0, quote="211", sheet="Budget 2025", cell="C9")
ANSWER = Answer(
    "Total current assets: $2,014 million",
    FigureOut("2014000000", "money", 6, "December 31, 2025", "USD"),
    "1,803 + 211",
    citations=[PRINTED, SHEET],
    figures=1,
    traced=1,
)


def test_json_is_exactly_what_is_promised():
    assert ask.shaped(ANSWER) == {
        "answer": "Total current assets: $2,014 million",
        "figure": {"value": "2014000000", "unit": "money", "scale": 6, "period": "December 31, 2025"},
        "formula": "1,803 + 211",
        "citations": [
            {"document": "report.pdf", "page": 8, "cell": None, "quote": "2,014", "box": [1.0, 2.0, 3.5, 4.0]},
            {"document": "plan.xlsx", "page": None, "cell": "'Budget 2025'!C9", "quote": "211", "box": None},
        ],
        "engine": "local",
        "declined": False,
    }


def test_a_declined_answer_has_no_figure():
    shaped = ask.shaped(Answer("The documents do not say.", declined=True, nearest=[PRINTED]))
    assert (shaped["figure"], shaped["formula"], shaped["citations"], shaped["declined"]) == (None, None, [], True)
    json.dumps(shaped)


@pytest.mark.parametrize(
    ("sheet", "cell", "shown"),
    [
        (None, None, None),
        (None, "B7", "B7"),
        ("Revenue", "B7", "Revenue!B7"),
        ("Budget 2025", "B7", "'Budget 2025'!B7"),
        ("Ann's", "B7", "'Ann''s'!B7"),
        ("2025", "B7", "'2025'!B7"),
        ("", "B7", "''!B7"),
    ],
)
def test_cells_are_named_as_workbooks_name_them(sheet, cell, shown):
    assert ask.cell_of(sheet, cell) == shown


def test_people_count_pages_from_one():
    assert place_text(("r.pdf", 8, None, "2,014", "Assets")) == "r.pdf, page 9: “2,014” (Assets)"
    assert place_text(("p.xlsx", None, "Plan!C9", "211", "")) == "p.xlsx, Plan!C9: “211”"


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "my report.pdf"
    path.write_bytes(b"%PDF-1.4 nothing")
    return path


def failing(*words: str) -> Failure:
    ran = CliRunner().invoke(ask.ask, list(words))
    assert isinstance(ran.exception, Failure), ran.output
    return ran.exception


def test_wrong_usage_names_what_is_wrong(report, tmp_path):
    assert failing("What was revenue?").code == "ask.no_file"
    assert failing(str(report)).code == "ask.no_question"
    assert failing(str(report), str(report)).code == "ask.no_question"
    assert failing(str(report), "  ").code == "ask.empty"
    assert failing(str(report), "x" * (limits.QUESTION_MAX_CHARS + 1)).code == "question.too_long"


def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch, report):
    for path, kind, code in (
        (tmp_path / "none.pdf", Missing, "file.missing"),
        (tmp_path, Malformed, "file.is_folder"),
    ):
        with pytest.raises(kind) as caught:
            ask.read_file(path)
        assert caught.value.code == code
        assert caught.value.__notes__ == [str(path)]
    monkeypatch.setattr(limits, "UPLOAD_MAX_BYTES", 3)
    with pytest.raises(TooLarge) as caught:
        ask.read_file(report)
    assert caught.value.code == "file.too_large"


def test_a_plan_plants_a_word_wherever_words_go(report):
    plan = demo._plan(None, None)
    assert len(plan.questions) >= 4
    for name in ("tenant", "owner", "email", "title", "file name", "question", "document", "bytes of file 2"):
        assert len(plan.secrets[name]) >= 12, name
    assert plan.secrets["tenant"].decode() in plan.tenant
    assert plan.secrets["question"].decode() in plan.questions[-1]
    assert all(plan.secrets["file name"].decode() in name for name in plan.documents)
    assert demo._plan(None, None).secrets["tenant"] != plan.secrets["tenant"]


def test_a_plan_with_an_own_file(report):
    with pytest.raises(Malformed) as caught:
        demo._plan(report, None)
    assert caught.value.code == "demo.no_question"
    plan = demo._plan(report, "What was revenue?")
    assert plan.questions == ("What was revenue?",)
    assert list(plan.documents.values()) == [report.read_bytes()]
    assert plan.secrets["question"] == b"What was revenue?"
    assert "document" not in plan.secrets
