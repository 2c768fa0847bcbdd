"""Witnesses over HTTP: what they need of the log, their lines coming in, and the keys that a tenant names."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Form, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smalt.kernel.errors import Failure
from smalt.kernel.ids import WitnessId
from smalt.people.frame import frame
from smalt.people.routes import signin_of
from smalt.tenancy.policy import Act, allows
from smalt.tenancy.visit import Visit
from smalt.trust import witness
from smalt.trust.view import Trust
from smalt.trust.witness import Witness
from smalt.web.allowance import Allowance
from smalt.web.body import Body
from smalt.web.doors import Anyone, Browser, routes
from smalt.web.pages import pages_of
from smalt.web.passage import passage_of
from smalt.web.problems import prefers_html, problem_of

router = routes()
Size = Annotated[int, Path(ge=1, le=1 << 53)]
IdText = Annotated[str, Path(max_length=64)]
Text = Annotated[str, Form(max_length=2_000)]
MOST, WINDOW = 60, timedelta(minutes=15)


class KeyIn(Body):
    key: str = Field(max_length=400, description="name+id+key, as signed-note verifiers write it")


# -- the public


@router.get("/trust/log/checkpoint/{size}", include_in_schema=False)
async def checkpoint_of(request: Request, size: Size, _door: Anyone) -> Response:
    """The checkpoint that was signed when the log had ``size`` entries, with the cosignatures over it."""
    trust: Trust = request.app.state.trust
    note = await asyncio.to_thread(trust.journal.note_of, size)
    return Response(str(note), media_type="text/plain; charset=utf-8", headers={"cache-control": "no-cache"})


@router.get("/trust/log/keys.json", include_in_schema=False)
async def keys(request: Request, _door: Anyone) -> Response:
    """The public keys of the log and of the checker. Keep them: a witness trusts those it saw first."""
    trust: Trust = request.app.state.trust
    found = await asyncio.to_thread(trust.journal.keys)
    return JSONResponse(found.plain(), headers={"cache-control": "no-cache"})


@router.post("/trust/log/cosignature", include_in_schema=False)
async def cosign(request: Request, _door: Anyone) -> Response:
    """Take a checkpoint with the cosignature of a registered witness below it (a signed note, as text)."""
    state, signin = request.app.state, signin_of(request)
    if getattr(state, "cosignatures", None) is None:
        state.cosignatures = Allowance(state.clock, MOST, WINDOW)
    state.cosignatures.spend(request.client.host if request.client else "")
    trust: Trust = state.trust
    newest, taken = await witness.accept(signin.gateway, signin.credentials, trust.journal, await request.body())
    return JSONResponse({"taken": taken, "size": newest.size}, headers={"cache-control": "no-store"})


# -- a tenant's own


def _shown(one: Witness) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "name": one.key.name,
        "key": str(one.key),
        "created_at": one.created_at.isoformat(timespec="seconds"),
        "seen_at": None if one.seen_at is None else one.seen_at.isoformat(timespec="seconds"),
        "seen_size": one.seen_size,
    }


@router.get("/api/v1/witnesses", tags=["trust"])
async def witnesses(visit: Browser) -> dict[str, Any]:
    """The keys that may cosign the transparency log for this workspace, and what each signed last."""
    async with visit.enter(Act.WITNESS_READ) as scope:
        found = await witness.list_of(scope)
    return {"items": [_shown(one) for one in found], "next": None}


@router.post("/api/v1/witnesses", tags=["trust"], status_code=201)
async def register(request: Request, visit: Browser, sent: KeyIn) -> dict[str, str]:
    """Name a witness by its public key."""
    return {"id": str(await _register(request, visit, sent.key))}


@router.delete("/api/v1/witnesses/{witness_id}", tags=["trust"], status_code=204)
async def remove(visit: Browser, witness_id: IdText) -> Response:
    """Take no more cosignatures of this key."""
    await _remove(visit, witness_id)
    return Response(status_code=204)


async def _register(request: Request, visit: Visit, text: str) -> WitnessId:
    async with visit.enter(Act.WITNESS_CHANGE) as scope:
        return await witness.register(scope, signin_of(request).credentials, witness.key_of(text))


async def _remove(visit: Visit, text: str) -> None:
    which = WitnessId.parse(text)
    async with visit.enter(Act.WITNESS_CHANGE, which) as scope:
        await witness.remove(scope, which)


# -- the page


async def _page(request: Request, visit: Visit, *, failure: Failure | None = None, done: str | None = None) -> Response:
    if failure is not None and not prefers_html(request.scope):
        raise failure
    async with visit.enter(Act.WITNESS_READ) as scope:
        found = await witness.list_of(scope)
        around = await frame(scope, "settings")
    return pages_of(request).page(
        "witnesses.html",
        200 if failure is None else failure.status,
        witnesses=[_shown(one) for one in found],
        may_change=allows(visit.actor.role, Act.WITNESS_CHANGE),
        done=done,
        problem=None if failure is None else problem_of(failure).members(str(passage_of(request.scope).request)),
        **around,
    )


@router.get("/settings/witnesses", include_in_schema=False)
async def page(request: Request, visit: Browser) -> Response:
    return await _page(request, visit)


@router.post("/settings/witnesses", include_in_schema=False)
async def page_register(request: Request, visit: Browser, key: Text = "") -> Response:
    try:
        await _register(request, visit, key)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, done="The witness was named.")


@router.post("/settings/witnesses/{witness_id}/remove", include_in_schema=False)
async def page_remove(request: Request, visit: Browser, witness_id: IdText) -> Response:
    try:
        await _remove(visit, witness_id)
    except Failure as failure:
        return await _page(request, visit, failure=failure)
    return await _page(request, visit, done="No more cosignatures of that key are taken.")
