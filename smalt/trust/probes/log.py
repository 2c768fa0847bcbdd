"""Reads a log over HTTP as a stranger does who trusts nothing but its key: by tiles, few of them, whatever its length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from smalt.ledger import tiles
from smalt.ledger.tree import leaf_hash, node_hash, root

Fetch = Callable[[str], bytes]
"""The bytes of ``tile/…``; raises `OSError` or `ValueError` when it is not there."""


@dataclass
class Reader:
    """The log of ``size`` entries behind ``fetch``. Every tile is fetched once."""

    fetch: Fetch
    size: int
    _seen: dict[str, list[bytes]] = field(default_factory=dict)

    def hashes(self, level: int, number: int) -> list[bytes]:
        """The hash tile; `ValueError` when it has another width than the log's size says."""
        return self._tile(level, number, self.size >> 8 * level, tiles.unpack_hashes)

    def entries(self, number: int) -> list[bytes]:
        """The entries of tile ``number``, which is as wide as the log's size says."""
        return self._tile(tiles.ENTRIES, number, self.size, tiles.unpack_entries)

    def _tile(self, level: int | str, number: int, count: int, unpack: Callable[[bytes], list[bytes]]) -> list[bytes]:
        width = min(tiles.WIDTH, count - number * tiles.WIDTH)
        path = tiles.path(level, number, width)
        if path not in self._seen:
            found = unpack(self.fetch(path))
            if len(found) != width or width < 1:
                raise ValueError("a tile is not as wide as the checkpoint says")
            self._seen[path] = found
        return self._seen[path]

    def root_at(self, size: int) -> bytes:
        """The root over the first ``size`` entries, from the tiles at the edge of that tree alone."""
        if not 0 <= size <= self.size:
            raise ValueError("the log is shorter than that")
        parts: list[tuple[int, bytes]] = []  # perfect subtrees from left to right: how many leaves, and the hash
        level = 0
        while size >> 8 * level:
            number, width = divmod(size >> 8 * level, tiles.WIDTH)
            edge = self.hashes(level, number)[:width] if width else []
            parts = [*((1 << 8 * level, one) for one in edge), *parts]
            level += 1
        stack: list[tuple[int, bytes]] = []
        for leaves, one in parts:
            stack.append((leaves, one))
            while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
                (count, right), (_, left) = stack.pop(), stack.pop()
                stack.append((2 * count, node_hash(left, right)))
        if not stack:
            return root([])
        found = stack.pop()[1]
        while stack:
            found = node_hash(stack.pop()[1], found)
        return found

    def includes(self, index: int, entry: bytes) -> bool:
        """Whether ``entry`` stands at ``index``: its hash in its tile, that tile's root in the one above, up to the edge."""
        found, level = leaf_hash(entry), 0
        while True:
            number, place = divmod(index >> 8 * level, tiles.WIDTH)
            tile = self.hashes(level, number)
            if tile[place] != found:
                return False
            if len(tile) < tiles.WIDTH or not self.size >> 8 * (level + 1):
                return True
            found, level = root(tile), level + 1
