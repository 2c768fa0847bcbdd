"""The first thing a request meets and the last thing a response leaves by. Pure ASGI, outermost.

In: the host name, sizes of address, headers and body, the origin of a request that changes something. Out: the
security headers on every response, whoever made it, and one access event with metadata only. An exception that gets
this far becomes a 500 without its words, or, when the answer had begun, a cut connection.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smalt.kernel.errors import Failure
from smalt.kernel.ids import Id
from smalt.kernel.limits import BODY_MAX_BYTES, KIB
from smalt.settings import LOOPBACK_NAMES
from smalt.telemetry.events import Event, Milliseconds, Slug, emit
from smalt.telemetry.log import report
from smalt.web.headers import secured
from smalt.web.passage import Passage, begin, passage_of
from smalt.web.problems import Problem, Renderer, answer, foreign_origin, problem_of, protocol_problem, unknown_problem

ADDRESS_MAX_BYTES = 4 * KIB
HEADERS_MAX_BYTES = 16 * KIB
HEADERS_MAX = 64
BODY_PAUSE_MAX_S = 30
BODY_GRACE_S = 60
BODY_LEAST_BYTES_S = KIB
SESSION_COOKIE = "__Host-smalt"

_LENGTH_DIGITS_MAX = 18
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
_HOST = re.compile(
    r"(?P<name>[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])\.?(?::(?P<port>[0-9]{1,5}))?"
)


class RequestAnswered(Event):
    """One request, by its route's template. No address, no query, no header, no name."""

    request: Id
    route: Slug
    method: Slug
    status: int
    elapsed: Milliseconds
    received_bytes: int
    sent_bytes: int
    code: Slug | None
    tenant: Id | None
    actor: Id | None


@dataclass(frozen=True, slots=True)
class Rules:
    """``larger``: bodies of these (method, path) may have so many bytes; all others `BODY_MAX_BYTES`.

    ``body_least_bytes_s``: how fast a body must come on average, after ``body_grace_s`` that it may take in any case.
    """

    hosts: frozenset[str] = frozenset(LOOPBACK_NAMES)
    body_max_bytes: int = BODY_MAX_BYTES
    larger: Mapping[tuple[str, str], int] = field(default_factory=dict)
    body_pause_max_s: float = BODY_PAUSE_MAX_S
    body_grace_s: float = BODY_GRACE_S
    body_least_bytes_s: int = BODY_LEAST_BYTES_S
    monotonic: Callable[[], float] = time.monotonic


class _Refused(Exception):  # not an error: the guard's own answer
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _check_sizes(scope: Scope) -> None:
    if len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > ADDRESS_MAX_BYTES:
        raise _Refused(protocol_problem(414))
    headers = scope["headers"]
    if len(headers) > HEADERS_MAX or sum(len(k) + len(v) + 4 for k, v in headers) > HEADERS_MAX_BYTES:
        raise _Refused(protocol_problem(431))
    if scope["method"] not in _METHODS:
        raise _Refused(protocol_problem(405, allow=", ".join(sorted(_METHODS))))


def _check_host(scope: Scope, rules: Rules) -> str:
    """The host as sent (name and port), once it is one of ours. RFC 9112 section 3.2: exactly one, well-formed."""
    sent = _values(scope, b"host")
    text = sent[0].decode("latin-1").lower() if len(sent) == 1 else ""
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or 1) not in range(1, 65536):
        raise _Refused(protocol_problem(400, code="host.malformed"))
    if found["name"] not in rules.hosts:
        raise _Refused(protocol_problem(421))
    return text


def _check_origin(scope: Scope, host: str) -> None:
    """Refuse what a foreign page makes a browser send. Browsers set both headers themselves, pages cannot.

    With ``Referrer-Policy: no-referrer`` a form of our own page sends ``Origin: null``, so the origin alone cannot
    decide where ``Sec-Fetch-Site`` is known. A client that sends neither is no browser; it passes only without cookie.
    """
    if scope["method"] in _SAFE:
        return
    origins = {value.decode("latin-1").lower() for value in _values(scope, b"origin")}
    sites = {value.decode("latin-1").lower() for value in _values(scope, b"sec-fetch-site")}
    own = f"{scope.get('scheme', 'https')}://{host}"
    if sites:
        fine = sites == {"same-origin"} and origins <= {own, "null"}
    elif origins:
        fine = origins == {own}
    else:
        fine = not any(SESSION_COOKIE.encode() in value for value in _values(scope, b"cookie"))
    if not fine:
        raise _Refused(problem_of(foreign_origin()))


def _too_large(limit: int) -> Problem:
    plain = protocol_problem(413)
    return Problem(
        plain.status, plain.code, plain.title, plain.happened, plain.kept, plain.todo, {"limit_bytes": limit}
    )


def _check_length(scope: Scope, limit: int) -> None:
    """Refuse by what is announced; `_Body` counts what comes without announcement."""
    sent = _values(scope, b"content-length")
    if not sent:
        return
    if len(sent) > 1 or not sent[0].isdigit() or len(sent[0]) > _LENGTH_DIGITS_MAX:
        raise _Refused(protocol_problem(400, code="length.malformed"))
    if int(sent[0]) > limit:
        raise _Refused(_too_large(limit))


