"""The HTTPS server: Granian inside this process, TLS in process, one worker on the caller's event loop.

One process keeps an idle installation small, and lets the composition root hand over live objects (pool, keyring)
instead of the name of a factory. More processes are started by whoever runs several of these behind one address.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server as Granian

from smalt.app.apart import apart
from smalt.app.build import build
from smalt.app.installation import PORT_FILE, address, opened
from smalt.app.operate import first_link
from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Unavailable
from smalt.kernel.limits import KIB, LINK_TTL_S
from smalt.seal.certificate import ensure_certificate
from smalt.settings import Settings
from smalt.telemetry.events import Event, Milliseconds, Slug, emit
from smalt.telemetry.log import report, silence_libraries
from smalt.web.idle import CONNECTIONS_MAX, hang_up_on_idle

PORTS_TRIED = 20
GRACE_S = 5.0
LIFE_END_S = 45.0
"""For the application's lifespan to end: answers are settled, jobs under way finished. Longer than those take at most."""
_UNWIND_S = 0.3
"""Granian says that it has ended while its Rust threads still let go of Python objects. If the interpreter ends first,
they abort the process (seen in three of six stops without the pause, in none with it)."""

_HTTP1 = HTTP1Settings(header_read_timeout=10_000, keep_alive=True, max_buffer_size=64 * KIB, pipeline_flush=False)
_HTTP2 = HTTP2Settings(
    adaptive_window=False,
    initial_connection_window_size=1024 * KIB,
    initial_stream_window_size=256 * KIB,  # what one upload may send ahead of its reader
    keep_alive_interval=30_000,
    keep_alive_timeout=20,
    max_concurrent_streams=100,
    max_frame_size=16 * KIB,
    max_headers_size=24 * KIB,
    max_send_buffer_size=256 * KIB,
)
_NO_LOG: dict[str, Any] = {"handlers": {}, "loggers": {"_granian": {}, "granian.access": {}}, "formatters": {}}


class ServerStarted(Event):
    """``wanted`` differs from ``port`` when that one was taken."""

    port: int
    wanted: int
    local_ca: bool


class ServerStopped(Event):
    """``waited``: how long it took; ``cut_off``: how many requests did not end by themselves."""

    waited: Milliseconds
    cut_off: int


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the certificate with its chain, the key as PKCS#8. ``ca`` is ours to be trusted, None for another's."""

    certificate: Path
    key: Path
    ca: Path | None = None
    fingerprint: str | None = None


@dataclass(slots=True)
class Reserved:
    """A port that no other Smalt on this machine takes until `release`."""

    host: str
    port: int
    wanted: int
    _claim: socket.socket | None

    def release(self) -> None:
        if self._claim is not None:
            self._claim.close()


def tls_of(settings: Settings, clock: Clock) -> Tls:
    """The operator's certificate, or one of a local CA made for this installation."""
    if settings.tls_certificate is not None and settings.tls_key is not None:
        for file in (settings.tls_certificate, settings.tls_key):
            if not file.is_file():
                raise Conflict(
                    "tls.file_missing",
                    "A certificate file named in the settings is not there.",
                    todo="Correct SMALT_TLS_CERTIFICATE and SMALT_TLS_KEY.",
                )
        return Tls(settings.tls_certificate, settings.tls_key)
    made = ensure_certificate(settings.data_dir / "tls", list(settings.public_host), clock)
    return Tls(made.certificate, made.key, made.ca, made.fingerprint)


def reserve(host: str, port: int, tries: int = PORTS_TRIED) -> Reserved:
    """``port``, or the next one that is free. `Unavailable` when none of ``tries`` is.

    Granian binds with SO_REUSEPORT, which would let two servers of one user share a port in silence, each getting a
    part of the connections. So the port is first tried without it, which fails when anybody listens there, and two
    that start at the same moment are told apart by a claim on the number.
    """
    for candidate in range(port, min(port + tries, 65536)):
        try:
            claim = _claim(candidate)
        except OSError:
            continue
        if _is_free(host, candidate):
            return Reserved(host, candidate, port, claim)
        if claim is not None:
            claim.close()
    raise Unavailable(
        "server.no_port",
        "No port is free to listen on.",
        todo="Stop what uses the port, or set SMALT_PORT to another one.",
        facts={"first": port, "tried": tries},
    )


def _claim(port: int) -> socket.socket | None:
    """A name in Linux's abstract namespace: one holder, gone with its process, as wide as the port numbers themselves.

    `OSError` when another process holds it. Elsewhere Granian does not share ports, so nothing is claimed.
    """
    if sys.platform != "linux":
        return None
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0smalt/port/{port}")
    except OSError:
        claim.close()
        raise
    return claim


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # what lingers from a server before is no matter
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            wrong = error.errno
        else:
            return True
    raise Unavailable(
        "server.address",
        "The address to listen on is not one of this machine.",
        todo="Correct SMALT_LISTEN_HOST.",
        facts={"errno": wrong or 0},
    )


