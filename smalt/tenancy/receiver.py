"""Taking in one blob after its visit ended: bytes arrive from a client for minutes, and no transaction waits for them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from smalt.seal.stream import StreamSealer
from smalt.store.blobs import Blobs


class Receiver:
    """Can seal and store one part of one document, once. It holds no key that opens anything."""

    __slots__ = ("_blobs", "_key", "_sealer")

    def __init__(self, blobs: Blobs, key: str, sealer: StreamSealer) -> None:
        self._blobs = blobs
        self._key = key
        self._sealer: StreamSealer | None = sealer

    def __repr__(self) -> str:
        return "Receiver(…)"

    async def receive(self, chunks: AsyncIterator[bytes]) -> None:
        """Store the part, whole or not at all. What was received before a failure of ``chunks`` is not kept."""
        sealer, self._sealer = self._sealer, None
        if sealer is None:
            raise RuntimeError("a receiver takes one blob")
        await self._blobs.put(self._key, _sealed(sealer, chunks))


async def _sealed(sealer: StreamSealer, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if ready := sealer.update(chunk):
            yield ready
    yield sealer.finish()
