"""In-process clients: the real guard and application over an ASGI transport, no socket."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from smalt.telemetry import events
from smalt.web.guard import Guard, Rules


@pytest.fixture
def log() -> Iterator[Callable[[], list[dict]]]:
    """The events written so far."""
    stream = io.StringIO()
    events.write_to(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    events.write_to(None)


@pytest.fixture
def client_of(log):
    """A client of an ASGI app behind the guard."""

    def make(app, rules: Rules | None = None, renderer=None, **options) -> httpx.AsyncClient:
        guard = Guard(app, rules or Rules(), renderer)
        transport = httpx.ASGITransport(guard, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="https://localhost:8443", **options)

    return make
