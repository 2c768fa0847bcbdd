"""``smalt tenant`` and ``smalt token``: what an operator does at the machine, beside a running server or without one."""

from __future__ import annotations

from pathlib import Path

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with


@click.group()
def tenant() -> None:
    """Tenants: who shares documents and keys."""


@tenant.command("create")
@click.argument("name")
@click.option("--owner-name", default="Owner", show_default=True, help="The name of the first owner.")
@click.option("--owner-email", default="owner@localhost", show_default=True, help="The address to sign in with.")
@data_dir_option
@json_option
def create_tenant(name: str, owner_name: str, owner_email: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Create a tenant with its own keys, and print a link that signs its first owner in once."""
    from smalt.app import operate

    made = operate.create_tenant(
        settings_with(data_dir=data_dir), name=name, owner_name=owner_name, owner_email=owner_email
    )
    if as_json:
        say.result({"tenant": made.tenant, "person": made.person, "link": made.link, "expires_at": made.expires_at})
        return
    click.echo(f"Created {made.tenant}.\nSign in once, before {made.expires_at}:\n  {made.link}")


@click.group()
def token() -> None:
    """API tokens: what programs sign in with."""


@token.command("create")
@click.option("--tenant", "tenant_id", required=True, metavar="TENANT", help="The tenant, as ten_….")
@click.option("--name", default="api", show_default=True, help="What the token is for.")
@click.option("--scopes", default="", help="What it may do, separated by blanks; everything its owner may, if empty.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="How long it is valid.")
@data_dir_option
@json_option
def create_token(tenant_id: str, name: str, scopes: str, days: int, data_dir: Path | None, *, as_json: bool) -> None:
    """Create an API token for a tenant's owner. The secret is printed once and stored only as a digest."""
    from smalt.app import operate

    made = operate.create_token(settings_with(data_dir=data_dir), tenant=tenant_id, name=name, scopes=scopes, days=days)
    if as_json:
        say.result({"token": made.token, "secret": made.secret, "scopes": made.scopes, "expires_at": made.expires_at})
        return
    click.echo(f"Created {made.token}, valid until {made.expires_at}. It is shown this once:\n  {made.secret}")
