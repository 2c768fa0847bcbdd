"""Where an installation keeps what: the places that are declared, beside what is found on the disk and open in the kernel."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smalt.trust.probes import files, kernel
from smalt.trust.probes.files import Open
from smalt.trust.target import Target

STORES: Mapping[str, str] = {
    "blobs": "sealed documents, what was read of them, and their search segments",
    "checker": "the keys of the checker; the product is shut out",
    "keys": "wrapped keys of tenants and of the installation",
    "letters": "notices that wait to be sent: ids, no words",
    "logs": "events, without content",
    "postgres": "the database with its write-ahead log",
    "postgres.place": "where the database lies, if elsewhere",
    "server.port": "the port of the server that runs",
    "tls": "certificate and key of the server",
    "tmp": "temporary files of the server",
    "trust": "the transparency log and evidence",
}
"""What may lie in the data directory. Anything else there is a store that nobody declared."""

LOGS = frozenset(f"{name}{age}.log" for name in ("server", "checker") for age in ("", ".1", ".2", ".3", ".4", ".stray"))
TEMPORARY_DEPTH = 1


@dataclass(frozen=True)
class House:
    """An installation as it stands now."""

    data_dir: Path
    database: Path
    temporary: tuple[Path, ...]
    open: tuple[Open, ...]

    @classmethod
    def of(cls, target: Target) -> House:
        """`Unclear` where the kernel does not show the installation's processes."""
        processes = kernel.installation(target)
        # Python's own default stands for a server that was told nothing.
        given = [files.environment(pid).get("TMPDIR", "/tmp") for pid in kernel.servers(target)]  # noqa: S108
        return cls(
            target.data_dir.resolve(),
            kernel.database_home(target).resolve(),
            tuple(sorted({path.resolve() for path in map(Path, given) if path.is_dir()})),
            tuple(files.held(processes)),
        )

    @property
    def unknown_stores(self) -> list[str]:
        """Names in the data directory that nobody declared."""
        return sorted(path.name for path in self.data_dir.iterdir() if path.name not in STORES)

    @property
    def log_files(self) -> list[Path]:
        """The files in the folder of logs, and the database's own log."""
        found = [path for path in sorted((self.data_dir / "logs").glob("*")) if path.is_file()]
        return found + [path for path in sorted(self.database.glob("*.log")) if path.is_file()]

    @property
    def unknown_logs(self) -> list[str]:
        return [path.name for path in self.log_files if path.parent != self.database and path.name not in LOGS]

    def outputs(self) -> list[Open]:
        """Standard output and error of every process, without those that go nowhere or to another process of ours."""
        inner = files.inner_pipes(self.open)
        return [
            one
            for one in self.open
            if one.number in files.OUTPUTS and one.writable and one.kind != "nothing" and one.identity not in inner
        ]

    def inside(self, path: Path) -> bool:
        """Whether ``path`` lies in a declared store."""
        with contextlib.suppress(ValueError):
            return path.relative_to(self.data_dir).parts[0] in STORES
        return self.database in path.parents

    def written_elsewhere(self) -> list[Open]:
        """Files open for writing that lie in no declared store and are no output of a process."""
        outputs = {one.identity for one in self.outputs()}
        return [
            one
            for one in self.open
            if one.kind == "file" and one.writable and not self.inside(one.path) and one.identity not in outputs
            and not _is_memory(one)
        ]  # fmt: skip


def _is_memory(one: Open) -> bool:
    """Shared memory of the database has a name and lies on no disk; locks on the machine's ports hold nothing."""
    return one.path.is_relative_to("/dev/shm") or str(one.path).startswith(("/memfd:", "/dev/zero", "/SYSV"))  # noqa: S108


def size_of(path: Path) -> int:
    """0 for one that is gone."""
    try:
        return os.stat(path).st_size  # noqa: PTH116  # follows the kernel's links
    except OSError:
        return 0
