"""A stranger's reading of the log by its tiles gives the same roots as all leaves do, and sees what does not fit."""

from __future__ import annotations

import pytest

from smalt.ledger import tiles, tree
from smalt.trust.probes.log import Reader

SIZE = 256 * 256 + 256 * 3 + 5
ENTRIES = [str(number).encode() for number in range(SIZE)]
LEAVES = [tree.leaf_hash(entry) for entry in ENTRIES]
STORED = {
    **dict(tiles.grown(0, LEAVES)),
    **{path: tiles.pack_entries(ENTRIES[at : at + width]) for path, at, width in tiles.entry_tiles(SIZE)},
}


def reader(**changed: bytes) -> tuple[Reader, list[str]]:
    asked: list[str] = []

    def fetch(path: str) -> bytes:
        asked.append(path)
        return {**STORED, **changed}[path]

    return Reader(fetch, SIZE), asked


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_303, SIZE - 1, SIZE])
def test_roots_at_every_size_from_few_tiles(size):
    read, asked = reader()
    assert read.root_at(size) == tree.root(LEAVES[:size])
    assert len(asked) <= 3


@pytest.mark.parametrize("index", [0, 255, 256, 40_000, 65_535, 65_536, SIZE - 1])
def test_inclusion_up_to_the_edge(index):
    read, asked = reader()
    assert read.entries(index // 256)[index % 256] == ENTRIES[index]
    assert read.includes(index, ENTRIES[index])
    assert not read.includes(index, b"other")
    assert len(asked) <= 4


def test_a_tile_that_does_not_fit_the_one_above():
    path = tiles.path(0, 3)
    read, _ = reader(**{path: STORED[path][:-32] + bytes(32)})
    assert not read.includes(768, ENTRIES[768])


def test_a_tile_of_another_width_is_refused():
    path = tiles.path(0, 3)
    read, _ = reader(**{path: STORED[path][:-32]})
    with pytest.raises(ValueError, match="wide"):
        read.includes(768, ENTRIES[768])
    with pytest.raises(ValueError, match="shorter"):
        read.root_at(SIZE + 1)
