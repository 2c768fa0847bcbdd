"""``smalt trust document``: documents that are given out under an agreement of confidentiality."""

from __future__ import annotations

from pathlib import Path

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with


@click.group("document")
def document() -> None:
    """Documents that are not public, and who got them."""


@document.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", required=True, help="What visitors see of it. The title is public.")
@click.option(
    "--days", default=14, show_default=True, type=click.IntRange(1, 366), help="How long a visitor's link lasts."
)
@click.option("--approval", is_flag=True, help="Decide about each visitor yourself.")
@data_dir_option
@json_option
def add(file: Path, title: str, days: int, data_dir: Path | None, *, approval: bool, as_json: bool) -> None:
    """Store FILE sealed, and list its title at /trust/documents."""
    from smalt.app import gating

    made = gating.add(settings_with(data_dir=data_dir), file, title=title, days=days, approval=approval)
    if as_json:
        say.result({"document": made})
        return
    click.echo(f"Stored as {made}.")


@document.command("list")
@data_dir_option
@json_option
def listed(data_dir: Path | None, *, as_json: bool) -> None:
    """What is given out now."""
    from smalt.app import gating

    found = gating.listed(settings_with(data_dir=data_dir))
    if as_json:
        say.result({"documents": found})
        return
    for one in found:
        click.echo(f"{one['id']}  {one['title']}")


@document.command("remove")
@click.argument("document_id", metavar="DOCUMENT")
@data_dir_option
@json_option
def remove(document_id: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Give DOCUMENT out no more; every link to it ends, and its bytes are removed."""
    from smalt.app import gating

    gating.remove(settings_with(data_dir=data_dir), document_id)
    say.result({"document": document_id}) if as_json else click.echo("Removed.")


@document.command("grants")
@data_dir_option
@json_option
def granted(data_dir: Path | None, *, as_json: bool) -> None:
    """Who asked, who waits, who holds a link, and when they used it."""
    from smalt.app import gating

    found = gating.granted(settings_with(data_dir=data_dir))
    if as_json:
        say.result({"grants": found})
        return
    for one in found:
        who = f"{one['name']} <{one['email']}>, {one['company']}"
        click.echo(f"{one['id']}  {one['state']:8} until {one['expires_at'][:10]}  {one['downloads']}x  {who}")


@document.command("approve")
@click.argument("grant", metavar="GRANT")
@data_dir_option
@json_option
def approve(grant: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Print the link for a visitor who waits. It is shown this once; send it to them."""
    from smalt.app import gating

    link, until = gating.approve(settings_with(data_dir=data_dir), grant)
    if as_json:
        say.result({"grant": grant, "link": link, "expires_at": until})
        return
    click.echo(f"Valid until {until}. It is shown this once:\n  {link}")


@document.command("revoke")
@click.argument("grant", metavar="GRANT")
@data_dir_option
@json_option
def revoke(grant: str, data_dir: Path | None, *, as_json: bool) -> None:
    """End a visitor's link at once."""
    from smalt.app import gating

    gating.revoke(settings_with(data_dir=data_dir), grant)
    say.result({"grant": grant}) if as_json else click.echo("Ended.")
