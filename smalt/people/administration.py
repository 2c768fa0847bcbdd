"""Who is in the workspace, and as what: a page and an API for owners and admins. Auditors may look."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from smalt.kernel.errors import Failure
from smalt.kernel.ids import PersonId
from smalt.kernel.limits import NAME_MAX_CHARS
from smalt.people import members
from smalt.people.frame import frame
from smalt.people.invitation import MEMBER_LIFE
from smalt.people.members import ROLES, Member
from smalt.people.routes import signin_of
from smalt.tenancy.actor import Role
from smalt.tenancy.policy import Act, allows
from smalt.tenancy.visit import Visit
from smalt.web.body import Body
from smalt.web.doors import Browser, routes
from smalt.web.pages import pages_of
from smalt.web.paging import LIMIT_DEFAULT, After, Cursor, Limit, after, as_json, page_of
from smalt.web.passage import passage_of
from smalt.web.problems import prefers_html, problem_of
from smalt.web.replies import Time

router = routes()

PAGE_MAX = 500
EMAIL_MAX_CHARS = 254
Text = Annotated[str, Form(max_length=2_000)]
IdText = Annotated[str, Path(max_length=64)]


class PersonOut(BaseModel):
    """A member, or somebody who was invited and has not come yet."""

    id: str
    name: str
    email: str
    role: str
    state: str
    created_at: Time


class People(BaseModel):
    items: list[PersonOut]
    next: str | None


class Invited(BaseModel):
    """``link`` is shown this once, and works once, until ``expires_at``."""

    id: str
    role: str
    link: str
    expires_at: str


class InvitationIn(Body):
    role: str = Field(description="owner, admin, analyst, viewer, auditor or billing")
    name: str = Field(default="", max_length=NAME_MAX_CHARS)
    email: str = Field(default="", max_length=EMAIL_MAX_CHARS)


class RoleIn(Body):
    role: str = Field(description="owner, admin, analyst, viewer, auditor or billing")


def _view(one: Member) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "name": one.name,
        "email": one.email,
        "role": one.role.name.lower(),
        "state": one.state.name.lower(),
        "created_at": one.created_at.isoformat(timespec="seconds"),
    }


def _link(request: Request, secret: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/link/{secret}"


# -- what is done, for both


async def _invite(request: Request, visit: Visit, role: str, name: str, email: str) -> Invited:
    signin, wanted = signin_of(request), members.role_of(role)
    async with visit.enter(Act.PERSON_INVITE) as scope:
        who, secret = await members.invite(
            scope, signin.credentials, signin.gateway.clock, role=wanted, name=name, email=email
        )
    return _invited(request, who, wanted, secret)


async def _invite_again(request: Request, visit: Visit, who: PersonId) -> Invited:
    signin = signin_of(request)
    async with visit.enter(Act.PERSON_INVITE, who) as scope:
        secret = await members.invite_again(scope, signin.credentials, signin.gateway.clock, who)
    return _invited(request, who, None, secret)


def _invited(request: Request, who: PersonId, role: Role | None, secret: str) -> Invited:
    until = signin_of(request).gateway.clock.now() + MEMBER_LIFE
    word = "" if role is None else role.name.lower()
    return Invited(id=str(who), role=word, link=_link(request, secret), expires_at=until.isoformat(timespec="seconds"))


async def _change(visit: Visit, who: PersonId, role: str) -> None:
    wanted = members.role_of(role)
    async with visit.enter(Act.PERSON_CHANGE, who) as scope:
        await members.change_role(scope, who, wanted)


async def _remove(request: Request, visit: Visit, who: PersonId) -> None:
    async with visit.enter(Act.PERSON_REMOVE, who) as scope:
        await members.remove(scope, who, signin_of(request).gateway.clock)


# -- API


@router.get("/api/v1/people", tags=["people"], response_model=People)
async def list_people(visit: Browser, limit: Limit = LIMIT_DEFAULT, cursor: After = None) -> dict[str, Any]:
    """Members and invited people, oldest first."""
    async with visit.enter(Act.PERSON_READ) as scope:
        found = await members.page(scope, limit + 1, after(cursor).id if cursor else None)
    return as_json(page_of(found, limit, lambda one: Cursor(one.created_at, one.id.uuid), _view))


@router.post("/api/v1/people", tags=["people"], status_code=201)
async def invite_person(request: Request, visit: Browser, wanted: InvitationIn) -> Invited:
    """Invite somebody. The link is in the answer only; pass it on by a way you trust."""
    return await _invite(request, visit, wanted.role, wanted.name, wanted.email)


@router.post("/api/v1/people/{person_id}/link", tags=["people"], status_code=201)
async def invite_person_again(request: Request, visit: Browser, person_id: IdText) -> Invited:
    """A fresh link for somebody who has not come yet; the one before stops working."""
    return await _invite_again(request, visit, PersonId.parse(person_id))


@router.patch("/api/v1/people/{person_id}", tags=["people"], status_code=204)
async def change_person(visit: Browser, person_id: IdText, wanted: RoleIn) -> Response:
    """Another role, from the next thing they do."""
    await _change(visit, PersonId.parse(person_id), wanted.role)
    return Response(status_code=204)


@router.delete("/api/v1/people/{person_id}", tags=["people"], status_code=204)
async def remove_person(request: Request, visit: Browser, person_id: IdText) -> Response:
    """They are out at once, everywhere. What they made stays with the workspace."""
    await _remove(request, visit, PersonId.parse(person_id))
    return Response(status_code=204)


# -- pages


async def _people(
    request: Request,
    visit: Visit,
    *,
    failure: Failure | None = None,
    done: str | None = None,
    invited: Invited | None = None,
) -> Response:
    """The page with what is true now, and what the form that was just sent led to."""
    if failure is not None and not prefers_html(request.scope):
        raise failure
    async with visit.enter(Act.PERSON_READ) as scope:
        found = await members.page(scope, PAGE_MAX + 1)
        shown = await frame(scope, "people")
    problem = None
    if failure is not None:
        problem = problem_of(failure).members(str(passage_of(request.scope).request))
    own = visit.actor.role
    return pages_of(request).page(
        "people.html",
        200 if failure is None else failure.status,
        people=[{**_view(one), "fixed": _fixed(own, visit, one)} for one in found[:PAGE_MAX]],
        more=len(found) > PAGE_MAX,
        roles=[role.name.lower() for role in ROLES if role is not Role.OWNER or own is Role.OWNER],
        may_change=allows(own, Act.PERSON_CHANGE),
        invited=invited,
        done=done,
        problem=problem,
        **shown,
    )


def _fixed(own: Role, visit: Visit, one: Member) -> bool:
    """Whether the actor cannot change this person, so that no control is offered that would be refused."""
    return one.id == visit.actor.person or (one.role is Role.OWNER and own is not Role.OWNER)


@router.get("/people", include_in_schema=False)
async def people_page(request: Request, visit: Browser) -> Response:
    return await _people(request, visit)


@router.post("/people", include_in_schema=False)
async def people_invite(
    request: Request, visit: Browser, role: Text = "", name: Text = "", email: Text = ""
) -> Response:
    try:
        invited = await _invite(request, visit, role, name, email)
    except Failure as failure:
        return await _people(request, visit, failure=failure)
    return await _people(request, visit, invited=invited)


@router.post("/people/{person_id}/link", include_in_schema=False)
async def people_link(request: Request, visit: Browser, person_id: IdText) -> Response:
    try:
        invited = await _invite_again(request, visit, PersonId.parse(person_id))
    except Failure as failure:
        return await _people(request, visit, failure=failure)
    return await _people(request, visit, invited=invited)


@router.post("/people/{person_id}/role", include_in_schema=False)
async def people_role(request: Request, visit: Browser, person_id: IdText, role: Text = "") -> Response:
    try:
        await _change(visit, PersonId.parse(person_id), role)
    except Failure as failure:
        return await _people(request, visit, failure=failure)
    return await _people(request, visit, done="The role was changed. It counts from the next thing they do.")


@router.post("/people/{person_id}/remove", include_in_schema=False)
async def people_remove(request: Request, visit: Browser, person_id: IdText) -> Response:
    try:
        await _remove(request, visit, PersonId.parse(person_id))
    except Failure as failure:
        return await _people(request, visit, failure=failure)
    return await _people(request, visit, done="The person was removed, and signed out everywhere.")
