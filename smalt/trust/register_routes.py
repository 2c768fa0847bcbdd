"""The registers for the public: sub-processors, incidents, whom to write to, and how to report a vulnerability."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smalt.trust import incidents, show, vendors
from smalt.trust.answers import view_of
from smalt.trust.deployment import deployment
from smalt.trust.feed import atom, told
from smalt.trust.page_routes import around
from smalt.trust.record import stamp
from smalt.trust.securitytxt import security_txt
from smalt.trust.view import TrustView
from smalt.web.doors import Anyone, routes
from smalt.web.pages import pages_of

router = routes()
_SOON = {"cache-control": "public, max-age=30"}


def base_of(request: Request) -> str:
    """``https://host``, as the operator set it: never what a request calls us."""
    found: str = request.app.state.public_url
    return found


async def _page(request: Request, name: str, place: str, view: TrustView, **variables: Any) -> Response:
    """A page of the Trust Center; rendered in a thread, because registers grow."""
    shown = {**variables, **around(request, place), "now": view.now, "size": view.size}
    reply = await asyncio.to_thread(pages_of(request).page, name, **shown)
    reply.headers.update(_SOON)
    return reply


# -- sub-processors


@router.get("/trust/subprocessors", include_in_schema=False)
async def subprocessors(request: Request, _door: Anyone) -> Response:
    """The register: who gets what, where, under which agreement, since when, and what is announced."""
    view = await view_of(request)
    return await _page(
        request,
        "subprocessors.html",
        "subprocessors",
        view,
        vendors=vendors.register(view.events, view.now),
        notices=[(one, told(one)) for one in vendors.notices(view.events, view.now)],
        notice_days=vendors.NOTICE_S // vendors.DAY_S,
        stamp=stamp,
    )


@router.get("/trust/subprocessors.json", include_in_schema=False)
async def subprocessors_json(request: Request, _door: Anyone) -> Response:
    """The same for programs."""
    view = await view_of(request)
    return JSONResponse({**vendors.plain(view.events, view.now), "log_size": view.size}, headers=_SOON)


@router.get("/trust/subprocessors.atom", include_in_schema=False)
async def subprocessors_atom(request: Request, _door: Anyone) -> Response:
    """Its changes as a feed: what is announced is there 30 days before it is in force."""
    view = await view_of(request)
    stated = deployment(view.events)
    publisher = stated.organisation if stated is not None and stated.organisation else "Smalt"
    begun = min((event["at"] for event in view.events), default=0)
    body = atom(base_of(request), publisher, vendors.notices(view.events, view.now), begun)
    return Response(body, media_type="application/atom+xml; charset=utf-8", headers=_SOON)


# -- incidents


@router.get("/trust/incidents", include_in_schema=False)
async def incidents_page(request: Request, _door: Anyone) -> Response:
    """Every incident with its states and clocks, and the drills."""
    view = await view_of(request)
    book = incidents.book(view.events, view.now)
    return await _page(
        request,
        "incidents.html",
        "incidents",
        view,
        book=book,
        found=book.plain(view.now),
    )


@router.get("/trust/incidents.json", include_in_schema=False)
async def incidents_json(request: Request, _door: Anyone) -> Response:
    """The same for programs."""
    view = await view_of(request)
    found = incidents.book(view.events, view.now).plain(view.now)
    return JSONResponse({**found, "log_size": view.size}, headers=_SOON)


# -- whom to write to


@router.get("/trust/disclosure", include_in_schema=False)
async def disclosure(request: Request, _door: Anyone) -> Response:
    """How to report a vulnerability, what we promise to whoever does, and what not to do."""
    view = await view_of(request)
    return await _page(request, "disclosure.html", "disclosure", view, **show.contacts_of(view))


@router.get("/trust/contact", include_in_schema=False)
async def contact(request: Request, _door: Anyone) -> Response:
    """Who runs this installation, and whom to write to."""
    view = await view_of(request)
    return await _page(request, "contact.html", "contact", view, **show.contacts_of(view))


@router.get("/trust/privacy", include_in_schema=False)
async def privacy(request: Request, _door: Anyone) -> Response:
    """What is kept of those who read the Trust Center."""
    view = await view_of(request)
    return await _page(request, "privacy.html", "privacy", view, **show.contacts_of(view))


@router.get("/.well-known/security.txt", include_in_schema=False)
async def securitytxt(request: Request, _door: Anyone) -> Response:
    """Where to report a vulnerability (RFC 9116); 404 with the reason while no contact is stated."""
    view = await view_of(request)
    body = security_txt(base_of(request), deployment(view.events), view.now)
    return Response(body, media_type="text/plain; charset=utf-8", headers={"cache-control": "public, max-age=3600"})
