"""What the transparency log is told of an audit entry: one digest, from which nothing can be read or guessed.

    digest = SHA-256(0x00 ‖ the entry as canonical JSON)        a leaf of RFC 6962, section 2.1

The entry's own salt (32 random bytes) is among its members, so that somebody who guesses the rest cannot confirm it. The
tenant's row keeps it: the tenant can show the entry to whom it likes, and prove that it stood in the log ever since.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from smalt.kernel.ids import EntryId, PersonId, TenantId, TokenId
from smalt.ledger.envelope import canonical
from smalt.ledger.tree import leaf_hash
from smalt.tenancy.actor import ActorKind

SALT_BYTES = 32
_ACTORS = {ActorKind.PERSON: PersonId, ActorKind.TOKEN: TokenId}


def new_salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)


def members(tenant: UUID, row: Mapping[str, Any]) -> dict[str, Any]:
    """A finished entry, as it is committed to and shown. ``row`` has the columns of ``smalt.audit_entry``, with its salt."""
    kind = ActorKind(row["actor_kind"])
    named = _ACTORS.get(kind)
    return {
        "act": row["act"],
        "actor": None if named is None or row["actor_id"] is None else str(named(row["actor_id"])),
        "actor_kind": kind.name.lower(),
        "begun_at": instant(row["begun_at"]),
        "finished_at": instant(row["finished_at"]),
        "id": str(EntryId(row["id"])),
        "outcome": int(row["outcome"]),
        "salt": bytes(row["salt"]).hex(),
        "target": row["target"],
        "tenant": str(TenantId(tenant)),
    }


def digest_of(tenant: UUID, row: Mapping[str, Any]) -> bytes:
    """The commitment to the entry in ``row``, 32 bytes."""
    return leaf_hash(canonical(members(tenant, row)))


def instant(at: datetime) -> str:
    """``at`` in UTC, to the microsecond, which is as exact as the database keeps it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
