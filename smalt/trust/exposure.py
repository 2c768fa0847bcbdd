"""Looks for given words in raw bytes on the disk: what a thief of the disk, without the keys, could read.

A search that finds nothing proves little unless it is seen to find. So every search comes with a control: the same
code searches scratch files that hold the same words in the shapes that are easily missed. PostgreSQL compresses long
values (pglz) by replacing what was seen before, which splits words: therefore every run of 7 bytes is looked for.
Files in gzip and zip containers are unpacked first.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

RUN = 7
LONG_RUN = 16
CHUNK = 16 * 1024 * 1024
_ZEROS = re.compile(rb"\0{64,}")
UNPACKED_MAX = 64 * 1024 * 1024


@dataclass
class Search:
    """``found`` maps each word's label to the files that hold it."""

    files: int = 0
    size_bytes: int = 0
    unreadable: int = 0
    found: dict[str, list[Path]] = field(default_factory=dict)


def runs_of(word: bytes) -> set[bytes]:
    """The byte runs whose presence betrays ``word``: every 7 bytes of a single word, longer runs of anything else.

    Short runs of ordinary sentences ("operating") stand in PostgreSQL's own catalogue, so sentences get longer ones.
    """
    if len(word) < RUN:
        raise ValueError("too short to be looked for")
    length, step = (RUN, 1) if _is_word(word) else (min(LONG_RUN, len(word)), 4)
    return {word[start : start + length] for start in range(0, len(word) - length + 1, step)}


def _is_word(word: bytes) -> bool:
    return len(word) <= LONG_RUN and b" " not in word


def search(roots: Iterable[Path], words: Mapping[str, bytes], chunk: int = CHUNK) -> Search:
    """Search every regular file under ``roots`` for each of ``words`` (label to bytes), in clear and as UTF-16."""
    patterns = {label: runs_of(word) | _wide(word) for label, word in words.items()}
    overlap = max(len(run) for runs in patterns.values() for run in runs) - 1
    result = Search()
    for path in files_under(roots):
        try:
            for piece, fresh in _pieces(path, chunk, overlap):
                result.size_bytes += fresh
                for label, runs in patterns.items():
                    if path not in result.found.get(label, []) and any(run in piece for run in runs):
                        result.found.setdefault(label, []).append(path)
        except OSError:
            result.unreadable += 1
        else:
            result.files += 1
    return result


def _wide(word: bytes) -> set[bytes]:
    try:
        text = word.decode("utf-8")
    except UnicodeDecodeError:
        return set()
    return {text[:16].encode("utf-16-le")}


def files_under(roots: Iterable[Path]) -> Iterator[Path]:
    """Every regular file below ``roots``, links not followed."""
    for root in roots:
        if root.is_file():
            yield root
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _pieces(path: Path, chunk: int, overlap: int) -> Iterator[tuple[bytes, int]]:
    """The file's bytes in overlapping pieces with the count of new ones, then what a container in it unpacks to."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        tail = b""
        while block := file.read(chunk):
            piece = tail + block
            tail = piece[-overlap:]
            # Zeros fill most of a fresh write-ahead log: they are counted, and need no search.
            yield _ZEROS.sub(b"\0", piece), len(block)
    for unpacked in _unpacked(path, start):
        yield unpacked, 0


def _unpacked(path: Path, start: bytes) -> Iterator[bytes]:
    try:
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(path) as packed:
                yield packed.read(UNPACKED_MAX)
        elif start == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield archive.open(name).read(UNPACKED_MAX)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        return  # it only looked like a container; its raw bytes were searched


def control(words: Mapping[str, bytes]) -> tuple[int, int]:
    """How many of the hidden words the same search finds in scratch files, and how many it must find."""
    shapes: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="smalt-control-") as folder:
        small = 4096
        for number, (label, word) in enumerate(words.items()):
            noise = bytes(range(256)) * 16
            split = word[: RUN if _is_word(word) else LONG_RUN]
            for shape, data in {
                "clear": noise + word + noise,
                "across two reads": noise[: small - 3] + word + noise,
                "split by compression": noise + split + b"\x01\x0f\x02" + noise,
                "gzip": gzip.compress(noise + word),
                "zip": _zipped(word),
            }.items():
                name = f"{number}-{shape.replace(' ', '-')}"
                Path(folder, name).write_bytes(data)
                shapes[name] = label.encode()
        found = search([Path(folder)], words, chunk=small).found
    seen = {(label, path.name) for label, paths in found.items() for path in paths}
    return sum((label.decode(), name) in seen for name, label in shapes.items()), len(shapes)


def _zipped(word: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word", b"some words before " + word)
    return out.getvalue()
