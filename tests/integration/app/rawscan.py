"""Looks for planted words in raw bytes, in every shape that is easily missed.

The words are made of seven rare letters only, so that one pass with a pattern finds every run of seven that could be a
part of one, and only those runs are compared. Seven, because PostgreSQL's own compression (pglz) cuts what it stores
after at most eight bytes as they are. Looked into: plain bytes in any case, UTF-16, base64 and hexadecimal text, and
whatever zlib, gzip or a zip entry unpacks to, wherever in a file it begins.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LETTERS = "qxzjvwk"
RUN = 7
_ANY_CASE = f"[{LETTERS}{LETTERS.upper()}]".encode()
_PLAIN = re.compile(_ANY_CASE + b"{7,}")
_WIDE = re.compile(b"(?:" + _ANY_CASE + b"\0){7,}|(?:\0" + _ANY_CASE + b"){7,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{14,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){7,}")
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|PK\x03\x04")
_UNPACKED_MAX = 8 << 20
_PIECE = 8 << 20
_OVERLAP = 4096


def word() -> str:
    """Twelve letters that stand nowhere by chance."""
    return "".join(secrets.choice(LETTERS) for _ in range(12))


@dataclass
class Scan:
    """``found``: label of a word → the files that hold a run of it, each with the shape it was found in."""

    words: dict[str, str]
    files: int = 0
    size_bytes: int = 0
    found: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    _runs: dict[bytes, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for label, text in self.words.items():
            lower = text.lower().encode()
            for start in range(len(lower) - RUN + 1):
                self._runs[lower[start : start + RUN]] = label

    def look(self, roots: Iterable[Path]) -> Scan:
        """Search every regular file below ``roots``; file names too."""
        for path in _files(roots):
            self.files += 1
            self._plain(str(path).encode(), path, "name")
            with path.open("rb") as file:
                tail = b""
                while block := file.read(_PIECE):
                    self.size_bytes += len(block)
                    if block.strip(b"\0"):
                        self._bytes(tail + block, path, "")
                    tail = block[-_OVERLAP:]
        return self

    def _bytes(self, data: bytes, path: Path, inside: str, depth: int = 0) -> None:
        self._plain(data, path, f"{inside}plain")
        for run in _WIDE.finditer(data):
            self._plain(run[0].replace(b"\0", b""), path, f"{inside}utf-16")
        for run in _HEX.finditer(data):
            for start in (0, 1):
                self._plain(_unhexed(run[0][start:]), path, f"{inside}hex")
        for run in _BASE64.finditer(data):
            for start in range(4):
                self._plain(_unbased(run[0][start:]), path, f"{inside}base64")
        if depth < 2:
            for at in _PACKED.finditer(data):
                unpacked = _unpacked(data, at.start())
                if unpacked:
                    self._bytes(unpacked, path, f"{inside}packed ", depth + 1)

    def _plain(self, data: bytes, path: Path, shape: str) -> None:
        for run in _PLAIN.finditer(data):
            text = run[0].lower()
            for start in range(len(text) - RUN + 1):
                label = self._runs.get(text[start : start + RUN])
                if label is not None:
                    self.found.setdefault(label, set()).add((path.name, shape))


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _unbased(text: bytes) -> bytes:
    text = text[: len(text) // 4 * 4].translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(text)


def _unhexed(text: bytes) -> bytes:
    return bytes.fromhex(text[: len(text) // 2 * 2].decode())


def _unpacked(data: bytes, at: int) -> bytes:
    """What is packed at ``at``, as far as it goes; empty when it is nothing packed."""
    kind, start = zlib.MAX_WBITS | 32, at
    if data[at : at + 2] == b"PK":
        kind = -zlib.MAX_WBITS
        start = (
            at
            + 30
            + int.from_bytes(data[at + 26 : at + 28], "little")
            + int.from_bytes(data[at + 28 : at + 30], "little")
        )
    unpacker, out = zlib.decompressobj(kind), b""
    try:
        for offset in range(start, min(len(data), start + _UNPACKED_MAX), 4096):
            out += unpacker.decompress(data[offset : offset + 4096], _UNPACKED_MAX)
            if unpacker.eof or len(out) > _UNPACKED_MAX:
                break
    except zlib.error:
        return out if len(out) >= RUN else b""
    return out
