"""All commands, under one group."""

from __future__ import annotations

import click

from smalt import __version__
from smalt.cli.administer import tenant, token
from smalt.cli.ask import ask
from smalt.cli.demo import demo
from smalt.cli.doctor import doctor
from smalt.cli.documents import document
from smalt.cli.incidents import incident
from smalt.cli.serve import serve
from smalt.cli.statements import attest, deployment, withdraw
from smalt.cli.trust import trust
from smalt.cli.vendors import vendor


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="smalt")
def smalt() -> None:
    """An AI workspace for finance teams whose security promises prove themselves."""


for command in (demo, serve, ask, doctor, tenant, token, trust):
    smalt.add_command(command)
for command in (attest, withdraw, deployment, vendor, incident, document):
    trust.add_command(command)
