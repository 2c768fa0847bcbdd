"""Opened segments kept in memory, least recently used first out, by bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from smalt.search.segment import Opened, decode

_EXPANSION = 4  # an opened segment takes about this many times its encoded bytes


class Shelf:
    """A bounded cache of `Opened` by (tenant, document). Safe to use from several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[tuple[str, str], tuple[int, Opened]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, tenant: str, document: str) -> Opened | None:
        """The opened segment if it is held."""
        with self._lock:
            found = self._held.get((tenant, document))
            if found is None:
                return None
            self._held.move_to_end((tenant, document))
            return found[1]

    def put(self, tenant: str, document: str, name: str, data: bytes) -> Opened:
        """Opens ``data`` (plain segment bytes) and holds it. Raises what `decode` raises."""
        opened = Opened(document, name, decode(data))
        size = len(data) * _EXPANSION
        with self._lock:
            self._remove((tenant, document))
            self._held[tenant, document] = (size, opened)
            self._bytes += size
            while self._bytes > self._limit and len(self._held) > 1:
                self._remove(next(iter(self._held)))
        return opened

    def drop(self, tenant: str, document: str | None = None) -> None:
        """Forgets a document, or all of a tenant's."""
        with self._lock:
            for key in [key for key in self._held if key[0] == tenant and document in (None, key[1])]:
                self._remove(key)

    def _remove(self, key: tuple[str, str]) -> None:
        gone = self._held.pop(key, None)
        if gone is not None:
            self._bytes -= gone[0]
