"""Why a start failed, in our own words."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from smalt.store import server_log
from smalt.store.postgres import EmbeddedPostgres
from smalt.store.server_log import ServerLog


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('FATAL:  could not write to file "pg_wal/xlogtemp.7": No space left on device', "disk.full"),
        ('FATAL:  lock file "postmaster.pid" already exists', "data_dir.in_use"),
        ('FATAL:  data directory "/x" has invalid permissions', "data_dir.unreadable"),
        ('FATAL:  could not open file "global/pg_control": Permission denied', "data_dir.unreadable"),
        ("PANIC:  something else", "postgres.failed"),
    ],
)
def test_the_reason_is_read_from_this_start_only(tmp_path: Path, line: str, code: str) -> None:
    path = tmp_path / "server.log"
    path.write_text("FATAL: No space left on device, long ago\n")
    log = ServerLog(path)
    with log.open() as file:
        file.write(line.encode())
    failure = log.failure()
    assert failure.code == code
    assert line not in f"{vars(failure)}"


def test_it_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_log, "_ROTATE_BYTES", 10)
    log = ServerLog(tmp_path / "server.log")
    for text in (b"the first, a long one", b"the second, a long one", b"third"):
        with log.open() as file:
            file.write(text)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "server.log": b"third",
        "server.old.log": b"the second, a long one",
    }


def test_a_full_disk_explains_a_dead_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(tmp_path)
    assert server.explain() is None
    server.home = tmp_path
    assert server.explain() is None
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    failure = server.explain()
    assert failure is not None
    assert failure.code == "disk.full"
