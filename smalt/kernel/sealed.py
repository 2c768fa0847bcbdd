"""Sealed content as an opaque value, and the place it belongs to.

`Sealed` has no methods: outside a tenant scope it cannot be printed, compared, hashed, pickled or opened. `Place` is
the associated data of the envelope (DESIGN: format, tenant, table, column, row), so bytes moved anywhere do not open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID


def _refuse(*_: object) -> NoReturn:
    raise TypeError("sealed content has no operations; open it in a tenant scope")


class Sealed:
    """Ciphertext of content or personal data."""

    __slots__ = ("_envelope",)

    def __init__(self, envelope: bytes) -> None:
        self._envelope = envelope

    def __repr__(self) -> str:
        return "Sealed(…)"

    __eq__ = _refuse
    __hash__ = _refuse
    __reduce__ = _refuse
    __bytes__ = _refuse


def envelope_of(sealed: Sealed) -> bytes:
    """The bytes to store. For the store's adapter and the keyring only (an import contract holds this)."""
    return sealed._envelope  # noqa: SLF001  # the one reader of the private slot


@dataclass(frozen=True, slots=True)
class Place:
    """Where sealed bytes belong. ``row`` is the row's own id; ``part`` tells apart several blobs of one row."""

    table: str
    column: str
    row: UUID
    part: str = ""
