"""The guard by itself, around small ASGI apps that behave and misbehave."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from smalt.kernel.errors import Forbidden
from smalt.web import problems
from smalt.web.guard import Guard, Rules
from smalt.web.headers import CONTENT_SECURITY_POLICY

SECRET = "Bexley-Ltd-takeover"


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello", headers={"server": "gossip", "content-security-policy": "default-src *"})


async def cached(request: Request) -> Response:
    return Response(status_code=304, headers={"cache-control": "public, max-age=60"})


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def swallow(request: Request) -> Response:
    """What a careless route does: it turns the guard's refusal into an answer of its own."""
    try:
        await request.body()
    except Exception:
        return PlainTextResponse("fine", 200)
    return PlainTextResponse("whole", 200)


async def crash(request: Request) -> Response:
    raise ValueError(SECRET)


async def refuse(request: Request) -> Response:
    raise Forbidden("test.refused", "No.", facts={"limit": 3})


async def broken_stream(request: Request) -> Response:
    async def parts():
        yield b"one"
        raise ValueError(SECRET)

    return StreamingResponse(parts())


async def stream(request: Request) -> Response:
    async def parts():
        yield b"one"
        yield b"two"

    return StreamingResponse(parts())


APP = Starlette(
    routes=[
        Route("/hello", hello, methods=["GET", "POST"]),
        Route("/cached", cached),
        Route("/echo", echo, methods=["POST"]),
        Route("/big", echo, methods=["POST"]),
        Route("/swallow", swallow, methods=["POST"]),
        Route("/crash", crash),
        Route("/refuse", refuse),
        Route("/stream", stream),
        Route("/broken", broken_stream),
    ]
)
problems.install(APP, None)
RULES = Rules(hosts=frozenset({"localhost", "[::1]"}), body_max_bytes=1000, larger={("POST", "/big"): 5000})
ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def client(client_of):
    return client_of(APP, RULES)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/hello", 200),
        ("HEAD", "/hello", 200),
        ("GET", "/cached", 304),
        ("GET", "/stream", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/hello", 405),
        ("BREW", "/hello", 405),
        ("GET", "/crash", 500),
        ("GET", "/refuse", 403),
        ("GET", "/" + "x" * 5000, 414),
    ],
)
async def test_every_response_has_the_security_headers(client, method: str, path: str, status: int) -> None:
    reply = await client.request(method, path)
    assert reply.status_code == status
    for name, value in ALWAYS.items():
        assert reply.headers.get_list(name) == [value], name
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    assert "camera=()" in reply.headers["permissions-policy"]
    assert reply.headers["x-request-id"].startswith("req_")
    assert reply.headers.get_list("server") == ["smalt"]
    assert reply.headers["cache-control"] == ("public, max-age=60" if path == "/cached" else "no-store")


async def test_the_policy_is_the_strict_one() -> None:
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types smalt"
    )


async def test_head_has_no_body(client) -> None:
    reply = await client.head("/hello")
    assert (reply.content, reply.headers["content-length"]) == (b"", "5")


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["localhost"], 200),
        (["LOCALHOST:9000"], 200),
        (["[::1]:8443"], 200),
        ([], 400),
        (["localhost", "localhost"], 400),
        (["user@localhost"], 400),
        (["localhost:0"], 400),
        (["localhost:99999"], 400),
        (["localhost:"], 400),
        (["localhost/evil"], 400),
        ([""], 400),
        (["evil.example"], 421),
        (["localhost.evil.example"], 421),
        (["127.0.0.1"], 421),
    ],
)
async def test_host(log, hosts: list[str], status: int) -> None:
    assert (await exchange(headers=[(b"host", host.encode()) for host in hosts]))[0] == status


