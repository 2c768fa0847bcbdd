"""What the end-to-end tests share: the server beside which commands run, members, windows, asking."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

ROOT = Path(__file__).parent.parent.parent
READY_S = 60
PASSWORD = "correct horse battery staple"
PDF_NAME, XLSX_NAME = "Tarnwick 10-K 2025.pdf", "Tarnwick workbook.xlsx"
DESK = {"width": 1360, "height": 860}
PHONE = {"width": 390, "height": 844}


@dataclass
class Server:
    """``python -m smalt serve`` as it would run for anyone, but for the engine's pace (see paced_server.py)."""

    url: str
    environment: dict[str, str]

    def command(self, *words: str) -> dict[str, Any]:
        """Run ``smalt … --json`` beside the server."""
        ran = subprocess.run(
            [sys.executable, "-m", "smalt", *words, "--json"],
            capture_output=True,
            env=self.environment,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        said: dict[str, Any] = json.loads(ran.stdout)
        return said

    def tenant(self, name: str, owner: str, email: str) -> dict[str, Any]:
        return self.command("tenant", "create", name, "--owner-name", owner, "--owner-email", email)


@dataclass
class Api:
    """The API as a program with a token uses it, to set the scene."""

    client: httpx.Client

    def get(self, path: str) -> Any:
        reply = self.client.get(path)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def upload(self, name: str, body: bytes) -> dict[str, Any]:
        """Add a document and wait until it is ready."""
        reply = self.client.post("/api/v1/documents", files={"file": (name, body)})
        assert reply.status_code == 201, reply.text
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            document: dict[str, Any] = self.get(f"/api/v1/documents/{reply.json()['id']}")
            if document["status"] in {"ready", "failed"}:
                assert document["status"] == "ready", document
                return document
            time.sleep(0.2)
        raise AssertionError("the document was not read in time")


@dataclass
class Member:
    """Somebody with an account: who, where, and how the browser and programs come in as them."""

    tenant: str
    name: str
    email: str
    server: Server
    state: dict[str, Any]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def api(self) -> Api:
        token = self.server.command("token", "create", "--tenant", self.tenant)["secret"]
        client = httpx.Client(
            base_url=self.server.url,
            headers={"authorization": f"Bearer {token}"},
            verify=False,  # noqa: S501  # a certificate of the test's own server
            timeout=60,
        )
        return Api(client)


class Visitor:
    """Opens windows and remembers what their pages complained about."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.complaints: list[str] = []
        self.expected: set[str] = set()
        self.contexts: list[BrowserContext] = []

    def window(self, member: Member | None = None, size: dict[str, int] | None = None, **options: Any) -> Page:
        context = self.browser.new_context(
            base_url=self.url,
            ignore_https_errors=True,
            viewport=size or DESK,  # type: ignore[arg-type]
            reduced_motion=options.pop("reduced_motion", "reduce"),
            storage_state=member.state if member else None,  # type: ignore[arg-type]
            **options,
        )
        context.set_default_timeout(20_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"threw {error}"))
        return page

    def expects(self, *statuses: int) -> None:
        """These answers are what the test is about; the browser writes a line for each."""
        self.expected |= {f"the server responded with a status of {status}" for status in statuses}

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(known in message.text for known in self.expected):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")


def asked(page: Page, question: str) -> Locator:
    """Ask by the keyboard and wait for the settled turn."""
    turns = page.locator(".turn")
    count = turns.count()
    page.fill("#ask", question)
    page.press("#ask", "Enter")
    expect(turns).to_have_count(count + 1)
    return settled(turns.nth(count))


def settled(turn: Locator) -> Locator:
    expect(turn).not_to_have_attribute("data-state", "working", timeout=30_000)
    return turn
