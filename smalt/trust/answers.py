"""Answers from the one view: made once for it, kept until the next, with an entity tag of what they were made from."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from smalt.trust.view import Trust, TrustView
from smalt.web.pages import pages_of

HTML = "text/html; charset=utf-8"
JSON = "application/json"
SVG = "image/svg+xml"
KEPT_MAX = 256
_SOON = {"cache-control": "public, max-age=30"}


@dataclass
class Kept:
    """Bodies that were made from the newest view. A view is at most a minute old, so they are too."""

    view: TrustView | None = None
    bodies: dict[str, bytes] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, view: TrustView, key: str, make: Callable[[TrustView], str]) -> bytes:
        """The body ``key`` for ``view``, made if need be."""
        with self.lock:
            if self.view is not view:
                self.view, self.bodies = view, {}
            if key in self.bodies:
                return self.bodies[key]
        body = make(view).encode()
        with self.lock:
            if self.view is view and len(self.bodies) < KEPT_MAX:
                self.bodies[key] = body
        return body


_KEPT = Kept()


async def view_of(request: Request) -> TrustView:
    """What may be said now, read from the log in a thread."""
    trust: Trust = request.app.state.trust
    return await asyncio.to_thread(trust.view)


async def answered(request: Request, key: str, media_type: str, make: Callable[[TrustView], str]) -> Response:
    """The body ``key`` made from the present view, or 304 where the reader has it. ``make`` runs in a thread."""
    view = await view_of(request)
    headers = {**_SOON, "etag": _tag(view, pages_of(request).static.digest, key)}
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = await asyncio.to_thread(_KEPT.get, view, key, make)
    return Response(body, media_type=media_type, headers=headers)


def _tag(view: TrustView, look: str, key: str) -> str:
    """The log, the claims, the minute and the look make a body what it is."""
    root = view.stated.root.hex() if view.stated else ""
    made = f"{root}\0{view.registry.digest}\0{view.now}\0{look}\0{key}"
    return f'"{hashlib.sha256(made.encode()).hexdigest()[:32]}"'
