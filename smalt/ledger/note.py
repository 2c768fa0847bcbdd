"""Signed notes (C2SP signed-note), checkpoints (tlog-checkpoint) and cosignatures (tlog-cosignature) as text.

What signs and what checks is handed in, so that the formats stand apart from the keys:

    signer(message) -> 64 bytes           verifier(public_key, message, signature) -> bool        both Ed25519
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Signer = Callable[[bytes], bytes]
Verifier = Callable[[bytes, bytes, bytes], bool]

ED25519 = 1
COSIGNATURE = 4
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_ID_BYTES = 4
_NAME = re.compile(r"[^\s+\u0000-\u001f]{1,255}")
_SIGNATURE = re.compile(r"\u2014 ([^\s+]{1,255}) ([A-Za-z0-9+/]+={0,2})")


class BadNote(ValueError):
    """What was given is not a note, a checkpoint or a key of these formats."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A verifier's key: ``kind`` is `ED25519` of a log or `COSIGNATURE` of a witness."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """The 4 bytes by which a signature line names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """The key as operators pass it on: name+id+key."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """The key written as ``text``; `BadNote` when it is not one."""
        name, _, rest = text.strip().partition("+")
        ident, _, encoded = rest.partition("+")
        raw = _unbase64(encoded)
        if _NAME.fullmatch(name) is None or len(raw) != 1 + _KEY_BYTES or raw[0] not in {ED25519, COSIGNATURE}:
            raise BadNote("not a verifier key")
        key = cls(name, raw[1:], raw[0])
        if key.id.hex() != ident:
            raise BadNote("the id of this key is not its own")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"\u2014 {self.name} {base64.b64encode(self.key_id + self.signature).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """``text`` ends with a newline; the signatures stand in the order in which they were written."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{line}\n" for line in self.signatures)

    @classmethod
    def parse(cls, whole: str) -> Note:
        """`BadNote` when it is no note. Lines of keys that nobody knows are kept: others may know them."""
        text, gap, lines = whole.rpartition("\n\n")
        if not gap or not lines.endswith("\n") or len(whole) > 1_000_000:
            raise BadNote("not a signed note")
        found = []
        for line in lines[:-1].split("\n"):
            matched = _SIGNATURE.fullmatch(line)
            raw = b"" if matched is None else _unbase64(matched[2])
            if matched is None or len(raw) <= _ID_BYTES:
                raise BadNote("not a signature line")
            found.append(Signature(matched[1], raw[:_ID_BYTES], raw[_ID_BYTES:]))
        return cls(text + "\n", tuple(found))

    def signed_by(self, key: NoteKey, verifier: Verifier) -> bool:
        """Whether a line of ``key`` stands here and holds."""
        return self.time_of(key, verifier) is not None

    def time_of(self, key: NoteKey, verifier: Verifier) -> int | None:
        """When ``key`` signed (Unix seconds; 0 for a log's own signature, which has no time); None when it did not."""
        for line in self.signatures:
            if (line.name, line.key_id) != (key.name, key.id):
                continue
            if key.kind == ED25519 and len(line.signature) == _SIGNATURE_BYTES:
                held, at = verifier(key.public, self.text.encode(), line.signature), 0
            elif key.kind == COSIGNATURE and len(line.signature) == 8 + _SIGNATURE_BYTES:
                (at,) = struct.unpack(">Q", line.signature[:8])
                held = verifier(key.public, _cosigned(self.text, at), line.signature[8:])
            else:
                continue
            if held:
                return int(at)
        return None

    def with_lines(self, more: Iterable[Signature]) -> Note:
        """The same note with further lines below, each once."""
        return Note(self.text, tuple(dict.fromkeys([*self.signatures, *more])))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log states: so many entries, and this root over them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """`BadNote` when the text of a note is not a checkpoint. Extension lines are allowed and ignored."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
            raise BadNote("not a checkpoint")
        root = _unbase64(lines[2])
        if len(root) != 32:
            raise BadNote("not a checkpoint")
        return cls(lines[0], int(lines[1]), root)


def sign(text: str, key: NoteKey, signer: Signer) -> Signature:
    """A log's line below ``text``."""
    return Signature(key.name, key.id, signer(text.encode()))


def cosign(text: str, key: NoteKey, signer: Signer, at: int) -> Signature:
    """A witness's line below ``text``: it saw this at ``at`` (Unix seconds), and it grew from what it saw before."""
    return Signature(key.name, key.id, struct.pack(">Q", at) + signer(_cosigned(text, at)))


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n".encode() + text.encode()


def _unbase64(text: str) -> bytes:
    """One text for the same bytes: spare bits after the last byte are zero (RFC 4648, section 3.5)."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64") from None
    if base64.b64encode(found).decode() != text:
        raise BadNote("not base64")
    return found
