"""Failures leave with their own exit code, as text or as JSON, and an unforeseen one shows no content."""

import json

import click
import pytest

from smalt.cli import say
from smalt.kernel.errors import CLOSED_SET


def command_raising(error: BaseException) -> click.Command:
    @click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def arguments(monkeypatch):
    def use(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["smalt", *words])

    use("ask")
    return use


@pytest.mark.parametrize("kind", CLOSED_SET)
def test_each_failure_leaves_with_its_code(kind, arguments, capsys):
    failure = kind("some.code", "It happened.", kept="All was kept.", todo="Do this.", facts={"limit_bytes": 7})
    failure.add_note("report.pdf")
    assert say.guarded(command_raising(failure)) == kind.exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "report.pdf: It happened.",
        "All was kept.",
        "Do this.",
        "(limit bytes 7)",
        "[some.code]",
    ]


def test_json_failures_go_to_stdout(arguments, capsys):
    arguments("ask", "--json")
    assert say.guarded(command_raising(CLOSED_SET[0]("a.b", todo="Do."))) == 2
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "error": {"code": "a.b", "happened": "The request cannot be understood.", "kept": "", "todo": "Do."}
    }


def test_a_defect_shows_its_place_and_not_its_text(arguments, capsys):
    assert say.guarded(command_raising(ValueError("the secret figure 4711"))) == say.UNKNOWN
    said = capsys.readouterr()
    assert "4711" not in said.out + said.err
    assert "ValueError" in said.err
    assert "test_say.py" in said.err


def test_usage_and_interruption(arguments, capsys):
    assert say.guarded(command_raising(click.UsageError("no such option"))) == 2
    assert say.guarded(command_raising(KeyboardInterrupt())) == say.INTERRUPTED


def test_no_two_failures_share_an_exit_code():
    codes = [kind.exit_code for kind in CLOSED_SET]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, say.INTERRUPTED, say.UNKNOWN} & set(codes)
