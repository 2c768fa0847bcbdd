"""Setting up one-time codes, and turning them off: pages under /settings that work without scripts."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import Form
from starlette.requests import Request
from starlette.responses import Response

from smalt.kernel.errors import Failure
from smalt.people import factor, session
from smalt.people import person as people
from smalt.people.frame import frame
from smalt.people.routes import signin_of
from smalt.seal import totp
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit
from smalt.web.doors import Browser, routes, session_cookie
from smalt.web.pages import pages_of
from smalt.web.passage import passage_of
from smalt.web.problems import prefers_html, problem_of

router = routes()
ISSUER = "Smalt"
Text = Annotated[str, Form(max_length=2_000)]


async def _page(
    request: Request,
    visit: Visit,
    *,
    failure: Failure | None = None,
    codes: list[str] | None = None,
    done: str | None = None,
) -> Response:
    """The page with what is true now: off, being set up, or on."""
    if failure is not None and not prefers_html(request.scope):
        raise failure
    who, clock = visit.actor.person_id, signin_of(request).gateway.clock
    pending = None
    async with visit.enter(Act.PROFILE_READ, who) as scope:
        stands = await factor.standing(scope, who)
        shown = await frame(scope, "settings")
        try:
            _, secret = await factor.pending(scope, who, clock)
        except Failure:
            secret = b""
    if secret:
        plain = totp.written(secret)
        pending = " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))
    problem = None
    if failure is not None:
        problem = problem_of(failure).members(str(passage_of(request.scope).request))
    return pages_of(request).page(
        "settings_factor.html",
        200 if failure is None else failure.status,
        since=None if stands.since is None else stands.since.isoformat(timespec="seconds"),
        left_over=stands.left_over,
        pending=pending,
        codes=codes,
        done=done,
        problem=problem,
        **shown,
    )


@router.get("/settings/factor", include_in_schema=False)
async def factor_page(request: Request, visit: Browser) -> Response:
    return await _page(request, visit)


@router.get("/settings/factor/qr.svg", include_in_schema=False)
async def factor_picture(request: Request, visit: Browser) -> Response:
    """The secret that waits to be confirmed, as a QR code. Gone once it is confirmed: it is never shown again."""
    import segno  # lazily: nothing else draws

    who = visit.actor.person_id
    async with visit.enter(Act.PROFILE_READ, who) as scope:
        _, secret = await factor.pending(scope, who, signin_of(request).gateway.clock)
        profile = await people.profile(scope, who)
    out = io.BytesIO()
    segno.make(totp.address(secret, ISSUER, profile.email), error="m").save(
        out, kind="svg", scale=5, border=4, xmldecl=False, dark="#12161d", light="#ffffff"
    )
    return Response(out.getvalue(), media_type="image/svg+xml")


@router.post("/settings/factor", include_in_schema=False)
async def begin_factor(request: Request, visit: Browser, current: Text = "") -> Response:
    """A new secret, for who knows the password: an open browser must not bind somebody else's device."""
    signin = signin_of(request)
    try:
        who = await signin.require_password(visit, current)
        async with visit.enter(Act.PROFILE_CHANGE, who) as scope:
            await factor.set_up(scope, who, signin.gateway.clock)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit)


@router.post("/settings/factor/confirm", include_in_schema=False)
async def confirm_factor(request: Request, visit: Browser, code: Text = "") -> Response:
    """From the next sign-in on a code is asked for. Other sessions, which came without one, end."""
    signin, who = signin_of(request), visit.actor.person_id
    current = signin.credentials.session_of(session_cookie(request) or "")
    try:
        async with visit.enter(Act.PROFILE_CHANGE, who) as scope:
            codes = await factor.confirm(scope, who, code, signin.credentials, signin.gateway.clock)
            await session.end_others(scope, who, current, signin.gateway.clock)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, codes=codes, done="One-time codes are on. Your other sessions were ended.")


@router.post("/settings/factor/codes", include_in_schema=False)
async def renew_codes(request: Request, visit: Browser, current: Text = "") -> Response:
    return await _with_password(request, visit, current, renew=True)


@router.post("/settings/factor/off", include_in_schema=False)
async def factor_off(request: Request, visit: Browser, current: Text = "") -> Response:
    return await _with_password(request, visit, current, renew=False)


async def _with_password(request: Request, visit: Visit, current: str, *, renew: bool) -> Response:
    """New recovery codes, or no second step any more, for who knows the password."""
    signin = signin_of(request)
    told: dict[str, Any] = {"done": "One-time codes are off. The password alone signs you in."}
    try:
        who = await signin.require_password(visit, current)
        async with visit.enter(Act.PROFILE_CHANGE, who) as scope:
            if renew:
                codes = await factor.renew_recovery_codes(scope, who, signin.credentials)
                told = {"codes": codes, "done": "The recovery codes before these no longer work."}
            else:
                await factor.turn_off(scope, who)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, **told)
