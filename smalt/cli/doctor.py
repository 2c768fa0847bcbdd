"""``smalt doctor``: what this machine has and lacks for Smalt, and what to do about it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with
from smalt.cli.probes import Check, State, all_checks

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


@click.command()
@data_dir_option
@click.option("--port", type=click.IntRange(1, 65535), help="The port that Smalt is to use.")
@json_option
def doctor(data_dir: Path | None, port: int | None, *, as_json: bool) -> None:
    """Check this machine: Python, PostgreSQL, folders, port, certificate, clock, sandbox, disk.

    Leaves with 1 when something fails; warnings do not count. Changes nothing.
    """
    checks = all_checks(settings_with(data_dir=data_dir, port=port))
    if as_json:
        say.result(
            {
                "ok": all(check.state is not State.FAIL for check in checks),
                "checks": [
                    {"name": check.name, "state": check.state.value, "found": check.found, "todo": check.todo}
                    for check in checks
                ],
            }
        )
    else:
        _print(checks)
    sys.exit(int(any(check.state is State.FAIL for check in checks)))


def _print(checks: list[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        state = click.style(check.state.value.ljust(4), fg=_COLOURS[check.state])
        click.echo(f"{state}  {check.name.ljust(width)}  {check.found}")
        if check.todo:
            click.echo(f"{' ' * (width + 8)}→ {check.todo}")
    bad = sum(check.state is State.FAIL for check in checks)
    unsure = sum(check.state is State.WARN for check in checks)
    click.echo(f"\n{len(checks)} checks: {len(checks) - bad - unsure} ok, {unsure} to look at, {bad} failed.")
