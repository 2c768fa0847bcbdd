"""One response of every kind that the server gives: of every class of status, pages, files, streams, pictures, refusals of
the guard. Fetched once in a run, for all the checks that judge what every response carries.
"""

from __future__ import annotations

import functools
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from smalt.trust.check import Unclear
from smalt.trust.probes import work
from smalt.trust.probes.trap import elsewhere
from smalt.trust.target import TIMEOUT_S, Target

HTML = {"accept": "text/html"}
_STREAM = {"accept": "text/event-stream"}
_FOREIGN = {"origin": "https://foreign.invalid", "sec-fetch-site": "cross-site"}
GUESSES = 8
LEAST = 35
"""Fewer kinds than these mean that something could not be fetched."""

PUBLIC = "/trust"
"""The one page that members are led to and that is the same for everybody, signed in or not."""

Who = Literal["stranger", "member", "browser"]


@dataclass(frozen=True)
class Kind:
    """``headers`` as they came, names in lower case, repeated ones repeated. ``ends``: it changes who is signed in."""

    name: str
    who: Who
    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    ends: bool = False

    @property
    def of_tenant(self) -> bool:
        return self.who != "stranger" and self.path != PUBLIC

    @property
    def frozen(self) -> bool:
        """A file under the digest of its folder, the same for ever and for everybody."""
        return self.path.startswith("/static/") and self.status in {200, 304}

    def get(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def near(target: Target) -> bool:
    """Whether the server is on this machine's loopback, all of which one may come from."""
    return all(str(info[4][0]).startswith(("127.", "::1")) for info in socket.getaddrinfo(target.host, target.port))


def apart(target: Target, **options: Any) -> httpx.Client:
    """A client that comes from an address of its own where the server is on this machine, so that what is counted by
    address (guesses of a password) counts for this client alone.
    """
    address = elsewhere() if near(target) else None
    transport = httpx.HTTPTransport(verify=target.trust, local_address=address, trust_env=False)
    headers = options.pop("headers", {})
    return httpx.Client(base_url=target.url, transport=transport, headers=headers, timeout=TIMEOUT_S, **options)


@functools.lru_cache(maxsize=1)
def gathered(target: Target) -> tuple[Kind, ...]:
    """All kinds; `Unclear` when there are too few."""
    found = (*_of_stranger(target), *_of_member(target), *_of_browser(target), *_of_guesses(target))
    if len(found) < LEAST:
        raise Unclear("Not every kind of response could be fetched.")
    return found


def _kind(name: str, who: Who, response: httpx.Response, *, ends: bool = False) -> Kind:
    headers = tuple((key.lower(), value) for key, value in response.headers.multi_items())
    request = response.request
    return Kind(name, who, request.method, request.url.path, response.status_code, headers, ends)


def _of_stranger(target: Target) -> Iterator[Kind]:
    with target.client(headers={"user-agent": "smalt-check"}) as client:

        def one(name: str, method: str, path: str, **options: Any) -> Kind:
            return _kind(name, "stranger", client.request(method, path, **options))

        page = client.get("/signin", headers=HTML)
        yield _kind("page", "stranger", page)
        yield one("head of a page", "HEAD", "/signin", headers=HTML)
        yield one("health", "GET", "/healthz")
        yield one("readiness", "GET", "/readyz")
        yield one("redirect to sign in", "GET", "/", headers=HTML)
        yield one("refusal of a stranger", "GET", "/api/v1/documents")
        yield one("unknown address, for a program", "GET", "/api/v1/nowhere")
        yield one("unknown address, for a person", "GET", "/nowhere", headers=HTML)
        yield one("a dead link", "GET", "/link/nobody", headers=HTML)
        yield one("a method that is not taken", "PUT", "/healthz")
        yield one("a method that is not known", "BREW", "/healthz")
        yield one("options", "OPTIONS", "/signin")
        yield one("a foreign origin", "POST", "/signin", headers=_FOREIGN)
        yield one("an address too long", "GET", "/" + "a" * 5000)
        yield one("too many headers", "GET", "/healthz", headers={f"x-{number}": "1" for number in range(80)})
        yield one("another host", "GET", "/healthz", headers={"host": "somebody-else.invalid"})
        yield one("a malformed host", "GET", "/healthz", headers={"host": "a/b"})
        yield one("a body too large", "POST", "/signin", content=b"a" * 300_000)
        yield one("a stranger signs out", "POST", "/signout")
        yield one("trust page", "GET", "/trust", headers=HTML)
        yield one("claims", "GET", "/trust/claims.json")
        yield one("an unknown proof", "GET", "/trust/evidence/" + "0" * 64)
        files = sorted(set(re.findall(r"/static/[0-9a-f]+/[a-z_.-]+\.(?:css|js|svg)", page.text)))
        for path in files:
            kind = _kind(f"file .{path.rpartition('.')[2]}", "stranger", client.get(path))
            yield kind
            for tag in kind.get("etag"):
                yield one("a file not modified", "GET", path, headers={"if-none-match": tag})
        yield one("an unknown file", "GET", "/static/0000000000000000/base.css")


def _of_member(target: Target) -> Iterator[Kind]:
    with work.done(target) as made:
        client, document = made.client, f"/api/v1/documents/{made.document}"
        conversation = f"/api/v1/conversations/{made.conversation}"

        def one(name: str, method: str, path: str, **options: Any) -> Kind:
            return _kind(name, "member", client.request(method, path, **options))

        yield _kind("answer", "member", made.answer)
        yield one("data", "GET", document)
        yield one("a page of a document", "GET", f"{document}/pages/0")
        yield one("a picture that there is not", "GET", f"{document}/pages/0.png")
        yield one("description of the API", "GET", "/api/v1/openapi.json")
        yield one("changed", "PATCH", conversation, json={"title": "Synthetic"})
        yield one("malformed", "PATCH", conversation, json={"title": 1})
        yield one("not JSON", "PATCH", conversation, content=b"{")
        yield one("another tenant's", "GET", f"/api/v1/documents/doc_{'0' * 32}")
        yield one("a token may not", "GET", "/api/v1/tokens")
        with client.stream("GET", f"{document}/events", headers=_STREAM) as stream:
            yield _kind("stream of a document", "member", stream)
        asked = {"content": work.QUESTION}
        with client.stream("POST", f"{conversation}/messages", json=asked, headers=_STREAM) as stream:
            yield _kind("stream of an answer", "member", stream)
            stream.read()
        picture, status = work.read(client, "synthetic.pdf", one_page_pdf())
        if status == "ready":
            yield one("a picture", "GET", f"/api/v1/documents/{picture}/pages/0.png")
        yield one("deleted", "DELETE", f"/api/v1/documents/{picture}")


def _of_browser(target: Target) -> Iterator[Kind]:
    with target.client(headers={"origin": target.url, "sec-fetch-site": "same-origin", **HTML}) as client:
        signed = client.post("/signin", data={"email": target.ours.email, "password": target.ours.password})
        yield _kind("signed in", "browser", signed, ends=True)
        for path in pages(client):
            yield _kind(f"page {path}", "browser", client.get(path))
        yield _kind("a form that is refused", "browser", client.post("/settings/profile", data={"name": ""}))
        yield _kind("signed out", "browser", client.post("/signout"), ends=True)


def pages(client: httpx.Client) -> list[str]:
    """Local pages that one gets to from the first one, by its links."""
    found = re.findall(r'href="(/(?!static/|/)[a-z/-]*)"', client.get("/").text)
    return sorted({"/", "/settings", "/library", "/usage", *found})


def _of_guesses(target: Target) -> Iterator[Kind]:
    """What too many guesses at the password of nobody lead to."""
    with apart(target, headers={"origin": target.url}) as client:
        for _ in range(GUESSES):
            data = {"email": "nobody@synthetic.invalid", "password": "not the password of anybody"}
            response = client.post("/signin", data=data)
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                yield _kind("too many guesses", "stranger", response)
                return


def one_page_pdf() -> bytes:
    """A PDF of one page with one line."""
    text = b"BT /F1 24 Tf 72 700 Td (Synthetic Industries plc) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    made, places = b"%PDF-1.4\n", list[int]()
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table, len(objects) + 1, len(made))
    )
