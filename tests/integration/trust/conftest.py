"""Servers of their own: what these tests break belongs to nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.client import Install, fresh_folder


@pytest.fixture(scope="module")
def folder_of_installs() -> Iterator[list[Install]]:
    """Put every server that a test starts in here: all of them are stopped and removed, come what may."""
    started: list[Install] = []
    yield started
    for install in started:
        try:
            install.stop()
        finally:
            install.forget()


@pytest.fixture
def make_install(folder_of_installs: list[Install]):
    def make(**options: object) -> Install:
        made = Install(fresh_folder(), **options)  # type: ignore[arg-type]
        folder_of_installs.append(made)
        return made

    return make
