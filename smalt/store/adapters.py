"""How the product's own types travel to PostgreSQL: sealed bytes as ``bytea``, typed ids as ``uuid``."""

from __future__ import annotations

from uuid import UUID

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.uuid import UUIDBinaryDumper

from smalt.kernel.ids import Id
from smalt.kernel.sealed import Sealed, envelope_of

_BYTEA_OID = 17


class SealedDumper(Dumper):
    """Writes the envelope. Only this and the keyring look inside a `Sealed`."""

    format = Format.BINARY
    oid = _BYTEA_OID

    def dump(self, obj: Sealed) -> Buffer:
        return envelope_of(obj)


class IdDumper(UUIDBinaryDumper):
    """Writes the id's UUID; the prefix is a matter of text."""

    def dump(self, obj: UUID | Id) -> Buffer | None:
        return super().dump(obj.uuid if isinstance(obj, Id) else obj)


def register(context: AdaptContext) -> None:
    """Teach one connection these types."""
    context.adapters.register_dumper(Sealed, SealedDumper)
    context.adapters.register_dumper(Id, IdDumper)
