"""Pages from Jinja templates, and the first-party files they use under a digest of the whole folder.

A template that names a variable nobody passed fails loudly. Static files are read once, at start: what is served is
what was there then, and its address changes whenever one byte of the folder does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from smalt.kernel.errors import Missing
from smalt.web.doors import Anyone, DoorRouter, routes

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
        ".woff2": "font/woff2",
        ".json": "application/json",
        ".txt": "text/plain; charset=utf-8",
    }
)
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    tag: str


class Static:
    """The files of ``folder``, in memory. Types that are not listed above, and hidden files, are not served."""

    def __init__(self, folder: Path) -> None:
        whole = hashlib.sha256()
        files: dict[str, _File] = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            media_type = _TYPES.get(path.suffix)
            if media_type is None or not path.is_file() or any(part.startswith(".") for part in name.split("/")):
                continue
            body = path.read_bytes()
            own = hashlib.sha256(body).hexdigest()
            whole.update(f"{name}\0{own}\n".encode())
            files[name] = _File(body, media_type, f'"{own[:32]}"')
        self._files = files
        self.digest = whole.hexdigest()[:16]

    def url(self, name: str) -> str:
        """Where ``name`` is served; `KeyError` at once for a file that is not there."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"

    def answer(self, digest: str, name: str, none_match: str | None) -> Response:
        found = self._files.get(name) if digest == self.digest else None
        if found is None:
            raise Missing("static.unknown", "There is no such file.", todo="Reload the page.")
        headers = {"cache-control": _FOREVER, "etag": found.tag}
        if none_match is not None and found.tag in none_match:
            return Response(status_code=304, headers=headers)
        return Response(found.body, media_type=found.media_type, headers=headers)


Frame = Callable[[Request], Mapping[str, Any]]


class Pages:
    """Templates of the folders in ``templates``, searched in order; ``static`` gives the addresses of the files."""

    def __init__(self, templates: Iterable[Path], static: Static, version: str) -> None:
        self.static = static
        self._env = Environment(
            loader=FileSystemLoader([str(folder) for folder in templates]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
        )
        self._env.globals.update(
            static=static.url, url_for_static=static.url, version=version, person=None, here=None, places=()
        )

    def render(self, name: str, /, **variables: Any) -> str:
        return self._env.get_template(name).render(**variables)

    def page(self, name: str, /, status: int = 200, **variables: Any) -> HTMLResponse:
        """The page ``name`` as a response. ``person`` and ``here`` are None, ``places`` is empty unless given."""
        return HTMLResponse(self.render(name, **variables), status)

    def problem(self, members: Mapping[str, Any]) -> str:
        return self.render("problem.html", problem=members)


def static_routes(static: Static) -> DoorRouter:
    router = routes()

    @router.get("/static/{digest}/{name:path}", include_in_schema=False)
    async def static_file(request: Request, digest: str, name: str, _door: Anyone) -> Response:
        """A first-party file. Open to anyone: the sign-in page needs it, and it holds nothing of a tenant."""
        return static.answer(digest, name, request.headers.get("if-none-match"))

    return router


def pages_of(request: Request) -> Pages:
    found: Pages = request.app.state.pages
    return found
