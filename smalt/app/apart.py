"""The server and its checker: started beside each other, and shut off from each other before either has begun.

    folders made ready · checker started · this process shut out of the checker's folder · then everything else

The order is the point. What the server starts later is shut out with it, so the checker comes first; a thread that runs
already is not restricted, so all of it comes before there are threads; and what is made later beside the checker's
folder is shut too, so the folders that the server uses are there by then.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from smalt.app.installation import PORT_FILE
from smalt.seal.apart import shut_out
from smalt.settings import Settings
from smalt.store import place
from smalt.store.account import server_account
from smalt.telemetry.events import Event, Slug, emit
from smalt.telemetry.keep import Kept, kept
from smalt.trust.clockwork import CHILD_END_S, dying_with
from smalt.trust.keeper import CHECKER, TRUST
from smalt.trust.letters import FOLDER as LETTERS

FOLDERS = ("blobs", "keys", LETTERS, "logs", "tls", TRUST)
"""Of the data directory, besides the database's: what the server makes later right beside ``checker`` it cannot use."""


class CheckerKeysShut(Event):
    """Whether this process, and all it starts, is shut out of the checker's folder; ``abi``: the kernel's Landlock."""

    shut: bool
    abi: int
    neighbours: int
    why: Slug | None


class CheckerEnded(Event):
    """It ended by itself. This process cannot start another: what it starts is shut out of the checker's keys."""

    code: int


@contextlib.contextmanager
def apart(settings: Settings) -> Iterator[Kept]:
    """Around everything that the server does: its log is kept, and at the end the checker ends too."""
    data_dir = settings.data_dir.absolute()
    with contextlib.suppress(OSError):  # what is wrong with the folder, opening it says in better words
        _make_ready(settings, data_dir)
    with kept(data_dir / "logs", "server") as keeping:
        checker = _start(settings, data_dir, keeping.console) if settings.trust_checks else None
        found = shut_out(data_dir / CHECKER)
        emit(
            CheckerKeysShut(
                shut=found.shut, abi=found.abi, neighbours=found.neighbours, why=Slug(found.why) if found.why else None
            )
        )
        stopping = threading.Event()
        if checker is not None:
            threading.Thread(target=_watch, args=(checker, stopping), name="checker", daemon=True).start()
        try:
            yield keeping
        finally:
            stopping.set()
            if checker is not None:
                _stop(checker)


def _make_ready(settings: Settings, data_dir: Path) -> None:
    if settings.database_url is None:
        account = server_account()
        home = place.make_home(data_dir, account)
        place.make_socket_folder(home, account)
    for name in (*FOLDERS, CHECKER):
        (data_dir / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    (data_dir / PORT_FILE).touch(mode=0o644)
    if Path(tempfile.gettempdir()).resolve() in data_dir.resolve().parents:  # it lies on the way, so it is shut too
        own = data_dir / "tmp"
        own.mkdir(mode=0o700, exist_ok=True)
        os.environ["TMPDIR"] = str(own)
        tempfile.tempdir = None


def _start(settings: Settings, data_dir: Path, console: IO[str] | None) -> subprocess.Popen[bytes]:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.listen_host, settings.listen_host)  # noqa: S104  # compared
    return subprocess.Popen(
        [sys.executable, "-m", "smalt.trust.clockwork", str(data_dir), host, str(settings.port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=console,  # where ours led to before; None: as ours is
        preexec_fn=dying_with(os.getpid()),  # noqa: PLW1509  # one system call, no Python state touched
    )


def _watch(checker: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    """Say it when the checker ends before it is told to: claims turn stale from then on."""
    code = checker.wait()
    if not stopping.is_set():
        emit(CheckerEnded(code=code))


def _stop(checker: subprocess.Popen[bytes]) -> None:
    checker.terminate()
    try:
        checker.wait(CHILD_END_S + 5)
    except subprocess.TimeoutExpired:
        checker.kill()
        checker.wait()
