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

ISSUED_MAX = 10_000
_BODY = struct.Struct(">16sqi")


class Tickets:
    __slots__ = ("_issued", "_key", "_until", "key_id")

    def __init__(self, key: bytes, key_id: int) -> None:
        """``key`` has 32 bytes and is the one that ``gate.key`` holds as ``key_id``."""
        if len(key) != KEY_BYTES:
            raise ValueError("a ticket key has 32 bytes")
        self._key = key
        self.key_id = key_id
        self._issued: dict[TenantId, str] = {}
        self._until = 0

    def current(self, tenant: TenantId, now: int, life_s: int) -> str:
        """A ticket for ``tenant`` that has between half of ``life_s`` and all of it before it (Unix seconds).

        All transactions of a tenant within that half show the same one: signing takes longer than looking it up.
        """
        half = life_s // 2
        until = now - now % half + life_s
        if until != self._until or len(self._issued) >= ISSUED_MAX:
            self._issued, self._until = {}, until
        ticket = self._issued.get(tenant)
        if ticket is None:
            ticket = self._issued[tenant] = self.issue(tenant, until)
        return ticket

    def issue(self, tenant: TenantId, expires_at: int) -> str:
        """A ticket for ``tenant`` until ``expires_at`` (Unix seconds)."""
        body = _BODY.pack(tenant.uuid.bytes, expires_at, self.key_id)
        return (body + hmac.digest(self._key, body, "sha256")).hex()

    def __repr__(self) -> str:
        return f"Tickets(key_id={self.key_id})"
