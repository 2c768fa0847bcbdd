"""The supervisor of the embedded PostgreSQL: makes the cluster, starts it, restarts it after a crash, stops it.

Crash points: a cluster half made lies under another name and is thrown away; a commit that was confirmed is on the
disk (`server_config`), so after ``kill -9`` of anything the next start replays it; when our process ends in whatever
way, the kernel sends the server SIGINT, its fast shutdown.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from smalt.kernel.errors import Failure, Unavailable
from smalt.kernel.limits import MIB
from smalt.store import orphans, place
from smalt.store.account import Account, connecting_names, server_account
from smalt.store.binaries import Binaries, find_binaries
from smalt.store.server_config import ADMIN_ROLE, write_config
from smalt.store.server_log import ServerLog, disk_full

_START_TIMEOUT_S = 120.0  # crash recovery of a busy database included
_STOP_TIMEOUT_S = 30.0
_PAUSE_MIN_S = 0.05
_PAUSE_MAX_S = 5.0
_STEADY_S = 60.0
_ROOM_BYTES = 32 * MIB  # one segment of the write-ahead log and what a start needs
_PR_SET_PDEATHSIG = 1
_NOTHING: Mapping[str, str] = MappingProxyType({})


class EmbeddedPostgres:
    """One cluster under one data directory. `start` and `stop` block; call them from a thread in async code."""

    def __init__(
        self,
        data_dir: Path,
        pg_bin: Path | None = None,
        *,
        settings: Mapping[str, str] = _NOTHING,
        patience_s: float = 0.0,
    ) -> None:
        """``patience_s``: how long to wait for another user of the directory that has announced no server."""
        self._data_dir = data_dir.absolute()
        self._patience_s = patience_s
        self._pg_bin = pg_bin
        self._settings = settings
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._failure: OSError | None = None
        self._up = False
        self._lock: place.Lock | None = None
        self.restarts = 0
        self.binaries: Binaries | None = None  # known after `start`
        self.account: Account | None = None
        self.home: Path | None = None
        self.sockets: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the server and return when it answers. Raises `Conflict` or `Unavailable` with a stable code."""
        if self._keeper is not None:
            return
        self._stopping.clear()
        try:
            self._start()
        except OSError as error:
            failure = _failure_of(error)
        except Failure as error:
            failure = error
        else:
            return
        self.stop()
        raise failure

    def stop(self) -> None:
        """End sessions, write everything down, stop. Does nothing when it does not run."""
        self._stopping.set()
        keeper = self._keeper
        if keeper is not None:
            self._signal(signal.SIGINT)
            keeper.join(_STOP_TIMEOUT_S)
            if keeper.is_alive():
                self._signal(signal.SIGQUIT)  # at once; the next start replays the log
                keeper.join()
        if self.sockets is not None and self.home not in self.sockets.parents:
            with contextlib.suppress(OSError):  # in /tmp or the runtime folder: leave nothing behind
                self.sockets.rmdir()
        self._process = self._keeper = self._failure = self.sockets = None
        self._up = False
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None:
            process.send_signal(number)  # knows by itself whether it has ended

    def conninfo(self, role: str, dbname: str = "smalt") -> str:
        """The connection string of ``role``: no password, the operating system vouches for us."""
        if self.sockets is None:
            raise Unavailable("database.stopped", "The embedded database was not started.")
        return make_conninfo(host=str(self.sockets), port=place.PORT, user=role, dbname=dbname)

    def announce(self, port: int) -> None:
        """Everything is ready for others: they find it by `port_of_running` from now on."""
        if self._lock is not None:
            self._lock.say(str(port))

    def explain(self) -> Failure | None:
        """Why the database does not answer, if it is something that the operator must hear: a full disk."""
        home = self.home
        if home is None or shutil.disk_usage(home).free >= _ROOM_BYTES:
            return None
        return disk_full()

    def _start(self) -> None:
        account = self.account = server_account()
        home = self.home = place.make_home(self._data_dir, account)
        lock = place.Lock(home / "lock")
        lock.take(self._patience_s)
        self._lock = lock
        log = ServerLog(home / "server.log")
        data = home / "data"
        found = find_binaries(self._pg_bin, _major_of(data))
        self.binaries = place.reachable_binaries(found, account)
        if not data.exists():
            _make_cluster(home, self.binaries, account)
        orphans.end(data, account)
        self.sockets = place.make_socket_folder(home, account)
        place.write_whole(home / "socket.place", f"{self.sockets}\n")
        config = home / "config"
        place.make_folder(config, 0o755)  # the server reads it under its own account
        main = write_config(config, self.sockets, self.binaries.major, connecting_names(account), self._settings)
        launch = _launcher(self.binaries, account, data, main, log)
        started = threading.Event()
        self._keeper = threading.Thread(
            target=self._keep, args=(launch, data, account, started), name="postgres", daemon=True
        )
        self._keeper.start()
        started.wait()
        if self._failure is not None:
            raise self._failure
        self._wait_until_ready(data, log)
        self._up = True
        _make_database(self.conninfo(ADMIN_ROLE, "postgres"))

    def _keep(
        self, launch: Callable[[], subprocess.Popen[bytes]], data: Path, account: Account, started: threading.Event
    ) -> None:
        """Be the server's parent thread: the kernel's death signal follows the *thread* that made the process."""
        pause_s = _PAUSE_MIN_S
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                process = self._process = launch()
            except OSError as error:
                self._failure = error
            else:
                started.set()
                if self._stopping.is_set():  # `stop` may have seen the one before
                    process.send_signal(signal.SIGINT)
                process.wait()
            started.set()
            if not self._up:  # it never got ready: `start` says why
                return
            # However often it fails, it is tried again: a disk that was full has room at last.
            pause_s = _PAUSE_MIN_S if time.monotonic() > began + _STEADY_S else min(2 * pause_s, _PAUSE_MAX_S)
            self._stopping.wait(pause_s)
            self.restarts += 1
            with contextlib.suppress(Failure):  # an orphan that does not end keeps the next one from starting
                orphans.end(data, account)

    def _wait_until_ready(self, data: Path, log: ServerLog) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            process = self._process
            if process is None or process.poll() is not None:
                raise log.failure()
            if self._ready(data, process.pid):
                return
            time.sleep(0.005)
        raise Unavailable(
            "postgres.slow",
            "The embedded database did not become ready in time.",
            kept="What was committed is kept.",
            todo="Look at server.log in the database's folder, and start again.",
        )

    @staticmethod
    def _ready(data: Path, pid: int) -> bool:
        """After a crash the old file still says ready: the process id in it must be the one we started."""
        try:
            lines = (data / "postmaster.pid").read_text("ascii", "replace").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def conninfo_of_running(data_dir: Path, role: str, dbname: str = "smalt") -> str:
    """The connection string of the server that another process runs on ``data_dir``; `Unavailable` when none runs."""
    home = _home_of(data_dir)
    try:
        sockets = (home / "socket.place").read_text("utf-8").strip()
    except OSError:
        sockets = ""
    if not sockets or not place.Lock(home / "lock").is_held():
        raise Unavailable("database.stopped", "No database runs on this data directory.", todo="Start Smalt first.")
    return make_conninfo(host=sockets, port=place.PORT, user=role, dbname=dbname)


