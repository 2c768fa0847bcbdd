"""docs/reference/cli.md names every command, option and exit code, and nothing that is not there; help is quick."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from smalt.cli import say
from smalt.cli.group import smalt
from smalt.kernel.errors import CLOSED_SET
from smalt.settings import Settings

PAGE_FOLDER = Path(__file__).resolve().parents[3] / "docs"
PAGE = (PAGE_FOLDER / "reference" / "cli.md").read_text("utf-8")
HEADINGS = dict(re.findall(r"^## (smalt(?: [a-z]+)+)(.*)$", PAGE, re.MULTILINE))


def commands(group: click.Group, path: str = "smalt"):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_command_and_no_other_is_described():
    assert HEADINGS.keys() == {path for path, _ in commands(smalt)}


@pytest.mark.parametrize(
    ("path", "command"), list(commands(smalt)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_option_and_no_other_is_described(path, command):
    options = {one for param in command.params if isinstance(param, click.Option) for one in param.opts}
    assert set(re.findall(r"--[a-z-]+", HEADINGS[path])) == options
    assert command.help


def test_every_exit_code_is_described():
    described = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert described == {0, 1, say.UNKNOWN, say.INTERRUPTED, *(kind.exit_code for kind in CLOSED_SET)}


def test_every_setting_is_described():
    page = (PAGE_FOLDER / "operate" / "install.md").read_text("utf-8")
    assert set(re.findall(r"`(SMALT_[A-Z_]+)`", page)) == {f"SMALT_{name.upper()}" for name in Settings.model_fields}


def test_help_imports_nothing_heavy():
    heavy = ["fastapi", "psycopg", "cryptography", "pydantic", "reportlab", "httpx", "pypdfium2", "openpyxl", "granian"]
    code = f"import sys, smalt.cli.group; sys.exit(','.join(m for m in {heavy} if m in sys.modules) or None)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.strip() == ""
    assert ran.returncode == 0
