"""Brings .venv up to a lock file, with a line of progress instead of pip's output.

    python tools/install.py run     what Smalt needs to run (requirements.lock)
    python tools/install.py dev     that, and what its tests need (requirements-dev.lock)
    python tools/install.py peers   independent verifiers that tests run as programs, in .venv-peers (requirements-peers.lock)

Standard library only: this runs before anything is installed. Every distribution is checked against the hashes in
the lock, only wheels are accepted (so that nothing is built or executed while installing), and the project itself
is linked in place. A stamp holds what was installed, for which Python, at which path: nothing is done twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock", "peers": "requirements-peers.lock"}
PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-compile"]
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
MESSAGE_LINES = 15


class Progress:
    """One line that says what is being done: redrawn on a terminal, printed once per step elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._text = ""
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        if self._live:
            self._thread.start()

    def _spin(self) -> None:
        turn = 0
        encoding = sys.stderr.encoding or "ascii"
        frames = FRAMES if "utf" in encoding.lower() else "|/-\\"
        while not self._stop.wait(0.1):
            turn += 1
            seconds = int(time.monotonic() - self._began)
            sys.stderr.write(f"\r\x1b[K{frames[turn % len(frames)]} {self._text} ({seconds} s)")
            sys.stderr.flush()

    def step(self, text: str) -> None:
        """Say what begins now."""
        if not self._live:
            print(text, file=sys.stderr, flush=True)
        self._text = text

    def detail(self, text: str) -> None:
        """Say how far it is, where that can be redrawn."""
        self._text = text

    def done(self, text: str) -> None:
        """Stop, and leave ``text`` behind."""
        self._stop.set()
        if self._live:
            self._thread.join()
            sys.stderr.write("\r\x1b[K")
        print(text, file=sys.stderr, flush=True)


def venv_of(what: str) -> Path:
    """Where ``what`` is installed: the verifiers are apart from the product, so that neither bends the other's versions."""
    return ROOT / (".venv-peers" if what == "peers" else ".venv")


def python_of(what: str) -> Path:
    return venv_of(what) / "bin" / "python"


def log_of(what: str) -> Path:
    return venv_of(what) / "install.log"


def seconds_since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def stamp_of(what: str) -> str:
    """What the environment must have been built from; a moved clone or another Python needs a new one."""
    parts = [str(ROOT), sys.version, what]
    parts += [(ROOT / name).read_text(encoding="utf-8") for name in (LOCKS[what], "pyproject.toml")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def fresh(what: str) -> bool:
    """Whether the environment already holds ``what``; the tests' environment holds everything that running needs."""
    kinds = ("run", "dev") if what == "run" else (what,)
    if not python_of(what).exists():
        return False
    for kind in kinds:
        stamp = venv_of(kind) / f"stamp-{kind}"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == stamp_of(kind):
            return True
    return False


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two commands in one clone take turns, so that neither sees half an environment."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "install.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def environment() -> dict[str, str]:
    """The caller's settings for pip hold (mirrors, proxies, certificates), except those that would install elsewhere."""
    drop = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PYTHONPATH", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name not in drop}


def pip(what: str, arguments: list[str], progress: Progress, total: int) -> None:
    """Run pip for ``what``; its words go to the log, its advance to the progress line. Raises `CalledProcessError`."""
    command = [str(python_of(what)), *PIP, *arguments]
    seen = 0
    with log_of(what).open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if process.stdout is None:
            raise RuntimeError("a pipe was asked for")
        for line in process.stdout:
            log.write(line)
            if line.startswith("Collecting "):
                seen += 1
                name = line.split()[1].split("==")[0]
                progress.detail(f"Fetching and checking {seen} of {total}: {name}")
            elif line.startswith("Installing collected"):
                progress.detail(f"Unpacking {total} packages")
    if process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, "pip")


def build(what: str, progress: Progress) -> None:
    """Create or complete the environment. A folder left by another Python or another place is built anew."""
    lock = ROOT / LOCKS[what]
    total = len(re.findall(r"^[A-Za-z0-9]\S*==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    venv = venv_of(what)
    place = venv / "place"
    here = f"{ROOT}\n{sys.version}"
    reusable = place.exists() and place.read_text(encoding="utf-8") == here and python_of(what).exists()
    if not reusable:
        progress.step(f"Creating {venv.name}")
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", "--clear", str(venv)], check=True, env=environment())
        place.write_text(here, encoding="utf-8")
    log_of(what).write_text("", encoding="utf-8")
    progress.step(f"Installing {total} packages from {LOCKS[what]}, each checked against its hash")
    pip(
        what,
        ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--progress-bar", "off", "-r", LOCKS[what]],
        progress,
        total,
    )
    if what != "peers":
        progress.step("Linking Smalt itself")
        pip(what, ["--no-deps", "--no-build-isolation", "--no-index", "--editable", "."], progress, 1)
    (venv / f"stamp-{what}").write_text(stamp_of(what), encoding="utf-8")


def main(what: str) -> int:
    if what not in LOCKS:
        print(__doc__, file=sys.stderr)
        return 2
    if fresh(what):
        return 0
    began = time.monotonic()
    with alone():
        if fresh(what):
            return 0
        progress = Progress()
        try:
            build(what, progress)
        except (subprocess.CalledProcessError, OSError) as problem:
            progress.done("The installation stopped. What is there is kept, and the next run goes on from it.")
            log = log_of(what)
            if log.exists() and log.read_text(encoding="utf-8").strip():
                tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-MESSAGE_LINES:]
                print("\n".join(["", *tail, "", f"The whole log: {log.relative_to(ROOT)}"]), file=sys.stderr)
            else:
                print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            progress.done("Stopped. What is there is kept, and the next run goes on from it.")
            return 130
        progress.done(f"Installed in {seconds_since(began)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
