"""What is told of failures: every kind, as JSON and as a page, and nothing of what was sent."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field

from smalt.kernel.errors import CLOSED_SET
from smalt.web import problems
from smalt.web.doors import Anyone, Application, routes

SECRET = "Bexley-Ltd-takeover"
router = routes()


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=5)
    count: int = 1


@router.get("/fail/{number}")
async def fail(number: int, door: Anyone) -> str:
    raise CLOSED_SET[number]("test.code", "It happened.", kept="All.", todo="Wait.", facts={"n": 1}, retry_after_s=7)


@router.post("/take")
async def take(door: Anyone, wanted: Wanted) -> str:
    return "taken"


@router.get("/crash")
async def crash(door: Anyone) -> str:
    raise RuntimeError(SECRET)


class Renderer:
    def problem(self, members):
        return f"<h1>{members['happened']}</h1>"


class Broken:
    def problem(self, members):
        raise RuntimeError(SECRET)


@pytest.fixture(params=[None, Renderer(), Broken()])
def renderer(request):
    return request.param


@pytest.fixture
def client(client_of, renderer):
    app = Application()
    app.include_router(router)
    problems.install(app, renderer)
    return client_of(app, renderer=renderer)


@pytest.mark.parametrize("number", range(len(CLOSED_SET)))
async def test_every_failure_is_told_in_full(client, number: int) -> None:
    reply = await client.get(f"/fail/{number}")
    kind = CLOSED_SET[number]
    assert (reply.status_code, reply.headers["content-type"]) == (kind.status, "application/problem+json")
    assert reply.headers["retry-after"] == "7"
    assert list(reply.json()) == ["title", "status", "code", "happened", "kept", "todo", "facts", "request_id"]
    assert reply.json()["title"] == kind("x").title


@pytest.mark.parametrize("number", [n for n, kind in enumerate(CLOSED_SET) if kind.status != 401])
async def test_every_failure_has_a_page(client, number: int) -> None:
    reply = await client.get(f"/fail/{number}", headers={"accept": "text/html"})
    assert reply.status_code == CLOSED_SET[number].status
    assert reply.headers["content-type"].startswith("text/html")
    assert "It happened." in reply.text


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/problem+json"),
        ("application/json, text/html", "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("", "application/problem+json"),
    ],
)
async def test_the_client_chooses(client, accept: str, kind: str) -> None:
    reply = await client.get("/nowhere", headers={"accept": accept})
    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith(kind)


async def test_the_api_never_answers_with_a_page(client) -> None:
    reply = await client.get("/api/v1/nowhere", headers={"accept": "text/html"})
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "code", "kind"),
    [
        (f'{{"name": "{SECRET}"}}', "request.invalid", "string_too_long"),
        (f'{{"name": "x", "count": "{SECRET}"}}', "request.invalid", "int_parsing"),
        (f'{{"name": "x", "{SECRET}": 1}}', "request.invalid", "extra_forbidden"),
        (f'{{"name": {SECRET}', "body.json", "json_invalid"),
        ("[]", "request.invalid", "model_attributes_type"),
    ],
)
async def test_a_bad_request_is_not_repeated_to_its_sender(client, log, body: str, code: str, kind: str) -> None:
    reply = await client.post("/take", content=body, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["code"], reply.json()["facts"]["kind"]) == (422, code, kind)
    assert SECRET not in reply.text
    assert SECRET not in str(log())


async def test_a_wrong_method_names_the_right_ones(client) -> None:
    reply = await client.put("/take")
    assert (reply.status_code, reply.headers["allow"], reply.json()["code"]) == (405, "POST", "method.unknown")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_an_unforeseen_exception_says_nothing(client, log, accept: str) -> None:
    reply = await client.get("/crash", headers={"accept": accept})
    assert reply.status_code == 500
    assert SECRET not in reply.text
    assert SECRET not in str(log())
    assert any(line.get("raised") == "runtimeerror" and line["where"] == "guard" for line in log())
