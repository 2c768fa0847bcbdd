"""Writes the vectors of this folder with the INDEPENDENT program, so that the product is checked against another's work.

    python tests/vectors/make.py

Keys and salts are SHA-256 of fixed words: anyone can make the same bytes again. Written once; a changed vector is a
changed format.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import independent

HERE = Path(__file__).parent
TENANT = bytes.fromhex("01890a5dac96774bbcceb302099a8057")
OTHER = bytes.fromhex("01890a5dac96774bbcceb302099a8058")
ROW = bytes.fromhex("01890a5dac9677778000000000000001")


def fixed(word: str) -> bytes:
    return hashlib.sha256(b"smalt test vector: " + word.encode()).digest()


DEK = fixed("data key")
PLACE = [b"smalt/v1", TENANT, b"turn", b"question", ROW, b""]


def main() -> None:
    write("row", "docs/security/envelope.md, row envelopes", rows())
    write("stream", "docs/security/envelope.md, stream envelopes", streams())
    write("ticket", "docs/security/envelope.md, tenant tickets", tickets())
    write("blind", "docs/security/envelope.md, blind indexes", blinds())


def write(kind: str, source: str, vectors: list[dict[str, object]]) -> None:
    document = {"kind": kind, "format": source, "note": "plaintext null: must be refused", "vectors": vectors}
    (HERE / f"{kind}.json").write_text(json.dumps(document, indent=1) + "\n")


def envelope(
    name: str, sealed: bytes, plaintext: bytes | None, place: list[bytes], **more: object
) -> dict[str, object]:
    return {
        "name": name,
        "dek": DEK.hex(),
        "context": [part.hex() for part in place],
        "plaintext": None if plaintext is None else plaintext.hex(),
        "envelope": sealed.hex(),
        **more,
    }


def rows() -> list[dict[str, object]]:
    vectors = []
    texts = {
        "empty": b"",
        "one byte": b"\0",
        "text": "Umsatz 2025: 1,234.5 Mio. €".encode(),
        "two blocks": bytes(range(32)),
    }
    for number, (name, text) in enumerate(texts.items()):
        salt = fixed(f"row salt {number}")
        sealed = independent.row_seal(DEK, number + 7, text, independent.context(PLACE), salt)
        vectors.append(envelope(name, sealed, text, PLACE, key_no=number + 7, salt=salt.hex()))
    base = bytes.fromhex(str(vectors[2]["envelope"]))
    elsewhere = {
        "another tenant": [b"smalt/v1", OTHER, *PLACE[2:]],
        "another table": [*PLACE[:2], b"document", *PLACE[3:]],
        "another column": [*PLACE[:3], b"answer", *PLACE[4:]],
        "another row": [*PLACE[:4], OTHER, b""],
        "another part": [*PLACE[:5], b"1"],
        "parts glued together": [*PLACE[:2], b"turnq", b"uestion", *PLACE[4:]],
    }
    vectors += [envelope(name, base, None, place) for name, place in elsewhere.items()]
    for name, at in {"version": 0, "key number": 4, "salt": 5, "commitment": 37, "ciphertext": 69, "tag": -1}.items():
        vectors.append(envelope(f"bit flipped in the {name}", flipped(base, at), None, PLACE))
    vectors.append(envelope("cut off", base[:-1], None, PLACE))
    return vectors


def streams() -> list[dict[str, object]]:
    vectors = []
    for number, size in enumerate((0, 1, 63, 64, 65, 128, 200)):
        text, salt = (fixed("stream") * 8)[:size], fixed(f"stream salt {number}")
        sealed = independent.stream_seal(DEK, 3, text, independent.context(PLACE), 6, salt)
        vectors.append(
            envelope(f"{size} bytes in segments of 64", sealed, text, PLACE, key_no=3, log2_segment=6, salt=salt.hex())
        )
    base = bytes.fromhex(str(vectors[-1]["envelope"]))
    head, one, two, rest = base[:70], base[70:150], base[150:230], base[230:]
    key, _ = independent.derive(DEK, base[6:38], base[:6], independent.context(PLACE))
    full = independent.gcm_seal(key, bytes(12), bytes(64))
    bad = {
        "last segment missing": head + one + two,
        "first segment missing": head + two + rest,
        "segments exchanged": head + two + one + rest,
        "segment repeated": head + one + one + two + rest,
        "something appended": base + bytes(17),
        "header only": head,
        "cut within a segment": base[:-1],
        "segment size changed": flipped(base, 5),
        "bit flipped in the middle": flipped(base, 160),
        "empty last segment after a full one": head
        + full
        + independent.gcm_seal(key, bytes(3) + b"\1" + bytes(7) + b"\1", b""),
    }
    for log2 in (5, 25):
        other = independent.stream_seal(DEK, 3, b"text", independent.context(PLACE), log2, fixed("stream salt"))
        bad[f"well sealed, but with segments of 2^{log2}"] = other
    return vectors + [envelope(name, sealed, None, PLACE) for name, sealed in bad.items()]


def tickets() -> list[dict[str, object]]:
    key = fixed("ticket key")
    cases = {
        "ordinary": (1_800_000_000, 1),
        "expired long ago": (1, 1),
        "negative expiry": (-1, 2),
        "largest": (2**63 - 1, 2**31 - 1),
    }
    return [
        {
            "name": name,
            "key": key.hex(),
            "tenant": TENANT.hex(),
            "expires_at": expires_at,
            "key_id": key_id,
            "ticket": independent.ticket(key, TENANT, expires_at, key_id),
        }
        for name, (expires_at, key_id) in cases.items()
    ]


def blinds() -> list[dict[str, object]]:
    key = fixed("index key")
    cases = [
        ("person.email", "ada@example.org"),
        ("person.email", "zoë@example.org"),
        ("document.name", ""),
        ("a", "bc"),
        ("ab", "c"),
    ]
    return [
        {
            "name": f"{index} of {len(value)} characters",
            "index_key": key.hex(),
            "tenant": TENANT.hex(),
            "index": index,
            "value": value,
            "blind": independent.blind(key, TENANT, index, value).hex(),
        }
        for index, value in cases
    ]


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


if __name__ == "__main__":
    main()