async def exchange(method="GET", path="/hello", headers=(), body=(b"",), rules=RULES, app=APP):
    """One raw ASGI exchange: (status, headers, body)."""
    pieces = list(body)
    sent: list[dict] = []

    async def receive():
        if not pieces:
            await asyncio.sleep(3600)
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "https", "headers": list(headers),
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8443),
    }  # fmt: skip
    await Guard(app, rules)(scope, receive, send)
    start = sent[0]
    return start["status"], dict(start["headers"]), b"".join(part.get("body", b"") for part in sent[1:])


HOST = (b"host", b"localhost:8443")
COOKIE = (b"cookie", b"theme=dark; __Host-smalt=abc")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 200),  # no browser, no cookie: nothing to forge
        ([COOKIE], 403),
        ([COOKIE, (b"origin", b"https://localhost:8443")], 200),
        ([COOKIE, (b"origin", b"https://localhost:9")], 403),
        ([COOKIE, (b"origin", b"http://localhost:8443")], 403),
        ([COOKIE, (b"origin", b"null")], 403),
        ([COOKIE, (b"sec-fetch-site", b"same-origin")], 200),
        # Our own forms: Referrer-Policy no-referrer makes browsers send the origin as null.
        ([COOKIE, (b"origin", b"null"), (b"sec-fetch-site", b"same-origin")], 200),
        ([COOKIE, (b"origin", b"https://localhost:8443"), (b"sec-fetch-site", b"cross-site")], 403),
        ([COOKIE, (b"sec-fetch-site", b"same-site")], 403),
        ([COOKIE, (b"sec-fetch-site", b"none")], 403),
        ([COOKIE, (b"sec-fetch-site", b"same-origin"), (b"origin", b"https://evil.example")], 403),
        ([COOKIE, (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")], 403),
        ([(b"origin", b"https://evil.example")], 403),  # signing a victim in to the attacker's account
        ([(b"sec-fetch-site", b"cross-site"), (b"authorization", b"Bearer x")], 403),
    ],
)
async def test_origin_of_a_change(log, headers, status: int) -> None:
    assert (await exchange("POST", headers=[HOST, *headers]))[0] == status


async def test_reading_needs_no_origin(log) -> None:
    assert (await exchange("GET", headers=[HOST, COOKIE, (b"sec-fetch-site", b"cross-site")]))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "declared", "status"),
    [
        ("/echo", [b"x" * 1000], None, 200),
        ("/echo", [b"x" * 600, b"x" * 401], None, 413),
        ("/echo", [b""], b"1001", 413),
        ("/echo", [b"x"], b"-1", 400),
        ("/echo", [b"x"], b"1e3", 400),
        ("/big", [b"x" * 3000], None, 200),
        ("/big", [b"x" * 3000, b"x" * 2001], None, 413),
        ("/swallow", [b"x" * 1001], None, 413),
        ("/swallow", [b"x" * 10], None, 200),
    ],
)
async def test_bodies_are_counted(log, path, body, declared, status: int) -> None:
    headers = [HOST] if declared is None else [HOST, (b"content-length", declared)]
    assert (await exchange("POST", path, headers, body))[0] == status


async def test_a_body_that_pauses_is_not_waited_for(log) -> None:
    pieces = [b"one"]

    async def receive():
        if pieces:
            return {"type": "http.request", "body": pieces.pop(), "more_body": True}
        return await asyncio.sleep(3600)

    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/echo", "query_string": b"",
        "scheme": "https", "headers": [HOST],
    }  # fmt: skip
    await Guard(APP, Rules(body_pause_max_s=0.01))(scope, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


class Client:
    """A body of ``size`` bytes in pieces, each ``pause_s`` after the other on a clock that nobody waits for."""

    def __init__(self, size: int, piece: int, pause_s: float) -> None:
        self.left, self.piece, self.pause_s = size, piece, pause_s
        self.now = 1000.0

    async def receive(self) -> dict:
        self.now += self.pause_s
        self.left -= self.piece
        return {"type": "http.request", "body": b"x" * self.piece, "more_body": self.left > 0}

    async def status(self, app=APP, **rules) -> int:
        sent = []

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": "/echo", "query_string": b"",
            "scheme": "https", "headers": [HOST],
        }  # fmt: skip
        await Guard(app, Rules(monotonic=lambda: self.now, **rules))(scope, self.receive, send)
        return sent[0]["status"]


