"""Plain text: lines, cut at form feeds and into stretches of readable length."""

from __future__ import annotations

from collections.abc import Callable

from smalt.library.parsed import Kind, Parsed
from smalt.library.readers.stretches import Stretches
from smalt.library.refusals import refusal
from smalt.library.sniff import decoded


def prepare() -> None:
    """Nothing is loaded late."""


def read(data: bytes, progress: Callable[[int, int], None] | None = None) -> Parsed:
    stretches = Stretches()
    for part in decoded(data).split("\f"):
        stretches.chapter()
        for line in part.splitlines():
            stretches.line(line)
    pages = stretches.pages()
    if not pages:
        raise refusal("document.empty")
    if progress is not None:
        progress(1, 1)
    return Parsed(Kind.TEXT, pages)
