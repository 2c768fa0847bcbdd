"""``smalt trust vendor``: the register of sub-processors. All of it is public."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with
from smalt.cli.stating import DAY, end_of, public_options, state

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group("vendor")
def vendor() -> None:
    """The register of sub-processors."""


def _terms(command: Command) -> Command:
    for option in reversed(
        (
            click.option("--name", "title", help="The name of the company."),
            click.option(
                "--category", type=click.Choice(["infrastructure", "model"]), help="What kind of vendor it is."
            ),
            click.option("--purpose", help="What it does for us."),
            click.option("--data", multiple=True, help="A kind of data that it gets; may be given several times."),
            click.option("--place", help="Where it processes them."),
            click.option("--agreement", help="Which agreement binds it."),
            click.option("--until", type=DAY, help="The last day of the agreement."),
            click.option(
                "--host", "hosts", multiple=True, help="A host that is spoken to; several times; 'none' for none."
            ),
        )
    ):
        command = option(command)
    return command


def _state(change: str, vendor_id: str, data_dir: Path | None, *, yes: bool, as_json: bool, **given: Any) -> None:
    from smalt.trust import stated_registers
    from smalt.trust.record import VENDOR

    terms = {**given, "until": end_of(given.get("until"))}
    state(
        data_dir,
        VENDOR,
        lambda _registry, events, now: stated_registers.vendor(events, change, vendor_id, now, terms),
        yes=yes,
        as_json=as_json,
    )


@vendor.command("add")
@click.argument("vendor_id", metavar="VENDOR")
@_terms
@public_options
def add(vendor_id: str, data_dir: Path | None, *, yes: bool, as_json: bool, **given: str | datetime | None) -> None:
    """Announce VENDOR (a short name of your choice). It is in force 30 days later, in the log's first day at once."""
    _state("add", vendor_id, data_dir, yes=yes, as_json=as_json, **given)


@vendor.command("change")
@click.argument("vendor_id", metavar="VENDOR")
@_terms
@public_options
def change(vendor_id: str, data_dir: Path | None, *, yes: bool, as_json: bool, **given: str | datetime | None) -> None:
    """Change what is said of VENDOR. What widens what it does is in force 30 days later, what narrows it at once."""
    _state("change", vendor_id, data_dir, yes=yes, as_json=as_json, **given)


@vendor.command("remove")
@click.argument("vendor_id", metavar="VENDOR")
@public_options
def remove(vendor_id: str, data_dir: Path | None, *, yes: bool, as_json: bool) -> None:
    """Take VENDOR out of the register, at once. Its history stays."""
    _state("remove", vendor_id, data_dir, yes=yes, as_json=as_json)


@vendor.command("list")
@data_dir_option
@json_option
def listed(data_dir: Path | None, *, as_json: bool) -> None:
    """The register as it stands now."""
    import time

    from smalt.app.stating import told
    from smalt.trust import vendors

    found = vendors.plain(told(settings_with(data_dir=data_dir)), int(time.time()))
    if as_json:
        say.result(found)
        return
    if not found["vendors"]:
        click.echo("No sub-processor is in the register.")
    for one in found["vendors"]:
        click.echo(f"{one['state']:10} {one['id']:24} {one['name']}  (in force from {one['effective_at'][:10]})")
