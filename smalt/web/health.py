"""``/healthz``: the process answers. ``/readyz``: it can do its work. And the API's description, for members."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from smalt.web.doors import Anyone, Member, routes

router = routes()
Ready = Callable[[], Awaitable[None]]


@router.get("/healthz", tags=["health"])
async def healthz(_door: Anyone) -> dict[str, str]:
    """The process is alive. Says nothing of the database."""
    return {"status": "alive"}


@router.get("/readyz", tags=["health"])
async def readyz(request: Request, _door: Anyone) -> dict[str, str]:
    """The database answers and the disk takes writes; a problem with status 503 otherwise."""
    ready: Ready = request.app.state.ready
    await ready()
    return {"status": "ready"}


@router.get("/api/v1/openapi.json", include_in_schema=False)
async def openapi(request: Request, _visit: Member) -> Response:
    """The API's description (OpenAPI 3.1), for who is signed in."""
    found: dict[str, Any] = request.app.openapi()
    return JSONResponse(found)
