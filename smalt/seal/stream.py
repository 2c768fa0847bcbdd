"""Stream envelopes, version 1: blobs of any length in segments that open one by one. See docs/security/envelope.md.

    header    0x02 ‖ key number (4, BE) ‖ log2 of the segment size (1) ‖ salt (32) ‖ commitment (32)
    segment i AES-256-GCM(K, nonce = 0x000000 ‖ last? (1) ‖ i (8, BE)), each followed by its tag (16)

This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance"): position and finality live in the nonce, so reordering, dropping, repeating, cutting
off and appending segments are all detected. Every segment but the last is full; the last is empty only when the whole
message is, so that each message has exactly one segmentation.

Invariants
 1 A segment's plaintext is released only after its tag was checked.
 2 A stream that ends without its last segment raises `Untrusted`. What was released before stays unconfirmed until the
   end was seen: callers discard it when the iteration does not finish.
 3 Nonces never repeat under a key: the counter only grows, and one key belongs to one stream.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from smalt.kernel.errors import TooLarge, Untrusted
from smalt.seal.derivation import COMMITMENT_BYTES, SALT_BYTES, TAG_BYTES, DataKey, data_key

STREAM = 2
LOG2_SEGMENT = 20
LOG2_SEGMENT_MIN = 6
LOG2_SEGMENT_MAX = 24  # 16 MiB: bounds what a forged header can make an opener hold
SEGMENTS_MAX = 2**32  # with 1 MiB segments 2^48 cipher blocks: far under the birthday bound of one AES key

_HEAD = struct.Struct(">BIB")
_SALT_END = _HEAD.size + SALT_BYTES
HEADER_BYTES = _SALT_END + COMMITMENT_BYTES

KeyFinder = Callable[[int], bytes | DataKey]
"""From the number of a data key to the key; raises when there is none."""


def _nonce(index: int, *, last: bool) -> bytes:
    return struct.pack(">3xBQ", last, index)


class StreamSealer:
    """Seals a message that arrives in pieces of any size. Without `finish` the result does not open."""

    __slots__ = ("_aead", "_buffer", "_header", "_index", "_segment")

    def __init__(self, dek: bytes | DataKey, key_no: int, context: bytes, log2_segment: int = LOG2_SEGMENT) -> None:
        self._begin_with_salt(dek, key_no, context, log2_segment, os.urandom(SALT_BYTES))

    def _begin_with_salt(self, dek: bytes | DataKey, key_no: int, place: bytes, log2_segment: int, salt: bytes) -> None:
        """With a chosen salt for test vectors only, as in `envelope`."""
        if not LOG2_SEGMENT_MIN <= log2_segment <= LOG2_SEGMENT_MAX:
            raise ValueError("segment size out of range")
        start = _HEAD.pack(STREAM, key_no, log2_segment) + salt
        key, commitment = data_key(dek).derive(start, place)
        self._header = start + commitment
        self._aead: AESGCM | None = AESGCM(key)
        self._segment = 1 << log2_segment
        self._buffer = bytearray()
        self._index = 0

    def update(self, chunk: bytes) -> bytes:
        """Sealed bytes that are ready, perhaps none."""
        if self._aead is None:
            raise RuntimeError("this stream is finished")
        self._buffer += chunk
        if len(self._buffer) <= self._segment:
            return b""
        # At least one byte stays back: only `finish` knows which segment is the last.
        ready = [self._take_header()]
        whole = (len(self._buffer) - 1) // self._segment * self._segment
        with memoryview(self._buffer) as view:
            ready += [
                self._seal(view[start : start + self._segment], last=False) for start in range(0, whole, self._segment)
            ]
        del self._buffer[:whole]
        return b"".join(ready)

    def finish(self) -> bytes:
        """The end of the sealed stream. The sealer is spent afterwards."""
        if self._aead is None:
            raise RuntimeError("this stream is finished")
        end = self._take_header() + self._seal(self._buffer, last=True)
        self._aead = None
        self._buffer.clear()
        return end

    def _take_header(self) -> bytes:
        header, self._header = self._header, b""
        return header

    def _seal(self, plaintext: bytearray | memoryview, *, last: bool) -> bytes:
        if self._aead is None or self._index >= SEGMENTS_MAX:
            raise TooLarge("seal.stream_too_long", "This is too long to be sealed as one object.")
        sealed = self._aead.encrypt(_nonce(self._index, last=last), plaintext, None)
        self._index += 1
        return sealed


class _Segments:
    """The opened header of a stream: its key and segment size, and the opening of single segments."""

    __slots__ = ("_aead", "sealed_segment")

    def __init__(self, find_key: KeyFinder, header: bytes, place: bytes) -> None:
        if len(header) != HEADER_BYTES or header[0] != STREAM:
            raise Untrusted("seal.format", "Sealed data is not in a known format.")
        _, key_no, log2_segment = _HEAD.unpack_from(header)
        if not LOG2_SEGMENT_MIN <= log2_segment <= LOG2_SEGMENT_MAX:
            raise Untrusted("seal.format", "Sealed data is not in a known format.")
        key = data_key(find_key(key_no)).derive_checked(header[:_SALT_END], place, header[_SALT_END:])
        self._aead = AESGCM(key)
        self.sealed_segment = (1 << log2_segment) + TAG_BYTES

    def open(self, sealed: bytes | bytearray | memoryview, index: int, *, last: bool) -> bytes:
        # A sealer leaves the last segment empty only when it is the only one: refuse the second spelling.
        if len(sealed) < TAG_BYTES or (last and index > 0 and len(sealed) == TAG_BYTES):
            raise Untrusted("seal.truncated", "Sealed data was cut off.")
        try:
            return self._aead.decrypt(_nonce(index, last=last), sealed, None)
        except InvalidTag:
            raise Untrusted("seal.tampered", "Sealed data was altered or cut off.") from None


class StreamOpener:
    """Opens a stream that arrives in pieces of any size. Nothing is confirmed before `finish` returned."""

    __slots__ = ("_buffer", "_context", "_done", "_find_key", "_index", "_segments")

    def __init__(self, find_key: KeyFinder, context: bytes) -> None:
        self._find_key = find_key
        self._context = context
        self._segments: _Segments | None = None
        self._buffer = bytearray()
        self._index = 0
        self._done = False

    def update(self, chunk: bytes) -> bytes:
        """Plaintext of the segments that are complete and known not to be the last, perhaps none."""
        if self._done:
            raise RuntimeError("this stream is finished")
        self._buffer += chunk
        if self._segments is None:
            if len(self._buffer) < HEADER_BYTES:
                return b""
            self._segments = _Segments(self._find_key, bytes(self._buffer[:HEADER_BYTES]), self._context)
            del self._buffer[:HEADER_BYTES]
        size = self._segments.sealed_segment
        whole = max(0, len(self._buffer) - 1) // size * size
        opened = []
        with memoryview(self._buffer) as view:
            for start in range(0, whole, size):
                opened.append(self._segments.open(view[start : start + size], self._index, last=False))
                self._index += 1
        del self._buffer[:whole]
        return b"".join(opened)

    def finish(self) -> bytes:
        """The last piece of plaintext; `Untrusted` when the stream did not end where it was sealed to end."""
        if self._done:
            raise RuntimeError("this stream is finished")
        self._done = True
        if self._segments is None:
            raise Untrusted("seal.truncated", "Sealed data was cut off.")
        return self._segments.open(self._buffer, self._index, last=True)


def seal_stream(
    dek: bytes | DataKey, key_no: int, chunks: Iterable[bytes], context: bytes, log2_segment: int = LOG2_SEGMENT
) -> Iterator[bytes]:
    """``chunks`` as one sealed stream, in memory proportional to a segment."""
    sealer = StreamSealer(dek, key_no, context, log2_segment)
    for chunk in chunks:
        if ready := sealer.update(chunk):
            yield ready
    yield sealer.finish()


def open_stream(dek: bytes | DataKey, chunks: Iterable[bytes], context: bytes) -> Iterator[bytes]:
    """The message sealed in ``chunks``. Discard what came when this raises (invariant 2)."""
    opener = StreamOpener(lambda _: dek, context)
    for chunk in chunks:
        if ready := opener.update(chunk):
            yield ready
    if end := opener.finish():
        yield end


class SegmentReader:
    """Random access to a sealed stream. It does no input: ask where to read, read there, hand the bytes in.

    The size that storage reports is not authenticated, so `check_tail` must see the last segment once before any range
    is opened; after that ``size_bytes`` is the length that was sealed, and a stream cut off at a segment is refused.
    """

    __slots__ = ("_last", "_sealed_bytes", "_segments", "_tail_checked", "size_bytes")

    def __init__(self, find_key: KeyFinder, context: bytes, header: bytes, sealed_bytes: int) -> None:
        """``header`` is the first `HEADER_BYTES` of the stream; ``sealed_bytes`` its whole length in storage."""
        self._segments = _Segments(find_key, header, context)
        self._sealed_bytes = sealed_bytes
        body = sealed_bytes - HEADER_BYTES
        if body < TAG_BYTES:
            raise Untrusted("seal.truncated", "Sealed data was cut off.")
        self._last = (body - 1) // self._segments.sealed_segment
        self.size_bytes = body - (self._last + 1) * TAG_BYTES
        self._tail_checked = False

    def tail_span(self) -> tuple[int, int]:
        """Where the last segment lies in the sealed stream: [start, stop)."""
        return HEADER_BYTES + self._last * self._segments.sealed_segment, self._sealed_bytes

    def check_tail(self, sealed: bytes) -> None:
        """Authenticate the length by opening the last segment, read from `tail_span`."""
        self._segments.open(sealed, self._last, last=True)
        self._tail_checked = True

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Where the segments that hold plaintext [start, stop) lie in the sealed stream: [start, stop)."""
        first, last = self._covering(start, stop)
        size = self._segments.sealed_segment
        return HEADER_BYTES + first * size, min(HEADER_BYTES + (last + 1) * size, self._sealed_bytes)

    def open(self, start: int, stop: int, sealed: bytes) -> bytes:
        """Plaintext [start, stop) out of ``sealed``, the bytes read from `span` of the same range."""
        if not self._tail_checked:
            raise RuntimeError("check the tail before opening a range")
        first, last = self._covering(start, stop)
        size = self._segments.sealed_segment
        view = memoryview(sealed)
        opened = [
            self._segments.open(
                view[(index - first) * size : (index - first + 1) * size], index, last=index == self._last
            )
            for index in range(first, last + 1)
        ]
        skip = start - first * (size - TAG_BYTES)
        return b"".join(opened)[skip : skip + stop - start]

    def _covering(self, start: int, stop: int) -> tuple[int, int]:
        if not 0 <= start <= stop <= self.size_bytes:
            raise ValueError("range outside the stream")
        plain = self._segments.sealed_segment - TAG_BYTES
        first = min(start // plain, self._last)
        return first, max(first, (stop - 1) // plain)


def open_range(
    dek: bytes | DataKey, context: bytes, read: Callable[[int, int], bytes], *, sealed_bytes: int, start: int, stop: int
) -> bytes:
    """Plaintext [start, stop) of a stream of ``sealed_bytes``, of which ``read(a, b)`` gives the sealed bytes [a, b)."""
    reader = SegmentReader(lambda _: dek, context, read(0, HEADER_BYTES), sealed_bytes)
    reader.check_tail(read(*reader.tail_span()))
    return reader.open(start, stop, read(*reader.span(start, stop)))
