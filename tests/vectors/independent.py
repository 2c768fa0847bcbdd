"""An independent reading of docs/security/envelope.md: Python's standard library only, nothing of Smalt, no OpenSSL AEAD.

    python tests/vectors/independent.py tests/vectors/row.json tests/vectors/stream.json …

AES (FIPS 197), GCM (NIST SP 800-38D) and HKDF (RFC 5869) are written out from their standards, plainly and slowly.
It exists so that an auditor can check the format and its vectors without trusting the library that made them. It is
not constant-time and must never see a real key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path


class Refuse(Exception):
    """This does not open."""


# -- AES-256, encryption only (GCM needs no decryption direction). FIPS 197.


def _xtime(byte: int) -> int:
    return (byte << 1 ^ (0x11B if byte & 0x80 else 0)) & 0xFF


def _multiply(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = _xtime(a), b >> 1
    return product


def _make_sbox() -> list[int]:
    box = []
    for value in range(256):
        inverse = next((other for other in range(256) if _multiply(value, other) == 1), 0)
        spread = inverse
        for turn in range(1, 5):
            spread ^= (inverse << turn | inverse >> 8 - turn) & 0xFF
        box.append(spread ^ 0x63)
    return box


SBOX = _make_sbox()


def expand_key(key: bytes) -> list[list[int]]:
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    constant = 1
    for i in range(8, 60):
        word = list(words[i - 1])
        if i % 8 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _xtime(constant)
        elif i % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[i - 8], word, strict=True)])
    return [[byte for word in words[i : i + 4] for byte in word] for i in range(0, 60, 4)]


def encrypt_block(round_keys: list[list[int]], block: bytes) -> bytes:
    state = [a ^ b for a, b in zip(block, round_keys[0], strict=True)]
    for number in range(1, 15):
        state = [SBOX[b] for b in state]
        state = [state[(i + 4 * (i % 4)) % 16] for i in range(16)]  # ShiftRows, column-major
        if number < 14:
            mixed = []
            for c in range(0, 16, 4):
                a, b, d, e = state[c : c + 4]
                every = a ^ b ^ d ^ e
                mixed += [a ^ every ^ _xtime(a ^ b), b ^ every ^ _xtime(b ^ d)]
                mixed += [d ^ every ^ _xtime(d ^ e), e ^ every ^ _xtime(e ^ a)]
            state = mixed
        state = [a ^ b for a, b in zip(state, round_keys[number], strict=True)]
    return bytes(state)


# -- GCM with a 96-bit nonce and no associated data. NIST SP 800-38D.


def _ghash(h: int, data: bytes) -> int:
    y = 0
    for i in range(0, len(data), 16):
        x = y ^ int.from_bytes(data[i : i + 16].ljust(16, b"\0"), "big")
        y, v = 0, h
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                y ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return y


def _gcm(key: bytes, nonce: bytes, data: bytes, *, opening: bool) -> tuple[bytes, bytes]:
    """(data under the key stream, tag of the ciphertext)."""
    keys = expand_key(key)
    out = bytearray()
    for i in range(0, len(data), 16):
        stream = encrypt_block(keys, nonce + struct.pack(">I", 2 + i // 16))
        out += bytes(a ^ b for a, b in zip(data[i : i + 16], stream, strict=False))
    ciphertext = data if opening else bytes(out)
    padded = ciphertext + bytes(-len(ciphertext) % 16) + struct.pack(">QQ", 0, 8 * len(ciphertext))
    mask = int.from_bytes(encrypt_block(keys, nonce + b"\0\0\0\1"), "big")
    tag = _ghash(int.from_bytes(encrypt_block(keys, bytes(16)), "big"), padded) ^ mask
    return bytes(out), tag.to_bytes(16, "big")


def gcm_seal(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    ciphertext, tag = _gcm(key, nonce, plaintext, opening=False)
    return ciphertext + tag


def gcm_open(key: bytes, nonce: bytes, sealed: bytes) -> bytes:
    plaintext, tag = _gcm(key, nonce, sealed[:-16], opening=True)
    if len(sealed) < 16 or tag != sealed[-16:]:
        raise Refuse
    return plaintext


# -- The envelopes. docs/security/envelope.md.


def context(parts: list[bytes]) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def derive(dek: bytes, salt: bytes, head: bytes, place: bytes) -> tuple[bytes, bytes]:
    prk = hmac.new(b"smalt/env/v1", dek, "sha256").digest()
    info = head + salt + hashlib.sha256(place).digest()
    key = hmac.new(prk, info + b"\1", "sha256").digest()
    return key, hmac.new(prk, key + info + b"\2", "sha256").digest()


def row_seal(dek: bytes, key_no: int, plaintext: bytes, place: bytes, salt: bytes) -> bytes:
    head = b"\1" + struct.pack(">I", key_no)
    key, commitment = derive(dek, salt, head, place)
    return head + salt + commitment + gcm_seal(key, bytes(12), plaintext)


def row_open(dek: bytes, envelope: bytes, place: bytes) -> bytes:
    if len(envelope) < 85 or envelope[0] != 1:
        raise Refuse
    key, commitment = derive(dek, envelope[5:37], envelope[:5], place)
    if commitment != envelope[37:69]:
        raise Refuse
    return gcm_open(key, bytes(12), envelope[69:])


def _nonce(index: int, *, last: bool) -> bytes:
    return bytes(3) + bytes([last]) + struct.pack(">Q", index)


def stream_seal(dek: bytes, key_no: int, plaintext: bytes, place: bytes, log2_segment: int, salt: bytes) -> bytes:
    head = b"\2" + struct.pack(">IB", key_no, log2_segment)
    key, commitment = derive(dek, salt, head, place)
    size = 1 << log2_segment
    pieces = [plaintext[i : i + size] for i in range(0, len(plaintext), size)] or [b""]
    ends = len(pieces) - 1
    sealed = [gcm_seal(key, _nonce(i, last=i == ends), piece) for i, piece in enumerate(pieces)]
    return head + salt + commitment + b"".join(sealed)


def stream_open(dek: bytes, envelope: bytes, place: bytes) -> bytes:
    if len(envelope) < 70 + 16 or envelope[0] != 2 or not 6 <= envelope[5] <= 24:
        raise Refuse
    key, commitment = derive(dek, envelope[6:38], envelope[:6], place)
    if commitment != envelope[38:70]:
        raise Refuse
    size, body = (1 << envelope[5]) + 16, envelope[70:]
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    ends = len(pieces) - 1
    if ends > 0 and len(pieces[-1]) <= 16:
        raise Refuse
    return b"".join(gcm_open(key, _nonce(i, last=i == ends), piece) for i, piece in enumerate(pieces))


def ticket(key: bytes, tenant: bytes, expires_at: int, key_id: int) -> str:
    body = tenant + struct.pack(">qi", expires_at, key_id)
    return (body + hmac.new(key, body, "sha256").digest()).hex()


def blind(index_key: bytes, tenant: bytes, index: str, value: str) -> bytes:
    message = context([b"smalt/blind/v1", tenant, index.encode(), value.encode()])
    return hmac.new(index_key, message, "sha256").digest()


# -- The vectors.


def check(kind: str, vector: dict[str, object]) -> bool:
    """Whether this program agrees with one vector."""
    raw = {name: bytes.fromhex(value) for name, value in vector.items() if _hexadecimal(name, value)}
    if kind == "ticket":
        return ticket(raw["key"], raw["tenant"], vector["expires_at"], vector["key_id"]) == vector["ticket"]
    if kind == "blind":
        return blind(raw["index_key"], raw["tenant"], vector["index"], vector["value"]) == raw["blind"]
    place = context([bytes.fromhex(part) for part in vector["context"]])
    opener = row_open if kind == "row" else stream_open
    if vector["plaintext"] is None:
        try:
            opener(raw["dek"], raw["envelope"], place)
        except Refuse:
            return True
        return False
    if kind == "row":
        sealed = row_seal(raw["dek"], vector["key_no"], raw["plaintext"], place, raw["salt"])
    else:
        wide = vector["log2_segment"]
        sealed = stream_seal(raw["dek"], vector["key_no"], raw["plaintext"], place, wide, raw["salt"])
    return sealed == raw["envelope"] and opener(raw["dek"], raw["envelope"], place) == raw["plaintext"]


def _hexadecimal(name: str, value: object) -> bool:
    return isinstance(value, str) and name in {
        *("dek", "salt", "plaintext", "envelope", "key", "tenant", "index_key", "blind"),
    }


def main(paths: list[str]) -> int:
    wrong = 0
    for path in paths:
        document = json.loads(Path(path).read_text())
        for vector in document["vectors"]:
            agrees = check(document["kind"], vector)
            wrong += not agrees
            print("ok  " if agrees else "BAD ", document["kind"], vector["name"])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
