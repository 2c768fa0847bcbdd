"""Where the tiles of a log stand and what is in them (C2SP tlog-tiles): 256 hashes wide, full ones for ever, one partial.

A reader asks for ``tile/<level>/<number>`` and, at the edge, for ``….p/<width>``; entries stand in ``tile/entries/…``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from smalt.ledger.tree import HASH_BYTES, root

WIDTH = 256
ENTRY_MAX_BYTES = 65_535
ENTRIES = "entries"


def path(level: int | str, number: int, width: int = WIDTH) -> str:
    """``tile/0/x001/x234/067`` for number 1234067; with ``.p/<width>`` when it is partial."""
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    whole = "/".join(["tile", str(level), *groups])
    return whole if width == WIDTH else f"{whole}.p/{width}"


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """An entry tile; `ValueError` for an entry of more than 65,535 bytes."""
    if any(len(entry) > ENTRY_MAX_BYTES for entry in entries):
        raise ValueError("a log entry has at most 65,535 bytes")
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unpack_entries(data: bytes) -> list[bytes]:
    """The entries of a tile; `ValueError` when it is cut off."""
    found, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("the tile is cut off")
        (length,) = struct.unpack_from(">H", data, at)
        if at + 2 + length > len(data):
            raise ValueError("the tile is cut off")
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def unpack_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile; `ValueError` when it is cut off."""
    if len(data) % HASH_BYTES:
        raise ValueError("the tile is cut off")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def entry_tiles(size: int) -> Iterator[tuple[str, int, int]]:
    """(path, first index, width) of every entry tile of a log of ``size`` entries, in order."""
    for number in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - number * WIDTH)
        yield path(ENTRIES, number, width), number * WIDTH, width


def grown(old: int, leaves: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """The hash tiles that a log gains when it grows from ``old`` leaves to ``leaves``: (path, bytes), lowest level first."""
    level, hashes, before = 0, list(leaves), old
    while hashes:
        for number in range(before // WIDTH, (len(hashes) + WIDTH - 1) // WIDTH):
            part = hashes[number * WIDTH : (number + 1) * WIDTH]
            if number * WIDTH + len(part) > before:
                yield path(level, number, len(part)), b"".join(part)
        full = len(hashes) // WIDTH
        hashes = [root(hashes[number * WIDTH : (number + 1) * WIDTH]) for number in range(full)]
        level, before = level + 1, before // WIDTH
