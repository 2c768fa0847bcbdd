"""Who PostgreSQL runs as. It refuses root, so root lends it an existing unprivileged account (docs/decisions/0001)."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smalt.kernel.errors import Unavailable

# Best first. `smalt` and `postgres` are made for this. `nobody` is everywhere, but shared with whatever else runs as it.
_ACCOUNTS = ("smalt", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's account of the server process."""

    name: str
    uid: int
    gid: int

    @property
    def lent(self) -> bool:
        """True when we are root and the server runs as somebody else."""
        return os.geteuid() != self.uid

    def popen(self) -> dict[str, Any]:
        """Arguments of `subprocess` that make the child run as this account, without root's groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.lent else {}

    def reaches(self, path: Path, *, to: str = "x") -> bool:
        """Whether this account may get to ``path`` and has right ``to`` (r, w, x) there; asked of the kernel."""
        if not self.lent:
            return os.access(path, {"r": os.R_OK, "w": os.W_OK, "x": os.X_OK}[to])
        test = ["/bin/sh", "-c", f'test -{to} "$1"', "sh", str(path.absolute())]
        return subprocess.run(test, cwd="/", check=False, **self.popen()).returncode == 0

    def own(self, path: Path) -> None:
        """Give ``path``, which we made just now, to this account."""
        if self.lent:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account() -> Account:
    """The account to run PostgreSQL as; `Unavailable` when we are root and there is none."""
    if os.geteuid() != 0:
        try:
            me = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Unavailable(
                "account.nameless",
                "The user that Smalt runs as has no name on this machine, and PostgreSQL needs one.",
                todo="Run Smalt as a user that is listed in /etc/passwd.",
            ) from None
        return Account(me.pw_name, me.pw_uid, me.pw_gid)
    for name in _ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_name, found.pw_uid, found.pw_gid)
    raise Unavailable(
        "account.missing",
        "PostgreSQL does not run as root, and no unprivileged account was found to run it as.",
        todo="Run Smalt as an ordinary user, or add an account named smalt.",
    )


def connecting_names(account: Account) -> tuple[str, ...]:
    """Operating-system names that may connect: ours and the server's own (for its maintenance programs)."""
    return tuple(dict.fromkeys((pwd.getpwuid(os.geteuid()).pw_name, account.name)))
