"""A route says who may enter, or it does not exist.

Every endpoint has exactly one parameter annotated with a door; anything else is a `TypeError` when the route is
registered, which is when the program is imported. The door is tried before the body is read, so a stranger learns
nothing from how a body would be judged, and uploads nothing.

    @routes.get("/api/v1/usage")
    async def usage(visit: Member) -> UsagePage: ...

Behind a door the endpoint holds a `Visit`: who, and which tenant. No key and no connection is held by it.
"""

from __future__ import annotations

import enum
import functools
import inspect
import re
import typing
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, Protocol, TypeAlias

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from smalt.kernel.errors import Unauthenticated
from smalt.tenancy.visit import Visit
from smalt.web.guard import SESSION_COOKIE
from smalt.web.passage import passage_of, route_name

_VISIT = "smalt.visit"
_DOOR = "smalt.door"
_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/-]{1,512}=*)")


class Door(enum.Enum):
    """Who may enter. A member comes with a session or a token, a browser with a session, an API client with a token."""

    ANYONE = "anyone"
    MEMBER = "member"
    BROWSER = "browser"
    API = "api"


@dataclass(frozen=True, slots=True)
class Stranger:
    """Nobody in particular. Says on purpose that a route is open."""


class Doorkeeper(Protocol):
    """Who a credential belongs to; `smalt.people` knows. Both raise `Unauthenticated` for one that is not good."""

    async def by_session(self, cookie: str) -> Visit: ...

    async def by_token(self, bearer: str) -> Visit: ...


def _entered(request: Request) -> Visit:
    visit = request.scope[_VISIT]
    assert isinstance(visit, Visit)  # noqa: S101  # set by DoorRoute before the endpoint's parameters are resolved
    return visit


def _stranger() -> Stranger:
    return Stranger()


Anyone: TypeAlias = Annotated[Stranger, Door.ANYONE, Depends(_stranger)]
Member: TypeAlias = Annotated[Visit, Door.MEMBER, Depends(_entered)]
Browser: TypeAlias = Annotated[Visit, Door.BROWSER, Depends(_entered)]
Api: TypeAlias = Annotated[Visit, Door.API, Depends(_entered)]


def door_of(endpoint: Callable[..., Any]) -> Door:
    """The one door among the annotations of ``endpoint``; `TypeError` when there is none or more than one."""
    hints = typing.get_type_hints(inspect.unwrap(endpoint), include_extras=True)
    doors = [
        part
        for name, hint in hints.items()
        if name != "return" and typing.get_origin(hint) is Annotated
        for part in typing.get_args(hint)[1:]
        if isinstance(part, Door)
    ]
    if len(doors) != 1:
        named = f"{endpoint.__module__}.{endpoint.__qualname__}"
        raise TypeError(f"{named}: a route declares exactly one door, found {len(doors)}")
    return doors[0]


def session_cookie(request: Request) -> str | None:
    """The session cookie, when exactly one was sent: two mean that somebody planted one."""
    found = [
        value
        for header in request.headers.getlist("cookie")
        for part in header.split(";")
        for name, _, value in [part.strip().partition("=")]
        if name == SESSION_COOKIE
    ]
    return found[0] if len(found) == 1 and found[0] else None


def bearer_of(request: Request) -> str | None:
    """The bearer token; `Unauthenticated` for an Authorization header that is something else."""
    sent = request.headers.getlist("authorization")
    if not sent:
        return None
    found = _BEARER.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if found is None:
        raise Unauthenticated(
            "token.malformed",
            "The Authorization header is not a bearer token.",
            todo="Send one header: Authorization: Bearer, a space, the token.",
        )
    return found[1]


def doorkeeper_of(app: Any) -> Doorkeeper:
    keeper: Doorkeeper = app.state.doorkeeper
    return keeper


async def _try(door: Door, request: Request) -> Visit:
    """The visit of whoever knocks. A bearer token that is sent decides, even beside a cookie."""
    keeper = doorkeeper_of(request.app)
    bearer = None if door is Door.BROWSER else bearer_of(request)
    if bearer is not None:
        return await keeper.by_token(bearer)
    cookie = None if door is Door.API else session_cookie(request)
    if cookie is not None:
        return await keeper.by_session(cookie)
    if door is Door.API:
        raise Unauthenticated(
            "token.missing",
            "This address needs an API token.",
            todo="Send the header Authorization: Bearer, a space, the token.",
        )
    raise Unauthenticated("session.missing", "Nobody is signed in.", todo="Sign in and try again.")


async def knock_again(request: Request) -> None:
    """`Unauthenticated` when the credential that opened the door does not open it any more. For answers that last."""
    await _try(request.scope[_DOOR], request)


class DoorRoute(APIRoute):
    """A route behind its door."""

    door: Door

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.door = door_of(endpoint)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()
        door, name = self.door, route_name(self.path)

        async def handle(request: Request) -> Response:
            passage = passage_of(request.scope)
            passage.route = name
            if door is not Door.ANYONE:
                visit = await _try(door, request)
                request.scope[_VISIT] = visit
                request.scope[_DOOR] = door
                passage.tenant, passage.actor = visit.tenant, visit.actor.id
            return await inner(request)

        return handle


class DoorRouter(APIRouter):
    """A router that takes nothing but routes with doors."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "route_class": DoorRoute, "redirect_slashes": False})

    def include_router(self, router: APIRouter, **options: Any) -> None:
        """Routers write their whole paths, so that a search for a path finds its route: no prefix, no options."""
        if options or not isinstance(router, DoorRouter):
            raise TypeError("only a DoorRouter is included, and without options")
        super().include_router(router)

    def _closed(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this way in has no door: declare an endpoint with one")

    add_route = route = mount = host = _closed
    add_websocket_route = add_api_websocket_route = websocket_route = websocket = _closed
    frontend = _closed


def routes() -> DoorRouter:
    """A router for one feature's routes."""
    return DoorRouter()


class Application(FastAPI):
    """FastAPI with doors on its own router too, and without its pages and redirects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
        self.router = DoorRouter(
            dependency_overrides_provider=self,
            lifespan=options.get("lifespan"),
            default_response_class=self.router.default_response_class,
        )

    def include_router(self, router: APIRouter, **options: Any) -> None:
        self.router.include_router(router, **options)


def check_doors(app: FastAPI) -> list[tuple[str, str, Door]]:
    """(method, path, door) of every route, sorted; `TypeError` for one that got in another way. Run when starting."""
    found: list[tuple[str, str, Door]] = []

    def walk(listed: typing.Iterable[BaseRoute]) -> None:
        for route in listed:
            inner = getattr(route, "original_router", None)
            if isinstance(inner, DoorRouter):
                walk(inner.routes)
            elif isinstance(route, DoorRoute):
                found.extend((method, route.path, route.door) for method in route.methods or ())
            else:
                raise TypeError(f"{type(route).__name__}: a route without a door")

    walk(app.router.routes)
    return sorted(found, key=lambda row: (row[1], row[0]))


@functools.lru_cache(maxsize=4)
def paths_of(app: FastAPI) -> frozenset[str]:
    """Every path that ``app`` serves. It does not change once the server runs."""
    return frozenset(path for _, path, _ in check_doors(app))
