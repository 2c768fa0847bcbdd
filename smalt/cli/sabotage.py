"""``smalt trust sabotage``: break controls in throw-away installations and see which checks turn red."""

from __future__ import annotations

import click

from smalt.cli import say
from smalt.cli.options import json_option
from smalt.kernel.errors import Missing, Refused

MARKS = {"killed": "✓", "quiet": "✓", "green": "✓", "survived": "✗", "alarmed": "✗", "not green": "✗"}


@click.command()
@click.argument("which", nargs=-1, metavar="[CASE|CHECK]…")
@json_option
def sabotage(which: tuple[str, ...], *, as_json: bool) -> None:
    """Break what CASE… or the cases of CHECK… say, or all there is, each in a throw-away installation of its own.

    No installation that is in use is touched. Exit code 0 only when every check was green where nothing was broken, every
    break turned its check red, and nothing harmless did; 10 otherwise.
    """
    from smalt.trust.checks import all_checks
    from smalt.trust.sabotage.cases import all_cases
    from smalt.trust.sabotage.suite import chosen, run

    def progress(name: str, verdict: str, seconds: float) -> None:
        if verdict and not as_json:
            click.echo(f"{MARKS[verdict]} {verdict:9} {seconds:5.1f} s  {name}", err=True)

    try:
        cases = chosen(all_cases(), which)
    except KeyError as unknown:
        failure = Missing("trust.no_case", "There is no such case or check.", kept="Nothing was started.")
        failure.add_note(str(unknown.args[0]))
        raise failure from None
    report = run(cases, all_checks(), progress)
    if as_json:
        say.result(report.plain())
    else:
        for red in report.healthy:
            if red.outcome != "passed":
                click.echo(f"{red.check}: {red.reason}")
        for one in report.tried:
            if not one.fine:
                click.echo(f"{one.verdict}: {one.case.name} ({one.outcome}) {one.reason}".rstrip())
        click.echo(f"{report.killed} of {len(report.broken)} breaks turned their check red.")
    if not report.whole:
        raise click.exceptions.Exit(Refused.exit_code)
