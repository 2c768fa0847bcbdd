"""Tenant tickets: what a database transaction shows to say whose rows it may see.

    hex( tenant (16) ‖ expiry, Unix seconds (8, BE, signed) ‖ key id (4, BE, signed) ‖ HMAC-SHA256 of these 28 bytes )

120 lower-case hexadecimal characters. The database verifies them in a function whose key table the application's role
cannot read, so that injected SQL cannot make a ticket for another tenant. The key serves this purpose only; the
message has one fixed length, so no separation label is needed.
"""

from __future__ import annotations

import hmac
import struct

from smalt.kernel.ids import TenantId
from smalt.seal.derivation import KEY_BYTES

_BODY = struct.Struct(">16sqi")


class Tickets:
    __slots__ = ("_key", "key_id")

    def __init__(self, key: bytes, key_id: int) -> None:
        """``key`` has 32 bytes and is the one that ``gate.key`` holds as ``key_id``."""
        if len(key) != KEY_BYTES:
            raise ValueError("a ticket key has 32 bytes")
        self._key = key
        self.key_id = key_id

    def issue(self, tenant: TenantId, expires_at: int) -> str:
        """A ticket for ``tenant`` until ``expires_at`` (Unix seconds)."""
        body = _BODY.pack(tenant.uuid.bytes, expires_at, self.key_id)
        return (body + hmac.digest(self._key, body, "sha256")).hex()

    def __repr__(self) -> str:
        return f"Tickets(key_id={self.key_id})"
