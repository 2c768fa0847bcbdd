"""Failures as answers: ``application/problem+json`` (RFC 9457) or a page, by what the client accepts.

Nothing of the request is echoed: not a value, not a name of a field that the client made up, not the text of an
exception. An exception outside the closed set is a 500 with the request's id and nothing else.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from smalt.kernel.errors import Failure, Forbidden, Malformed, Missing, TooLarge, Unauthenticated
from smalt.telemetry.events import Slug
from smalt.telemetry.log import report, source_name
from smalt.web.passage import passage_of

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is told of a failure. ``facts`` are numbers or names that the product chose."""

    status: int
    code: str
    title: str
    happened: str = ""
    kept: str = ""
    todo: str = ""
    facts: Mapping[str, int | bool | str] | None = None
    retry_after_s: int | None = None
    allow: str | None = None

    def members(self, request_id: str) -> dict[str, Any]:
        """The JSON object, in the order a person reads it."""
        return {
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "happened": self.happened or self.title,
            "kept": self.kept,
            "todo": self.todo,
            "facts": dict(self.facts or {}),
            "request_id": request_id,
        }


_TEXTS = ("title", "code", "happened", "kept", "todo", "request_id")
PROBLEM_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["title", "status", "code", "happened", "kept", "todo", "facts", "request_id"],
    "properties": {
        **{name: {"type": "string"} for name in _TEXTS},
        "status": {"type": "integer"},
        "facts": {"type": "object", "additionalProperties": {"type": ["integer", "boolean", "string"]}},
    },
}
"""`Problem.members` as JSON Schema."""

# What HTTP itself refuses, before any part of the product has a say.
_PROTOCOL: Mapping[int, tuple[type[Failure], str, str, str]] = {
    400: (Malformed, "request.malformed", "The request is not well-formed HTTP.", "Send it as the API describes."),
    404: (Missing, "route.unknown", "There is no such page.", "Check the address."),
    405: (Malformed, "method.unknown", "This address does not take that method.", "Use a method in the Allow header."),
    408: (Malformed, "body.slow", "The body of the request did not arrive in time.", "Send it again."),
    413: (TooLarge, "body.too_large", "The body is larger than what this address takes.", "Send less at a time."),
    414: (TooLarge, "address.too_long", "The address is longer than what is accepted.", "Shorten the address."),
    415: (
        Malformed,
        "body.type",
        "This address does not take bodies of that type.",
        "Send the type the API describes.",
    ),
    421: (Missing, "host.unknown", "This server does not answer for that host name.", "Add it to SMALT_PUBLIC_HOST."),
    431: (TooLarge, "headers.too_large", "The headers are larger than what is accepted.", "Send fewer headers."),
}


def protocol_problem(status: int, *, code: str | None = None, allow: str | None = None) -> Problem:
    """The problem of a status that HTTP gave, not the product."""
    known = _PROTOCOL.get(status)
    if known is None:
        return Problem(status, code or f"http.{status}", HTTPStatus(status).phrase)
    kind, usual, happened, todo = known
    return Problem(status, code or usual, kind("").title, happened, "Nothing was changed.", todo, allow=allow)


def unknown_problem() -> Problem:
    """An exception that nobody foresaw."""
    return Problem(
        500,
        "unexpected",
        "Something went wrong.",
        "Something went wrong here, and it is not your fault.",
        "What was stored before this request is unchanged.",
        "Try again; if it happens again, tell the operator the reference.",
    )


def problem_of(failure: Failure) -> Problem:
    return Problem(
        failure.status,
        failure.code,
        failure.title,
        failure.happened,
        failure.kept,
        failure.todo,
        failure.facts,
        failure.retry_after_s,
    )


def told(failure: Failure) -> dict[str, Any]:
    """``failure`` as the members of a problem, for streams and records that answer no request of their own."""
    return problem_of(failure).members("")


class Renderer(Protocol):
    """What `pages.Pages` offers for a problem's page."""

    def problem(self, members: Mapping[str, Any]) -> str: ...


