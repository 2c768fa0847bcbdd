"""Statements of an administrator upon a database that is made to be broken (`smalt.trust.sabotage`), and no other."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from smalt.kernel.errors import Failure
from smalt.store.failures import failure_of


def administer(admin_conninfo: str, folder: Path, statements: str) -> None:
    """Run ``statements`` in one transaction; `RuntimeError` unless the server's socket lies inside ``folder``.

    The folder is a throw-away's, so that no mistake in a case reaches a database that somebody works with.
    """
    sockets = Path(str(conninfo_to_dict(admin_conninfo).get("host") or "/")).resolve()
    if folder.resolve() not in sockets.parents:
        raise RuntimeError("this is not the database of a throw-away installation")
    try:
        with psycopg.connect(admin_conninfo, connect_timeout=10) as connection:
            connection.execute(statements.encode())
    except psycopg.Error as error:
        failure: Failure = failure_of(error, "drill")
    else:
        return
    raise failure
