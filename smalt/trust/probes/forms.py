"""What can be changed, as the server itself lists it: the operations of its API description and the forms of its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx

from smalt.trust.probes.kinds import pages

_CHANGES = ("post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """``path`` is a template. ``fields`` of its JSON body by name, as JSON Schema; None where it takes no JSON."""

    method: str
    path: str
    fields: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, known: Mapping[str, str]) -> str:
        """The path, with ids from ``known`` where its names are there, and otherwise one that nobody has."""
        return re.sub(r"{(\w+)}", lambda found: known.get(found[1], "0" * 8), self.path)


@dataclass(frozen=True)
class Form:
    action: str
    fields: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"form {re.sub(r'[a-z]{2,4}_[0-9a-f-]{36}', 'ID', self.action)}"


def operations(description: Mapping[str, Any]) -> list[Operation]:
    """Everything in the API description that changes something."""
    found = []
    for path, methods in description["paths"].items():
        for method in _CHANGES:
            if method in methods:
                content = methods[method].get("requestBody", {}).get("content", {})
                schema = _resolved(description, content.get("application/json", {}).get("schema"))
                found.append(Operation(method.upper(), path, None if schema is None else schema.get("properties", {})))
    return found


def _resolved(description: Mapping[str, Any], schema: Any) -> Mapping[str, Any] | None:
    """The object that ``schema`` leads to, through references and unions."""
    if not schema:
        return None
    if "$ref" in schema:
        return _resolved(description, description["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for one in schema.get("anyOf", ()):
        if found := _resolved(description, one):
            return found
    return schema if schema.get("type") == "object" else None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._action: str | None = None
        self._fields: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self._close()
            self._action = said.get("action") if (said.get("method") or "").lower() == "post" else None
        elif tag in {"input", "select", "textarea"} and said.get("name"):
            self._fields.append(str(said["name"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._close()

    def _close(self) -> None:
        if self._action:
            self.found.append(Form(self._action, tuple(self._fields)))
        self._action, self._fields = None, []


def forms(client: httpx.Client, more: tuple[str, ...] = ()) -> Iterator[Form]:
    """The forms that change something, of every page that ``client`` gets to and of ``more``."""
    seen = set()
    for path in (*pages(client), *more):
        reader = _Reader()
        reader.feed(client.get(path).text)
        for form in reader.found:
            if form.action not in seen and form.action.startswith("/"):
                seen.add(form.action)
                yield form