def prefers_html(scope: Any) -> bool:
    """Whether the client would rather read a page. API addresses always answer in JSON."""
    if str(scope.get("path", "")).startswith("/api/"):
        return False
    accept = ",".join(v.decode("latin-1") for k, v in scope.get("headers", ()) if k == b"accept").lower()
    page, data = accept.find("text/html"), accept.find("json")
    return page != -1 and (data == -1 or page < data)


def _page(members: Mapping[str, Any], renderer: Renderer | None) -> str:
    if renderer is not None:
        try:
            return renderer.problem({**members, "request": members["request_id"]})
        except Exception as error:  # noqa: BLE001  # an error page that fails must still say what happened
            report(error, Slug("problem.page"))
    words = (str(members[part]) for part in ("happened", "kept", "todo", "request_id"))
    body = "".join(f"<p>{html.escape(word)}</p>" for word in words if word)
    title = html.escape(str(members["title"]))
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{body}</html>'


def answer(scope: Any, problem: Problem, renderer: Renderer | None = None) -> Response:
    """The response for ``problem``; notes its code for the access event."""
    passage = passage_of(scope)
    passage.code = source_name(problem.code)
    members = problem.members(str(passage.request))
    response: Response
    if prefers_html(scope):
        if problem.status == Unauthenticated.status and scope["method"] == "GET":
            return RedirectResponse("/signin?next=" + quote(str(scope["path"]), safe="/"), status_code=303)
        response = Response(_page(members, renderer), problem.status, media_type="text/html; charset=utf-8")
    else:
        response = Response(json.dumps(members, ensure_ascii=False), problem.status, media_type=MEDIA_TYPE)
    if problem.retry_after_s is not None:
        response.headers["retry-after"] = str(problem.retry_after_s)
    if problem.allow is not None:
        response.headers["allow"] = problem.allow
    if problem.status == Unauthenticated.status:
        response.headers["www-authenticate"] = 'Bearer realm="smalt"'
    return response


def failure_of(error: RequestValidationError) -> Malformed:
    """A validation error without what was sent: where the first fault is, when the product chose that name, and its kind.

    Names of fields come from the client only in ``extra_forbidden``, so only there the place is left out.
    """
    faults: Sequence[Any] = error.errors()
    first: Mapping[str, Any] = faults[0] if faults else {}
    kind = str(first.get("type", "invalid"))
    facts: dict[str, int | bool | str] = {"kind": kind, "faults": len(faults)}
    if kind == "json_invalid":
        return Malformed(
            "body.json",
            "The body is not valid JSON.",
            kept="Nothing was changed.",
            todo="Send one JSON object as application/json.",
            facts=facts,
        )
    if kind != "extra_forbidden":
        facts["place"] = ".".join(str(part) for part in first.get("loc", ()))
    return Malformed(
        "request.invalid",
        "A part of the request is missing or is not what this address takes.",
        kept="Nothing was changed.",
        todo="Compare the request with the API description.",
        facts=facts,
    )


def install(app: Starlette, renderer: Renderer | None) -> None:
    """Give ``app`` the one rendering of everything that can go wrong inside a route."""

    async def on_failure(request: Request, error: Exception) -> Response:
        assert isinstance(error, Failure)  # noqa: S101  # registered for this class below
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            report(error, Slug("route"), passage_of(request.scope).request)
        return answer(request.scope, problem_of(error), renderer)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class below
        return answer(request.scope, problem_of(failure_of(error)), renderer)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class below
        allow = (error.headers or {}).get("Allow") or (error.headers or {}).get("allow")
        return answer(request.scope, protocol_problem(error.status_code, allow=allow), renderer)

    async def on_unknown(request: Request, error: Exception) -> Response:  # noqa: ARG001  # its words go nowhere
        return answer(request.scope, unknown_problem(), renderer)  # Starlette raises it on to the guard, who reports it

    app.add_exception_handler(Failure, on_failure)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_unknown)


def foreign_origin() -> Forbidden:
    """A request that another site's page made a browser send."""
    return Forbidden(
        "origin.foreign",
        "The request came from a page of another site.",
        kept="Nothing was changed.",
        todo="Open Smalt itself and try again there.",
    )
