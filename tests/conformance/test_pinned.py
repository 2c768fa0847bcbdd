"""What others build on, pinned: a change of one of these files is a review. ``SMALT_PIN=1`` writes them anew."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

import smalt
from smalt.app.build import build
from smalt.app.installation import Connections, Installation
from smalt.kernel.clock import SystemClock
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
from smalt.settings import Settings
from smalt.telemetry.events import Event
from smalt.web.build import Web, openapi_of
from smalt.web.doors import check_doors
from tests.conformance.client import Install, Workspace, check_problem

PINNED = Path(__file__).parents[1] / "pinned"
Pin = Callable[[Path, str], None]


@pytest.fixture
def web(tmp_path: Path) -> Web:
    """The application as it is served, without a database: for looking at."""
    keystore = KeyStore(FileKms(tmp_path / "root"), tmp_path / "store", SystemClock())
    nowhere = Connections("host=/nonexistent", "host=/nonexistent")
    return build(Installation(Settings(data_dir=tmp_path), nowhere, keystore, SystemClock()))


def test_routes_and_their_doors(web: Web, pin: Pin) -> None:
    rows = [f"{method:6} {path}  {door.value}" for method, path, door in check_doors(web.app)]
    pin(PINNED / "routes.txt", "\n".join(rows) + "\n")


def test_api_description(web: Web, pin: Pin) -> None:
    pin(PINNED / "openapi.json", json.dumps(openapi_of(web.app), indent=1, sort_keys=True) + "\n")


def test_the_description_is_served_to_members_only(install: Install, ours: Workspace) -> None:
    path = "/api/v1/openapi.json"
    pinned = json.loads((PINNED / "openapi.json").read_text("utf-8"))
    assert ours.api.get(path).json() == ours.browser.get(path).json() == pinned
    check_problem(install.client().get(path), 401, "session.missing")
    for other in ("/openapi.json", "/docs", "/redoc", "/api/openapi.json"):
        check_problem(install.client().get(other), 404, "route.unknown")


def test_what_the_log_may_say(pin: Pin) -> None:
    for module in pkgutil.walk_packages(smalt.__path__, "smalt."):
        if module.name != "smalt.__main__":
            importlib.import_module(module.name)

    def below(kind: type[Event]) -> Iterator[type[Event]]:
        for sub in kind.__subclasses__():
            yield sub
            yield from below(sub)

    found = {kind for kind in below(Event) if kind.__module__.startswith("smalt.")}
    rows = [f"{kind.name}: " + ", ".join(f"{f.name} {f.type}" for f in fields(kind)) for kind in found]
    assert len({kind.name for kind in found}) == len(found)
    pin(PINNED / "events.txt", "\n".join(sorted(rows)) + "\n")


def test_command_line(pin: Pin) -> None:
    from smalt.cli.group import smalt as root

    def described(command: click.Command, words: tuple[str, ...]) -> Iterator[str]:
        with click.Context(command, info_name=" ".join(words)) as context:
            usage = [" ".join(words), *command.collect_usage_pieces(context)]
            yield " ".join(usage)
            for parameter in command.get_params(context):
                if isinstance(parameter, click.Option):
                    yield "    " + ", ".join([*parameter.opts, *parameter.secondary_opts])
        if isinstance(command, click.Group):
            for name, inner in sorted(command.commands.items()):
                yield from described(inner, (*words, name))

    pin(PINNED / "cli.txt", "\n".join(described(root, ("smalt",))) + "\n")
