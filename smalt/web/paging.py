"""Lists in pieces: ``{"items": […], "next": cursor | null}``, ``?limit=&cursor=``.

A cursor is the position after which the next page begins: a time in microseconds and a row's id, opaque to clients. It
carries no rights: whatever is written into it, the query still answers from the caller's own tenant. So it is checked
for form, and not signed.
"""

from __future__ import annotations

import base64
import binascii
import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query

from smalt.kernel.errors import Malformed
from smalt.kernel.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX

T = TypeVar("T")
R = TypeVar("R")

_FORM = struct.Struct(">Bq16s")
_VERSION = 1
_CHARS = 34
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX, description="how many at most")]
After = Annotated[str | None, Query(max_length=_CHARS, description="`next` of the page before")]
LIMIT_DEFAULT = PAGE_SIZE_DEFAULT


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: its time (UTC) and its id. Pages are ordered by both, newest first."""

    at: datetime
    id: uuid.UUID

    def encode(self) -> str:
        raw = _FORM.pack(_VERSION, (self.at - _EPOCH) // timedelta(microseconds=1), self.id.bytes)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """`Malformed` for anything that `encode` does not write."""
        if len(text) == _CHARS and text.isascii():
            try:
                version, at, row = _FORM.unpack(base64.b64decode(text + "==", altchars=b"-_", validate=True))
            except (binascii.Error, struct.error):
                version, at, row = 0, 0, b""
            if version == _VERSION and 0 <= at < _LAST_US:
                found = cls(_EPOCH + timedelta(microseconds=at), uuid.UUID(bytes=row))
                if found.encode() == text:
                    return found
        raise Malformed(
            "cursor.unknown",
            "The cursor is not one that a list gave.",
            todo="Begin at the first page, without a cursor.",
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``next`` is the cursor of the following page, None on the last."""

    items: list[T]
    next: str | None


FIRST = Cursor(datetime(9998, 1, 1, tzinfo=UTC), uuid.UUID(int=(1 << 128) - 1))
"""Before everything: what a query compares with when no cursor is given."""


def after(cursor: str | None) -> Cursor:
    return FIRST if cursor is None else Cursor.decode(cursor)


def page_of(rows: Sequence[R], limit: int, position: Callable[[R], Cursor], show: Callable[[R], T]) -> Page[T]:
    """A page from up to ``limit + 1`` rows: the one too many only says that there is more."""
    shown = rows[:limit]
    return Page([show(row) for row in shown], position(shown[-1]).encode() if len(rows) > limit else None)


def as_json(page: Page[Any]) -> dict[str, Any]:
    return {"items": page.items, "next": page.next}
