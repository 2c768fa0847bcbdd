"""Does a value match a JSON Schema? As much of it as our API's description uses; an unknown word is an error, not skipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

Schema = Mapping[str, Any]
_SAID = {"title", "description", "default", "examples"}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_FORMATS = {"date-time": datetime.fromisoformat, "date": date.fromisoformat}


def faults(value: Any, schema: Schema, description: Schema, at: str = "$") -> Iterator[str]:
    """Where ``value`` differs from ``schema``, whose references lead into ``description``.

    Stricter than JSON Schema in one thing: a member that is not described is a fault, or else the description would not
    be the whole truth.
    """
    for word, said in schema.items():
        if word not in _SAID:
            yield from _WORDS[word](value, said, schema, description, at)


def _ref(value: Any, said: str, _: Schema, description: Schema, at: str) -> Iterator[str]:
    found: Any = description
    for step in said.removeprefix("#/").split("/"):
        found = found[step]
    yield from faults(value, found, description, at)


def _type(value: Any, said: str | list[str], _: Schema, __: Schema, at: str) -> Iterator[str]:
    names = [said] if isinstance(said, str) else said
    # Python counts True as a number; JSON does not.
    if not any(isinstance(value, _TYPES[name]) and isinstance(value, bool) is (name == "boolean") for name in names):
        yield f"{at}: {value!r} is no {said}"


def _any_of(value: Any, said: list[Schema], _: Schema, description: Schema, at: str) -> Iterator[str]:
    tried = [list(faults(value, each, description, at)) for each in said]
    if all(tried):
        yield f"{at}: fits none of {len(said)}: {min(tried, key=len)}"


def _properties(value: Any, said: Schema, schema: Schema, description: Schema, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if name in said:
            yield from faults(member, said[name], description, f"{at}.{name}")
        elif not isinstance(schema.get("additionalProperties"), dict):
            yield f"{at}.{name}: is not described"


def _additional(value: Any, said: Any, schema: Schema, description: Schema, at: str) -> Iterator[str]:
    assert said is not True, f"{at}: anything may stand here, which describes nothing"
    for name, member in value.items() if isinstance(value, dict) and isinstance(said, dict) else ():
        if name not in schema.get("properties", {}):
            yield from faults(member, said, description, f"{at}.{name}")


def _required(value: Any, said: list[str], _: Schema, __: Schema, at: str) -> Iterator[str]:
    for name in said:
        if isinstance(value, dict) and name not in value:
            yield f"{at}.{name}: is missing"


def _items(value: Any, said: Schema, _: Schema, description: Schema, at: str) -> Iterator[str]:
    for number, item in enumerate(value if isinstance(value, list) else ()):
        yield from faults(item, said, description, f"{at}[{number}]")


def _const(value: Any, said: Any, _: Schema, __: Schema, at: str) -> Iterator[str]:
    if value != said or type(value) is not type(said):
        yield f"{at}: {value!r} is not {said!r}"


def _enum(value: Any, said: list[Any], _: Schema, __: Schema, at: str) -> Iterator[str]:
    if value not in said:
        yield f"{at}: {value!r} is none of {said}"


def _format(value: Any, said: str, _: Schema, __: Schema, at: str) -> Iterator[str]:
    if isinstance(value, str):
        try:
            _FORMATS[said](value)
        except ValueError:
            yield f"{at}: {value!r} is no {said}"


def _least(value: Any, said: int, _: Schema, __: Schema, at: str) -> Iterator[str]:
    if isinstance(value, list) and len(value) < said:
        yield f"{at}: fewer than {said}"


def _most(value: Any, said: int, _: Schema, __: Schema, at: str) -> Iterator[str]:
    if isinstance(value, list) and len(value) > said:
        yield f"{at}: more than {said}"


_WORDS: dict[str, Any] = {
    "$ref": _ref,
    "type": _type,
    "anyOf": _any_of,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "const": _const,
    "enum": _enum,
    "format": _format,
    "minItems": _least,
    "maxItems": _most,
}
