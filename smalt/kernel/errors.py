"""The closed set of failures (HTTP, job and CLI tables render exactly these).

The docstring of each class is its public sentence. An instance adds a stable ``code`` and three fixed sentences:
what happened, what was kept, what to do. The sentences are written in the source, never built from content: what
varies goes into ``facts``, whose values are numbers or names that the product itself chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, LiteralString, TypeAlias

Fact: TypeAlias = int | bool | str
_NO_FACTS: Mapping[str, Fact] = MappingProxyType({})


class Failure(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: LiteralString,
        happened: LiteralString = "",
        *,
        kept: LiteralString = "",
        todo: LiteralString = "",
        facts: Mapping[str, Fact] = _NO_FACTS,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.happened = happened
        self.kept = kept
        self.todo = todo
        self.facts = facts
        self.retry_after_s = retry_after_s

    @property
    def title(self) -> str:
        """The public sentence of this kind of failure: the first line of the class's docstring."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


class Malformed(Failure):
    """The request cannot be understood."""

    status = 422
    exit_code = 2


class Unauthenticated(Failure):
    """Sign in first."""

    status = 401
    exit_code = 3


class Forbidden(Failure):
    """You may not do this."""

    status = 403
    exit_code = 4


class Missing(Failure):
    """There is no such thing, or you may not know of it."""

    status = 404
    exit_code = 5


class Conflict(Failure):
    """This does not fit what is already there."""

    status = 409
    exit_code = 6


class Gone(Failure):
    """This was there and is no more."""

    status = 410
    exit_code = 7


class TooLarge(Failure):
    """This is larger than what is accepted."""

    status = 413
    exit_code = 8


class TooMany(Failure):
    """Too many requests: wait a little."""

    status = 429
    exit_code = 9


class Refused(Failure):
    """Another system refused to do its part."""

    status = 502
    exit_code = 10


class Unavailable(Failure):
    """This cannot be done right now."""

    status = 503
    exit_code = 11


class Untrusted(Failure):
    """Stored data failed its integrity check and was not used."""

    status = 500
    exit_code = 12


CLOSED_SET: tuple[type[Failure], ...] = (
    Malformed,
    Unauthenticated,
    Forbidden,
    Missing,
    Conflict,
    Gone,
    TooLarge,
    TooMany,
    Refused,
    Unavailable,
    Untrusted,
)
