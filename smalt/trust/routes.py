"""The Trust Center for the public: no door is shut here, and nothing of a tenant is behind it."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import Request
from starlette.responses import Response

from smalt.trust.answers import JSON, answered
from smalt.trust.bundle import Shelf
from smalt.trust.view import Trust, TrustView, sentence
from smalt.web.doors import Anyone, routes

router = routes()
_SOON = {"cache-control": "public, max-age=30"}
_SHELF = Shelf()
_ONE = asyncio.Lock()
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}


@router.get("/trust/claims.json", include_in_schema=False)
async def claims(request: Request, _door: Anyone) -> Response:
    """Every claim with its state, since when, and the newest results."""

    def made(view: TrustView) -> str:
        return json.dumps({**view.plain(), "sentence": sentence(view)}, ensure_ascii=False)

    return await answered(request, "/trust/claims.json", JSON, made)


@router.get("/trust/bundle.zip", include_in_schema=False)
async def bundle(request: Request, _door: Anyone) -> Response:
    """Everything behind the page, with a script that verifies it offline."""
    async with _ONE:  # those who wait for the same bundle hold no thread
        data = await asyncio.to_thread(_SHELF.get, request.app.state.trust)
    headers = {**_SOON, "content-disposition": 'attachment; filename="bundle.zip"'}
    return Response(data, media_type="application/zip", headers=headers)


@router.get("/trust/evidence/{digest}", include_in_schema=False)
async def evidence(request: Request, digest: str, _door: Anyone) -> Response:
    """The evidence with this SHA-256."""
    trust: Trust = request.app.state.trust
    data = await asyncio.to_thread(trust.journal.evidence, digest)
    return Response(data, media_type="application/json", headers=_FOREVER)


@router.get("/trust/log/checkpoint", include_in_schema=False)
async def checkpoint(request: Request, _door: Anyone) -> Response:
    """The log's newest signed checkpoint (C2SP tlog-checkpoint)."""
    trust: Trust = request.app.state.trust
    note = await asyncio.to_thread(trust.journal.note)
    return Response(str(note), media_type="text/plain; charset=utf-8", headers={"cache-control": "no-cache"})


@router.get("/trust/log/tile/{path:path}", include_in_schema=False)
async def tile(request: Request, path: str, _door: Anyone) -> Response:
    """A tile of the log (C2SP tlog-tiles). A partial one is replaced by a wider one, never by another of its width."""
    trust: Trust = request.app.state.trust
    data = await asyncio.to_thread(trust.journal.tile, f"tile/{path}")
    return Response(data, media_type="application/octet-stream", headers=_FOREVER)
