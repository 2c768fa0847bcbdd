"""The process that reads one document, then ends. It has standard input, standard output and nothing else.

Input: one header frame, then the file until end of input. Output: frames ``kind(1) ‖ length(4, big-endian) ‖ body``:
``L`` locks held, ``P`` progress, ``R`` result, ``F`` failure code. Nothing of the file ever goes to standard error.
"""

from __future__ import annotations

import codecs
import importlib
import os
import sys
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from smalt.kernel.errors import Failure
from smalt.library import locks
from smalt.library.form import Replies
from smalt.library.parsed import Kind, Parsed, encode

_PRELOADED = ("cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1", "ascii", "cp437", "idna", "cp1250")
_READERS = {
    Kind.PDF: "smalt.library.readers.pdf",
    Kind.XLSX: "smalt.library.readers.xlsx",
    Kind.CSV: "smalt.library.readers.csv",
    Kind.DOCX: "smalt.library.readers.docx",
    Kind.MARKDOWN: "smalt.library.readers.markdown",
    Kind.TEXT: "smalt.library.readers.text",
}
_PROGRESS_EVERY = 100  # messages a document at most, so that the pipe never fills


class Order(msgspec.Struct):
    """What the parent asks for. ``act`` is "parse", "render", "fill" or "trial:<name>"; ``replies`` go with "fill"."""

    act: str
    parent: int
    memory_bytes: int
    cpu_s: int
    name_hint: str = ""
    page: int = 0
    dpi: int = 96
    replies: Replies | None = None


class _Out:
    """The frames to the parent."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._told = -1

    def send(self, kind: bytes, body: bytes) -> None:
        self._stream.write(kind + len(body).to_bytes(4, "big") + body)
        self._stream.flush()

    def progress(self, done: int, total: int) -> None:
        step = done * _PROGRESS_EVERY // max(total, 1)
        if step != self._told:
            self._told = step
            self.send(b"P", msgspec.msgpack.encode((done, total)))


def main() -> None:
    """Read the order, lock the door, do it, answer."""
    source, out = sys.stdin.buffer, _Out(sys.stdout.buffer)
    length = int.from_bytes(source.read(4), "big")
    order = msgspec.msgpack.decode(source.read(length), type=Order)
    held = locks.first(order.parent, order.memory_bytes, order.cpu_s)
    out.send(b"L", msgspec.msgpack.encode(held))
    try:
        out.send(b"R", _obey(order, source, out))
    except MemoryError:
        out.send(b"F", b"document.too_much_memory")
    except Failure as failure:
        out.send(b"F", failure.code.encode())
    except RecursionError:
        out.send(b"F", b"document.too_much_memory")
    except Exception:  # noqa: BLE001 - a parser's exception text may quote the file: only the fact leaves
        out.send(b"F", b"document.crashed")
    finally:
        sys.stdout.buffer.flush()
        os._exit(0)


def _obey(order: Order, source: BinaryIO, out: _Out) -> bytes:
    for name in _PRELOADED:
        codecs.lookup(name)
    if order.act.startswith("trial:"):
        trials = importlib.import_module("smalt.library.trials")
        _shut(order, out)
        verdict: str = trials.attempt(order.act.removeprefix("trial:"), order.name_hint)
        return verdict.encode()
    data = source.read()
    if order.act == "render":
        pdf = importlib.import_module(_READERS[Kind.PDF])
        pdf.prepare()
        _shut(order, out)
        image: bytes = pdf.render(data, order.page, order.dpi)
        return image
    if order.act == "fill" and order.replies is not None:
        form = importlib.import_module("smalt.library.readers.form")
        form.prepare()
        _shut(order, out)
        return msgspec.msgpack.encode(form.fill(data, order.replies))
    sniff = importlib.import_module("smalt.library.sniff")
    kind: Kind = sniff.kind_of(data, order.name_hint)
    reader = importlib.import_module(_READERS[kind])
    reader.prepare()
    _shut(order, out)
    read: Callable[[bytes, Callable[[int, int], None]], Parsed] = reader.read
    return encode(read(data, out.progress))


def _shut(order: Order, out: _Out) -> None:
    out.send(b"L", msgspec.msgpack.encode(locks.second(order.parent)))
