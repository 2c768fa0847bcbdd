"""One real server for the whole folder, and two workspaces in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance import files
from tests.conformance.client import Install, Workspace, fresh_folder


@pytest.fixture(scope="session")
def install() -> Iterator[Install]:
    with Install(fresh_folder()) as running:
        yield running


@pytest.fixture(scope="session")
def ours(install: Install) -> Workspace:
    return install.workspace("Quill and Sons")


@pytest.fixture(scope="session")
def theirs(install: Install) -> Workspace:
    return install.workspace("Feather Partners")


@pytest.fixture(scope="session")
def report(ours: Workspace) -> str:
    """The id of a document of ours that is ready."""
    ready = ours.api.add("report.pdf", files.pdf(pages=2))
    assert ready["status"] == "ready", ready
    return str(ready["id"])
