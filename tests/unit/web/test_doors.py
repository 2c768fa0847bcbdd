"""No route without exactly one door, by whatever way it is added; the door is tried before the body is read."""

from __future__ import annotations

import types

import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from smalt.kernel.errors import Unauthenticated
from smalt.kernel.ids import PersonId, TenantId
from smalt.tenancy.actor import Role, person
from smalt.tenancy.visit import Visit
from smalt.web import problems
from smalt.web.doors import Anyone, Api, Application, Browser, Door, Member, check_doors, routes

ADA = PersonId.new()
TENANT = TenantId.new()


class Keeper:
    """Knows one cookie and one token."""

    async def by_session(self, cookie: str) -> Visit:
        return self._visit(cookie == "good")

    async def by_token(self, bearer: str) -> Visit:
        return self._visit(bearer == "good")

    def _visit(self, good: bool) -> Visit:
        if not good:
            raise Unauthenticated("test.bad", "Bad.")
        return Visit(TENANT, person(ADA, Role.ANALYST), types.SimpleNamespace())  # type: ignore[arg-type]


class Wanted(BaseModel):
    name: str


router = routes()


@router.get("/anyone")
async def anyone(door: Anyone) -> str:
    return "anyone"


@router.post("/member/{thing}")
async def member(visit: Member, thing: str, wanted: Wanted) -> str:
    return str(visit.actor.id)


@router.get("/browser")
async def browser(visit: Browser) -> str:
    return "browser"


@router.get("/api")
async def api(visit: Api) -> str:
    return "api"


def application() -> Application:
    app = Application()
    app.include_router(router)
    app.state.doorkeeper = Keeper()
    problems.install(app, None)
    return app


@pytest.fixture
def client(client_of):
    return client_of(application())


async def no_door() -> str:
    return "leak"


async def two_doors(one: Member, other: Anyone) -> str:
    return "leak"


async def door_only_returned() -> Anyone:
    raise AssertionError


async def starlette_endpoint(request: Request) -> PlainTextResponse:
    return PlainTextResponse("leak")


@pytest.mark.parametrize("endpoint", [no_door, two_doors, door_only_returned])
@pytest.mark.parametrize("where", [routes, Application, lambda: Application().router])
def test_a_route_has_exactly_one_door(endpoint, where) -> None:
    with pytest.raises(TypeError, match="exactly one door"):
        where().get("/x")(endpoint)
    with pytest.raises(TypeError, match="exactly one door"):
        where().add_api_route("/x", endpoint)


@pytest.mark.parametrize("where", [routes, Application, lambda: Application().router])
@pytest.mark.parametrize(
    "way",
    [
        lambda on: on.mount("/x", PlainTextResponse("leak")),
        lambda on: on.add_route("/x", starlette_endpoint),
        lambda on: on.route("/x")(starlette_endpoint),
        lambda on: on.host("x", PlainTextResponse("leak")),
        lambda on: on.add_api_websocket_route("/x", starlette_endpoint),
        lambda on: on.websocket("/x")(starlette_endpoint),
        lambda on: on.add_websocket_route("/x", starlette_endpoint),
        lambda on: on.include_router(APIRouter()),
        lambda on: on.include_router(routes(), prefix="/x"),
    ],
)
def test_there_is_no_other_way_in(where, way) -> None:
    with pytest.raises((TypeError, AttributeError)):
        way(where())


@pytest.mark.parametrize("depth", [0, 1])
def test_a_route_smuggled_in_is_found_when_starting(depth: int) -> None:
    app = Application()
    inner = routes()
    app.include_router(inner)
    (app.router if depth == 0 else inner).routes.append(Route("/x", starlette_endpoint))
    with pytest.raises(TypeError, match="without a door"):
        check_doors(app)


def test_the_table_of_doors() -> None:
    assert check_doors(application()) == [
        ("GET", "/anyone", Door.ANYONE),
        ("GET", "/api", Door.API),
        ("GET", "/browser", Door.BROWSER),
        ("POST", "/member/{thing}", Door.MEMBER),
    ]


COOKIE = {"cookie": "__Host-smalt=good", "sec-fetch-site": "same-origin"}
TOKEN = {"authorization": "Bearer good"}
BAD_COOKIE = {"cookie": "__Host-smalt=bad", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/anyone", {}, 200),
        ("/browser", {}, 401),
        ("/browser", COOKIE, 200),
        ("/browser", TOKEN, 401),
        ("/browser", BAD_COOKIE, 401),
        ("/api", {}, 401),
        ("/api", TOKEN, 200),
        ("/api", COOKIE, 401),
        ("/api", {"authorization": "Basic good"}, 401),
        # A token that is sent decides: a bad one is not made good by a cookie beside it.
        ("/api", {"authorization": "Bearer bad", "cookie": "__Host-smalt=good"}, 401),
        ("/browser", {"cookie": "__Host-smalt=good; __Host-smalt=good"}, 401),
        ("/browser", {"cookie": "smalt=good"}, 401),
    ],
)
async def test_who_gets_in(client, path: str, headers: dict[str, str], status: int) -> None:
    assert (await client.get(path, headers=headers)).status_code == status


@pytest.mark.parametrize("headers", [COOKIE, TOKEN])
async def test_a_member_comes_either_way(client, headers: dict[str, str]) -> None:
    reply = await client.post("/member/1", headers=headers, json={"name": "x"})
    assert reply.json() == str(ADA)


@pytest.mark.parametrize("body", [b"{", b"{}", b'{"name": 1}', b"x" * 1000])
async def test_a_stranger_learns_nothing_about_bodies(client, body: bytes) -> None:
    reply = await client.post("/member/1", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 401


async def test_a_strangers_body_is_not_read(log) -> None:
    from smalt.web.guard import Guard, Rules

    async def receive():
        raise AssertionError("the body was read")

    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/member/1",
        "query_string": b"", "scheme": "https", "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-length", b"100"), (b"content-type", b"application/json")],
    }  # fmt: skip
    await Guard(application(), Rules())(scope, receive, send)
    assert sent[0]["status"] == 401


async def test_the_access_event_names_who_and_the_template(client, log) -> None:
    await client.post("/member/secret-thing", headers=TOKEN, json={"name": "x"})
    (line,) = [line for line in log() if line["event"] == "request_answered"]
    assert (line["route"], line["tenant"], line["actor"]) == ("member.:thing", str(TENANT), str(ADA))
    assert "secret-thing" not in str(log())
