"""What the guard, the doors and the error pages know of one request while it passes. Ids and names only, no content."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from smalt.kernel.ids import Id
from smalt.telemetry.events import Slug

_KEY = "smalt.passage"
_PARAMETER = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")
_NOT_SLUG = re.compile(r"[^a-z0-9_.:-]")


class RequestId(Id):
    """One request. On every response as ``x-request-id``, in every problem and in the access event."""

    prefix = "req"


@dataclass(slots=True)
class Passage:
    """``tenant`` and ``actor`` are set by the door, ``route`` by the route, ``code`` by the problem that was answered."""

    request: RequestId = field(default_factory=RequestId.new)
    began: float = field(default_factory=time.monotonic)
    route: Slug | None = None
    tenant: Id | None = None
    actor: Id | None = None
    code: Slug | None = None
    received_bytes: int = 0
    sent_bytes: int = 0

    @property
    def elapsed_ms(self) -> int:
        return int((time.monotonic() - self.began) * 1000)


def begin(scope: Any) -> Passage:
    passage = Passage()
    scope[_KEY] = passage
    return passage


def passage_of(scope: Any) -> Passage:
    """The passage of an ASGI scope; a fresh one outside the guard (a test that calls a route by itself)."""
    found = scope.get(_KEY)
    return found if isinstance(found, Passage) else begin(scope)


def route_name(template: str) -> Slug:
    """``/api/v1/documents/{document}`` → ``api.v1.documents.:document``: the template, so no secret of a path."""
    words = _PARAMETER.sub(r":\1", template).strip("/").replace("/", ".").lower()
    return Slug(_NOT_SLUG.sub("_", words)[:64] or "root")
