"""Engines: what turns a prompt into text and an answer. The local one needs no model and no network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from smalt.chat.prompt import Prompt
from smalt.engine.answer import Answer
from smalt.engine.local import answer

PIECE_CHARS = 48


class Engine(Protocol):
    """Yields pieces of text as they come, then exactly one `Answer` whose text is the pieces joined."""

    def reply(self, prompt: Prompt) -> AsyncIterator[str | Answer]: ...


def _pieces(text: str) -> list[str]:
    """``text`` cut at spaces into pieces of about `PIECE_CHARS`; joined they are ``text`` again."""
    pieces: list[str] = []
    rest = text
    while len(rest) > PIECE_CHARS:
        cut = rest.find(" ", PIECE_CHARS) + 1
        if cut == 0:
            break
        pieces.append(rest[:cut])
        rest = rest[cut:]
    return [*pieces, rest] if rest else pieces


class LocalEngine:
    """Look-ups and exact arithmetic over the documents' own tables, in a thread of its own."""

    async def reply(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        found = await asyncio.to_thread(answer, prompt.question, prompt.documents, prompt.history)
        for piece in _pieces(found.text):
            yield piece
        yield found
