"""The first two locks of the boundary: types that cannot be opened, and imports that cannot be made."""

from __future__ import annotations

import ast
import configparser
import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smalt.kernel.ids import EntryId
from smalt.kernel.sealed import Place, Sealed
from smalt.tenancy.actor import SYSTEM
from smalt.tenancy.scope import TenantScope

ROOT = Path(__file__).resolve().parents[3]
SECRET = b"the revenue of 2024"

OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "equal": lambda s: s == s,
    "unequal": lambda s: s != Sealed(SECRET),
    "in a list": [Sealed(SECRET)].index,
    "hash": hash,
    "in a set": lambda s: {s},
    "bytes": bytes,
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "json": json.dumps,
    "length": len,
    "iterate": list,
    "order": lambda s: s < Sealed(SECRET),
    "join": lambda s: b"" + s,
    "index": lambda s: s[0],
    "integer": int,
    "memory": memoryview,
    "attributes": vars,
}


@pytest.mark.parametrize("what", OPERATIONS)
def test_sealed_content_has_no_operations(what: str) -> None:
    with pytest.raises(TypeError) as refused:
        OPERATIONS[what](Sealed(SECRET))
    assert "revenue" not in str(refused.value)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, "{!a}".format, lambda s: f"{s}", "%s".__mod__])
def test_sealed_content_shows_nothing(show: Callable[[Any], str]) -> None:
    assert show(Sealed(SECRET)) in {"Sealed(…)", "Sealed(\\u2026)"}


def test_a_scope_comes_through_the_door_or_not_at_all() -> None:
    for token in (None, object(), True, "DOOR", TenantScope):
        with pytest.raises(TypeError, match=r"Visit\.enter"):
            TenantScope(token, None, None, None, actor=SYSTEM, entry=EntryId.new())  # type: ignore[arg-type]
    shell = object.__new__(TenantScope)  # made behind the constructor's back: there is nothing in it to use
    with pytest.raises(AttributeError):
        shell.open(Sealed(SECRET), Place("turn", "question", EntryId.new().uuid))


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


def users_of(name: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in (ROOT / "smalt").rglob("*.py") if name in names_in(path)}


def test_only_the_visit_holds_the_door_open() -> None:
    assert users_of("DOOR") == {"smalt/tenancy/scope.py", "smalt/tenancy/visit.py"}


def test_only_adapter_and_keys_look_inside_sealed_content() -> None:
    assert users_of("envelope_of") == {"smalt/store/adapters.py", "smalt/seal/lent.py"}
    assert users_of("_envelope") == {"smalt/kernel/sealed.py"}


def test_only_tenancy_lends_keys() -> None:
    assert all(user.startswith(("smalt/tenancy/", "smalt/seal/")) for user in users_of("TenantKeys"))


# What each contract forbids, planted: module → code, and the contract that must complain.
PLANTED = {
    "smalt/people/planted_driver.py": ("import psycopg", "Only store speaks to PostgreSQL"),
    "smalt/chat/planted_cipher.py": ("import cryptography.fernet", "Only seal does cryptography"),
    "smalt/tenancy/planted_upwards.py": ("import smalt.web", "Imports point down only"),
    "smalt/seal/planted_sideways.py": ("import smalt.store.sql", "Imports point down only"),
    "smalt/library/planted_pool.py": ("from smalt.store.pool import Database", "Only tenancy opens"),
    "smalt/chat/planted_keys.py": ("from smalt.seal.keyring import Keyring", "Only tenancy opens"),
    "smalt/people/planted_ticket.py": ("from smalt.seal.tickets import Tickets", "Only tenancy opens"),
    "smalt/kernel/planted_socket.py": ("import socket", "The kernel and the engine do no input or output"),
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The product's code and contracts, with an empty package for each layer that is not there yet."""
    shutil.copytree(ROOT / "smalt", tmp_path / "smalt", ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    layers = config["importlinter:contract:layers"]["layers"].replace("|", "\n").split()
    for layer in layers:
        package = tmp_path / "smalt" / layer
        if not layer.startswith("(") and not package.is_dir() and not package.with_suffix(".py").exists():
            package.mkdir()
            (package / "__init__.py").touch()
    return tmp_path


def test_planted_imports_are_reported(tree: Path) -> None:
    clean = lint(tree)
    assert clean.returncode == 0, clean.stdout  # the control: what is reported below comes from what is planted
    for name, (code, _) in PLANTED.items():
        (tree / name).write_text(code + "\n", "utf-8")
    broken = lint(tree)
    assert broken.returncode != 0
    for name, (_, contract) in PLANTED.items():
        assert any(line.startswith(contract) and "BROKEN" in line for line in broken.stdout.splitlines()), contract
        assert name[:-3].replace("/", ".") in broken.stdout, name
