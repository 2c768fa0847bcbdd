"""``smalt trust sbom``, ``oscal``, ``dpa``, ``questionnaire``: the documents that the Trust Center hands out, from the log alone, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with

if TYPE_CHECKING:
    from smalt.trust.view import TrustView


def view_of(data_dir: Path | None) -> TrustView:
    """What may be said now, from the log in ``data_dir``."""
    from smalt.trust.journal import Journal
    from smalt.trust.keeper import TRUST
    from smalt.trust.registry import load
    from smalt.trust.view import Trust

    settings = settings_with(data_dir=data_dir)
    return Trust(load(), Journal(settings.data_dir / TRUST)).view()


def document(name: str, data_dir: Path | None) -> bytes:
    """The document ``name`` of `smalt.trust.exports.KINDS`."""
    from smalt.trust.exports import made

    return made(name, view_of(data_dir)).body


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


@click.command("dpa")
@click.option("--format", "form", type=click.Choice(["md", "pdf", "docx"]), default="md", help="md, pdf or docx.")
@click.option("--controller", default="", metavar="NAME", help="Who decides on the data; a blank line if left out.")
@click.option("--controller-address", default="", metavar="ADDRESS")
@click.option("--processor", default="", metavar="NAME", help="Who runs this; as the deployment states it if left out.")
@click.option("--processor-address", default="", metavar="ADDRESS")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; standard output if left out.")
@data_dir_option
def dpa(
    form: str,
    controller: str,
    controller_address: str,
    processor: str,
    processor_address: str,
    out: Path | None,
    data_dir: Path | None,
) -> None:
    """Write the data processing agreement as the registers stand now. A draft, and no legal advice."""
    from smalt.trust.dpa import Parties
    from smalt.trust.dpa_files import with_names

    parties = Parties(controller, controller_address, "", processor, processor_address)
    body = with_names(view_of(data_dir), parties, form)
    if out is None:
        put(body)
    else:
        out.write_bytes(body)


@click.group("questionnaire")
def questionnaire() -> None:
    """The security questionnaire, answered from claims."""


@questionnaire.command("show")
@click.option("--format", "form", type=click.Choice(["json", "csv", "xlsx"]), default="json", help="json, csv or xlsx.")
@data_dir_option
def show(form: str, data_dir: Path | None) -> None:
    """Print our own questions with the answers that the claims give now."""
    put(document(f"questionnaire.{form}", data_dir))


@questionnaire.command("fill")
@click.argument("source", metavar="IN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@data_dir_option
@json_option
def fill(source: Path, target: Path, data_dir: Path | None, *, as_json: bool) -> None:
    """Answer the spreadsheet IN (XLSX) by the ids in its rows, and write it as OUT. Rows with other ids stay empty."""
    import asyncio

    import msgspec

    from smalt.library import sandbox
    from smalt.trust.questionnaire import replies

    filled = asyncio.run(sandbox.fill(source.read_bytes(), replies(view_of(data_dir))))
    target.write_bytes(filled.body)
    if as_json:
        counts = {"filled": filled.filled, "kept": filled.kept, "left_empty": filled.unknown}
        say.result({**counts, "sheets": [msgspec.structs.asdict(one) for one in filled.sheets]})
        return
    for one in filled.sheets:
        ids = f" ({', '.join(one.unknown)})" if one.unknown else ""
        words = f"{one.filled} filled, {one.kept} kept, {len(one.unknown)} left empty{ids}"
        click.echo(f"{one.name}: {one.problem or words}")
    if not filled.sheets:
        click.echo("No sheet with ids was found.")


COMMANDS = (sbom, oscal, dpa, questionnaire)
