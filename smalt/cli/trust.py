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

    Exit code 0 when all passed, 10 when one failed or could not look. A run that is interrupted leaves no result in the log.
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
            click.echo("No result of this run is in the log, and no claim changes by it.", err=True)
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


@trust.command("witness")
@click.argument("url")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The witness's key file.")
@click.option("--new", metavar="NAME", help="Make the key if it is not there, under this name.")
@click.option(
    "--log-key", metavar="KEY", help="The log's public key, from elsewhere (default: the one it shows first)."
)
@click.option(
    "--ca", type=click.Path(dir_okay=False, path_type=Path), help="The authority of the server's certificate."
)
@json_option
def witness(url: str, key: Path, new: str | None, log_key: str | None, ca: Path | None, *, as_json: bool) -> None:
    """Look at the log of the Trust Center at URL, and cosign what it states if it only grew since the last time.

    Run it on a machine of your own, every hour, say. Exit code 12 when the log is not what it was: then it signs nothing.
    """
    import ssl

    import httpx

    from smalt.trust import witnessing

    keys = witnessing.load_key(key, new)
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    with httpx.Client(base_url=url, verify=context, timeout=30, trust_env=False) as client:
        done = witnessing.witness(key, keys, client, log_key)
    if as_json:
        say.result({"key": str(done.key), "size": done.size, "before": done.before, "taken": done.taken})
        return
    click.echo(
        f"Cosigned {done.size} entries" + (f", grown from {done.before}." if done.before else ", seen first now.")
    )
    if not done.taken:
        click.echo(
            f"The server did not take it: have this key named under Settings, Witnesses.\n  {done.key}", err=True
        )


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


@trust.command("bundle")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--whole", is_flag=True, help="Every entry of the log in full, however long it is.")
@data_dir_option
@json_option
def bundle(out: Path, data_dir: Path | None, *, whole: bool, as_json: bool) -> None:
    """Write everything behind the page into OUT, a zip file that anybody can verify offline. Needs no running server."""
    from smalt.trust.bundle import build
    from smalt.trust.journal import Journal
    from smalt.trust.keeper import TRUST
    from smalt.trust.registry import load
    from smalt.trust.view import Trust

    settings = settings_with(data_dir=data_dir)
    trust = Trust(load(), Journal(settings.data_dir / TRUST))
    made = build(trust, whole=whole)
    try:
        out.write_bytes(made)
    except OSError:
        raise click.ClickException("the file cannot be written there") from None
    if as_json:
        say.result({"file": str(out), "bytes": len(made), "log_key": str(trust.journal.keys().log)})
        return
    click.echo(f"{out}: {len(made):,} bytes. Verify it with `smalt trust verify`, or unzip it and run its verify.py.")
    click.echo(f"The log's key, to be passed on by another way: {trust.journal.keys().log}")


@trust.command("verify")
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", multiple=True, metavar="KEY", help="The log's key as you know it from elsewhere: text or file.")
@click.option("--now", metavar="TIME", help="When the claims must hold, like 2027-01-31T00:00:00Z (default: now).")
@click.option("--previous-checkpoint", metavar="FILE", help="A checkpoint of this log that you kept.")
@click.option("--witness", multiple=True, metavar="KEY", help="A witness that must have cosigned.")
@json_option
def verify(
    bundle: Path,
    key: tuple[str, ...],
    now: str | None,
    previous_checkpoint: str | None,
    witness: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Verify BUNDLE offline, as the script in it does: signatures, log, evidence, and every state recomputed.

    Exit code 0 when all verifies and what the page shows as holding holds at TIME; 10 when a claim does no longer; 12 when
    something does not verify.
    """
    from smalt.seal import signing
    from smalt.trust.alone import Misunderstood, lines, wanted
    from smalt.trust.verify import verify as examine

    try:
        needs = wanted(key, now, previous_checkpoint, witness)
    except Misunderstood as why:
        raise click.UsageError(str(why)) from None
    report = examine(bundle.read_bytes(), needs, signing.verify)
    if as_json:
        say.result(report.plain())
    else:
        click.echo("\n".join(lines(report)))
    if report.exit_code:
        raise click.exceptions.Exit(report.exit_code)
