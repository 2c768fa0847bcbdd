"""One's own account: profile, password, API tokens, sessions. As pages under /settings and as API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Form, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from smalt.kernel.errors import Failure, Forbidden
from smalt.kernel.ids import PersonId, SessionId, TokenId
from smalt.kernel.limits import NAME_MAX_CHARS
from smalt.people import factor, session, token, workspace
from smalt.people import person as people
from smalt.people.frame import places_of
from smalt.people.person import PASSWORD_MIN_CHARS, queries
from smalt.people.routes import signin_of
from smalt.people.token import LIFE_DEFAULT_DAYS, LIFE_MAX_DAYS, SCOPES
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit
from smalt.web.body import Body
from smalt.web.doors import Browser, Member, routes, session_cookie
from smalt.web.pages import pages_of
from smalt.web.passage import passage_of
from smalt.web.problems import prefers_html, problem_of

router = routes()

_SCOPES_OF_FORM = ("documents.write", "conversations", "usage.read")
Text = Annotated[str, Form(max_length=2_000)]
IdText = Annotated[str, Path(max_length=64)]


def iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


class Workspace(BaseModel):
    id: str
    name: str


class Me(BaseModel):
    """Who the credential of this request belongs to."""

    id: str
    name: str
    email: str
    role: str
    via: str
    workspace: Workspace


class TokenOut(BaseModel):
    id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class Tokens(BaseModel):
    items: list[TokenOut]
    next: str | None = None


class NewToken(TokenOut):
    """``secret`` is shown this once."""

    secret: str


class TokenIn(Body):
    name: str = Field(min_length=1, max_length=NAME_MAX_CHARS)
    scopes: list[str] = Field(
        default=list(_SCOPES_OF_FORM), max_length=len(SCOPES), description="among: " + ", ".join(SCOPES)
    )
    days: int = Field(default=LIFE_DEFAULT_DAYS, ge=1, le=LIFE_MAX_DAYS)


class SessionOut(BaseModel):
    id: str
    agent: str
    created_at: str
    seen_at: str
    current: bool


class Sessions(BaseModel):
    items: list[SessionOut]
    next: str | None = None


def _person_of(visit: Visit) -> PersonId:
    """Who answers for the visit; the system never comes by a door."""
    if visit.actor.person is None:
        raise Forbidden("account.none", "Only a person has an account.")
    return visit.actor.person


def _token_out(one: token.Token) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "name": one.name,
        "scopes": one.scopes,
        "created_at": iso(one.created_at),
        "expires_at": iso(one.expires_at),
        "last_used_at": iso(one.last_used_at),
    }


def _session_out(one: session.Session, current: SessionId | None) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "agent": one.agent,
        "created_at": iso(one.created_at),
        "seen_at": iso(one.seen_at),
        "current": one.id == current,
    }


async def _current(request: Request) -> SessionId | None:
    cookie = session_cookie(request)
    return None if cookie is None else signin_of(request).credentials.session_of(cookie)


# -- API


@router.get("/api/v1/me", tags=["account"])
async def me(visit: Member) -> Me:
    """Who the credential of this request belongs to."""
    who = _person_of(visit)
    async with visit.enter(Act.PROFILE_READ, who) as scope:
        profile = await people.profile(scope, who)
        name = await workspace.name_of(scope)
    return Me(
        id=str(profile.id),
        name=profile.name,
        email=profile.email,
        role=profile.role.name.lower(),
        via=visit.actor.kind.name.lower(),
        workspace=Workspace(id=str(visit.tenant), name=name),
    )


@router.get("/api/v1/tokens", tags=["account"])
async def tokens(visit: Browser) -> Tokens:
    """One's own API tokens, newest first."""
    who = _person_of(visit)
    async with visit.enter(Act.TOKEN_READ, who) as scope:
        found = await token.list_of(scope, who)
    return Tokens(items=[TokenOut(**_token_out(one)) for one in found])


@router.post("/api/v1/tokens", tags=["account"], status_code=201)
async def create_token(request: Request, visit: Browser, wanted: TokenIn) -> NewToken:
    """A new API token. Needs a session: a token does not make tokens."""
    made, secret = await _create(request, visit, wanted.name, wanted.scopes, wanted.days)
    return NewToken(**_token_out(made), secret=secret)


async def _create(request: Request, visit: Visit, name: str, scopes: list[str], days: int) -> tuple[token.Token, str]:
    who, signin = _person_of(visit), signin_of(request)
    async with visit.enter(Act.TOKEN_CREATE, who) as scope:
        return await token.create(
            scope, who, signin.credentials, signin.gateway.clock, name=name, scopes=scopes, days=days
        )


@router.delete("/api/v1/tokens/{token_id}", tags=["account"], status_code=204)
async def revoke_token(request: Request, visit: Browser, token_id: IdText) -> Response:
    """The token ends at once."""
    await _revoke(request, visit, TokenId.parse(token_id))
    return Response(status_code=204)