class _Body:
    """Counts what arrives, and stops it at the limit, when it pauses too long, or when it only drips."""

    def __init__(self, receive: Receive, passage: Passage, limit: int, rules: Rules) -> None:
        self._receive = receive
        self._passage = passage
        self._limit = limit
        self._rules = rules
        self._waited_s = 0.0
        self._whole = False
        self.refused: Problem | None = None

    async def __call__(self) -> Message:
        if self.refused is not None:
            raise _Refused(self.refused)
        if self._whole:
            return await self._receive()  # nothing can come any more but the disconnect, however late
        message = await self._next()
        if message["type"] == "http.request":
            self._passage.received_bytes += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._passage.received_bytes > self._limit:
                self.refused = _too_large(self._limit)
                raise _Refused(self.refused)
        else:
            self._whole = True
        return message

    async def _next(self) -> Message:
        """The next message, unless it does not come in time. Only waiting counts, not what our own side takes meanwhile."""
        rules = self._rules
        earned_s = rules.body_grace_s + self._passage.received_bytes / rules.body_least_bytes_s
        began = rules.monotonic()
        try:
            return await asyncio.wait_for(self._receive(), min(rules.body_pause_max_s, earned_s - self._waited_s))
        except TimeoutError:
            self.refused = protocol_problem(408)
        finally:
            self._waited_s += rules.monotonic() - began
        raise _Refused(self.refused)


class _Replaced(Exception):
    """The route's own answer gives way to the guard's."""


class _Answer:
    """Adds the headers, counts what leaves, and lets a refused body win over what a route makes of it."""

    def __init__(self, send: Send, passage: Passage, scope: Scope) -> None:
        self._send = send
        self._passage = passage
        self._head = scope["method"] == "HEAD"
        self._http2 = scope.get("http_version", "1.1").startswith("2")
        self.body: _Body | None = None
        self.status = 0
        self.whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.body is not None and self.body.refused is not None:
                raise _Replaced
            self.status = message["status"]
            headers = secured(list(message.get("headers", ())), str(self._passage.request).encode())
            if self._passage.code in _CUT and not self._http2:
                # The rest of the body is not read; the connection cannot carry another request.
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            self.whole = not message.get("more_body", False)
            if self._head:
                message = {**message, "body": b""}
            self._passage.sent_bytes += len(message.get("body", b""))
        await self._send(message)


_CUT = frozenset({"body.too_large", "body.slow"})


class Guard:
    """``Guard(app, rules, renderer)`` is the ASGI application to serve."""

    def __init__(self, app: ASGIApp, rules: Rules, renderer: Renderer | None = None) -> None:
        self._app = app
        self._rules = rules
        self._renderer = renderer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no WebSockets: the handshake is refused by saying nothing
        passage = begin(scope)
        method = scope["method"]
        leaving = _Answer(send, passage, scope)
        try:
            await self._pass(scope, receive, leaving, passage)
        finally:
            emit(
                RequestAnswered(
                    request=passage.request,
                    route=passage.route or Slug("unrouted"),
                    method=Slug(method.lower()) if method in _METHODS else Slug("other"),
                    status=leaving.status,
                    elapsed=Milliseconds(passage.elapsed_ms),
                    received_bytes=passage.received_bytes,
                    sent_bytes=passage.sent_bytes,
                    code=passage.code,
                    tenant=passage.tenant,
                    actor=passage.actor,
                )
            )

    async def _pass(self, scope: Scope, receive: Receive, leaving: _Answer, passage: Passage) -> None:
        limit = self._rules.larger.get((scope["method"], scope["path"]), self._rules.body_max_bytes)
        body = _Body(receive, passage, limit, self._rules)
        leaving.body = body
        try:
            _check_sizes(scope)
            host = _check_host(scope, self._rules)
            _check_origin(scope, host)
            _check_length(scope, limit)
            if scope["method"] == "HEAD":
                scope["method"] = "GET"
            await self._app(scope, body, leaving)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # the edge of the program
            await self._settle(error, scope, leaving, body)

    async def _settle(self, error: Exception, scope: Scope, leaving: _Answer, body: _Body) -> None:
        """Turn what was raised into an answer, if none has begun."""
        problem = body.refused
        body.refused = None
        if isinstance(error, _Refused):
            problem = error.problem
        elif problem is None and isinstance(error, Failure):
            problem = problem_of(error)
        if problem is None or problem.status >= 500:
            report(error, Slug("guard"), passage_of(scope).request)
        if leaving.status:
            if not leaving.whole:
                # An answer that broke off must not look whole. Raising makes the server cut the connection; the new
                # exception has no words and no cause, so there is nothing to log but the fact.
                raise ConnectionAbortedError from None
            return
        await answer(scope, problem or unknown_problem(), self._renderer)(scope, _nothing, leaving)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
