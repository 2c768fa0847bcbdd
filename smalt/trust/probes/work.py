"""Ordinary work of a synthetic tenant, so that there is something to look at: a document read, a question asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from smalt.trust.check import Unclear
from smalt.trust.target import Target

READ_S = 45.0
TEXT = b"# Synthetic Industries plc\n\nRevenue in 2024 was EUR 1,234 million. Revenue in 2023 was EUR 1,100 million.\n"
QUESTION = "What was revenue in 2024?"


@dataclass(frozen=True)
class Work:
    """Ids of what was made, and the client of who made it."""

    client: httpx.Client
    document: str
    conversation: str
    answer: httpx.Response


def read(client: httpx.Client, name: str, data: bytes) -> tuple[str, str]:
    """Upload ``data`` and wait until it was read or refused: its id, and ``ready`` or ``failed``."""
    sent = client.post("/api/v1/documents", files={"file": (name, data)})
    if sent.status_code != httpx.codes.CREATED:
        raise Unclear("The synthetic tenant could not upload a document.")
    document = str(sent.json()["id"])
    return document, settled(client, document)


def settled(client: httpx.Client, document: str) -> str:
    """``ready`` or ``failed``, once the document was read."""
    deadline = time.monotonic() + READ_S
    while time.monotonic() < deadline:
        status = client.get(f"/api/v1/documents/{document}").json()["status"]
        if status in {"ready", "failed"}:
            return str(status)
        time.sleep(0.1)
    raise Unclear("A document of the synthetic tenant was not read in time.")


@contextlib.contextmanager
def done(target: Target, *, name: str = "synthetic.md", data: bytes = TEXT) -> Iterator[Work]:
    """A document read and a question asked by the first tenant; both are deleted at the end."""
    with target.client(target.ours) as client:
        document = conversation = ""
        try:
            document, status = read(client, name, data)
            conversation = str(client.post("/api/v1/conversations", json={}).json()["id"])
            answer = client.post(f"/api/v1/conversations/{conversation}/messages", json={"content": QUESTION})
            if status != "ready" or answer.status_code != httpx.codes.CREATED:
                raise Unclear("The synthetic tenant could not ask a question.")
            yield Work(client, document, conversation, answer)
        finally:
            for path in (document and f"documents/{document}", conversation and f"conversations/{conversation}"):
                if path:
                    client.delete(f"/api/v1/{path}")
