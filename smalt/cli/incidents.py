"""``smalt trust incident``: the register of incidents and drills. All of it is public: name no person and no customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from smalt.cli import say
from smalt.cli.options import data_dir_option, json_option, settings_with
from smalt.cli.stating import MOMENT, moment, public_options, state

PERSONAL = click.Choice(["yes", "no", "unknown"])
SEVERITY = click.Choice(["low", "medium", "high", "critical"])
text_option = click.option("--text", required=True, help="What is to be read about it. Public.")
when_option = click.option(
    "--when", type=MOMENT, help="When it happened (UTC), like 2027-01-31T09:30Z; now if left out."
)


@click.group("incident")
def incident() -> None:
    """The register of incidents, with the clocks of GDPR art. 33, and the yearly drill."""


@incident.command("open")
@click.option("--title", required=True, help="One line. Public.")
@text_option
@click.option("--severity", type=SEVERITY, required=True)
@click.option("--personal-data", "personal", type=PERSONAL, required=True, help="Whether personal data is concerned.")
@click.option("--detected", type=MOMENT, help="When it was detected (UTC); now if left out.")
@click.option("--aware", type=MOMENT, help="When the 72 hours began (UTC); when it was detected if left out.")
@public_options
def open_incident(
    title: str,
    text: str,
    severity: str,
    personal: str,
    detected: datetime | None,
    aware: datetime | None,
    data_dir: Path | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Record an incident. With --personal-data yes or unknown the 72 hours run."""
    from smalt.trust import stated_registers
    from smalt.trust.record import INCIDENT

    state(
        data_dir,
        INCIDENT,
        lambda _registry, events, now: stated_registers.opened(
            events, now, title=title, text=text, severity=severity, personal=personal, detected=moment(detected),
            aware=moment(aware),
        ),
        yes=yes,
        as_json=as_json,
    )  # fmt: skip


def _step(
    name: str,
    to: str,
    text: str,
    when: datetime | None,
    data_dir: Path | None,
    *,
    yes: bool,
    as_json: bool,
    **more: str | None,
) -> None:
    from smalt.trust import stated_registers
    from smalt.trust.record import INCIDENT

    given = {key: value for key, value in more.items() if value}

    def make(_registry: object, events: Sequence[Mapping[str, Any]], now: int) -> Any:
        return stated_registers.step(events, name, to, now, text=text, when=moment(when), **given)

    state(data_dir, INCIDENT, make, yes=yes, as_json=as_json)


@incident.command("update")
@click.argument("name", metavar="INCIDENT")
@text_option
@when_option
@click.option("--state", "to", type=click.Choice(["triaged", "contained"]), help="The state it reached, if it did.")
@click.option("--personal-data", "personal", type=PERSONAL, help="What is known of it now.")
@click.option("--severity", type=SEVERITY, help="What is known of it now.")
@public_options
def update(
    name: str,
    text: str,
    when: datetime | None,
    to: str | None,
    personal: str | None,
    severity: str | None,
    data_dir: Path | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Say more of INCIDENT, or that it was triaged or contained."""
    _step(
        name, to or "update", text, when, data_dir, yes=yes, as_json=as_json, personal=personal, severity=severity
    )  # fmt: skip


@incident.command("notify")
@click.argument("name", metavar="INCIDENT")
@click.option(
    "--to",
    "told",
    type=click.Choice(["authority", "customers", "people", "nobody"]),
    required=True,
    help="Who was told; 'nobody' records why no notice is due.",
)
@text_option
@when_option
@public_options
def notify(
    name: str, told: str, text: str, when: datetime | None, data_dir: Path | None, *, yes: bool, as_json: bool
) -> None:
    """Record that somebody was told of INCIDENT. This command tells nobody by itself."""
    to = "update" if told == "nobody" else "notified"
    _step(name, to, text, when, data_dir, yes=yes, as_json=as_json, told=told)


@incident.command("close")
@click.argument("name", metavar="INCIDENT")
@text_option
@when_option
@public_options
def close(name: str, text: str, when: datetime | None, data_dir: Path | None, *, yes: bool, as_json: bool) -> None:
    """INCIDENT is over. Its review is due within 30 days."""
    _step(name, "closed", text, when, data_dir, yes=yes, as_json=as_json)


@incident.command("review")
@click.argument("name", metavar="INCIDENT")
@text_option
@when_option
@public_options
def review(name: str, text: str, when: datetime | None, data_dir: Path | None, *, yes: bool, as_json: bool) -> None:
    """What was learnt from INCIDENT, and what was changed."""
    _step(name, "reviewed", text, when, data_dir, yes=yes, as_json=as_json)


@incident.command("drill")
@text_option
@when_option
@public_options
def drill(text: str, when: datetime | None, data_dir: Path | None, *, yes: bool, as_json: bool) -> None:
    """Record a rehearsal, within 31 days. One is due every year."""
    from smalt.trust import stated_registers
    from smalt.trust.record import INCIDENT

    state(
        data_dir,
        INCIDENT,
        lambda _registry, _events, now: stated_registers.drill(now, text=text, when=moment(when)),
        yes=yes,
        as_json=as_json,
    )


@incident.command("list")
@data_dir_option
@json_option
def listed(data_dir: Path | None, *, as_json: bool) -> None:
    """The register as it stands now, with what is overdue."""
    import time

    from smalt.app.stating import told
    from smalt.trust.incidents import book

    now = int(time.time())
    found = book(told(settings_with(data_dir=data_dir)), now).plain(now)
    if as_json:
        say.result(found)
        return
    if not found["incidents"]:
        click.echo("No incident has been recorded here.")
    for one in found["incidents"]:
        click.echo(f"{one['id']}  {one['state']:10} notice {one['notice']['clock']:8} {one['title']}")
    for late in found["overdue"]:
        click.echo(f"overdue: {late['what']} {late['incident']}")
