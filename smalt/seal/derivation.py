"""One message, one key: how every envelope gets its key and its commitment, by HKDF-SHA256 (RFC 5869).

    PRK    = HKDF-Extract(salt = "smalt/env/v1", IKM = DEK)                              once per data key
    K ‖ C  = HKDF-Expand(PRK, info = head ‖ salt ‖ SHA-256(context), L = 64)             once per envelope

K (32 bytes) encrypts exactly one envelope; C (32 bytes) is stored in it as the commitment; ``salt`` is 32 random bytes
stored in it. Putting the randomness into ``info`` lets the keyed state of HMAC be kept per data key: that saves a
third of a row, and RFC 5869 section 3.2 names ``info`` as the place that binds a derived key to its use.

Invariants
 1 K is never reused: the salt is 256 random bits per envelope. That makes the fixed and counting nonces of the formats
   unique per key, as NIST SP 800-38D section 8 demands, with no limit on how many envelopes one DEK may seal.
 2 C commits to DEK, head, salt and context. AES-GCM alone does not commit to its key: one ciphertext can be made to
   open under two keys (Dodis, Grubbs, Ristenpart, Woodage 2018, "invisible salamanders"). Here that needs a collision
   of HMAC-SHA256 with 32-byte keys.
 3 C is compared, in constant time, before anything is decrypted: a wrong key or place never reaches GCM.
 4 Equal info strings mean equal (head, salt, context): head starts with the kind (row 5 bytes, stream 6 bytes), salt
   and the hash have fixed lengths.
"""

from __future__ import annotations

import hmac
import os
import struct
from hashlib import sha256
from typing import Final, NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smalt.kernel.errors import Untrusted

KEY_BYTES: Final = 32
SALT_BYTES: Final = 32
COMMITMENT_BYTES: Final = 32
TAG_BYTES: Final = 16

_EXTRACT_SALT: Final = b"smalt/env/v1"
_HASH: Final = SHA256()


def new_key() -> bytes:
    """32 bytes from the operating system's generator: a DEK, a KEK or a purpose key."""
    return os.urandom(KEY_BYTES)


def context(*parts: bytes | str) -> bytes:
    """The canonical form of ``parts``: each behind its length (4 bytes, big-endian), text as UTF-8.

    Injective: ("ab", "c") and ("a", "bc") differ. It is never stored with the envelope; who opens must know it.
    """
    encoded = bytearray()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        encoded += struct.pack(">I", len(raw)) + raw
    return bytes(encoded)


class DataKey:
    """A DEK, ready to derive: keeps the keyed HMAC state instead of the key. It has no text form and is not pickled."""

    __slots__ = ("_expand",)

    def __init__(self, dek: bytes) -> None:
        if len(dek) != KEY_BYTES:
            raise ValueError("a data key has 32 bytes")
        self._expand = HMAC(HKDF.extract(_HASH, _EXTRACT_SALT, dek), _HASH)

    def __repr__(self) -> str:
        return "DataKey(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled or copied")

    def derive(self, start: bytes, place: bytes) -> tuple[bytes, bytes]:
        """(key, commitment) of the envelope that begins with ``start`` (head ‖ salt) at the context ``place``."""
        info = start + sha256(place).digest()
        first = self._expand.copy()  # HKDF-Expand, RFC 5869 section 2.3: T(1) = HMAC(PRK, info ‖ 1), …
        first.update(info + b"\x01")
        key = first.finalize()
        second = self._expand.copy()  # … T(2) = HMAC(PRK, T(1) ‖ info ‖ 2)
        second.update(key + info + b"\x02")
        return key, second.finalize()

    def derive_checked(self, start: bytes, place: bytes, commitment: bytes) -> bytes:
        """The key, once ``commitment`` proved that DEK, head, salt and context are those of the sealing."""
        key, expected = self.derive(start, place)
        if not hmac.compare_digest(expected, commitment):
            raise Untrusted("seal.key_or_place", "Sealed data does not belong to this key and place.")
        return key


def data_key(dek: bytes | DataKey) -> DataKey:
    return dek if isinstance(dek, DataKey) else DataKey(dek)
