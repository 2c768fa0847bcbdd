"""The checks of ``smalt doctor``. Each looks and changes nothing, and says what it found and what to do."""

from __future__ import annotations

import contextlib
import ctypes
import enum
import os
import shutil
import ssl
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from smalt.kernel.errors import Failure, Unavailable
from smalt.kernel.limits import GIB

if TYPE_CHECKING:
    from smalt.settings import Settings

OLDEST_PYTHON = (3, 11)
DISK_WARN_BYTES = 5 * GIB
DISK_FAIL_BYTES = GIB // 2
CERTIFICATE_WARN = timedelta(days=14)
CHECKER_LATE = timedelta(hours=3)
EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)  # this code did not exist before: a clock that says so is wrong
NOT_SYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
WANTED_LOCKS = {
    "no_sockets": "sockets",
    "own_network": "the network",
    "no_files": "files",
    "no_writing": "writing",
    "no_processes": "starting programs",
    "memory": "endless memory",
    "cpu": "endless work",
}


class State(enum.Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    name: str
    state: State
    found: str
    todo: str = ""


def all_checks(settings: Settings) -> list[Check]:
    """Every check in the order in which one would repair things. A check that breaks is itself a finding."""
    checks: list[tuple[str, Callable[[Settings], Check]]] = [
        ("Python", python_version),
        ("PostgreSQL", postgresql),
        ("data directory", data_directory),
        ("free disk", free_disk),
        ("port", port),
        ("certificate", certificate),
        ("clock", clock),
        ("document reader", document_reader),
        ("checker", checker),
    ]
    found = []
    for name, check in checks:
        try:
            found.append(check(settings))
        except Failure as failure:
            found.append(Check(name, State.FAIL, failure.happened or failure.title, failure.todo))
        except OSError as problem:
            found.append(Check(name, State.WARN, f"could not be checked ({type(problem).__name__})"))
    return found


def python_version(_settings: Settings) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Check("Python", State.FAIL, version, "Use Python 3.11 or later.")
    return Check("Python", State.OK, version)


def postgresql(settings: Settings) -> Check:
    if settings.database_url is not None:
        return Check("PostgreSQL", State.OK, "an external server, by SMALT_DATABASE_URL (not contacted here)")
    from smalt.store.binaries import find_binaries

    found = find_binaries(settings.pg_bin)
    words = f"{found.major}.{found.minor} from the {found.source}"
    if found.outdated:
        todo = f"Security fixes are missing: update PostgreSQL {found.major} to its latest minor version."
        return Check("PostgreSQL", State.WARN, words, todo)
    return Check("PostgreSQL", State.OK, words)


def data_directory(settings: Settings) -> Check:
    folder = settings.data_dir
    if not folder.exists():
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        if os.access(above, os.W_OK | os.X_OK):
            return Check("data directory", State.OK, f"{folder} will be made at the first start")
        return Check("data directory", State.FAIL, f"{above} is not writable", "Choose another with SMALT_DATA_DIR.")
    if not folder.is_dir():
        return Check("data directory", State.FAIL, f"{folder} is not a folder", "Choose another with SMALT_DATA_DIR.")
    facts = folder.stat()
    if facts.st_uid != os.geteuid():
        todo = "Start Smalt as the account that owns it, or choose another with SMALT_DATA_DIR."
        return Check("data directory", State.FAIL, f"{folder} belongs to another account", todo)
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_IRGRP | stat.S_IROTH):
        mode = stat.S_IMODE(facts.st_mode)
        return Check("data directory", State.WARN, f"{folder} has mode {mode:o}", f"chmod 700 {folder}")
    return Check("data directory", State.OK, f"{folder}, yours alone")


def free_disk(settings: Settings) -> Check:
    place = settings.data_dir.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    words = f"{free / GIB:.1f} GiB free"
    if free < DISK_FAIL_BYTES:
        return Check("free disk", State.FAIL, words, "Free some space: PostgreSQL stops when the disk is full.")
    if free < DISK_WARN_BYTES:
        return Check("free disk", State.WARN, words, "Enough to try it; documents and history need more.")
    return Check("free disk", State.OK, words)


