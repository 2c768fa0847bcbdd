"""The offline verifier as a program: what it is asked, and how it answers. The bundle's script ends with this file."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from smalt.ledger.note import BadNote, Note, NoteKey, Verifier
from smalt.trust.record import BadStatement, unstamp
from smalt.trust.verifier.case import BROKEN, HOLDS, LIMITS, NOT_HELD, Report, Wanted
from smalt.trust.verify import verify

USAGE = 2
MARKS = {"holds": "✓", "broken": "✗", "ended": "✗", "note": "·"}
SUMMARY = {
    HOLDS: "Everything verifies, and every claim that the page shows as holding holds.",
    NOT_HELD: "Everything verifies, but not every claim that the page shows as holding still holds.",
    BROKEN: "This bundle does not verify. Do not rely on it.",
}
Parsed = TypeVar("Parsed", Note, NoteKey)
_TIME = re.compile(r"[0-9]{1,12}")


class Misunderstood(ValueError):
    """What was asked for is not understood; its text says what."""


def wanted(keys: Sequence[str], now: str | None, previous: str | None, witnesses: Sequence[str]) -> Wanted:
    """What the reader asked for, from the words of a command line. ``previous`` is a path; `Misunderstood` names what is wrong."""
    return Wanted(
        now=int(time.time()) if now is None else _time(now),
        keys=[_key("--key", one) for one in keys],
        previous=None if previous is None else _read("--previous-checkpoint", previous, Note.parse),
        witnesses=[_key("--witness", one) for one in witnesses],
    )


def _time(text: str) -> int:
    try:
        return int(text) if _TIME.fullmatch(text) else unstamp(text)
    except BadStatement:
        raise Misunderstood("--now is a time like 2027-01-31T00:00:00Z, or Unix seconds") from None


def _key(option: str, text: str) -> NoteKey:
    """``name+id+key``, or the path of a file that holds it, alone or as ``log_key`` of a keys.json."""
    try:
        return NoteKey.parse(text)
    except BadNote:
        return _read(option, text, _key_of_file)


def _key_of_file(text: str) -> NoteKey:
    return NoteKey.parse(json.loads(text)["log_key"] if text.lstrip().startswith("{") else text)


def _read(option: str, path: str, parse: Callable[[str], Parsed]) -> Parsed:
    try:
        return parse(Path(path).read_text("utf-8"))
    except OSError:
        raise Misunderstood(f"{option}: this file cannot be read") from None
    except (ValueError, KeyError, TypeError):
        raise Misunderstood(f"{option}: this is not one") from None


def lines(report: Report) -> list[str]:
    """The report for a person."""
    found = [f"{MARKS[line.result]} {line.step:10} {line.says}" for line in report.lines]
    limits = [f"  {one}" for one in LIMITS]
    return [*found, "", SUMMARY[report.exit_code], "", "What this does not prove:", *limits]


def main(arguments: Sequence[str], verifier: Verifier) -> int:
    """Verify as ``arguments`` say; the exit code."""
    parser = argparse.ArgumentParser("verify.py", description="Verifies a bundle of a Smalt Trust Center, offline.")
    parser.add_argument("bundle", help="the zip file")
    parser.add_argument(
        "--key", action="append", default=[], help="the log's key as you know it from elsewhere: text or file"
    )
    parser.add_argument("--now", help="when the claims must hold (default: now)")
    parser.add_argument("--previous-checkpoint", metavar="FILE", help="a checkpoint of this log that you kept")
    parser.add_argument(
        "--witness", action="append", default=[], metavar="KEY", help="a witness that must have cosigned"
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    asked = parser.parse_args(arguments)
    try:
        needs = wanted(asked.key, asked.now, asked.previous_checkpoint, asked.witness)
        bundle = Path(asked.bundle).read_bytes()
    except (Misunderstood, OSError) as why:
        sys.stderr.write(f"{why if isinstance(why, Misunderstood) else 'The bundle cannot be read.'}\n")
        return USAGE
    report = verify(bundle, needs, verifier)
    said = json.dumps(report.plain(), indent=1) if asked.json else "\n".join(lines(report))
    sys.stdout.write(said + "\n")
    return report.exit_code
