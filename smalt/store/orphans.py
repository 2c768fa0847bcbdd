"""Server processes left over on a data directory by a supervisor that was killed.

Only called by the holder of the data directory's lock, so whatever still runs there is nobody's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from smalt.kernel.errors import Conflict
from smalt.store.account import Account

_PATIENCE_S = 10.0
# They were told to shut down when their parent died. If they do not: once more, then at once, losing nothing committed.
_STEPS = (signal.SIGINT, signal.SIGQUIT, None)


def end(data: Path, account: Account) -> None:
    """Wait until no server process works in ``data``, ask those that stay to end, remove a stale pid file."""
    for then in _STEPS:
        deadline = time.monotonic() + _PATIENCE_S
        while alive := _working_in(data, account):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            # PostgreSQL would refuse to start if another process of this account has the number by now.
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
        if then is not None:
            for pid in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, then)
    raise Conflict(
        "data_dir.in_use",
        "A database server that nobody supervises still uses this data directory and does not end.",
        kept="It was left running.",
        todo="End that process, then start again.",
    )


def _working_in(data: Path, account: Account) -> list[int]:
    """Process ids of ``account`` whose working directory is ``data``: every process of a PostgreSQL server's is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == account.uid and (entry / "cwd").readlink() == data:
                found.append(int(entry.name))
        except OSError:  # it ended meanwhile, or is not ours to look at
            continue
    return found
