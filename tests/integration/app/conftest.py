"""Real servers, each with faults of its own injected: the folder's tests start what they break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.client import Install, fresh_folder


@pytest.fixture
def installs() -> Iterator[list[Install]]:
    """Put every server that a test starts in here: all of them are stopped and removed, come what may."""
    started: list[Install] = []
    yield started
    for install in started:
        try:
            install.stop()
        finally:
            install.forget()


@pytest.fixture
def install(installs: list[Install]) -> Install:
    """A server that is not yet started, with a folder of its own."""
    made = Install(fresh_folder())
    installs.append(made)
    return made
