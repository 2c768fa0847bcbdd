"""``smalt trust``: run the checks, see what holds, hand out and verify the evidence."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from smalt.cli import exports, say
from smalt.cli.options import data_dir_option, json_option, settings_with
from smalt.cli.sabotage import sabotage
from smalt.kernel.errors import Refused

MARKS = {"passed": "✓", "failed": "✗", "inconclusive": "?"}


@click.group()
def trust() -> None:
    """The Trust Center: claims, checks, evidence."""


for command in (sabotage, *exports.COMMANDS):
    trust.add_command(command)


@trust.command("run")
@click.argument("claims", nargs=-1, metavar="[CLAIM]…")
@click.option("--nightly", is_flag=True, help="The heavy checks too.")
@click.option("--weekly", is_flag=True, help="All checks, the heaviest too.")
@data_dir_option
@json_option
def run(claims: tuple[str, ...], data_dir: Path | None, *, nightly: bool, weekly: bool, as_json: bool) -> None:
    """Run the checks of CLAIM…, or all of the hourly set, against the running server, and log what they found.

    Exit code 0 when all passed, 10 when one failed or could not look. A run that is interrupted leaves nothing in the log.
    """
    from smalt.worker import run_checks

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it, it ends in order
    try:
        with say.Steps(quiet=as_json) as steps:

            def progress(name: str, outcome: str) -> None:
                if outcome:
                    steps.done(name, MARKS[outcome])
                else:
                    steps.begin(name)

            results = run_checks(
                settings_with(data_dir=data_dir),
                claims,
                which="week" if weekly else "night" if nightly else "hour",
                progress=progress,
                waits=lambda: steps.begin("Another run is under way: waiting for it"),
            )
    except KeyboardInterrupt:
        if not as_json:
            click.echo("Nothing of this run is in the log, and no claim changes by it.", err=True)
        raise
    if as_json:
        say.result({"results": [result.plain() for result in results]})
    wrong = [result for result in results if result.outcome != "passed"]
    for result in wrong if not as_json else ():
        click.echo(f"{result.check}: {result.reason}")
    if wrong:
        raise click.exceptions.Exit(Refused.exit_code)


@trust.command("keep")
@data_dir_option
@click.option("--host", default="127.0.0.1", help="Where the server listens (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65535), default=8443, help="On which port (default 8443).")
def keep(data_dir: Path | None, host: str, port: int) -> None:
    """Have the checks run on their hours, until it is told to stop. `smalt serve` starts this by itself.

    Start it by hand where the checker has an account or a machine of its own, and the server runs with
    SMALT_TRUST_CHECKS=0.
    """
    from smalt.trust.clockwork import main

    main(str(settings_with(data_dir=data_dir).data_dir.absolute()), host, str(port))


@trust.command("status")
@data_dir_option
@json_option
def status(data_dir: Path | None, *, as_json: bool) -> None:
    """What may be said of every claim now, from the log alone. Needs no running server."""
    from smalt.trust.journal import Journal
    from smalt.trust.keeper import TRUST
    from smalt.trust.registry import load
    from smalt.trust.view import Trust, sentence

    settings = settings_with(data_dir=data_dir)
    view = Trust(load(), Journal(settings.data_dir / TRUST)).view()
    if as_json:
        say.result(view.plain())
        return
    click.echo(sentence(view))
    for _, title, claims in view.sections():
        click.echo(f"\n{title}")
        for one in claims:
            reason = f"  ({one.verdict.reason})" if one.verdict.reason else ""
            click.echo(f"  {one.verdict.state.replace('_', ' '):14} {one.claim.id:20} {one.claim.sentence}{reason}")
