"""A real Granian on loopback: TLS, both HTTP versions, streams that break, ports that are taken, an orderly end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from smalt.kernel.clock import SystemClock
from smalt.kernel.errors import Conflict, Unavailable
from smalt.server import Server, Tls, reserve, tls_of
from smalt.settings import Settings
from smalt.web import problems
from smalt.web.guard import Guard, Rules
from smalt.web.stream import EventStream, ServerEvent


class Witness:
    """What the application saw."""

    def __init__(self) -> None:
        self.lives: list[str] = []
        self.producer_ended = asyncio.Event()


def application(witness: Witness) -> Starlette:
    async def hello(request: Request) -> Response:
        return PlainTextResponse(f"{request.scope['http_version']} {request.headers['host']} {request.url.scheme}")

    async def echo(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.5)
        return PlainTextResponse("slept")

    async def events(request: Request) -> Response:
        async def produce() -> AsyncIterator[ServerEvent]:
            try:
                for n in range(10_000):
                    yield ServerEvent("n", n)
                    await asyncio.sleep(0.02)
            finally:
                witness.producer_ended.set()

        return EventStream(produce())

    async def broken(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            raise ValueError("secret")

        return StreamingResponse(parts())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        witness.lives.append("began")
        yield
        witness.lives.append("ended")

    app = Starlette(
        routes=[
            Route("/hello", hello),
            Route("/echo", echo, methods=["POST"]),
            Route("/slow", slow),
            Route("/events", events),
            Route("/broken", broken),
        ],
        lifespan=lifespan,
    )
    problems.install(app, None)
    return app


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> Tls:
    return tls_of(Settings(data_dir=tmp_path_factory.mktemp("data")), SystemClock())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def served(witness: Witness, tls: Tls, port: int) -> AsyncIterator[tuple[Server, int, asyncio.Task[None]]]:
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = Server(Guard(application(witness), Rules()), reserve("127.0.0.1", port), tls)
    task = asyncio.create_task(server.serve(ready.set_result))
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield server, ready.result(), task
    finally:
        server.stop()
        await task


def trust(tls: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls.ca))


async def test_https_on_loopback(log, witness: Witness, tls: Tls) -> None:
    async with served(witness, tls, free_port()) as (_server, port, _task):
        async with httpx.AsyncClient(base_url=f"https://localhost:{port}", verify=trust(tls)) as client:
            reply = await client.get("/hello")
            assert reply.text == f"1.1 localhost:{port} https"
            assert reply.headers["server"] == "smalt"
            assert "content-security-policy" in reply.headers
            assert (await client.get("/hello", headers={"host": "evil.example"})).status_code == 421
            assert (await client.post("/echo", content=b"x" * 100_000)).text == "100000"
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/broken")
        async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}") as stranger:
            with pytest.raises(httpx.ConnectError):
                await stranger.get("/hello")  # nobody vouches for the local CA but who was told to
        assert witness.lives == ["began"]
    assert witness.lives == ["began", "ended"]
    assert "secret" not in str(log())
    assert [line["event"] for line in log()][-1] == "server_stopped"


async def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(log, witness: Witness, tls: Tls) -> None:
    async with served(witness, tls, free_port()) as (_server, port, _task):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust(tls), server_hostname="localhost")
        writer.write(b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10000000000\r\n\r\n")
        assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()


@pytest.mark.parametrize(("newest", "works"), [(ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)])
async def test_tls_versions(log, witness: Witness, tls: Tls, newest: ssl.TLSVersion, works: bool) -> None:
    context = trust(tls)
    if not works:
        context.set_ciphers("ALL:@SECLEVEL=0")  # or our own side would refuse, and prove nothing
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = newest
    async with served(witness, tls, free_port()) as (_server, port, _task):
        opening = asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        if works:
            (await opening)[1].close()
        else:
            with pytest.raises(ssl.SSLError, match="ALERT"):  # the server's word, not ours
                await opening


async def test_http2_is_offered(log, witness: Witness, tls: Tls) -> None:
    context = trust(tls)
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with served(witness, tls, free_port()) as (_server, port, _task):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.close()


async def test_a_reader_that_leaves_stops_the_producer(log, witness: Witness, tls: Tls) -> None:
    async with (
        served(witness, tls, free_port()) as (_server, port, _task),
        httpx.AsyncClient(base_url=f"https://localhost:{port}", verify=trust(tls)) as client,
    ):
        async with client.stream("GET", "/events") as reply:
            await anext(reply.aiter_bytes())
        await asyncio.wait_for(witness.producer_ended.wait(), 5)


async def test_requests_under_way_are_finished_before_the_end(log, witness: Witness, tls: Tls) -> None:
    async with (
        served(witness, tls, free_port()) as (server, port, task),
        httpx.AsyncClient(base_url=f"https://localhost:{port}", verify=trust(tls)) as client,
    ):
        asking = asyncio.create_task(client.get("/slow"))
        await asyncio.sleep(0.2)
        server.stop()
        assert (await asking).text == "slept"
        await task
    assert witness.lives == ["began", "ended"]


async def test_a_stream_without_end_does_not_hold_up_the_end(log, witness: Witness, tls: Tls, monkeypatch) -> None:
    monkeypatch.setattr("smalt.server.GRACE_S", 0.3)
    async with (
        served(witness, tls, free_port()) as (server, port, task),
        httpx.AsyncClient(base_url=f"https://localhost:{port}", verify=trust(tls)) as client,
    ):
        reply = await client.send(client.build_request("GET", "/events"), stream=True)
        chunks = reply.aiter_bytes()
        await anext(chunks)
        server.stop()
        await asyncio.wait_for(task, 10)
        await chunks.aclose()
        await reply.aclose()
    assert witness.producer_ended.is_set()
    assert log()[-1]["cut_off"] == 1


async def test_a_taken_port_leads_to_the_next(log, witness: Witness, tls: Tls) -> None:
    port = free_port()
    async with served(witness, tls, port) as (_, first, _), served(Witness(), tls, port) as (_, second, _):
        assert first == port
        assert second > port
        async with httpx.AsyncClient(verify=trust(tls)) as client:
            assert (await client.get(f"https://localhost:{second}/hello")).text.split()[1] == f"localhost:{second}"


def test_a_port_is_held_from_the_first_moment() -> None:
    one = reserve("127.0.0.1", free_port())
    other = reserve("127.0.0.1", one.port)
    assert other.port > one.port
    with pytest.raises(Unavailable):
        reserve("127.0.0.1", one.port, tries=1)
    one.release()
    other.release()


def test_a_port_where_another_program_listens_is_passed_over() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        found = reserve("127.0.0.1", taken)
        assert found.port > taken
        found.release()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Unavailable) as caught:
        reserve("192.0.2.1", 8443)
    assert caught.value.code == "server.address"


def test_the_operators_certificate_is_used_as_it_is(tmp_path: Path, tls: Tls) -> None:
    own = Settings(data_dir=tmp_path, tls_certificate=tls.certificate, tls_key=tls.key)
    assert tls_of(own, SystemClock()) == Tls(tls.certificate, tls.key)
    with pytest.raises(Conflict):
        tls_of(Settings(data_dir=tmp_path, tls_certificate=tmp_path / "no", tls_key=tls.key), SystemClock())


async def test_an_application_that_cannot_begin_says_why(log, tls: Tls) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise Unavailable("database.down", "The database is away.")
        yield

    server = Server(Guard(Starlette(lifespan=lifespan), Rules()), reserve("127.0.0.1", free_port()), tls)
    with pytest.raises(Unavailable) as caught:
        await asyncio.wait_for(server.serve(), 15)
    assert caught.value.code == "database.down"
    assert any(line.get("where") == "lifespan" for line in log())
