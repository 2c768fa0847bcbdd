"""From routers to the ASGI application that is served: doors checked, problems rendered, guard outermost.

The composition root calls this once, with everything it made:

    web = build_web(routers=[…], pages=pages, doorkeeper=keeper, rules=rules, parts={"signin": signin}, lifespan=…)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smalt.web import problems
from smalt.web.doors import Application, Doorkeeper, DoorRouter, Member, check_doors, routes
from smalt.web.guard import SESSION_COOKIE, Guard, Rules
from smalt.web.pages import Pages, static_routes
from smalt.web.problems import MEDIA_TYPE, PROBLEM_SCHEMA

Lifespan = Callable[[Application], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Web:
    """``asgi`` is what to serve; ``app`` is for looking at (its routes, its OpenAPI)."""

    asgi: Guard
    app: Application


def _description_routes() -> DoorRouter:
    router = routes()

    @router.get("/api/v1/openapi.json", include_in_schema=False)
    async def description(request: Request, _visit: Member) -> Response:
        """The API's description, for members: strangers need not know its shape."""
        return JSONResponse(openapi_of(request.app))

    return router


def openapi_of(app: Application) -> dict[str, Any]:
    """The OpenAPI description of what is under /api, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
        app.openapi_schema = _as_it_is(made)
    return app.openapi_schema


def _as_it_is(description: dict[str, Any]) -> dict[str, Any]:
    """``description`` with what the framework cannot know: the one shape of problems, and how programs sign in."""
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for foreign in ("HTTPValidationError", "ValidationError"):
        schemas.pop(foreign, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in description["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "A problem", "content": content}
            if path.startswith("/api/"):
                operation["security"] = [{"token": []}, {"session": []}]
    return description


def build_web(
    *,
    routers: Iterable[DoorRouter],
    pages: Pages,
    doorkeeper: Doorkeeper,
    rules: Rules,
    version: str,
    parts: Mapping[str, object] | None = None,
    lifespan: Lifespan | None = None,
) -> Web:
    """``parts`` become attributes of ``app.state``, where routes find them. `TypeError` for a route without a door."""
    app = Application(
        title="Smalt", version=version, description="Ask documents, get traced figures.", lifespan=lifespan
    )
    for router in (*routers, static_routes(pages.static), _description_routes()):
        app.include_router(router)
    app.state.doorkeeper = doorkeeper
    app.state.pages = pages
    for name, part in (parts or {}).items():
        setattr(app.state, name, part)
    problems.install(app, pages)
    check_doors(app)
    return Web(Guard(app, rules, pages), app)
