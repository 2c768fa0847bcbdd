"""Gated documents for visitors: a list of titles, a click-wrap agreement, a link that ends, and the document.

Looking at a link uses nothing up: previews and scanners look too. Only the form on its page gives the document.
"""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Form, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smalt.kernel.errors import Failure
from smalt.kernel.ids import GatedId
from smalt.people.routes import signin_of
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit
from smalt.trust import documents, grants
from smalt.trust.documents import Gated
from smalt.trust.grants import DOWNLOADS_MAX, TERMS, TERMS_DIGEST, Visitor
from smalt.trust.own_tenant import house
from smalt.trust.pace import Pace
from smalt.trust.page_routes import around
from smalt.web.doors import Anyone, routes
from smalt.web.pages import pages_of
from smalt.web.passage import passage_of
from smalt.web.problems import prefers_html, problem_of

router = routes()
Field = Annotated[str, Form(max_length=2_000)]
IdText = Annotated[str, Path(max_length=64)]
Secret = Annotated[str, Path(max_length=128)]
_NOTHING_KEPT = {"cache-control": "no-store"}


async def _house(request: Request) -> Visit | None:
    """The house at its door; None before the operator gave out the first document. `TooMany` for who looks all the time."""
    pace: Pace = request.app.state.look_pace
    pace.take(request.client.host if request.client else "")
    data_dir: FilePath = request.app.state.data_dir
    tenant = await asyncio.to_thread(house, data_dir)
    return None if tenant is None else signin_of(request).gateway.system(tenant)


async def _find(request: Request, gated: str) -> tuple[Visit, Gated]:
    """A document by the id in an address; unknown, removed and malformed ids are alike."""
    visit, which = await _house(request), GatedId.parse(gated)
    if visit is None:
        raise documents.unknown()
    async with visit.enter(Act.GATED_LOOK, which) as scope:
        return visit, await documents.find(scope, which)


def _page(request: Request, name: str, status: int = 200, **shown: Any) -> Response:
    reply = pages_of(request).page(name, status, **shown, **around(request, "documents"))
    reply.headers.update(_NOTHING_KEPT)
    return reply


@router.get("/trust/documents", include_in_schema=False)
async def listed(request: Request, _door: Anyone) -> Response:
    """The titles of what is given out, to anybody."""
    visit, found = await _house(request), list[Gated]()
    if visit is not None:
        async with visit.enter(Act.GATED_LIST) as scope:
            found = await documents.listed(scope)
    return _page(request, "gated.html", documents=found)


@router.get("/trust/documents/{gated}", include_in_schema=False)
async def look(request: Request, gated: IdText, _door: Anyone) -> Response:
    """The agreement, and the form to accept it."""
    _, found = await _find(request, gated)
    return _form(request, found)


def _form(request: Request, found: Gated, failure: Failure | None = None, **typed: str) -> Response:
    problem = None
    if failure is not None:
        problem = problem_of(failure).members(str(passage_of(request.scope).request))
    status = 200 if failure is None else failure.status
    reply = _page(
        request, "gated_ask.html", status, document=found, terms=TERMS, digest=TERMS_DIGEST, problem=problem,
        typed={"name": "", "email": "", "company": "", **typed}, asked=False,
    )  # fmt: skip
    if failure is not None and failure.retry_after_s is not None:
        reply.headers["retry-after"] = str(failure.retry_after_s)
    return reply


@router.post("/trust/documents/{gated}", include_in_schema=False)
async def ask(
    request: Request,
    gated: IdText,
    _door: Anyone,
    name: Field = "",
    email: Field = "",
    company: Field = "",
    accepted: Field = "",
) -> Response:
    """Accept the agreement: leads to the link, or says that the operator decides."""
    pace: Pace = request.app.state.pace
    visit, found = await _find(request, gated)
    signin = signin_of(request)
    try:
        pace.take(request.client.host if request.client else "")
        visitor = Visitor.of(name, email, company)
        async with visit.enter(Act.GATED_ASK, found.id) as scope:
            secret = await grants.ask(scope, signin.credentials, signin.gateway.clock.now(), found, visitor, accepted)
    except Failure as failure:
        if not prefers_html(request.scope):
            raise
        return _form(request, found, failure, name=name[:200], email=email[:254], company=company[:200])
    if secret is not None:
        return RedirectResponse(f"/trust/documents/link/{secret}", status_code=303, headers=_NOTHING_KEPT)
    return _page(
        request, "gated_ask.html", document=found, terms=TERMS, digest=TERMS_DIGEST, problem=None, asked=True,
        typed={"name": "", "email": "", "company": ""},
    )  # fmt: skip


@router.get("/trust/documents/link/{secret}", include_in_schema=False)
async def link(request: Request, secret: Secret, _door: Anyone) -> Response:
    """What the link is for, until when, and how often it still works."""
    visit, signin = await _house(request), signin_of(request)
    if visit is None:
        raise grants.over()
    async with visit.enter(Act.GATED_LOOK) as scope:
        grant, found = await grants.locate(scope, signin.credentials, secret, signin.gateway.clock.now())
    return _page(
        request, "gated_link.html", document=found, secret=secret, left=DOWNLOADS_MAX - grant.downloads,
        expires_at=grant.expires_at.isoformat(timespec="seconds"),
    )  # fmt: skip


@router.post("/trust/documents/link/{secret}", include_in_schema=False)
async def download(request: Request, secret: Secret, _door: Anyone) -> Response:
    """The document. The download is counted before a byte leaves."""
    visit, signin = await _house(request), signin_of(request)
    if visit is None:
        raise grants.over()
    now = signin.gateway.clock.now()
    async with visit.enter(Act.GATED_LOOK) as scope:
        grant, _ = await grants.locate(scope, signin.credentials, secret, now)
    async with visit.enter(Act.GATED_DOWNLOAD, grant.id) as scope:
        _, found = await grants.note_download(scope, signin.credentials, secret, now)
        body = await documents.body_of(scope, found.id)
    named = f"attachment; filename*=UTF-8''{quote(found.name)}"
    headers = {**_NOTHING_KEPT, "content-disposition": named}
    return Response(body, media_type="application/octet-stream", headers=headers)
