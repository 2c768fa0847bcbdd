"""Events hold no content, and what libraries say becomes an event without its words."""

from __future__ import annotations

import enum
import io
import json
import logging
import subprocess
import sys
import warnings

import pytest

from smalt.kernel.errors import Untrusted
from smalt.kernel.ids import DocumentId
from smalt.telemetry import events, log
from smalt.telemetry.events import Event, Milliseconds, Slug, emit

SECRET = "Bexley-Ltd-takeover"


class Colour(enum.IntEnum):
    DEEP_BLUE = 3


class DocumentRead(Event):
    document: DocumentId
    pages: int
    good: bool
    took: Milliseconds
    colour: Colour
    note: Slug | None = None


@pytest.fixture
def lines():
    stream = io.StringIO()
    events.write_to(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    events.write_to(None)


@pytest.fixture
def silenced():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level

    def silence() -> None:  # called within the test: pytest puts its own handlers and hooks there before each
        logging.captureWarnings(capture=False)
        log.silence_libraries()

    yield silence
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_an_event_is_one_line(lines) -> None:
    document = DocumentId.new()
    emit(DocumentRead(document=document, pages=3, good=True, took=Milliseconds(12), colour=Colour.DEEP_BLUE))
    (line,) = lines()
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "event": "document_read", "document": str(document), "pages": 3, "good": True, "took": 12,
        "colour": "deep_blue",
    }  # fmt: skip


@pytest.mark.parametrize("kind", [str, bytes, float, dict, list[str], str | None, object, tuple[str, ...]])
def test_an_event_with_room_for_content_cannot_be_defined(kind) -> None:
    with pytest.raises(TypeError, match="ids, numbers, enums and slugs"):
        type("Leaky", (Event,), {"__annotations__": {"what": kind}, "__module__": __name__})


@pytest.mark.parametrize("text", ["", "A", "two words", "x" * 65, "naïve", "a@b", "a/b", "x\n"])
def test_what_a_person_types_is_no_slug(text: str) -> None:
    with pytest.raises(ValueError, match="a slug is"):
        Slug(text)


def test_a_wrong_value_is_not_written(lines) -> None:
    with pytest.raises(TypeError):
        emit(DocumentRead(document=DocumentId.new(), pages=SECRET, good=True, took=Milliseconds(1), colour=Colour(3)))  # type: ignore[arg-type]
    assert lines() == []


def test_a_closed_stream_takes_nobody_down() -> None:
    stream = io.StringIO()
    stream.close()
    events.write_to(stream)
    emit(DocumentRead(document=DocumentId.new(), pages=1, good=True, took=Milliseconds(1), colour=Colour(3)))
    events.write_to(None)


def test_an_exception_is_its_class_code_and_frames(lines) -> None:
    try:
        try:
            {}[SECRET]
        except KeyError as cause:
            raise Untrusted("seal.open", facts={"x": 1}) from cause
    except Untrusted as error:
        log.report(error, Slug("here"))
    (line,) = lines()
    assert (line["raised"], line["code"], line["causes"]) == ("untrusted", "seal.open", ["keyerror"])
    assert line["frames"][-1].startswith("telemetry.test_telemetry:")
    assert SECRET not in str(line)


def test_libraries_speak_without_words(lines, silenced) -> None:
    silenced()
    logger = logging.getLogger("some.library")
    try:
        int(SECRET)
    except ValueError:
        logger.exception("could not parse %s", SECRET, extra={"more": SECRET}, stack_info=True)
    logger.error("bad format %d", SECRET)  # an error inside logging must not print either
    warnings.simplefilter("always")
    warnings.warn(SECRET, stacklevel=1)
    logger.info("not kept: %s", SECRET)
    found = lines()
    assert [(line["logger"], line.get("raised")) for line in found] == [
        ("some.library", "valueerror"), ("some.library", None), ("py.warnings", None),
    ]  # fmt: skip
    assert SECRET not in str(found)


def test_a_library_that_adds_its_own_handler_is_rerouted(lines, silenced) -> None:
    logger = logging.getLogger("chatty")
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    logger.propagate = False
    log.silence_libraries()
    logger.error("%s", SECRET)
    assert stream.getvalue() == ""
    assert lines()[0]["logger"] == "chatty"


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError(secret)",
        "import threading; t = threading.Thread(target=lambda: 1 / int(secret)); t.start(); t.join()",
        "class D:\n  def __del__(self): raise ValueError(secret)\nD()",
        """import asyncio, gc
async def f(): raise ValueError(secret)
async def main(): asyncio.create_task(f()); await asyncio.sleep(0)
asyncio.run(main()); gc.collect()""",
    ],
)
def test_the_interpreter_prints_no_traceback(code: str) -> None:
    start = f"secret = {SECRET!r}\nfrom smalt.telemetry import log\nlog.install()\n"
    ran = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=False)
    assert SECRET not in ran.stdout + ran.stderr
    assert '"raised":"valueerror"' in ran.stderr
