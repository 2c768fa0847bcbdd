"""Where things lie, without a server."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from smalt.kernel.errors import Conflict, Unavailable
from smalt.store import place
from smalt.store.account import Account, server_account
from smalt.store.postgres import port_of_running
from smalt.store.server_config import write_config


@pytest.fixture
def me() -> Account:
    return Account("me", os.geteuid(), os.getegid())


def test_a_folder_of_others_is_refused(tmp_path: Path, me: Account) -> None:
    place.make_private(tmp_path / "mine", me)
    place.make_private(tmp_path / "mine", me)
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "file").touch(mode=0o600)
    for name in ("open", "link", "file"):
        with pytest.raises(Conflict) as caught:
            place.make_private(tmp_path / name, me)
        assert caught.value.code == "data_dir.foreign"


@pytest.mark.parametrize(
    ("parent", "fits"),
    [
        ("/short/plain", True),
        ("/with space", False),
        ("/a,b", False),
        ("/ü", False),
        ("/x" * 43, True),
        ("/x" * 44, False),
    ],
)
def test_the_socket_path_fits(parent: str, fits: bool) -> None:
    assert place._fits(Path(parent) / "s") is fits
    assert not fits or len(f"{parent}/s/.s.PGSQL.5432") <= 103


def test_a_lost_cluster_is_said_to_be_lost(tmp_path: Path, me: Account) -> None:
    (tmp_path / "postgres.place").write_text("/var/lib/smalt/gone\n")
    with pytest.raises(Unavailable) as caught:
        place.make_home(tmp_path, me)
    assert caught.value.code == "data_dir.lost"


def test_the_lock_is_one_and_ends_with_its_holder(tmp_path: Path) -> None:
    first, second = place.Lock(tmp_path / "lock"), place.Lock(tmp_path / "lock")
    first.take()
    with pytest.raises(Conflict) as caught:
        second.take()
    assert caught.value.code == "data_dir.in_use"
    first.release()
    second.take()
    second.release()


def test_who_holds_the_lock_can_say_something(tmp_path: Path) -> None:
    first, other = place.Lock(tmp_path / "lock"), place.Lock(tmp_path / "lock")
    assert other.holder() is None
    first.take()
    assert other.holder() == ""
    first.say("8443")
    assert other.holder() == "8443"
    first.release()
    assert other.holder() is None
    first.take()
    assert other.holder() == "", "what the holder before said"
    first.release()


def test_a_holder_that_says_nothing_is_waited_for(tmp_path: Path) -> None:
    first, second = place.Lock(tmp_path / "lock"), place.Lock(tmp_path / "lock")
    first.take()
    leaving = threading.Timer(0.4, first.release)
    leaving.start()
    second.take(patience_s=30)
    leaving.join()
    second.say("8443")
    with pytest.raises(Conflict):
        first.take(patience_s=3600)
    second.release()


def test_a_server_that_does_not_get_ready_is_not_waited_for_endlessly(tmp_path: Path) -> None:
    assert port_of_running(tmp_path, 0) is None
    home = tmp_path / "postgres"
    home.mkdir()
    lock = place.Lock(home / "lock")
    lock.take()
    with pytest.raises(Unavailable) as caught:
        port_of_running(tmp_path, 0.1)
    assert caught.value.code == "server.starting"
    ready = threading.Timer(0.2, lock.say, ["8443"])
    ready.start()
    assert port_of_running(tmp_path, 30) == 8443
    ready.join()
    lock.release()
    assert port_of_running(tmp_path, 0) is None


def test_the_configuration_keeps_content_out_of_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    text = write_config(folder, tmp_path, 18, ["root"], {"work_mem": "'8MB'"}).read_text()
    settings = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    assert settings["log_min_messages"] == "log"  # above `error`
    assert settings["log_min_error_statement"] == "panic"
    assert settings["log_error_verbosity"] == "terse"
    assert settings["log_statement"] == "none"
    assert settings["log_parameter_max_length"] == settings["log_parameter_max_length_on_error"] == "0"
    assert settings["listen_addresses"] == "''"
    assert settings["fsync"] == settings["full_page_writes"] == settings["synchronous_commit"] == "on"
    assert settings["work_mem"] == "'8MB'"
    assert settings["hba_file"] == "'" + str(folder / "pg_hba.conf").replace("'", "''") + "'"
    assert (folder / "pg_hba.conf").read_text().splitlines()[1:] == ["local all all peer map=smalt"]
    assert 'smalt "root" smalt_app' in (folder / "pg_ident.conf").read_text()


def test_the_account_is_never_root() -> None:
    assert server_account().uid != 0


def test_without_a_fitting_account_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("smalt.store.account._ACCOUNTS", ("smalt-absent",))
    with pytest.raises(Unavailable) as caught:
        server_account()
    assert caught.value.code == "account.missing"
