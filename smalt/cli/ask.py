"""``smalt ask``: one question of some files, answered on this machine. No server, no database, nothing stored."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smalt.cli import say
from smalt.cli.answers import Printed, print_answer
from smalt.cli.options import json_option
from smalt.kernel import limits
from smalt.kernel.errors import Malformed, Missing, TooLarge, Unavailable

if TYPE_CHECKING:
    from smalt.engine.answer import Answer
    from smalt.search.segment import Opened


@click.command()
@click.argument("words", nargs=-1, required=True, metavar='FILE… "QUESTION"')
@json_option
def ask(words: tuple[str, ...], *, as_json: bool) -> None:
    """Answer a question from files, on this machine: nothing is sent, nothing is stored.

    The last argument is the question, everything before it a file: PDF, XLSX, CSV, DOCX, Markdown or text.
    """
    files, question = _split(words)
    with say.Steps(quiet=as_json) as steps:
        opened = asyncio.run(_read(files, steps))
        steps.begin("Answering")
        began = time.monotonic()
        answer = _answer(question, opened)
        milliseconds = round((time.monotonic() - began) * 1000)
    if as_json:
        say.result(shaped(answer))
    else:
        print_answer(question, printed(answer, milliseconds))


def _split(words: tuple[str, ...]) -> tuple[list[Path], str]:
    """The files and the question. `Malformed` when either is missing."""
    files, question = [Path(word) for word in words[:-1]], words[-1].strip()
    if not files or _is_file(words[-1]):
        raise Malformed(
            "ask.no_question" if _is_file(words[-1]) else "ask.no_file",
            "A question needs at least one file before it, and the question last, in quotes.",
            todo='For example: smalt ask report.pdf "What was revenue in 2025?"',
        )
    if not question:
        raise Malformed("ask.empty", "The question is empty.", todo="Write it last, in quotes.")
    if len(question) > limits.QUESTION_MAX_CHARS:
        raise TooLarge(
            "question.too_long",
            "The question is longer than what is accepted.",
            todo="Ask something shorter; put long text into a file.",
            facts={"characters_accepted": limits.QUESTION_MAX_CHARS},
        )
    return files, question


def _is_file(word: str) -> bool:
    """Whether ``word`` names a file; a question may be too long or too odd to be a name at all."""
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False


def read_file(path: Path) -> bytes:
    """The bytes of ``path``. A failure of the closed set, with the file's name as its note, when that cannot be."""
    failure: Missing | Malformed | TooLarge | Unavailable
    try:
        if path.is_file() and path.stat().st_size > limits.UPLOAD_MAX_BYTES:
            failure = TooLarge(
                "file.too_large",
                "This file is larger than what is accepted.",
                facts={"bytes_accepted": limits.UPLOAD_MAX_BYTES},
            )
        elif path.is_dir():
            failure = Malformed("file.is_folder", "This is a folder.", todo="Name the files in it.")
        else:
            return path.read_bytes()
    except FileNotFoundError:
        failure = Missing("file.missing", "There is no such file.", todo="Check the name and the folder.")
    except OSError:
        failure = Unavailable("file.unreadable", "This file cannot be read.", todo="Check who may read it.")
    failure.add_note(str(path))
    raise failure from None


async def _read(files: list[Path], steps: say.Steps) -> list[Opened]:
    """Parse each file in a child process without a network, and open it for the engine."""
    from smalt.kernel.errors import Failure
    from smalt.library.sandbox import parse
    from smalt.search.segment import Opened, build

    opened = []
    for number, path in enumerate(files, 1):
        steps.begin(f"Reading {path.name} ({number} of {len(files)})")
        data = read_file(path)

        def progress(done: int, total: int, name: str = path.name) -> None:
            steps.detail(f"Reading {name}: {done} of {total}")

        try:
            parsed = await parse(data, path.name, progress)
        except Failure as failure:
            failure.add_note(str(path))
            raise
        opened.append(Opened(str(number), path.name, build(parsed)))
        unit = "sheets" if parsed.pages and parsed.pages[0].sheet is not None else "pages"
        steps.done(f"Read {path.name}: {len(parsed.pages)} {unit}")
    return opened


def _answer(question: str, opened: list[Opened]) -> Answer:
    from smalt.engine import local

    return local.answer(question, opened)


def cell_of(sheet: str | None, cell: str | None) -> str | None:
    """``Sheet!B7``, quoted as workbooks do when the sheet's name needs it."""
    if cell is None:
        return None
    if sheet is None:
        return cell
    plain = sheet.replace("_", "").replace(".", "").isalnum() and not sheet[:1].isdigit()
    return f"{sheet}!{cell}" if plain else "'" + sheet.replace("'", "''") + f"'!{cell}"


def shaped(answer: Answer) -> dict[str, Any]:
    """The answer as ``--json`` prints it (docs/reference/cli.md); pages count from 0, amounts are in base units."""
    figure = answer.figure
    return {
        "answer": answer.text,
        "figure": figure
        and {"value": figure.value, "unit": figure.unit, "scale": figure.scale, "period": figure.period},
        "formula": answer.formula,
        "citations": [
            {
                "document": citation.name,
                "page": None if citation.sheet is not None else citation.page,
                "cell": cell_of(citation.sheet, citation.cell),
                "quote": citation.quote,
                "box": citation.box and [citation.box.x0, citation.box.y0, citation.box.x1, citation.box.y1],
            }
            for citation in answer.citations
        ],
        "engine": answer.engine,
        "declined": answer.declined,
    }


def printed(answer: Answer, milliseconds: int) -> Printed:
    """The answer as it is printed for people."""
    shown = answer.nearest if answer.declined else answer.citations
    return Printed(
        text=answer.text,
        formula=answer.formula,
        declined=answer.declined,
        citations=[
            (one.name, None if one.sheet is not None else one.page, cell_of(one.sheet, one.cell), one.quote, one.label)
            for one in shown
        ],
        engine=answer.engine,
        milliseconds=milliseconds,
        figures=answer.figures,
        traced=answer.traced,
    )
