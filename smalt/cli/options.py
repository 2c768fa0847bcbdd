"""Options that commands share, and the settings they lead to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smalt.kernel.errors import Malformed

if TYPE_CHECKING:
    from smalt.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def data_dir_option(command: Command) -> Command:
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where everything is kept (default .smalt, or SMALT_DATA_DIR).",
    )(command)


def settings_with(**given: object) -> Settings:
    """The settings from the environment, with what the command line gave on top. `Malformed` names the bad ones."""
    from pydantic import ValidationError

    from smalt.settings import Settings

    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as problem:
        names = sorted({f"SMALT_{str(error['loc'][0]).upper()}" for error in problem.errors() if error["loc"]})
        failure = Malformed(
            "settings.invalid",
            "A setting has a value that does not fit.",
            kept="Nothing was started or changed.",
            todo="Correct it in the environment or on the command line.",
        )
        failure.add_note(", ".join(names) or "SMALT_TLS_CERTIFICATE, SMALT_TLS_KEY")
        raise failure from None
