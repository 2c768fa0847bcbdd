"""The pages of the Trust Center, its badges and its roadmap: for anybody, without a cookie, from one view.

A page is rendered once for a view and kept until the next; its entity tag is made of what it was rendered from, so that a
reader who asks again gets 304.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from smalt.trust import show
from smalt.trust.routes import view_of
from smalt.trust.view import TrustView
from smalt.web.doors import Anyone, paths_of, routes
from smalt.web.pages import Pages, pages_of

router = routes()
_HTML = "text/html; charset=utf-8"
_CACHED = {"cache-control": "public, max-age=30"}
KEPT_MAX = 256
ROBOTS = "User-agent: *\nAllow: /trust\nAllow: /.well-known/\nAllow: /static/\nDisallow: /\n"
LINKS = (
    ("/trust/bundle.zip", "Bundle", "everything below, signed, with the program that verifies it"),
    ("/trust/claims.json", "Claims", "JSON"),
    ("/trust/log/checkpoint", "Log checkpoint", "C2SP tlog-checkpoint"),
    ("/trust/roadmap", "Roadmap", "in production, being hardened, planned"),
    ("/trust/subprocessors", "Sub-processors", "the register, also as JSON and Atom"),
    ("/trust/incidents", "Incidents", "the register, also as JSON"),
    ("/trust/disclosure", "Disclosure", "how to report a vulnerability"),
    ("/trust/dpa", "Data processing agreement", "from the live registers: Word, PDF, Markdown"),
    ("/trust/questionnaire", "Security questionnaire", "answered from the claims: page, Excel, CSV, JSON"),
    ("/trust/oscal/component-definition.json", "OSCAL component", "what is implemented"),
    ("/trust/oscal/assessment-results.json", "OSCAL results", "what live checks found"),
    ("/trust/sbom.json", "Bill of materials", "CycloneDX 1.6"),
    ("/trust/vex.json", "Advisories", "CycloneDX VEX: what we say of known weaknesses in the parts"),
    ("/trust/attestations.json", "Attestations", "CycloneDX: claims, evidence, requirements"),
    ("/.well-known/security.txt", "security.txt", "RFC 9116"),
    ("/trust/privacy", "Privacy", "what is kept of readers of these pages"),
    ("/trust/contact", "Contact", "whom to write to"),
)
"""(path, name, what it is), in the order of the page. Only what this release serves is linked."""


@dataclass
class Kept:
    """Bodies that were rendered from the newest view."""

    view: TrustView | None = None
    bodies: dict[str, bytes] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, view: TrustView, key: str, make: Callable[[], str]) -> bytes:
        """The body ``key`` for ``view``, made if need be."""
        with self.lock:
            if self.view is not view:
                self.view, self.bodies = view, {}
            if key in self.bodies:
                return self.bodies[key]
        body = make().encode()
        with self.lock:
            if self.view is view and len(self.bodies) < KEPT_MAX:
                self.bodies[key] = body
        return body


_KEPT = Kept()


def tag_of(view: TrustView, pages: Pages, key: str) -> str:
    """The entity tag of the body ``key``: the log, the claims, the minute and the look make it."""
    made = f"{view.size}\0{view.registry.digest}\0{view.now}\0{pages.static.digest}\0{key}"
    return f'"{hashlib.sha256(made.encode()).hexdigest()[:32]}"'


async def answered(request: Request, key: str, media_type: str, make: Callable[[TrustView], str]) -> Response:
    """The body ``key`` from the present view, or 304."""
    view, pages = await view_of(request), pages_of(request)
    headers = {**_CACHED, "etag": tag_of(view, pages, key)}
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = await asyncio.to_thread(_KEPT.get, view, key, lambda: make(view))
    return Response(body, media_type=media_type, headers=headers)


def links_of(request: Request) -> list[tuple[str, str, str]]:
    """The links of `LINKS` that this server serves."""
    served = paths_of(request.app)
    return [link for link in LINKS if link[0] in served]


@router.get("/trust", include_in_schema=False)
async def page(request: Request, _door: Anyone) -> Response:
    """Every claim as a sentence, with its state, since when, its last proof and how it is checked."""
    pages = pages_of(request)

    def made(view: TrustView) -> str:
        return pages.render("trust.html", **show.front(view), **show.contacts_of(view), **around(request, "claims"))

    return await answered(request, "/trust", _HTML, made)


@router.get("/robots.txt", include_in_schema=False)
async def robots(_door: Anyone) -> Response:
    """Search engines may read the Trust Center and nothing else."""
    return Response(ROBOTS, media_type="text/plain; charset=utf-8", headers={"cache-control": "public, max-age=86400"})


def around(request: Request, here: str) -> dict[str, Any]:
    """What the frame of a page shows: where it is, and where else one can go."""
    return {"place": here, "links": links_of(request), "served": paths_of(request.app)}
