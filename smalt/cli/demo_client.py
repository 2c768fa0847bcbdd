"""The demonstration's view of Smalt: its HTTP API over TLS, like any other client's."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self
from uuid import uuid4

import httpx

from smalt.kernel.errors import CLOSED_SET, Failure, Refused, Unavailable

READY_S = 60
DOCUMENT_S = 300
ANSWER_S = 120


class Client:
    """One tenant's client. Every refusal of the server comes back as the failure it was."""

    def __init__(self, url: str, ca: Path, token: str) -> None:
        trust = ssl.create_default_context(cafile=str(ca))
        self._http = httpx.Client(
            base_url=url, verify=trust, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def add(self, name: str, data: bytes) -> str:
        """Upload a document; its id."""
        made = self._call("POST", "/api/v1/documents", files={"file": (name, data)}, headers=_once())
        return str(made["id"])

    def wait(self, document: str, progress: Callable[[str, int], None]) -> dict[str, Any]:
        """Wait until the document is ready, reporting status and percent."""
        until = time.monotonic() + DOCUMENT_S
        while time.monotonic() < until:
            found = self._call("GET", f"/api/v1/documents/{document}")
            if found["status"] == "ready":
                return found
            if found["status"] == "failed":
                failure = _failed(found.get("failure") or {})
                failure.add_note(found["name"])
                raise failure
            progress(str(found["status"]), int(found.get("progress") or 0))
            time.sleep(0.15)
        raise Unavailable("demo.document_slow", "The document was not ready in time.", todo="See the server's log.")

    def converse(self, title: str) -> str:
        """Begin a conversation; its id."""
        return str(self._call("POST", "/api/v1/conversations", json={"title": title}, headers=_once())["id"])

    def ask(self, conversation: str, question: str) -> dict[str, Any]:
        """Ask and wait for the whole turn."""
        path = f"/api/v1/conversations/{conversation}/messages"
        turn = self._call("POST", path, json={"content": question}, headers=_once())
        until = time.monotonic() + ANSWER_S
        while turn["state"] == "working" and time.monotonic() < until:
            time.sleep(0.2)
            turn = self._call("GET", f"{path}/{turn['id']}")
        if turn["answer"] is None:
            raise Refused("demo.no_answer", "The server gave no answer to the question.", todo="See the server's log.")
        return turn

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **more)
        except httpx.TransportError:
            raise _unreachable() from None
        if response.is_error:
            raise _problem(response)
        body: dict[str, Any] = response.json() if response.content else {}
        return body


def _once() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def use_link(link: str, ca: Path, name: str, email: str) -> None:
    """Sign the first owner in as a browser does: fill in the form of the one-time link. The password is thrown away."""
    form = {"name": name, "email": email, "password": secrets.token_urlsafe(24)}
    trust = ssl.create_default_context(cafile=str(ca))
    try:
        reply = httpx.post(link, data=form, verify=trust, timeout=30, trust_env=False)
    except httpx.TransportError:
        raise _unreachable() from None
    if reply.status_code != httpx.codes.SEE_OTHER:
        raise Refused("demo.link", "The one-time link was not accepted.", todo="See the server's log.")


def _unreachable() -> Unavailable:
    return Unavailable("demo.unreachable", "The server stopped answering.", todo="See the server's log.")


def wait_until_ready(url: str, ca: Path, alive: Callable[[], bool]) -> bool:
    """Poll ``/readyz`` until the server is ready; False when it stopped or took too long."""
    until = time.monotonic() + READY_S
    trust: ssl.SSLContext | None = None
    while alive() and time.monotonic() < until:
        try:
            if trust is None and ca.exists():
                trust = ssl.create_default_context(cafile=str(ca))
            if trust and httpx.get(f"{url}/readyz", verify=trust, timeout=2, trust_env=False).is_success:
                return True
        except (httpx.TransportError, ssl.SSLError):
            pass  # not listening yet
        time.sleep(0.1)
    return False


def _problem(response: httpx.Response) -> Failure:
    """The failure that the server's problem+json (RFC 9457) describes."""
    kinds: dict[int, type[Failure]] = {kind.status: kind for kind in CLOSED_SET if kind.status != 500}
    try:
        body = response.json()
    except json.JSONDecodeError:
        body = {}
    said = " ".join(str(body[name]) for name in ("happened", "detail", "title", "todo") if body.get(name))
    return _with(kinds.get(response.status_code, Unavailable), "demo.refused", said)


def _failed(problem: dict[str, Any]) -> Failure:
    """Why a document could not be read, in the reader's own words."""
    from smalt.library.refusals import refusal

    return refusal(str(problem.get("code", "")))


def _with(kind: type[Failure], code: LiteralString, said: str) -> Failure:
    failure = kind(code, "The server refused.", todo="See the server's log.")
    if said:
        failure.add_note(said)
    return failure
