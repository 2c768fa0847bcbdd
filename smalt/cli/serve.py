"""``smalt serve``: the server, until it is told to stop."""

from __future__ import annotations

import importlib
import socket
from pathlib import Path

import click
from click.core import ParameterSource

from smalt.cli.options import data_dir_option, settings_with
from smalt.kernel.errors import Conflict

TRIES = 100


@click.command()
@data_dir_option
@click.option("--port", type=click.IntRange(1, 65535), help="The port (default 8443, or the next that is free).")
@click.option("--listen", "listen_host", help="The address to listen on (default 127.0.0.1: this machine only).")
@click.pass_context
def serve(context: click.Context, data_dir: Path | None, port: int | None, listen_host: str | None) -> None:
    """Start Smalt over TLS, with its database, and print a sign-in link."""
    settings = settings_with(data_dir=data_dir, port=port, listen_host=listen_host)
    asked = context.get_parameter_source("port") is ParameterSource.COMMANDLINE or "port" in settings.model_fields_set
    free = free_port(settings.listen_host, settings.port, exactly=asked)
    if free != settings.port:
        click.echo(f"Port {settings.port} is taken by another program: using {free}.", err=True)
    importlib.import_module("smalt.server").run(settings.model_copy(update={"port": free}))


def free_port(host: str, wanted: int, *, exactly: bool = False) -> int:
    """``wanted``, or the next free port after it. `Conflict` when ``exactly`` that one is taken, or none is free."""
    for port in range(wanted, wanted + 1 if exactly else min(wanted + TRIES, 65536)):
        if _is_free(host, port):
            return port
    raise Conflict(
        "port.taken",
        "The port is taken by another program.",
        kept="Nothing was started.",
        todo="Choose another with --port, or leave it out and the next free one is taken.",
        facts={"port": wanted},
    )


def _is_free(host: str, port: int) -> bool:
    """Whether a server could listen here now. Connections that wait to be forgotten (TIME_WAIT) do not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
            probe.listen(1)
        except OSError:
            return False
    return True