async def _revoke(request: Request, visit: Visit, which: TokenId) -> None:
    who = _person_of(visit)
    async with visit.enter(Act.TOKEN_REVOKE, which) as scope:
        await token.revoke(scope, who, which, signin_of(request).gateway.clock)


@router.get("/api/v1/sessions", tags=["account"])
async def sessions(request: Request, visit: Browser) -> Sessions:
    """Where one is signed in."""
    who, current = _person_of(visit), await _current(request)
    async with visit.enter(Act.SESSION_READ, who) as scope:
        found = await session.list_of(scope, who, signin_of(request).gateway.clock)
    return Sessions(items=[SessionOut(**_session_out(one, current)) for one in found])


@router.delete("/api/v1/sessions/{session_id}", tags=["account"], status_code=204)
async def end_session(request: Request, visit: Browser, session_id: IdText) -> Response:
    """Sign out somewhere else."""
    await _end(request, visit, SessionId.parse(session_id))
    return Response(status_code=204)


async def _end(request: Request, visit: Visit, which: SessionId) -> None:
    who = _person_of(visit)
    async with visit.enter(Act.SESSION_END, which) as scope:
        await session.end(scope, who, which, signin_of(request).gateway.clock)


# -- pages


async def _settings(
    request: Request,
    visit: Visit,
    *,
    failure: Failure | None = None,
    done: str | None = None,
    new_token: dict[str, str] | None = None,
) -> Response:
    """The page with what is true now, and what the form that was just sent led to."""
    if failure is not None and not prefers_html(request.scope):
        raise failure
    who, clock, current = _person_of(visit), signin_of(request).gateway.clock, await _current(request)
    async with visit.enter(Act.PROFILE_READ, who) as scope:
        profile = await people.profile(scope, who)
        own_tokens = await token.list_of(scope, who)
        own_sessions = await session.list_of(scope, who, clock)
        second = await factor.is_on(scope, who)
    problem = None
    if failure is not None:
        problem = problem_of(failure).members(str(passage_of(request.scope).request))
    reply = pages_of(request).page(
        "settings.html",
        200 if failure is None else failure.status,
        person=profile.name,
        here="settings",
        places=places_of(profile.role),
        profile={"name": profile.name, "email": profile.email, "role": profile.role.name.lower()},
        tokens=[_token_out(one) for one in own_tokens],
        sessions=[_session_out(one, current) for one in own_sessions],
        new_token=new_token,
        done=done,
        problem=problem,
        factor_on=second,
        least=PASSWORD_MIN_CHARS,
    )
    if failure is not None and failure.retry_after_s is not None:
        reply.headers["retry-after"] = str(failure.retry_after_s)
    return reply


@router.get("/settings", include_in_schema=False)
async def settings_page(request: Request, visit: Browser) -> Response:
    return await _settings(request, visit)


@router.post("/settings/profile", include_in_schema=False)
async def save_profile(request: Request, visit: Browser, name: Text = "") -> Response:
    who = _person_of(visit)
    try:
        plain = people.plain_name(name)
        async with visit.enter(Act.PROFILE_CHANGE, who) as scope:
            sealed = people.seal_name(scope, who, plain)
            await scope.execute(queries.rename_person, {"id": who.uuid, "name": sealed})
    except Failure as failure:
        return await _settings(request, visit, failure=failure)
    return await _settings(request, visit, done="The name was saved.")


@router.post("/settings/password", include_in_schema=False)
async def save_password(request: Request, visit: Browser, current: Text = "", password: Text = "") -> Response:
    """A new password, for who knows the old one; every other session ends."""
    signin, session_id = signin_of(request), await _current(request)
    try:
        await signin.change_password(visit, current, password, session_id)
    except Failure as failure:
        return await _settings(request, visit, failure=failure)
    return await _settings(request, visit, done="The password was changed. Other sessions were ended.")


@router.post("/settings/tokens", include_in_schema=False)
async def settings_token(request: Request, visit: Browser, name: Text = "", days: Text = "90") -> Response:
    life = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
    try:
        made, secret = await _create(request, visit, name, list(_SCOPES_OF_FORM), life)
    except Failure as failure:
        return await _settings(request, visit, failure=failure)
    return await _settings(request, visit, new_token={"name": made.name, "secret": secret})


@router.post("/settings/tokens/{token_id}/revoke", include_in_schema=False)
async def settings_revoke(request: Request, visit: Browser, token_id: IdText) -> Response:
    try:
        await _revoke(request, visit, TokenId.parse(token_id))
    except Failure as failure:
        return await _settings(request, visit, failure=failure)
    return await _settings(request, visit, done="The token was revoked.")


@router.post("/settings/sessions/{session_id}/end", include_in_schema=False)
async def settings_end(request: Request, visit: Browser, session_id: IdText) -> Response:
    try:
        await _end(request, visit, SessionId.parse(session_id))
    except Failure as failure:
        return await _settings(request, visit, failure=failure)
    return await _settings(request, visit, done="The session was ended.")
