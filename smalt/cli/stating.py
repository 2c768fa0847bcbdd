"""How commands state something in public: show it as it will be read, ask, sign."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with
from smalt.kernel.errors import Malformed, TooLarge

if TYPE_CHECKING:
    from smalt.app.stating import Make

DAY = click.DateTime(["%Y-%m-%d"])
MOMENT = click.DateTime(["%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"])
FILE_MAX_BYTES = 256 * 1024 * 1024
Command = TypeVar("Command", bound=Callable[..., Any])


def public_options(command: Command) -> Command:
    """``--yes``, ``--data-dir`` and ``--json`` of a command that states something."""
    yes = click.option("--yes", is_flag=True, help="Do not ask before it is signed and published.")
    return yes(data_dir_option(json_option(command)))


def end_of(day: datetime | None) -> int | None:
    """The end of ``day`` in UTC, in Unix seconds: the day itself still counts."""
    return None if day is None else int((day.replace(tzinfo=UTC) + timedelta(days=1)).timestamp())


def moment(at: datetime | None) -> int | None:
    """``at``, read as UTC, in Unix seconds."""
    return None if at is None else int(at.replace(tzinfo=UTC).timestamp())


def digest_of(path: Path | None) -> str:
    """SHA-256 of a file, in hexadecimal; empty for None. The file itself goes nowhere."""
    import hashlib

    if path is None:
        return ""
    if path.stat().st_size > FILE_MAX_BYTES:
        raise TooLarge("trust.document_large", "The document is larger than what is read.", kept="Nothing was stated.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def state(data_dir: Path | None, kind: str, make: Make, *, yes: bool, as_json: bool) -> None:
    """Show what ``make`` states, ask unless ``yes``, sign it, and say where it stands."""
    from smalt.app import stating

    settings = settings_with(data_dir=data_dir)
    shown = stating.draft(settings, make).predicate
    if not yes:
        _ask(shown)
    signed = stating.sign(settings, kind, make)
    if as_json:
        say.result({"entry": signed.entry, "statement": dict(signed.predicate)})
        return
    click.echo(f"Signed and published as entry {signed.entry} of the log.")


def _ask(shown: Mapping[str, Any]) -> None:
    click.echo("This becomes public, signed, with its time, and can never be removed from the log:\n", err=True)
    for name, value in shown.items():
        click.echo(f"  {name}: {_worded(value)}", err=True)
    if not sys.stdin.isatty():
        raise Malformed(
            "trust.unasked",
            "Nobody is there to be asked.",
            kept="Nothing was stated.",
            todo="Read what is shown above, then say --yes.",
        )
    click.confirm("\nPublish it?", abort=True, err=True)


def _worded(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value, ensure_ascii=False)
