"""Ticket keys for the gate, installed by the role that migrates, never by the one that serves."""

from __future__ import annotations

from datetime import datetime

import psycopg

from smalt.kernel.errors import Failure
from smalt.store.failures import failure_of


def install_ticket_key(admin_conninfo: str, key_id: int, key: bytes, expires_at: datetime) -> None:
    """Let the gate accept tickets signed with ``key`` (32 bytes) under ``key_id`` until ``expires_at``.

    Doing it again replaces the key of that number and forgets expired ones. Rotation: install the next number, issue
    with it, and retire the old one when its last ticket has expired.
    """
    _as_owner(admin_conninfo, "select gate.install_key(%s, %s, %s)", (key_id, key, expires_at))


def retire_ticket_key(admin_conninfo: str, key_id: int) -> None:
    """Refuse all tickets of ``key_id`` from now on."""
    _as_owner(admin_conninfo, "select gate.retire_key(%s)", (key_id,))


def _as_owner(admin_conninfo: str, statement: str, params: tuple[object, ...]) -> None:
    try:
        with psycopg.connect(admin_conninfo, connect_timeout=10) as connection:
            connection.execute("set local role smalt_owner")
            # Bound, so that no key stands in a statement's text (pg_stat_activity, logs).
            connection.execute(statement.encode(), params)
    except psycopg.Error as error:
        failure: Failure = failure_of(error, "ticket_key")
    else:
        return
    raise failure
