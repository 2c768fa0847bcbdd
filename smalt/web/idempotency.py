"""``Idempotency-Key`` on POSTs: the same request sent twice is done once and answered twice.

    async with visit.enter(Act.CONVERSATION_WRITE) as scope:
        repeat = await claim(scope, key, "conversation.create", fingerprint=title)
        if repeat is not None:
            return repeat.response()
        …
        await keep(scope, key, 201, body)

Where the work spans several visits, `claim` stands in the first, `keep` in the last, and `release` in the handler of a
failure in between; a repeat that comes meanwhile hears that the first is still under way. The key is stored as a keyed
digest bound to the person, what was asked as a keyed digest, the answer sealed.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import Header
from starlette.responses import Response

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Malformed
from smalt.kernel.ids import uuid7
from smalt.kernel.limits import IDEMPOTENCY_TTL_S
from smalt.kernel.sealed import Place, Sealed
from smalt.store.sql import load
from smalt.tenancy.scope import TenantScope

queries = load(Path(__file__).with_name("idempotency.sql"))

UNDER_WAY_MAX = timedelta(hours=2)
"""A request that has not ended by then was cut off by a crash: its key is free again."""

_FORM = re.compile(r"[\x21-\x7e]{1,128}")

KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key", description="1 to 128 visible ASCII characters")]


@dataclass(frozen=True, slots=True)
class _Row:
    id: uuid.UUID
    act: str
    request: bytes | None
    status: int | None
    response: Sealed | None
    created_at: datetime


_find = queries.find_key.rows(_Row)


@dataclass(frozen=True, slots=True)
class Repeat:
    """The answer that the first request got."""

    status: int
    body: bytes

    def response(self) -> Response:
        return Response(self.body, self.status, media_type="application/json", headers={"idempotency-replayed": "true"})


def _digest(scope: TenantScope, key: str) -> bytes:
    """Bound to who sent it: two people (or a person and a stranger's guess) never share a key."""
    if _FORM.fullmatch(key) is None:
        raise Malformed(
            "idempotency.key",
            "The Idempotency-Key is not 1 to 128 visible ASCII characters.",
            kept="Nothing was changed.",
            todo="Send a fresh random key, such as a UUID.",
        )
    return scope.blind("idempotency.key", f"{scope.actor.person} {key}")


async def claim(scope: TenantScope, key: str | None, act: str, fingerprint: str, clock: Clock) -> Repeat | None:
    """Nothing for the first request with ``key`` (or without one); for a repeat, the first one's answer.

    ``fingerprint`` is what makes two requests the same. `Conflict` when the key was used for something else, or when
    the first request is still under way.
    """
    if key is None:
        return None
    digest = _digest(scope, key)
    request = scope.blind("idempotency.request", f"{act} {fingerprint}")
    now = clock.now()
    before, cut_off = now - timedelta(seconds=IDEMPOTENCY_TTL_S), now - UNDER_WAY_MAX
    await scope.execute(queries.forget_keys, {"before": before, "cut_off": cut_off})
    first = await scope.fetch_maybe(
        queries.claim_key, {"key": digest, "id": uuid7(), "act": act, "request": request, "at": now}
    )
    if first is not None:
        return None
    row = await scope.fetch_one(_find, {"key": digest})
    if row.act != act or row.request != request:
        raise reused()
    if row.status is None or row.response is None:
        raise Conflict(
            "idempotency.under_way",
            "The first request with this Idempotency-Key is still under way.",
            kept="The first request goes on.",
            todo="Wait and send the same request again.",
            retry_after_s=2,
        )
    return Repeat(row.status, scope.open(row.response, _place(row.id)))


async def keep(scope: TenantScope, key: str | None, status: int, body: Any) -> None:
    """Remember the answer. ``body`` is anything msgspec writes as JSON."""
    if key is None:
        return
    digest = _digest(scope, key)
    row = await scope.fetch_one(_find, {"key": digest})
    sealed = scope.seal(msgspec.json.encode(body), _place(row.id))
    await scope.execute(queries.keep_response, {"key": digest, "status": status, "response": sealed})


def reused() -> Conflict:
    """The key came before with something else."""
    return Conflict(
        "idempotency.reused",
        "This Idempotency-Key was used for another request.",
        kept="Nothing was changed.",
        todo="Send a fresh key with every new request.",
    )


async def release_cut_off(scope: TenantScope, before: datetime) -> None:
    """Let the keys of requests be used again that began before ``before`` and that nobody works on any more."""
    await scope.execute(queries.release_cut_off, {"before": before})


async def release(scope: TenantScope, key: str | None) -> None:
    """Let the key be used again after a failure: nothing was done under it."""
    if key is not None:
        await scope.execute(queries.release_key, {"key": _digest(scope, key)})


def _place(row: uuid.UUID) -> Place:
    return Place("idempotency", "response", row)
