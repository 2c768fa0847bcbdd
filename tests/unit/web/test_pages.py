from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from smalt.kernel.errors import Missing
from smalt.web import problems
from smalt.web.doors import Application
from smalt.web.pages import Pages, Static, static_routes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "site.js").write_text("export {}")
    (tmp_path / "static" / ".hidden.js").write_text("no")
    (tmp_path / "static" / "notes.md").write_text("no")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "hello.html").write_text("<p>{{ name }}</p>{{ static('site.js') }}")
    return tmp_path


@pytest.fixture
def static(folder: Path) -> Static:
    return Static(folder / "static")


def test_pages_escape_and_are_strict(folder: Path, static: Static) -> None:
    pages = Pages([folder / "pages"], static, "1")
    assert pages.render("hello.html", name="<b>") == f"<p>&lt;b&gt;</p>/static/{static.digest}/site.js"
    with pytest.raises(jinja2.UndefinedError):
        pages.render("hello.html")


def test_one_byte_changes_every_address(folder: Path, static: Static) -> None:
    (folder / "static" / "site.js").write_text("export {};")
    assert Static(folder / "static").url("site.js") != static.url("site.js")
    with pytest.raises(KeyError):
        static.url("absent.js")


async def test_files_are_served_for_ever(client_of, static: Static) -> None:
    app = Application()
    app.include_router(static_routes(static))
    problems.install(app, None)
    client = client_of(app)
    reply = await client.get(static.url("site.js"))
    assert (reply.status_code, reply.text) == (200, "export {}")
    assert reply.headers["content-type"].startswith("text/javascript")
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = await client.get(static.url("site.js"), headers={"if-none-match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" in again.headers
    for wrong in (".hidden.js", "notes.md", "../pages/hello.html", "%2e%2e/pages/hello.html", "", "site.js/"):
        assert (await client.get(f"/static/{static.digest}/{wrong}")).status_code == 404
    assert (await client.get("/static/0000000000000000/site.js")).status_code == 404


def test_a_wrong_digest_is_missing(static: Static) -> None:
    with pytest.raises(Missing):
        static.answer("x", "site.js", None)
