"""A real server on a data directory of its own, a real browser, and a tenant with the sample documents.

Whatever a page writes to the console as an error or a warning, and every error it throws, fails the test: a breach of
the Content-Security-Policy shows there too.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from driving import PASSWORD, PDF_NAME, ROOT, XLSX_NAME, Member, Server, Visitor
from playwright.sync_api import Browser, expect, sync_playwright

from smalt.cli.sample import report, workbook

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S = 90
expect.set_options(timeout=15_000)  # a busy machine is not a failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip(
            f"no browser: none of {', '.join(NAMES)} is on PATH, so no page was driven", allow_module_level=True
        )
    return found


@pytest.fixture(scope="session")
def server(chromium: str) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="smalt-e2e-"))
    folder.chmod(0o711)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("SMALT_") or name == "SMALT_PG_BIN"}
    environment = {
        **own,
        "PYTHONPATH": str(ROOT),
        "SMALT_DATA_DIR": str(folder / "data"),
        "SMALT_PORT": str(port),
        "SMALT_TRUST_CHECKS": "0",
    }
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "paced_server.py"), "serve", "--port", str(port)],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        _wait(f"https://localhost:{port}/readyz", process, log)
        yield Server(f"https://localhost:{port}", environment)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, verify=False).status_code == 200:  # noqa: S501  # the CA is made as it starts
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One for a module, not for the run: while it lives, the tests of this process cannot have a loop of their own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Visitor]:
    opened = Visitor(browser, server.url)
    yield opened
    for context in opened.contexts:
        context.close()
    assert opened.complaints == []


Join = Callable[[str, str], Member]


@pytest.fixture(scope="session")
def members() -> dict[str, Member]:
    return {}


@pytest.fixture
def join(browser: Browser, server: Server, members: dict[str, Member]) -> Join:
    """Somebody with a tenant of their own, made once for the run."""

    def joined(name: str, email: str) -> Member:
        if email in members:
            return members[email]
        made = server.tenant(f"{name} & Co", name, email)
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto(made["link"])
        page.fill("#password", PASSWORD)
        page.click("main button.primary")
        expect(page.locator("#ask")).to_be_visible()
        state: Any = context.storage_state()
        context.close()
        members[email] = Member(made["tenant"], name, email, server, state)
        return members[email]

    return joined


@pytest.fixture(scope="session")
def samples() -> dict[str, bytes]:
    return {PDF_NAME: report.pdf(), XLSX_NAME: workbook.xlsx()}


@pytest.fixture
def ada(join: Join, samples: dict[str, bytes]) -> Member:
    """A member whose library holds the sample report and workbook. Tests that delete use a tenant of their own."""
    member = join("Ada Lovelace", "ada@example.com")
    for name, body in samples.items():
        if name not in member.documents:
            member.documents[name] = member.api.upload(name, body)
    return member
