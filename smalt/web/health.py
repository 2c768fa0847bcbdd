"""``/healthz``: the process answers. ``/readyz``: it can do its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from smalt.web.doors import Anyone, routes

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