@pytest.mark.parametrize(
    ("size", "piece", "pause_s", "status"),
    [
        (3_000, 3, 20, 408),  # it never pauses too long, and would keep its place for hours
        (200_000, 100, 1, 408),
        (200, 3, 0.8, 200),  # little is forgiven for a minute
        (250_000, 2_000, 1, 200),  # 16 kbit/s
        (240_000, 60_000, 29, 200),  # in bursts
    ],
)
async def test_a_body_that_drips_does_not_keep_its_place(log, size, piece, pause_s, status: int) -> None:
    assert await Client(size, piece, pause_s).status() == status


async def test_what_our_own_side_takes_is_not_the_clients_fault(log) -> None:
    client = Client(5_000, 100, 0.1)

    async def slow(scope, receive, send) -> None:
        while (await receive())["more_body"]:
            client.now += 30
        await Response(status_code=200)(scope, receive, send)

    assert await client.status(slow) == 200


async def test_the_last_drop_is_not_waited_for_beyond_what_was_earned(log) -> None:
    """With a real clock: what is left of the grace bounds the wait itself."""
    pieces = [b"x"] * 20

    async def receive():
        await asyncio.sleep(0.02 if pieces else 3600)
        return {"type": "http.request", "body": pieces.pop(), "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/echo", "query_string": b"",
        "scheme": "https", "headers": [HOST],
    }  # fmt: skip
    await Guard(APP, Rules(body_grace_s=0.1))(scope, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert pieces


@pytest.mark.parametrize("headers", [[(b"a%d" % n, b"x") for n in range(70)], [(b"a", b"x" * 17_000)]])
async def test_too_many_headers(log, headers) -> None:
    assert (await exchange(headers=[HOST, *headers]))[0] == 431


async def test_nothing_of_an_unforeseen_exception_gets_out(client, log) -> None:
    reply = await client.get("/crash", headers={"x-note": SECRET})
    assert reply.json()["code"] == "unexpected"
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert SECRET not in reply.text
    raised = next(line for line in log() if line["event"] == "exception_raised")
    assert (raised["raised"], raised["request"]) == ("valueerror", reply.json()["request_id"])
    assert raised["frames"][-1].startswith("web.test_guard:")
    assert SECRET not in str(log())


async def test_an_answer_that_breaks_off_does_not_look_whole(client, log) -> None:
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        await asyncio.sleep(3600)

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/broken", "query_string": b"",
        "scheme": "https", "headers": [HOST], "asgi": {"spec_version": "2.4"},
    }  # fmt: skip
    with pytest.raises(ConnectionAbortedError) as caught:
        await Guard(APP, RULES)(scope, receive, send)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert all(message.get("more_body", True) for message in sent if message["type"] == "http.response.body")
    assert SECRET not in str(log())


async def test_a_failure_is_told_in_full(client) -> None:
    reply = await client.get("/refuse")
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert told.pop("request_id").startswith("req_")
    assert told == {
        "title": "You may not do this.", "status": 403, "code": "test.refused", "happened": "No.", "kept": "",
        "todo": "", "facts": {"limit": 3},
    }  # fmt: skip


async def test_a_browser_gets_a_page(client) -> None:
    reply = await client.get("/refuse", headers={"accept": "text/html,application/xhtml+xml"})
    assert reply.headers["content-type"].startswith("text/html")
    assert "<p>No.</p>" in reply.text


async def test_the_access_event_holds_no_address(client, log) -> None:
    await client.get(f"/hello?q={SECRET}", headers={"user-agent": SECRET})
    await client.get(f"/{SECRET}")
    answered = [line for line in log() if line["event"] == "request_answered"]
    assert [line["status"] for line in answered] == [200, 404]
    assert answered[0]["sent_bytes"] == 5
    assert SECRET.lower() not in str(log()).lower()
