"""Typed, prefixed identifiers over UUIDv7 (RFC 9562 section 5.7): ``thr_01890a5d-ac96-774b-bcce-b302099a8057``.

Two ids of different types never compare equal, and the text form of one type does not parse as another.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from typing import ClassVar, Self

from smalt.kernel.errors import Missing


def uuid7(now_ms: int | None = None) -> uuid.UUID:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    tail = int.from_bytes(os.urandom(10), "big")
    value = (ms & (1 << 48) - 1) << 80 | 0x7 << 76 | (tail >> 62 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    return uuid.UUID(int=value)


@dataclass(frozen=True, slots=True, order=True)
class Id:
    """One identifier. ``uuid`` goes to the database, ``str(id)`` everywhere else."""

    uuid: uuid.UUID
    prefix: ClassVar[str] = ""

    @classmethod
    def new(cls) -> Self:
        return cls(uuid7())

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id written as ``text``; `Missing` when it is not one of this type (unknown and malformed look alike)."""
        prefix, _, rest = text.partition("_")
        try:
            found = uuid.UUID(rest)
        except ValueError:
            found = None
        if prefix != cls.prefix or found is None or str(found) != rest:
            raise Missing("id.unknown", "No such object.")
        return cls(found)

    def __str__(self) -> str:
        return f"{self.prefix}_{self.uuid}"


class TenantId(Id):
    prefix = "ten"


class PersonId(Id):
    prefix = "per"


class SessionId(Id):
    prefix = "ses"


class TokenId(Id):
    prefix = "tok"


class FactorId(Id):
    prefix = "fac"


class InvitationId(Id):
    prefix = "inv"


class DocumentId(Id):
    prefix = "doc"


class ThreadId(Id):
    """A conversation."""

    prefix = "thr"


class TurnId(Id):
    """One question and its answer."""

    prefix = "trn"


class EntryId(Id):
    """An audit entry."""

    prefix = "ent"


class UsageId(Id):
    prefix = "use"


class WitnessId(Id):
    """A key that cosigns the transparency log."""

    prefix = "wit"


class ObjectionId(Id):
    """A workspace's objection to a sub-processor."""

    prefix = "obj"


class GatedId(Id):
    """A document that is given out under an agreement of confidentiality."""

    prefix = "gtd"


class GrantId(Id):
    """A visitor's access to a gated document."""

    prefix = "grt"
