"""The command ``smalt``. Commands import what they need when they run, so that ``smalt --help`` is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code (docs/reference/cli.md)."""
    from smalt.cli.group import smalt
    from smalt.cli.say import guarded
    from smalt.telemetry.log import install

    install()  # before anything can be logged: messages of libraries and tracebacks quote what they choke on
    sys.exit(guarded(smalt))
