"""``smalt`` with one difference: an answer to a question that begins with "Slowly" comes piece by piece, so that a
person has the time to watch it, stop it or reload the page. Everything else is the product."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from smalt.chat.engines import LocalEngine
from smalt.chat.prompt import Prompt
from smalt.cli import main
from smalt.engine.answer import Answer

SLOWLY = "Slowly: "
PACE_S = 1.5
_reply = LocalEngine.reply


async def paced(self: LocalEngine, prompt: Prompt) -> AsyncIterator[str | Answer]:
    asked = prompt.question.removeprefix(SLOWLY)
    async for piece in _reply(self, replace(prompt, question=asked)):
        if asked != prompt.question:
            await asyncio.sleep(PACE_S)
        yield piece


LocalEngine.reply = paced  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
