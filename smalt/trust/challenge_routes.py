"""Freshness challenges over HTTP: anybody posts a nonce, the next run embeds it in all that it signs, anybody sees where."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smalt.kernel.errors import Missing
from smalt.trust import challenge
from smalt.trust.answers import view_of
from smalt.trust.hours import HOUR_S
from smalt.trust.record import stamp
from smalt.trust.view import Trust, TrustView
from smalt.web.allowance import Allowance
from smalt.web.body import Body
from smalt.web.doors import Anyone, routes

router = routes()
NonceText = Annotated[str, Path(max_length=128)]
MOST, WINDOW = 20, timedelta(minutes=15)


class Challenge(Body):
    nonce: str = Field(max_length=128, description="32 to 64 hexadecimal digits, in lower case, of a random generator")


def allowance_of(request: Request) -> Allowance:
    """The one count of this process, made at the first use."""
    state = request.app.state
    if getattr(state, "challenges", None) is None:
        state.challenges = Allowance(state.clock, MOST, WINDOW)
    found: Allowance = state.challenges
    return found


@router.post("/trust/challenge", tags=["trust"], status_code=202)
async def post(request: Request, _door: Anyone, sent: Challenge) -> Response:
    """Let a nonce wait for the next run of the checks, which embeds it in every statement it signs."""
    allowance_of(request).spend(request.client.host if request.client else "")
    trust: Trust = request.app.state.trust
    await asyncio.to_thread(challenge.post, trust.journal.folder.parent, sent.nonce)
    view = await view_of(request)
    told = {"nonce": sent.nonce, "state": "waiting", "see": f"/trust/challenge/{sent.nonce}", **expected(view)}
    return JSONResponse(told, 202, {"location": f"/trust/challenge/{sent.nonce}", "cache-control": "no-store"})


@router.get("/trust/challenge/{nonce}", tags=["trust"])
async def see(request: Request, nonce: NonceText, _door: Anyone) -> dict[str, Any]:
    """Whether a nonce waits, or which run embedded it, and at which entries of the log."""
    trust: Trust = request.app.state.trust
    waits = nonce in await asyncio.to_thread(challenge.waiting, trust.journal.folder.parent)
    view = await view_of(request)
    found = [event for event in view.events if nonce in event.get("challenges", ())]
    if found:
        run = next((event for event in found if event["kind"] == "run"), found[-1])
        return {
            "nonce": nonce,
            "state": "embedded",
            "run": run["run"],
            "index": run["index"],
            "at": stamp(run["at"]),
            "entries": sorted(event["index"] for event in found if event["run"] == run["run"]),
        }
    if waits:
        return {"nonce": nonce, "state": "waiting", **expected(view)}
    raise Missing("trust.no_challenge", "Nobody has posted this challenge here.", todo="POST it to /trust/challenge.")


def expected(view: TrustView) -> dict[str, Any]:
    """When the next run is due: an hour after the newest in the log; None before the first, and when it is overdue."""
    last = max((event["at"] for event in view.events if event["kind"] == "run"), default=None)
    due = None if last is None else last + HOUR_S
    return {
        "last_run": None if last is None else stamp(last),
        "next_run": stamp(due) if due and due > view.now else None,
    }
