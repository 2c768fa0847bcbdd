"""Looks for planted words in raw bytes, in every shape that is easily missed, and tells what it looked at.

The words are made of seven rare letters only, so one pass with a pattern finds every run that could be part of one, and
only those runs are compared. A run is seven letters, because PostgreSQL's own compression (pglz) cuts what it stores
after at most eight bytes as they are. Looked into: plain bytes in any case, UTF-16, base64 and hexadecimal text, and
whatever zlib, gzip or a zip entry unpacks to, wherever in a file it begins, twice nested.

The words are of this run, so a file that was not changed since they were made cannot hold one: by the kernel's change
time, which no program sets. That keeps the search small on an installation of any size, and what was skipped is counted.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

LETTERS = "qxzjvwk"
LENGTH = 12
RUN = 7
PIECE = 8 << 20
OVERLAP = 4096
UNPACKED_MAX = 8 << 20
SEARCHED_MAX = 4 << 30
"""Bytes that one search reads at most; a larger one is given up, and says so."""
CLOCK_SLACK_S = 2.0
"""Change times come from the kernel's coarse clock, a few milliseconds behind."""

_BYTES = (LETTERS + LETTERS.upper()).encode()


def _set(members: Iterable[int]) -> bytes:
    return b"[" + b"".join(re.escape(bytes([one])) for one in sorted(set(members))) + b"]"


def _base64_sets() -> bytes:
    """A pattern for three letters as base64 writes them: each of its four places knows few characters."""
    groups = [base64.b64encode(bytes(three)) for three in product(_BYTES, repeat=3)]
    return b"".join(_set(group[place] for group in groups) for place in range(4))


_LETTER = _set(_BYTES)
_TRIPLE = _base64_sets()
_PAIR = b"[4-7][1678abAB]"
# The first unit stands before the repetition: the search then leaps over bytes that cannot begin one.
_PLAIN = re.compile(_LETTER + b"{7,}")
_BASE64 = re.compile(_TRIPLE + b"(?:" + _TRIPLE + b"){2,}")
_HEX = re.compile(_PAIR + b"(?:" + _PAIR + b"){6,}")
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|PK\x03\x04")


