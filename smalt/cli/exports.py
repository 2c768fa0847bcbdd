"""``smalt trust sbom`` and ``oscal``: the documents that the Trust Center hands out, from the log alone, without a server."""

from __future__ import annotations

from pathlib import Path

import click

from smalt.cli.options import data_dir_option, settings_with


def document(name: str, data_dir: Path | None) -> bytes:
    """The document ``name`` of `smalt.trust.exports.KINDS` of the log in ``data_dir``."""
    from smalt.trust.exports import made
    from smalt.trust.journal import Journal
    from smalt.trust.keeper import TRUST
    from smalt.trust.registry import load
    from smalt.trust.view import Trust

    settings = settings_with(data_dir=data_dir)
    return made(name, Trust(load(), Journal(settings.data_dir / TRUST)).view()).body


def put(body: bytes) -> None:
    """Write ``body`` to standard output as it is."""
    click.echo(body, nl=False)


@click.command("sbom")
@click.option("--vex", "kind", flag_value="vex", help="What we say of known advisories, instead.")
@click.option("--attestations", "kind", flag_value="attestations", help="Claims, evidence and requirements, instead.")
@data_dir_option
def sbom(kind: str | None, data_dir: Path | None) -> None:
    """Print the bill of materials as CycloneDX 1.6: every part with licence, hashes and who needs it."""
    put(document(kind or "sbom", data_dir))


@click.command("oscal")
@click.option("--results", is_flag=True, help="What live checks found, instead of what is implemented.")
@data_dir_option
def oscal(data_dir: Path | None, *, results: bool) -> None:
    """Print the OSCAL component definition, or the assessment results."""
    put(document("oscal.results" if results else "oscal.component", data_dir))


COMMANDS = (sbom, oscal)
