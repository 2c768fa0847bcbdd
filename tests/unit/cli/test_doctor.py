"""Each check of the doctor is seen to be content and to complain."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from smalt.cli import doctor, probes
from smalt.cli.probes import Check, State
from smalt.kernel.clock import SystemClock
from smalt.kernel.errors import Unavailable
from smalt.seal.certificate import ensure_certificate
from smalt.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


def test_python(settings, monkeypatch):
    assert probes.python_version(settings).state is State.OK
    monkeypatch.setattr(probes.sys, "version_info", (3, 10, 4, "final", 0))
    assert probes.python_version(settings).state is State.FAIL


def test_data_directory(settings, tmp_path):
    assert probes.data_directory(settings).state is State.OK
    settings.data_dir.mkdir(mode=0o700)
    assert probes.data_directory(settings).state is State.OK
    settings.data_dir.chmod(0o755)
    loose = probes.data_directory(settings)
    assert loose.state is State.WARN
    assert "chmod 700" in loose.todo
    (tmp_path / "file").write_text("")
    assert probes.data_directory(Settings(data_dir=tmp_path / "file")).state is State.FAIL


def test_data_directory_of_another_account(settings, monkeypatch):
    settings.data_dir.mkdir(mode=0o700)
    other = os.geteuid() + 1
    monkeypatch.setattr(probes.os, "geteuid", lambda: other)
    assert probes.data_directory(settings).state is State.FAIL


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (probes.DISK_FAIL_BYTES - 1, State.FAIL),
        (probes.DISK_WARN_BYTES - 1, State.WARN),
        (probes.DISK_WARN_BYTES, State.OK),
    ],
)
def test_free_disk(settings, monkeypatch, free, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    assert probes.free_disk(settings).state is state


def test_certificate(settings, monkeypatch):
    assert "first start" in probes.certificate(settings).found
    settings.data_dir.mkdir()
    made = ensure_certificate(settings.data_dir / "tls", ["localhost"], SystemClock())
    assert probes.certificate(settings).state is State.OK
    for until, state in (
        (datetime(2020, 1, 1, tzinfo=UTC), State.FAIL),
        (datetime.now(UTC) + probes.CERTIFICATE_WARN / 2, State.WARN),
    ):
        monkeypatch.setattr(probes, "_expiry", lambda _path, until=until: until)
        assert probes.certificate(settings).state is state
    monkeypatch.undo()
    made.certificate.write_text("nothing")
    assert probes.certificate(settings).state is State.FAIL


def test_clock(settings, monkeypatch):
    early = SimpleNamespace(now=lambda _zone: datetime(1970, 1, 2, tzinfo=UTC))
    monkeypatch.setattr(probes, "datetime", early)
    assert probes.clock(settings).state is State.FAIL


def test_postgresql(settings, monkeypatch):
    outdated = SimpleNamespace(major=18, minor=0, source="system", outdated=True)
    monkeypatch.setattr("smalt.store.binaries.find_binaries", lambda _chosen: outdated)
    assert probes.postgresql(settings).state is State.WARN
    elsewhere = Settings(database_url="postgresql://db.example/smalt")
    assert probes.postgresql(elsewhere).state is State.OK
    assert "db.example" not in probes.postgresql(elsewhere).found


@pytest.mark.parametrize("missing", [None, *probes.WANTED_LOCKS])
def test_document_reader(settings, monkeypatch, missing):
    async def held():
        return frozenset(probes.WANTED_LOCKS) - {missing}

    monkeypatch.setattr("smalt.library.sandbox.locks_held", held)
    found = probes.document_reader(settings)
    assert found.state is (State.OK if missing is None else State.WARN)
    assert missing is None or probes.WANTED_LOCKS[missing] in found.found


def test_a_check_that_breaks_is_a_finding(settings, monkeypatch):
    def broken(_settings):
        raise Unavailable("database.missing", "No programs.", todo="Install them.")

    monkeypatch.setattr(probes, "postgresql", broken)
    monkeypatch.setattr(probes, "port", lambda _settings: Check("port", State.OK, "free"))
    found = {check.name: check for check in probes.all_checks(settings)}["PostgreSQL"]
    assert (found.state, found.found, found.todo) == (State.FAIL, "No programs.", "Install them.")


@pytest.mark.parametrize(("state", "code"), [(State.OK, 0), (State.WARN, 0), (State.FAIL, 1)])
def test_exit_code_and_json(monkeypatch, state, code):
    monkeypatch.setattr(doctor, "all_checks", lambda _settings: [Check("disk", state, "3 GiB free", "Free some.")])
    ran = CliRunner().invoke(doctor.doctor, ["--json"])
    assert ran.exit_code == code
    assert json.loads(ran.stdout) == {
        "ok": code == 0,
        "checks": [{"name": "disk", "state": state.value, "found": "3 GiB free", "todo": "Free some."}],
    }
    table = CliRunner().invoke(doctor.doctor, [])
    assert table.exit_code == code
    assert state.value in table.stdout
    assert "Free some." in table.stdout


def test_nothing_is_made(settings):
    probes.data_directory(settings)
    probes.free_disk(settings)
    probes.certificate(settings)
    assert not Path(settings.data_dir).exists()