def port(settings: Settings) -> Check:
    from smalt.server import reserve

    try:
        reserve(settings.listen_host, settings.port, tries=1).release()
    except Unavailable:
        todo = "Perhaps Smalt already runs. Otherwise the next free port is taken, or set SMALT_PORT."
        return Check("port", State.WARN, f"{settings.port} is taken", todo)
    reach = "this machine only" if settings.listen_host in {"127.0.0.1", "::1", "localhost"} else "the network"
    return Check("port", State.OK, f"{settings.port} is free; {settings.listen_host} is reached from {reach}")


def certificate(settings: Settings) -> Check:
    path = settings.tls_certificate or next(settings.data_dir.glob("*/server.pem"), None)
    if path is None:
        return Check("certificate", State.OK, "a local one will be made at the first start")
    try:
        until = _expiry(path)
    except (ssl.SSLError, ValueError):
        return Check("certificate", State.FAIL, f"{path} holds no certificate", "Put a PEM certificate chain there.")
    left = until - datetime.now(UTC)
    words = f"valid until {until:%Y-%m-%d}"
    if left < timedelta(0):
        return Check("certificate", State.FAIL, f"expired on {until:%Y-%m-%d}", _renewal(settings))
    if left < CERTIFICATE_WARN:
        return Check("certificate", State.WARN, words, _renewal(settings))
    return Check("certificate", State.OK, words)


def _renewal(settings: Settings) -> str:
    own = settings.tls_certificate is not None
    return "Renew it and send SIGHUP to the server." if own else "Restart Smalt: it renews its local certificate."


def _expiry(path: Path) -> datetime:
    from smalt.seal.certificate import expiry_of

    return expiry_of(path.read_bytes())


def clock(_settings: Settings) -> Check:
    now = datetime.now(UTC)
    words = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < EARLIEST:
        return Check("clock", State.FAIL, words, "The clock is far behind: sessions, links and certificates need it.")
    if sys.platform == "linux":
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
        if state == NOT_SYNCHRONISED:
            todo = "Turn on time synchronisation (chrony, systemd-timesyncd, or the host of this container)."
            return Check("clock", State.WARN, f"{words}, not known to be synchronised", todo)
    return Check("clock", State.OK, words)


def document_reader(_settings: Settings) -> Check:
    """Start a reader as documents are read by, and ask which of its locks this machine gives."""
    import asyncio

    from smalt.library.sandbox import locks_held

    missing = sorted(WANTED_LOCKS.keys() - asyncio.run(locks_held()))
    if not missing:
        return Check("document reader", State.OK, f"locked away from {', '.join(WANTED_LOCKS.values())}")
    without = ", ".join(WANTED_LOCKS[name] for name in missing)
    todo = "Use Linux with seccomp and user namespaces, or run Smalt where a reader could do no harm."
    return Check("document reader", State.WARN, f"not locked away from {without} on this machine", todo)


def checker(settings: Settings) -> Check:
    """Whether the checks of the Trust Center are run, when they were last, and whether their keys are out of reach."""
    from smalt.seal.apart import abi
    from smalt.trust.clockwork import RAN

    folder = settings.data_dir / "checker"
    ran = []
    for path in folder.glob(f"{RAN}*"):
        with contextlib.suppress(OSError, ValueError):
            ran.append(int(path.read_text("ascii")))
    last = datetime.fromtimestamp(max(ran), UTC) if ran else None
    words = "no run yet" if last is None else f"last run {last:%Y-%m-%d %H:%M} UTC"
    if not settings.trust_checks:
        todo = (
            "Unset SMALT_TRUST_CHECKS, or have `smalt trust keep` run elsewhere: else every verified claim turns stale."
        )
        return Check("checker", State.WARN, f"switched off; {words}", todo)
    if abi() < 2:
        todo = (
            "Give the checker an account of its own (docs/operate/trust.md), or use Linux 5.19 or later with Landlock."
        )
        return Check("checker", State.WARN, f"{words}; the server can read its keys: no Landlock here", todo)
    if last is not None and datetime.now(UTC) - last > CHECKER_LATE:
        return Check("checker", State.WARN, words, "Start Smalt: it has the checks run every hour while it runs.")
    return Check("checker", State.OK, f"{words}; its keys are out of the server's reach")
