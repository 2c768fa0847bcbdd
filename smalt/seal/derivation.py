"""One message, one key: how every envelope gets its key and its commitment.

    (K, C) = HKDF-SHA256(IKM = DEK, salt, info = "smalt/env/v1|" ‖ head ‖ SHA-256(context), L = 64)      RFC 5869

K (32 bytes) encrypts exactly one envelope; C (32 bytes) is stored in it as the commitment.

Invariants
 1 K is never reused: the salt is 256 random bits per envelope. That makes the fixed and counting nonces of the formats
   unique per key, as NIST SP 800-38D section 8 demands, with no limit on how many envelopes one DEK may seal.
 2 C commits to DEK, head and context. AES-GCM alone does not commit to its key: one ciphertext can be made to open
   under two keys (Dodis et al. 2018, "invisible salamanders"). Here that needs a collision of HMAC-SHA256.
 3 C is compared, in constant time, before anything is decrypted: a wrong key or place never reaches GCM.
 4 The context is hashed to a fixed length, and row heads (5 bytes, first 0x01) and stream heads (6 bytes, first 0x02)
   differ, so that two different (head, context) pairs never give the same info string.
"""

from __future__ import annotations

import hmac
import os
import struct
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smalt.kernel.errors import Untrusted

KEY_BYTES = 32
SALT_BYTES = 32
COMMITMENT_BYTES = 32
TAG_BYTES = 16
KEY_NO_MAX = 2**32 - 1

_LABEL = b"smalt/env/v1|"
_HASH = SHA256()


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


def derive(dek: bytes, salt: bytes, head: bytes, place: bytes) -> tuple[bytes, bytes]:
    """(key, commitment) of the envelope with this ``salt`` and ``head`` at the context ``place``."""
    if len(dek) != KEY_BYTES:
        raise ValueError("a data key has 32 bytes")
    info = _LABEL + head + sha256(place).digest()
    both = HKDF(_HASH, KEY_BYTES + COMMITMENT_BYTES, salt, info).derive(dek)
    return both[:KEY_BYTES], both[KEY_BYTES:]


def derive_checked(dek: bytes, salt: bytes, head: bytes, place: bytes, commitment: bytes) -> bytes:
    """The key, once ``commitment`` proved that DEK, head and context are those of the sealing; `Untrusted` otherwise."""
    key, expected = derive(dek, salt, head, place)
    if not hmac.compare_digest(expected, commitment):
        raise Untrusted("seal.key_or_place", "Sealed data does not belong to this key and place.")
    return key
