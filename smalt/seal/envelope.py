"""Row envelopes, version 1: one short message sealed for one place. Published in docs/security/envelope.md.

    0x01 ‖ key number (4, big-endian) ‖ salt (32) ‖ commitment (32) ‖ AES-256-GCM ciphertext ‖ tag (16)

The key comes from `derivation`; the nonce is twelve zero bytes (the key encrypts one message only, so the pair never
repeats: NIST SP 800-38D section 8). GCM needs no associated data: head and context went into the key. 85 bytes more
than the plaintext. Blobs use the segmented format of `stream`, offered here too as the one front of the format.
"""

from __future__ import annotations

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from smalt.kernel.errors import Untrusted
from smalt.seal.derivation import COMMITMENT_BYTES, KEY_BYTES, SALT_BYTES, TAG_BYTES, DataKey, context, data_key
from smalt.seal.stream import (
    STREAM,
    SegmentReader,
    StreamOpener,
    StreamSealer,
    open_range,
    open_stream,
    seal_stream,
)

__all__ = [
    "KEY_BYTES",
    "ROW_OVERHEAD_BYTES",
    "DataKey",
    "SegmentReader",
    "StreamOpener",
    "StreamSealer",
    "context",
    "key_no_of",
    "open_range",
    "open_row",
    "open_stream",
    "seal_row",
    "seal_stream",
]

ROW = 1
_HEAD = struct.Struct(">BI")
_SALT_END = _HEAD.size + SALT_BYTES
_BODY = _SALT_END + COMMITMENT_BYTES
_NONCE = bytes(12)
ROW_OVERHEAD_BYTES = _BODY + TAG_BYTES


def seal_row(dek: bytes | DataKey, key_no: int, plaintext: bytes, context: bytes) -> bytes:
    """``plaintext`` sealed under data key ``key_no`` for the place named by ``context``.

    Who seals often hands in a `DataKey`, made once; the bytes of the key do as well.
    """
    return _seal_row_with_salt(dek, key_no, plaintext, context, os.urandom(SALT_BYTES))


def _seal_row_with_salt(dek: bytes | DataKey, key_no: int, plaintext: bytes, place: bytes, salt: bytes) -> bytes:
    """For test vectors only: a salt used twice breaks invariant 1 of `derivation`. A test holds that nobody else calls it."""
    start = _HEAD.pack(ROW, key_no) + salt
    key, commitment = data_key(dek).derive(start, place)
    return start + commitment + AESGCM(key).encrypt(_NONCE, plaintext, None)


def open_row(dek: bytes | DataKey, envelope: bytes, context: bytes) -> bytes:
    """The plaintext; `Untrusted` when a bit, the key or the place is not that of the sealing."""
    if len(envelope) < ROW_OVERHEAD_BYTES or envelope[0] != ROW:
        raise Untrusted("seal.format", "Sealed data is not in a known format.")
    key = data_key(dek).derive_checked(envelope[:_SALT_END], context, envelope[_SALT_END:_BODY])
    try:
        return AESGCM(key).decrypt(_NONCE, envelope[_BODY:], None)
    except InvalidTag:
        raise Untrusted("seal.tampered", "Sealed data was altered.") from None


def key_no_of(envelope: bytes) -> int:
    """The number of the data key that a row or stream envelope names. Not authenticated until the envelope opens."""
    if len(envelope) < _HEAD.size or envelope[0] not in (ROW, STREAM):
        raise Untrusted("seal.format", "Sealed data is not in a known format.")
    return int.from_bytes(envelope[1 : _HEAD.size], "big")