def word() -> str:
    """Twelve letters that stand nowhere by chance."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


@dataclass
class Search:
    """``words``: label to a word of `word`. ``literals``: label to bytes that are looked for as they are.

    ``found``: label to the (file, shape) pairs it was found in. ``since``: files not changed from then on are skipped.
    """

    words: Mapping[str, str]
    literals: Mapping[str, bytes] = field(default_factory=dict)
    since: float = 0.0
    files: int = 0
    skipped: int = 0
    unreadable: int = 0
    size_bytes: int = 0
    cut: bool = False
    searched: set[Path] = field(default_factory=set)
    found: dict[str, set[tuple[Path, str]]] = field(default_factory=dict)
    _runs: dict[bytes, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for label, text in self.words.items():
            lower = text.lower().encode()
            for start in range(len(lower) - RUN + 1):
                self._runs[lower[start : start + RUN]] = label

    def below(self, roots: Iterable[Path], depth: int | None = None) -> Search:
        """Search every regular file below ``roots`` (each at most ``depth`` folders deep), names included."""
        for path in files_below(roots, depth):
            self.file(path)
        return self

    def file(self, path: Path, at_once: int = PIECE) -> None:
        """Search one file; once only."""
        if path in self.searched:
            return
        try:
            facts = path.stat()
            if max(facts.st_mtime, facts.st_ctime) < self.since - CLOCK_SLACK_S:
                self.skipped += 1
                return
            self.plain(str(path).encode(), path, "name")
            with path.open("rb") as file:
                tail = b""
                while block := file.read(at_once):
                    self.size_bytes += len(block)
                    if self.size_bytes > SEARCHED_MAX:
                        self.cut = True
                        return
                    if block.strip(b"\0"):
                        self.piece(tail + block, path)
                    tail = block[-OVERLAP:]
        except FileNotFoundError:
            return  # gone between the listing and the look, and with it whatever it held
        except OSError:
            self.unreadable += 1
            return
        self.files += 1
        self.searched.add(path)

    def piece(self, data: bytes, path: Path, inside: str = "", depth: int = 0) -> None:
        """Search ``data`` as part of ``path``."""
        for label, wanted in self.literals.items():
            if wanted in data:
                self.found.setdefault(label, set()).add((path, f"{inside}bytes"))
        self.plain(data, path, f"{inside}plain")
        if (narrow := data.replace(b"\0", b"")) != data:
            self.plain(narrow, path, f"{inside}utf-16")
        for run in _HEX.finditer(data):
            self.plain(bytes.fromhex(run[0].decode()), path, f"{inside}hex")
        for run in _BASE64.finditer(data):
            self.plain(base64.b64decode(run[0]), path, f"{inside}base64")
        if depth < 2:
            for at in _PACKED.finditer(data):
                if unpacked := _unpacked(data, at.start()):
                    self.piece(unpacked, path, f"{inside}packed ", depth + 1)

    def plain(self, data: bytes, path: Path, shape: str) -> None:
        """Compare the runs of letters in ``data`` with the words."""
        for run in _PLAIN.finditer(data):
            text = run[0].lower()
            for start in range(len(text) - RUN + 1):
                label = self._runs.get(text[start : start + RUN])
                if label is not None:
                    self.found.setdefault(label, set()).add((path, shape))

    @property
    def words_found(self) -> list[str]:
        """The labels of the words (not of literals) that were found."""
        return sorted(label for label in self.found if label in self.words)


def files_below(roots: Iterable[Path], depth: int | None = None) -> Iterator[Path]:
    """Every regular file below ``roots``, links not followed; no deeper than ``depth`` folders where it is given."""
    for root in roots:
        if root.is_file() and not root.is_symlink():
            yield root
        for folder, folders, names in os.walk(root):
            if depth is not None and len(Path(folder).relative_to(root).parts) >= depth:
                folders.clear()
            for name in names:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _unpacked(data: bytes, at: int) -> bytes:
    """What is packed at ``at``, as far as it goes; empty when it is nothing packed."""
    kind, start = zlib.MAX_WBITS | 32, at
    if data[at : at + 2] == b"PK":
        kind = -zlib.MAX_WBITS
        start = at + 30 + sum(int.from_bytes(data[at + field : at + field + 2], "little") for field in (26, 28))
    unpacker, out = zlib.decompressobj(kind), bytearray()
    try:
        for offset in range(start, min(len(data), start + UNPACKED_MAX), OVERLAP):
            out += unpacker.decompress(data[offset : offset + OVERLAP], UNPACKED_MAX)
            if unpacker.eof or len(out) > UNPACKED_MAX:
                break
    except zlib.error:
        return bytes(out) if len(out) >= RUN else b""
    return bytes(out)


def shapes(text: str) -> dict[str, bytes]:
    """``text`` in every shape that a search must see: for its control."""
    import gzip
    import io
    import zipfile

    noise, plain = bytes(range(256)) * 16, text.encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("inner", b"some words before " + plain)
    packed = gzip.compress(noise + plain)
    return {
        "plain": noise + plain + noise,
        "upper case": noise + plain.upper() + noise,
        "across two reads": noise[: OVERLAP - 5] + plain + noise,
        "cut by compression": noise + plain[:RUN] + b"\x01\x0f\x02" + noise,
        "utf-16 little": noise + text.encode("utf-16-le") + noise,
        "utf-16 big": noise + text.encode("utf-16-be") + noise,
        "hexadecimal": noise + plain.hex().encode() + noise,
        "hexadecimal upper": noise + plain.hex().upper().encode() + noise,
        **{f"base64 at {shift}": noise + base64.b64encode(b"+" * shift + plain) + noise for shift in range(3)},
        "zlib": noise + zlib.compress(noise + plain) + noise,
        "gzip": noise + packed,
        "zip": archive.getvalue(),
        "gzip in zlib": zlib.compress(packed),
    }


def unseen(folder: Path) -> tuple[list[str], int]:
    """The shapes of a word that the search does not see in files it writes into ``folder``, and how many there are."""
    text = word()
    made = shapes(text)
    missed = []
    for number, (shape, data) in enumerate(made.items()):
        path = folder / f"shape-{number}"
        path.write_bytes(data)
        look = Search({"word": text})
        look.file(path, OVERLAP)
        if not look.found:
            missed.append(shape)
    path = folder / text
    path.write_bytes(b"")
    look = Search({"word": text})
    look.file(path)
    return missed + ([] if look.found else ["the name of a file"]), len(made) + 1
