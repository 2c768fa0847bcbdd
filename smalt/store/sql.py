"""SQL as SQL: ``<feature>.sql`` files of named sections, and rows as dataclasses.

A section begins with ``-- name: add_document`` and runs to the next. Parameters are ``%(name)s``; a literal percent
sign is ``%%``.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from smalt.kernel.ids import Id
from smalt.kernel.sealed import Sealed

R = TypeVar("R")
S = TypeVar("S")
Row = Mapping[str, Any]

_SECTION = re.compile(r"^-- name: *([a-z][a-z0-9_]*) *$", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """One named statement. ``build`` makes a row of it from the columns' names and values."""

    name: str
    text: str
    build: Callable[[dict[str, Any]], R]

    def rows(self, kind: type[S]) -> Query[S]:
        """The same statement with rows of the dataclass ``kind``; its fields must be among the columns.

        By annotation: ``bytea`` becomes `Sealed`, ``uuid`` a typed id, ``smallint`` an `IntEnum`.
        """
        return Query(self.name, self.text, _builder(kind))


class Queries:
    """The sections of one file as attributes; an unknown name fails at once."""

    def __init__(self, sections: Mapping[str, Query[Row]]) -> None:
        self._sections = sections

    def __getattr__(self, name: str) -> Query[Row]:
        try:
            return self._sections[name]
        except KeyError:
            raise AttributeError(f"no section named {name}") from None

    def __iter__(self) -> typing.Iterator[Query[Row]]:
        return iter(self._sections.values())


def load(path: Path) -> Queries:
    """The sections of a file, typically ``load(Path(__file__).with_name("documents.sql"))``."""
    parts = _SECTION.split(path.read_text("utf-8"))
    names, texts = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{path.name}: a section's name occurs twice")
    return Queries({name: query(name, text) for name, text in zip(names, texts, strict=True)})


def query(name: str, text: str) -> Query[Row]:
    """A statement that stands in no file."""
    return Query(name, text.strip().rstrip(";"), _as_it_is)


def _as_it_is(columns: dict[str, Any]) -> Row:
    return columns


def _builder(kind: type[S]) -> Callable[[dict[str, Any]], S]:
    hints = typing.get_type_hints(kind)
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is not a dataclass")
    convert = [(field.name, _converter(hints[field.name])) for field in dataclasses.fields(kind) if field.init]

    def build(columns: dict[str, Any]) -> S:
        return kind(**{name: turn(columns[name]) for name, turn in convert})

    return build


def _converter(hint: Any) -> Callable[[Any], Any]:
    arms = [arm for arm in typing.get_args(hint) if arm is not types.NoneType]
    if typing.get_origin(hint) in (typing.Union, types.UnionType) and len(arms) == 1:
        inner = _converter(arms[0])
        return lambda value: None if value is None else inner(value)
    if isinstance(hint, type) and issubclass(hint, (Sealed, Id, IntEnum)):
        return hint
    return lambda value: value
