"""``smalt trust attest``, ``withdraw``, ``deployment``: what people answer for. All of it is public."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with
from smalt.cli.stating import DAY, digest_of, end_of, moment, public_options, state


@click.command("attest")
@click.argument("claim")
@click.option("--by", required=True, metavar="NAME", help="Who answers for it. Public.")
@click.option("--role", required=True, help="In which role. Public.")
@click.option("--until", required=True, type=DAY, help="The last day on which it counts.")
@click.option("--statement", "text", required=True, metavar="TEXT", help="What is stated. Public.")
@click.option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What it rests on. Only its SHA-256 is stated.",
)
@click.option("--party", default="", help="With whom the contract is. Public; for contracts only.")
@click.option("--agreed", type=DAY, help="The day of the contract; for contracts only.")
@public_options
def attest(
    claim: str,
    by: str,
    role: str,
    until: datetime,
    text: str,
    document: Path | None,
    party: str,
    agreed: datetime | None,
    data_dir: Path | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Answer for CLAIM until a day, in public. Claims that checks prove cannot be attested."""
    from smalt.trust import statements
    from smalt.trust.record import ATTESTATION

    found, ends = digest_of(document), end_of(until) or 0
    state(
        data_dir,
        ATTESTATION,
        lambda registry, _events, now: statements.attestation(
            registry, claim, now, by=by, role=role, until=ends, text=text, document=found, party=party,
            agreed=moment(agreed),
        ),
        yes=yes,
        as_json=as_json,
    )  # fmt: skip


@click.command("withdraw")
@click.argument("claim")
@click.option("--reason", required=True, help="Why it is no longer claimed. Public.")
@public_options
def withdraw(claim: str, reason: str, data_dir: Path | None, *, yes: bool, as_json: bool) -> None:
    """Take CLAIM back, in its present version. It stays on the page as withdrawn, with the reason."""
    from smalt.trust import statements
    from smalt.trust.record import WITHDRAWAL

    state(
        data_dir,
        WITHDRAWAL,
        lambda registry, _events, now: statements.withdrawal(registry, claim, now, reason=reason),
        yes=yes,
        as_json=as_json,
    )


@click.group("deployment")
def deployment() -> None:
    """Who runs this installation, where, and whom to write to."""


@deployment.command("state")
@click.option("--organisation", help="Who runs it.")
@click.option("--provider", help="On whose machines.")
@click.option("--region", help="Where they stand.")
@click.option("--contact-security", help="E-mail or https address for reports of vulnerabilities.")
@click.option("--contact-privacy", help="E-mail or https address for questions about personal data.")
@click.option("--contact-sales", help="E-mail or https address for buyers.")
@click.option("--feature", "features", multiple=True, help="A part that this installation has; 'none' for none.")
@public_options
def state_deployment(
    organisation: str | None,
    provider: str | None,
    region: str | None,
    contact_security: str | None,
    contact_privacy: str | None,
    contact_sales: str | None,
    features: tuple[str, ...],
    data_dir: Path | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """State it in public. What is not given stays as it was stated before."""
    from smalt.trust import statements
    from smalt.trust.record import DEPLOYMENT

    contacts = {"security": contact_security, "privacy": contact_privacy, "sales": contact_sales}
    state(
        data_dir,
        DEPLOYMENT,
        lambda registry, events, now: statements.deployed(
            registry, events, now, organisation=organisation, provider=provider, region=region, contacts=contacts,
            features=features,
        ),
        yes=yes,
        as_json=as_json,
    )  # fmt: skip


@deployment.command("show")
@data_dir_option
@json_option
def show_deployment(data_dir: Path | None, *, as_json: bool) -> None:
    """What is stated now, and which parts there are to name."""
    from smalt.app.stating import told
    from smalt.trust.deployment import deployment as newest
    from smalt.trust.registry import load
    from smalt.trust.statements import parts

    found, known = newest(told(settings_with(data_dir=data_dir))), parts(load())
    if as_json:
        say.result({"deployment": None if found is None else found.plain(), "features": list(known)})
        return
    if found is None:
        click.echo("Nobody has stated anything about this installation yet.")
    else:
        for name, value in found.plain().items():
            click.echo(f"{name.replace('_', ' '):14} {value}")
    click.echo(f"parts to name  {', '.join(known) or 'none'}")
