"""Every dependency is argued in docs/dependencies.md, and none is under a licence that we do not accept."""

import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
WEAK_COPYLEFT = {
    "psycopg": "LGPL",
    "psycopg-binary": "LGPL",
    "psycopg-pool": "LGPL",
    "certifi": "MPL",
    "hypothesis": "MPL",
    "pathspec": "MPL",
}

PEERS_COPYLEFT = {  # never linked with ours: tests run them as separate programs
    "certifi": "MPL",
    "fqdn": "MPL",
    "orjson": "MPL",
    "paramiko": "LGPL",
    "pgpy-dtc": "EUPL",
    "pymerkle": "General Public License v3",
    "sectxt": "EUPL",
}
PEERS = ROOT / ".venv-peers"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> set[str]:
    text = (ROOT / name).read_text("utf-8")
    return {normal(found) for found in re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==", text, re.MULTILINE)}


def asked(name: str) -> set[str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return {normal(re.split(r"[\[=<>; ]", line)[0]) for line in lines if line and line[0] not in "#-"}


def rows(heading: str) -> dict[str, str]:
    """Package to licence, from the table under ``heading``."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+?) \|", part, re.MULTILINE))


def test_every_direct_dependency_is_argued():
    direct = rows("Direct")
    direct.pop("package", None)
    assert direct.keys() == asked("requirements.in")


def test_every_transitive_dependency_is_listed():
    listed = rows("What they bring")
    listed.pop("package", None)
    assert listed.keys() == locked("requirements.lock") - asked("requirements.in")


def test_every_development_dependency_is_argued():
    development = rows("For development only")
    development.pop("package", None)
    assert development.keys() == asked("requirements-dev.in")
    for name in locked("requirements-dev.lock") - locked("requirements.lock") - development.keys():
        assert name in PAGE, f"{name} is named nowhere in docs/dependencies.md"


def test_every_verifier_is_argued():
    verifiers = rows("Independent verifiers, in tests only")
    verifiers.pop("package", None)
    assert verifiers.keys() == asked("requirements-peers.in") | PEERS_COPYLEFT.keys()
    listed = set(re.findall(r"[a-z0-9-]+", PAGE.split("They bring, all under permissive licences:")[1]))
    assert listed == locked("requirements-peers.lock") - verifiers.keys()


def test_no_source_of_ours_imports_a_verifier_under_the_gpl():
    sources = [path for folder in ("smalt", "tests", "tools", "bench") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 100
    importers = [
        path for path in sources if re.search(r"^\s*(import|from) pymerkle", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert all(path.parent == ROOT / "tests" / "peers" for path in importers)


COPYLEFT = re.compile(r"AGPL|LGPL|GPL|MPL|EUPL|Affero|General Public|Mozilla Public|SSPL|Business Source")


@pytest.mark.skipif(not PEERS.is_dir(), reason="THE INDEPENDENT VERIFIERS ARE NOT INSTALLED: tools/install.py peers")
def test_the_licences_of_verifiers_are_those_on_the_page():
    places = [str(path) for path in PEERS.glob("lib/python*/site-packages")]
    found = {normal(one.metadata["Name"]): one for one in importlib.metadata.distributions(path=places)}
    judged = sorted(found.keys() & locked("requirements-peers.lock"))
    assert len(judged) > 50
    for name in judged:
        said = said_by(found[name].metadata)
        assert bool(COPYLEFT.search(said)) == (name in PEERS_COPYLEFT), f"{name}: {said}"
        assert PEERS_COPYLEFT.get(name, "") in said


def licence_of(name: str) -> str:
    return said_by(importlib.metadata.metadata(name))


def said_by(about: importlib.metadata.PackageMetadata) -> str:
    """What the installed package says of its own licence, in all the places where packages say it."""
    said = [about.get("License-Expression") or "", (about.get("License") or "")[:200]]
    said += [line for line in about.get_all("Classifier") or [] if line.startswith("License")]
    return " ".join(said)


def installed() -> list[str]:
    found = {normal(one.metadata["Name"]) for one in importlib.metadata.distributions()}
    return sorted(found & locked("requirements-dev.lock"))


@pytest.mark.parametrize("name", installed())
def test_the_installed_licence_is_accepted(name):
    said = licence_of(name)
    assert said.strip(), "the package says nothing about its licence"
    if COPYLEFT.search(said):
        assert WEAK_COPYLEFT.get(name, "none accepted") in said
    else:
        assert name not in WEAK_COPYLEFT


@pytest.mark.parametrize("name", sorted(WEAK_COPYLEFT))
def test_exceptions_are_said_on_the_page(name):
    assert name in PAGE.split("## What they bring")[0] or name in rows("What they bring")


def test_locks_hold_hashes_and_no_address():
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-peers.lock"):
        text = (ROOT / lock).read_text("utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        pins = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        assert pins
        assert all("--hash=sha256:" in pin for pin in pins)
