"""``smalt serve``: the server, until it is told to stop."""

from __future__ import annotations

from pathlib import Path

import click

from smalt.cli.options import data_dir_option, settings_with


@click.command()
@data_dir_option
@click.option(
    "--port", type=click.IntRange(1, 65535), help="This port and no other (default 8443, or the next free one)."
)
@click.option("--listen", "listen_host", help="The address to listen on (default 127.0.0.1: this machine only).")
def serve(data_dir: Path | None, port: int | None, listen_host: str | None) -> None:
    """Start Smalt over TLS, with its database, and print where it runs."""
    settings = settings_with(data_dir=data_dir, port=port, listen_host=listen_host)
    from smalt.server import reserve, run

    if port is not None:
        reserve(settings.listen_host, port, tries=1).release()
    run(settings, click.echo)
