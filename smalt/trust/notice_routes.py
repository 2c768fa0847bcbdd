"""The register of sub-processors for a workspace's admins: what is ahead, subscribing, objecting. Page and API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from smalt.kernel.errors import Failure, Missing
from smalt.people.frame import frame
from smalt.people.routes import signin_of
from smalt.tenancy.policy import Act, allows
from smalt.tenancy.visit import Visit
from smalt.trust import subscription, vendors
from smalt.trust.answers import view_of
from smalt.trust.feed import told
from smalt.trust.record import stamp
from smalt.trust.subscription import REASON_MAX_CHARS
from smalt.trust.view import TrustView
from smalt.web.body import Body
from smalt.web.doors import Browser, routes
from smalt.web.pages import pages_of
from smalt.web.passage import passage_of
from smalt.web.problems import prefers_html, problem_of

router = routes()
Text = Annotated[str, Form(max_length=REASON_MAX_CHARS)]
VENDOR_MAX_CHARS = 40


class ObjectionIn(Body):
    vendor: str = Field(max_length=VENDOR_MAX_CHARS, description="its short name in the register")
    reason: str = Field(min_length=1, max_length=REASON_MAX_CHARS)


class VendorIn(Body):
    vendor: str = Field(max_length=VENDOR_MAX_CHARS, description="its short name in the register")


def _vendor(view: TrustView, name: str) -> vendors.Vendor:
    for one in vendors.register(view.events, view.now):
        if one.id == name:
            return one
    raise Missing("objection.no_vendor", "There is no such vendor in the register.", kept="Nothing was changed.")


# -- what is done, for both


async def _subscribe(request: Request, visit: Visit) -> None:
    who, view = visit.actor.person_id, await view_of(request)
    newest = max((one.entry for one in vendors.notices(view.events, view.now)), default=-1)
    async with visit.enter(Act.REGISTER_SUBSCRIBE, who) as scope:
        await subscription.subscribe(scope, who, newest, signin_of(request).gateway.clock.now())


async def _unsubscribe(visit: Visit) -> None:
    who = visit.actor.person_id
    async with visit.enter(Act.REGISTER_SUBSCRIBE, who) as scope:
        await subscription.unsubscribe(scope, who)


async def _object(request: Request, visit: Visit, name: str, reason: str) -> None:
    view, now = await view_of(request), signin_of(request).gateway.clock.now()
    async with visit.enter(Act.REGISTER_OBJECT) as scope:
        await subscription.object_to(scope, visit.actor.person_id, _vendor(view, name), reason, now)


async def _withdraw(request: Request, visit: Visit, name: str) -> None:
    async with visit.enter(Act.REGISTER_OBJECT) as scope:
        await subscription.withdraw(scope, name, signin_of(request).gateway.clock.now())


# -- API


@router.get("/api/v1/register", tags=["register"])
async def register(request: Request, visit: Browser) -> dict[str, Any]:
    """The register of sub-processors, its changes, whether one is subscribed to them, and what the workspace objects to."""
    view = await view_of(request)
    async with visit.enter(Act.REGISTER_READ) as scope:
        subscribed = await subscription.is_subscribed(scope, visit.actor.person_id)
        objections = [one.plain() for one in await subscription.objections(scope)]
    return {**vendors.plain(view.events, view.now), "subscribed": subscribed, "objections": objections}


@router.put("/api/v1/register/subscription", tags=["register"], status_code=204)
async def subscribe(request: Request, visit: Browser) -> Response:
    """Be told of changes from now on. A subscription is a person's own."""
    await _subscribe(request, visit)
    return Response(status_code=204)


@router.delete("/api/v1/register/subscription", tags=["register"], status_code=204)
async def unsubscribe(visit: Browser) -> Response:
    """Hear no more."""
    await _unsubscribe(visit)
    return Response(status_code=204)


@router.post("/api/v1/register/objections", tags=["register"], status_code=204)
async def object_to(request: Request, visit: Browser, wanted: ObjectionIn) -> Response:
    """The workspace objects to a vendor. The reason is stored sealed."""
    await _object(request, visit, wanted.vendor, wanted.reason)
    return Response(status_code=204)


@router.post("/api/v1/register/objections/withdraw", tags=["register"], status_code=204)
async def withdraw_objection(request: Request, visit: Browser, wanted: VendorIn) -> Response:
    """The workspace no longer objects."""
    await _withdraw(request, visit, wanted.vendor)
    return Response(status_code=204)


# -- page


async def _page(request: Request, visit: Visit, *, failure: Failure | None = None, done: str | None = None) -> Response:
    """The page with what is true now, and what the form that was just sent led to."""
    if failure is not None and not prefers_html(request.scope):
        raise failure
    view = await view_of(request)
    found = vendors.register(view.events, view.now)
    async with visit.enter(Act.REGISTER_READ) as scope:
        around = await frame(scope, "settings")
        subscribed = await subscription.is_subscribed(scope, visit.actor.person_id)
        objections = await subscription.objections(scope)
    problem = None
    if failure is not None:
        problem = problem_of(failure).members(str(passage_of(request.scope).request))
    objected = {one.vendor: one.plain() for one in objections}
    return pages_of(request).page(
        "notices.html",
        200 if failure is None else failure.status,
        vendors=[one for one in found if one.state != "removed"],
        notices=[(one, told(one)) for one in vendors.notices(view.events, view.now)],
        objected=objected,
        names={one.id: one.terms.name for one in found},
        subscribed=subscribed,
        may_object=allows(visit.actor.role, Act.REGISTER_OBJECT),
        now=view.now,
        stamp=stamp,
        done=done,
        problem=problem,
        **around,
    )


@router.get("/settings/notices", include_in_schema=False)
async def notices_page(request: Request, visit: Browser) -> Response:
    return await _page(request, visit)


@router.post("/settings/notices/subscribe", include_in_schema=False)
async def subscribe_form(request: Request, visit: Browser) -> Response:
    try:
        await _subscribe(request, visit)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, done="You are told of changes from now on.")


@router.post("/settings/notices/unsubscribe", include_in_schema=False)
async def unsubscribe_form(request: Request, visit: Browser) -> Response:
    try:
        await _unsubscribe(visit)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, done="You hear no more of changes.")


@router.post("/settings/notices/object", include_in_schema=False)
async def object_form(request: Request, visit: Browser, vendor: Text = "", reason: Text = "") -> Response:
    try:
        await _object(request, visit, vendor, reason)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, done="The objection was recorded.")


@router.post("/settings/notices/withdraw", include_in_schema=False)
async def withdraw_form(request: Request, visit: Browser, vendor: Text = "") -> Response:
    try:
        await _withdraw(request, visit, vendor)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, done="The objection was withdrawn.")