def _allow_files(wanted: int) -> None:
    """Many connections need many open files; the usual limit of 1024 would end before theirs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Server:
    """Serves one ASGI application until `stop`."""

    def __init__(self, app: Any, reserved: Reserved, tls: Tls) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._reserved = reserved
        self._failed: Exception | None = None
        self._local_ca = tls.ca is not None
        self._app = app
        self._stopping = asyncio.Event()
        self._granian = Granian(
            self._counted,
            address=reserved.host,
            port=reserved.port,
            interface=Interfaces.ASGI,
            http=HTTPModes.auto,
            websockets=False,
            backlog=1024,
            backpressure=CONNECTIONS_MAX,
            runtime_threads=1,
            runtime_blocking_threads=2,
            blocking_threads=1,
            http1_settings=_HTTP1,
            http2_settings=_HTTP2,
            log_enabled=False,
            log_level=LogLevels.error,
            log_dictconfig=_NO_LOG,
            log_access=False,
            ssl_cert=tls.certificate,
            ssl_key=tls.key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        silence_libraries()
        _allow_files(2 * CONNECTIONS_MAX)

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._live(scope, receive, send)
            return
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request runs in a task")
        self._running.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._running.discard(task)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        """The lifespan. Granian only logs what goes wrong in it, so it is kept here for `serve` to raise."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            report(error, Slug("lifespan"))
            self._failed = error
            raise

    def stop(self) -> None:
        """Let running requests end, cancel what still runs after `GRACE_S` (streams that never end), then return from
        `serve`. The application's lifespan ends after the last request.
        """
        self._stopping.set()

    async def serve(self, ready: Callable[[int], None] | None = None) -> None:
        """Run until `stop`, SIGTERM or SIGINT. ``ready`` is called with the port once it answers.

        Raises what the application's lifespan raised when it could not begin.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):  # not the main thread
                loop.add_signal_handler(number, self.stop)
        serving = asyncio.create_task(self._granian.serve())
        try:
            await self._until_listening(serving)
            emit(ServerStarted(port=self._reserved.port, wanted=self._reserved.wanted, local_ca=self._local_ca))
            if ready is not None:
                ready(self._reserved.port)
            stopping = asyncio.create_task(self._stopping.wait())
            looking = asyncio.create_task(hang_up_on_idle(self._reserved.port))
            await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            looking.cancel()
        finally:
            await self._wind_down(serving)

    async def _until_listening(self, serving: asyncio.Task[None]) -> None:
        """Return once a connection is taken; raise what Granian raised instead."""
        for _ in range(200):
            if self._failed is not None:
                raise self._failed
            if serving.done():
                serving.result()
                raise Unavailable("server.not_started", "The server ended before it began.")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self._reserved.host, self._reserved.port)
                writer.close()
                return
            await asyncio.sleep(0.02)
        raise Unavailable("server.not_listening", "The server does not take connections.")

    async def _wind_down(self, serving: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self._running and (left := began + GRACE_S - loop.time()) > 0:
            await asyncio.wait(set(self._running), timeout=left)
        cut_off = list(self._running)
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)
        self._granian.stop()  # type: ignore[no-untyped-call]  # Granian types only part of itself
        await asyncio.wait({serving}, timeout=LIFE_END_S)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)  # what it raised, `_until_listening` has told
        await asyncio.sleep(_UNWIND_S)
        self._reserved.release()
        emit(ServerStopped(waited=Milliseconds((loop.time() - began) * 1000), cut_off=len(cut_off)))


def run(settings: Settings, announce: Callable[[str], None] = print) -> None:
    """Open the installation and serve it until SIGTERM or SIGINT; ``announce`` gets lines for who started it.

    The port is taken before the database starts, so that a second server on one directory fails before it prints an
    address, and the address printed is the one that answers.
    """
    reserved = reserve(settings.listen_host, settings.port)
    settings = settings.model_copy(update={"port": reserved.port})
    announce("Starting Smalt: PostgreSQL, keys, certificate")
    try:
        with apart(settings) as keeping, opened(settings) as installation:
            tls = tls_of(settings, installation.clock)
            server = Server(build(installation).asgi, reserved, tls)
            link = first_link(installation)
            (settings.data_dir / PORT_FILE).write_text(str(reserved.port), "ascii")
            if installation.postgres is not None:
                installation.postgres.announce(reserved.port)

            def ready(_port: int) -> None:
                _greet(settings, tls, link, announce)
                keeping.hush()

            asyncio.run(server.serve(ready))
    finally:
        reserved.release()


def _greet(settings: Settings, tls: Tls, link: str | None, announce: Callable[[str], None]) -> None:
    announce(f"Smalt runs at {address(settings)}")
    if link is not None:
        announce(f"Make the first account with this link; it works once, for {LINK_TTL_S // 60} minutes:\n  {link}")
    else:
        announce(f"Sign in at {address(settings)}/signin")
    if tls.ca is not None:
        announce(f"Your browser asks about the certificate until it trusts {tls.ca}")
        announce(f"Its SHA-256 fingerprint: {tls.fingerprint}")
    announce("Stop with Ctrl-C.")
