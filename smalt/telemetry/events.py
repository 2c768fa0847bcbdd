"""Typed events: the only words that may leave the process by its log.

A field of an event is an id, a number, a truth value, a member of an enumeration or a `Slug`. Content has no parameter
to enter by: a class with a field of any other type cannot be defined, and a value of any other type cannot be emitted.
"""

from __future__ import annotations

import contextlib
import enum
import json
import re
import sys
import threading
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import IO, Any, ClassVar, dataclass_transform

from smalt.kernel.ids import Id

_SLUG = re.compile(r"[a-z0-9_.:-]{1,64}")
_WORD_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Slug(str):
    """A short name that the product itself chose. Spaces, capitals and anything a person types do not fit."""

    __slots__ = ()

    def __new__(cls, text: str) -> typing.Self:
        if _SLUG.fullmatch(text) is None:
            raise ValueError("a slug is 1 to 64 characters of a-z 0-9 _ . : -")
        return super().__new__(cls, text)


class Milliseconds(int):
    """A length of time."""

    __slots__ = ()


def _allowed(kind: Any) -> bool:
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        return all(part is types.NoneType or _allowed(part) for part in typing.get_args(kind))
    if origin is tuple:
        return typing.get_args(kind) == (Slug, ...)
    return isinstance(kind, type) and (kind in {int, bool} or issubclass(kind, (Id, enum.Enum, Milliseconds, Slug)))


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Event:
    """Something that happened. A subclass lists its fields and is frozen and keyword-only without further words."""

    name: ClassVar[str] = "event"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclass(frozen=True, kw_only=True)(cls)
        cls.name = _WORD_EDGE.sub("_", cls.__name__).lower()
        hints = typing.get_type_hints(cls)
        for field in fields(cls):  # type: ignore[arg-type]  # the decorator above made it a dataclass
            if not _allowed(hints[field.name]):
                raise TypeError(f"{cls.__qualname__}.{field.name}: an event holds ids, numbers, enums and slugs only")


def _plain(value: object) -> object:
    """``value`` as JSON; `TypeError` for what has no place in an event (so that a wrong annotation changes nothing)."""
    if value is None or isinstance(value, (bool, Slug)):
        return value
    if isinstance(value, enum.Enum):
        return Slug(value.name.lower())
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Id):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    raise TypeError("not a value an event may hold")


class _Sink:
    """Where the lines go. One lock, one write a line, so that lines of several threads never mix."""

    def __init__(self) -> None:
        self.stream: IO[str] | None = None
        self.copy: Callable[[str], None] | None = None
        self.lock = threading.Lock()


_sink = _Sink()


def write_to(stream: IO[str] | None) -> None:
    """Send events to ``stream`` from now on; None means standard error."""
    with _sink.lock:
        _sink.stream = stream


def copy_to(write: Callable[[str], None] | None) -> None:
    """Hand every line to ``write`` too, from now on; None ends that."""
    with _sink.lock:
        _sink.copy = write


def emit(event: Event) -> None:
    """Write one JSON line: when, what, and the fields that are set. Never raises for a closed or full stream."""
    line: dict[str, object] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": event.name,
    }
    for field in fields(event):  # type: ignore[arg-type]  # every subclass is a dataclass
        value = _plain(getattr(event, field.name))
        if value is not None and value != []:
            line[field.name] = value
    text = json.dumps(line, separators=(",", ":")) + "\n"
    with _sink.lock:
        stream = _sink.stream or sys.stderr
        # A log that cannot be written must not take the request down; readiness watches the disk.
        with contextlib.suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()
        if _sink.copy is not None:
            with contextlib.suppress(OSError, ValueError):
                _sink.copy(text)
