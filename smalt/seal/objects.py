"""The JSON objects of the key store, read strictly. They hold wrapped keys only; times are Unix seconds."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from smalt.kernel.errors import Untrusted


class Wrapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key under the root key of one epoch."""

    epoch: str
    wrapped: bytes


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a tenant's KEK. ``superseded`` is when the last data key below it was moved to a newer version."""

    key: Wrapped
    made: int
    superseded: int | None = None


class TenantKeysObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``tenants/<uuid>.json``. A terminated tenant keeps the object, without any key: its id never lives again."""

    format: Literal[1]
    tenant: str
    state: Literal["live", "terminated"]
    current: int
    index_key: Wrapped | None
    versions: dict[int, Version]
    changed: int


class Retired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    epoch: str
    made: int
    retired: int


class Installation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``installation.json``: the epoch in use, those awaiting destruction, and the keys that belong to no tenant."""

    format: Literal[1]
    epoch: str
    since: int
    retired: list[Retired]
    purposes: dict[str, Wrapped]


_Object = TypeVar("_Object", TenantKeysObject, Installation)


def encode(thing: TenantKeysObject | Installation) -> bytes:
    return msgspec.json.format(msgspec.json.encode(thing), indent=1)


def decode(data: bytes, kind: type[_Object]) -> _Object:
    """The object written in ``data``; `Untrusted` when it is not exactly one of this kind."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Untrusted(
            "keystore.damaged",
            "An object of the key store is damaged.",
            todo="Restore that object from a copy of the key store that is younger than 14 days.",
        ) from None
