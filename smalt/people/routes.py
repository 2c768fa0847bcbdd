"""Signing in, out, and coming by a one-time link: pages that work without scripts."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smalt.kernel.errors import Failure, Gone, Unauthenticated
from smalt.people import invitation
from smalt.people.person import PASSWORD_MIN_CHARS
from smalt.people.session import clear_cookie, set_cookie
from smalt.people.signin import SignIn
from smalt.web.doors import Anyone, routes, session_cookie
from smalt.web.pages import pages_of
from smalt.web.passage import passage_of
from smalt.web.problems import prefers_html, problem_of

router = routes()

_FIELD_MAX = 2_000
Field = Annotated[str, Form(max_length=_FIELD_MAX)]
Secret = Annotated[str, Path(max_length=128)]


def signin_of(request: Request) -> SignIn:
    found: SignIn = request.app.state.signin
    return found


def local_path(text: str) -> str:
    """``text`` when it is a path of this very site, else ``/``: a link must not send a person who signs in elsewhere."""
    fits = text.startswith("/") and text.isascii() and text.isprintable() and not text.startswith("//")
    return text if fits and "\\" not in text and " " not in text else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _told(request: Request, failure: Failure) -> dict[str, object]:
    return problem_of(failure).members(str(passage_of(request.scope).request))


def _page(request: Request, name: str, failure: Failure | None, status: int = 200, **variables: object) -> Response:
    """A form again, with what was wrong; programs that do not read pages get the failure itself."""
    if failure is None:
        return pages_of(request).page(name, status, problem=None, **variables)
    if not prefers_html(request.scope):
        raise failure
    reply = pages_of(request).page(name, failure.status, problem=_told(request, failure), **variables)
    if failure.retry_after_s is not None:
        reply.headers["retry-after"] = str(failure.retry_after_s)
    return reply


@router.get("/signin", include_in_schema=False)
async def signin_page(request: Request, _door: Anyone, next: str = "/") -> Response:  # noqa: A002  # the name in links
    """The form; whoever is signed in already goes on at once."""
    cookie = session_cookie(request)
    if cookie is not None:
        try:
            await signin_of(request).keeper.by_session(cookie)
        except Unauthenticated:
            pass
        else:
            return RedirectResponse(local_path(next), status_code=303)
    return _page(request, "signin.html", None, email="", next=local_path(next))


@router.post("/signin", include_in_schema=False)
async def sign_in(
    request: Request,
    _door: Anyone,
    email: Field = "",
    password: Field = "",
    next: Field = "/",  # noqa: A002  # the name of the form's field
) -> Response:
    """A new session, and the one the browser came with ends."""
    signin = signin_of(request)
    agent = request.headers.get("user-agent", "")
    try:
        came = await signin.by_password(email, password, _address(request), agent)
    except Failure as failure:
        return _page(request, "signin.html", failure, email=email[:254], next=local_path(next))
    await signin.out(session_cookie(request))
    onwards = f"/signin/factor?{urlencode({'next': local_path(next)})}" if came.awaited else local_path(next)
    reply = RedirectResponse(onwards, status_code=303)
    set_cookie(reply, came.cookie)
    return reply


@router.get("/signin/factor", include_in_schema=False)
async def factor_page(request: Request, _door: Anyone, next: str = "/") -> Response:  # noqa: A002  # the name in links
    """The form of the second step."""
    return _page(request, "factor.html", None, next=local_path(next))


@router.post("/signin/factor", include_in_schema=False)
async def second_step(
    request: Request,
    _door: Anyone,
    code: Field = "",
    next: Field = "/",  # noqa: A002  # the name of the form's field
) -> Response:
    """A code for the session that waits; the session that opens everything is another one."""
    signin, waiting = signin_of(request), session_cookie(request)
    try:
        if waiting is None:
            raise Unauthenticated("session.missing", "Nobody is signed in.", todo="Sign in and try again.")
        cookie = await signin.by_code(waiting, code, request.headers.get("user-agent", ""))
    except Failure as failure:
        return _page(request, "factor.html", failure, next=local_path(next))
    reply = RedirectResponse(local_path(next), status_code=303)
    set_cookie(reply, cookie)
    return reply


@router.post("/signout", include_in_schema=False)
async def sign_out(request: Request, _door: Anyone) -> Response:
    """The session ends on the server, whatever the browser keeps. Open to anyone: it also clears a dead cookie."""
    await signin_of(request).out(session_cookie(request))
    reply = RedirectResponse("/signin", status_code=303)
    clear_cookie(reply)
    return reply


def _shown(link: invitation.Invitation, secret: str, name: str = "", email: str = "") -> dict[str, object]:
    return {
        "secret": secret,
        "first": link.first,
        "workspace": link.workspace,
        "name": name or link.name,
        "email": email or link.email,
        "expires_at": link.expires_at.isoformat(timespec="seconds"),
    }


@router.get("/link/{secret}", include_in_schema=False)
async def link_page(request: Request, secret: Secret, _door: Anyone) -> Response:
    """The form of a one-time link. Looking does not use it up: mail scanners and previews look too."""
    signin = signin_of(request)
    try:
        found = await invitation.look(signin.gateway, signin.credentials, secret)
    except Gone as failure:
        return _page(request, "link.html", failure, invitation=None, least=PASSWORD_MIN_CHARS)
    return _page(request, "link.html", None, invitation=_shown(found, secret), least=PASSWORD_MIN_CHARS)


@router.post("/link/{secret}", include_in_schema=False)
async def use_link(
    request: Request, secret: Secret, _door: Anyone, name: Field = "", email: Field = "", password: Field = ""
) -> Response:
    """Make the account and sign in."""
    signin = signin_of(request)
    agent = request.headers.get("user-agent", "")
    try:
        cookie = await signin.by_link(secret, name, email, password, agent)
    except Failure as failure:
        shown = None
        if not isinstance(failure, Gone):
            found = await invitation.look(signin.gateway, signin.credentials, secret)
            shown = _shown(found, secret, name[:200], email[:254])
        return _page(request, "link.html", failure, invitation=shown, least=PASSWORD_MIN_CHARS)
    await signin.out(session_cookie(request))
    reply = RedirectResponse("/", status_code=303)
    set_cookie(reply, cookie)
    return reply