def port_of_running(data_dir: Path, patience_s: float) -> int | None:
    """The port that the server on ``data_dir`` announced; None when nobody uses the directory.

    Waits for one that is starting, or for a command that uses it meanwhile: `Unavailable` after ``patience_s``.
    """
    lock = place.Lock(_home_of(data_dir) / "lock")
    deadline = time.monotonic() + patience_s
    while (said := lock.holder()) == "":
        if time.monotonic() > deadline:
            raise Unavailable(
                "server.starting",
                "Smalt is still starting on this data directory, or another command is at work there.",
                kept="Nothing was changed.",
                todo="Try again in a moment.",
                retry_after_s=5,
            )
        time.sleep(_PAUSE_MIN_S)
    return None if said is None else int(said)


def _home_of(data_dir: Path) -> Path:
    pointer = data_dir / "postgres.place"
    return Path(pointer.read_text("utf-8").strip()) if pointer.exists() else data_dir / "postgres"


def _major_of(data: Path) -> int | None:
    """The major version that made the data directory; None when there is none yet."""
    if not data.exists():
        return None
    try:
        return int((data / "PG_VERSION").read_text("ascii"))
    except (OSError, ValueError):
        raise _unreadable() from None


def _make_cluster(home: Path, binaries: Binaries, account: Account) -> None:
    """Make the cluster under another name, then give it its own: a crash between leaves nothing half made."""
    fresh = home / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    place.make_private(fresh, account)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    made = subprocess.run(
        [binaries.folder / "initdb", "-D", fresh, "-U", ADMIN_ROLE, "-E", "UTF8", "--locale=C.UTF-8", *locale,
         "--auth-local=peer", "--auth-host=reject", "--data-checksums"],
        env=binaries.environment(), cwd="/", capture_output=True, text=True, check=False, **account.popen(),
    )  # fmt: skip
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        if "No space left" in made.stderr:
            raise disk_full()
        place.write_whole(home / "initdb.log", made.stderr)
        raise Unavailable(
            "postgres.init",
            "The embedded database could not be made.",
            kept="Nothing was left behind.",
            todo="The file initdb.log in the database's folder says why.",
        )
    fresh.rename(home / "data")
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _make_database(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = 'smalt'").fetchone() is None:
            connection.execute(sql.SQL("create database smalt template template0"))


def _launcher(
    binaries: Binaries, account: Account, data: Path, config: Path, log: ServerLog
) -> Callable[[], subprocess.Popen[bytes]]:
    command: list[str | Path] = [binaries.folder / "postgres", "-D", data, "-c", f"config_file={config}"]
    setpriv = shutil.which("setpriv")
    if (
        setpriv is not None
        and subprocess.run([setpriv, "--pdeathsig", "INT", "true"], capture_output=True, check=False).returncode
    ):
        setpriv = None  # the small one of some distributions cannot do this
    # Either way the signal is set after the change of user: the kernel forgets it at that change.
    before = None if setpriv is not None else _death_signal()
    if setpriv is not None:
        command = [setpriv, "--pdeathsig", "INT", *command]

    def launch() -> subprocess.Popen[bytes]:
        with log.open() as file:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=binaries.environment(), cwd="/",
                start_new_session=True, preexec_fn=before, **account.popen(),  # noqa: PLW1509  # one prepared call
            )  # fmt: skip

    return launch


def _death_signal() -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)  # loaded before the fork, so that the child only makes the call

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

    return arm


def _failure_of(error: OSError) -> Failure:
    return disk_full() if error.errno in (errno.ENOSPC, errno.EDQUOT) else _unreadable()


def _unreadable() -> Failure:
    return Unavailable(
        "data_dir.unreadable",
        "The data directory cannot be read or written by the account that Smalt runs as.",
        kept="Nothing was changed.",
        todo="Give it back its owner and its rights, or choose another data directory.",
    )
