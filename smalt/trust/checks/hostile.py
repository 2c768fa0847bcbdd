"""What comes in: malformed, oversized and hostile input; and what of it comes out again. And how to report what is found."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from smalt.trust.check import Findings, Unclear, check
from smalt.trust.checks.access import signed_in
from smalt.trust.probes import forms, work
from smalt.trust.probes.kinds import HTML, pages
from smalt.trust.target import Target

LEAST = 10
_MANY = 300_000
_SECURITY = "/.well-known/security.txt"


def _bodies() -> Mapping[str, bytes]:
    """JSON bodies that no operation takes, or takes only as text."""
    return {
        "not JSON": b"{",
        "a list": b"[]",
        "a number": b"1",
        "not UTF-8": b'{"title": "\xff\xfe"}',
        "deep": b'{"title":' + b"[" * 2000 + b"]" * 2000 + b"}",
        "wrong types": b'{"title": {"a": 1}, "content": 7, "name": [], "days": "x", "scopes": 1, "document_ids": {}}',
        "unknown fields": b'{"title": "x", "content": "x", "name": "x", "admin": true, "tenant_id": "x"}',
        "a zero character": b'{"title": "a\\u0000b", "content": "a\\u0000b", "name": "a\\u0000b"}',
        "half a character": b'{"title": "\\ud800", "content": "\\ud800", "name": "\\ud800"}',
        "huge numbers": b'{"days": 1e999, "limit": 99999999999999999999999999}',
        "too large": b'{"title": "' + b"a" * _MANY + b'"}',
    }


_IDS = (
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "'%20or%201=1--",
    "a" * 300,
    "%F0%9F%92%A9",
    "{{7*7}}",
    "-1",
    "doc_%0d%0aset-cookie:x=1",
)
_NAMES = (
    "../../../etc/passwd.md",
    "..\\..\\x.md",
    "a\x00b.md",
    "x" * 3000 + ".md",
    "\u202egnp.md",
    "con.md",
    "/etc/passwd.md",
    ".md",
)


@check("web.input", every="hour", deadline_s=240)
def hostile(target: Target, found: Findings) -> None:
    """Sends every operation of the API malformed, oversized and wrongly typed bodies and hostile ids, uploads files under hostile
    names: none may end in an error of the server. Puts markup into every text that pages show: every page must show it encoded.

    Control: the same marks in a page that does not encode are recognised, and on the product's pages they are found, encoded.
    """
    mark = f"zq{secrets.token_hex(4)}"
    markup = f"<script>{mark}</script>\"'><img src=x onerror={mark}>"
    text = f"# {markup}\n\nRevenue in 2024 was EUR 1,234 million {markup}\n".encode()
    with signed_in(target, target.ours) as own, work.done(target, name=f"{markup[:60]}.md", data=text) as made:
        known = {"conversation": made.conversation, "document_id": made.document}
        listed = forms.operations(made.client.get("/api/v1/openapi.json").json())
        if len(listed) < LEAST:
            raise Unclear("The server listed too few operations.")
        found.facts["operations"] = len(listed)
        for one in listed:
            statuses = {what: _sent(made, one.method, path, sent) for what, path, sent in _tries(one, known)}
            wrong = sorted(
                what for what, status in statuses.items() if not 400 <= status < 500 and what not in _HARMLESS
            )
            broken = sorted(what for what, status in statuses.items() if status >= 500)
            found.probe(f"{one.name} breaks on nothing", not broken, **({"broken": broken} if broken else {}))
            found.probe(f"{one.name} takes nothing malformed", not wrong, **({"taken": wrong} if wrong else {}))
        for number, name in enumerate(_NAMES, 1):
            sent = made.client.post("/api/v1/documents", files={"file": (name, b"# Synthetic\n")})
            if sent.status_code == httpx.codes.CREATED:
                shown = str(sent.json()["name"])
                plain = not re.search(r"[\x00-\x1f]", shown) and shown not in {"", ".", ".."}
                found.probe(f"hostile file name {number} is kept as a plain name", plain)
                made.client.delete(f"/api/v1/documents/{sent.json()['id']}")
            else:
                found.probe(f"hostile file name {number} is refused", 400 <= sent.status_code < 500)
        _encoded(own, made, found, mark, markup)
        own.post("/signout")


def _sent(made: work.Work, method: str, path: str, options: dict[str, Any]) -> int:
    """The status of a request; what it made after all is deleted again."""
    reply = made.client.request(method, path, **options)
    if reply.status_code == httpx.codes.CREATED and "id" in reply.json():
        made.client.delete(f"{path}/{reply.json()['id']}")
    return reply.status_code


_HARMLESS = frozenset({"a zero character", "half a character", "unknown fields", "a hostile header"})
"""Texts like any other where the operation takes text: they must not break anything."""


def _tries(one: forms.Operation, known: Mapping[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(what, path, options of the request) for everything that is tried at an operation."""
    json = {"content-type": "application/json"}
    if one.fields is not None and "people" not in one.path:
        for what, body in _bodies().items():
            if not (what in _HARMLESS and one.path.endswith("/tokens")):
                yield what, one.at(known), {"content": body, "headers": json}
    if "{" in one.path:
        for number, hostile_id in enumerate(_IDS, 1):
            path = re.sub(r"{\w+}", hostile_id, one.path)
            yield f"hostile id {number}", path, {"content": b"{}", "headers": json}


def shown(page: str, mark: str, markup: str) -> tuple[bool, bool]:
    """Whether ``page`` shows the mark at all, and whether any of it became markup."""
    raw = f"<script>{mark}" in page or f"onerror={mark}>" in page.replace("&gt;", "") or markup in page
    return mark in page, raw


def _encoded(own: httpx.Client, made: work.Work, found: Findings, mark: str, markup: str) -> None:
    asked = {"content": f"{work.QUESTION} {markup}"}
    made.client.post(f"/api/v1/conversations/{made.conversation}/messages", json=asked)
    made.client.patch(f"/api/v1/conversations/{made.conversation}", json={"title": markup})
    own.post("/settings/profile", data={"name": markup})
    token = own.post("/api/v1/tokens", json={"name": markup, "scopes": ["usage.read"], "days": 1})
    try:
        seen = 0
        for path in (*pages(own), f"/c/{made.conversation}", f"/d/{made.document}"):
            there, raw = shown(own.get(path).text, mark, markup)
            seen += there
            name = re.sub(r"[a-z]{2,4}_[0-9a-f-]{36}", "ID", path)
            found.probe(f"page {name} encodes what it shows", not raw, shown=there)
        for name, page in _echoes(own, markup).items():
            there, raw = shown(page, mark, markup)
            seen += there
            found.probe(f"{name} encodes what it shows", not raw, shown=there)
        found.facts["pages that show it"] = seen
        found.control("pages that show it, encoded, were found", seen >= 4)
    finally:
        own.post("/settings/profile", data={"name": "Probe"})
        if token.status_code == httpx.codes.CREATED:
            own.delete(f"/api/v1/tokens/{token.json()['id']}")
    sample = f'<!doctype html><title>{markup}</title><p title="{mark}">'
    found.control("a page that does not encode is seen", shown(sample, mark, markup) == (True, True))


def _echoes(own: httpx.Client, markup: str) -> dict[str, str]:
    """Pages that say again what they were sent."""
    wrong = own.post("/settings/profile", data={"name": markup + "x" * 300})
    return {
        "an unknown address": own.get(f"/{markup}").text,
        "the way back after signing in": own.get("/signin", params={"next": f"/{markup}"}, headers=HTML).text,
        "a form that is refused": wrong.text,
    }


@check("web.securitytxt", every="hour", deadline_s=30)
def securitytxt(target: Target, found: Findings) -> None:
    """Fetches security.txt from its well-known address as a stranger and reads it after RFC 9116: contact, expiry within a year,
    the address it says it has, one of each that may stand once.

    Control: files without a contact, without or past their expiry, or for another address, are recognised by the same code.
    """
    with target.client() as stranger:
        reply = stranger.get(_SECURITY)
    if reply.status_code == httpx.codes.NOT_FOUND:
        raise Unclear("No contact was stated for this installation, so there is no file yet.")
    now = datetime.now(UTC)
    found.probe(
        "it is plain text in UTF-8", reply.headers.get("content-type", "").lower() == "text/plain; charset=utf-8"
    )
    wrong = faults(reply.text, f"{target.url}{_SECURITY}", now)
    found.probe("it is valid after RFC 9116", not wrong, wrong=wrong)
    ends = (now + timedelta(days=30)).isoformat(timespec="seconds")
    good = f"Contact: mailto:a@b.invalid\nExpires: {ends}\nCanonical: {target.url}{_SECURITY}\n"

    def judge(text: str) -> list[str]:
        return faults(text, f"{target.url}{_SECURITY}", now)

    found.control("a good file is not complained of", not judge(good))
    found.control("a file without a contact is seen", judge(good.replace("Contact", "X-Contact")))
    found.control("a file without an end is seen", judge(good.replace("Expires", "X-Expires")))
    found.control("an expired file is seen", judge(good.replace(ends, "2020-01-01T00:00:00Z")))
    found.control("a file for another address is seen", judge(good.replace(target.url, "https://foreign.invalid")))
    found.control("a contact in clear is seen", judge(good.replace("mailto:a@b.invalid", "http://b.invalid")))


def faults(text: str, canonical: str, now: datetime) -> list[str]:
    """What is wrong with a security.txt (RFC 9116 sections 2.3 and 2.5)."""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, colon, value = line.partition(":")
            if not colon:
                return ["unreadable"]
            fields.setdefault(name.strip().lower(), []).append(value.strip())
    found = [] if fields.get("contact") else ["contact"]
    found += (
        [] if all(re.match(r"(mailto:|https://|tel:)\S+$", one) for one in fields.get("contact", ())) else ["contact"]
    )
    try:
        (ends,) = (datetime.fromisoformat(one) for one in fields["expires"])
        found += [] if now < ends <= now + timedelta(days=366) else ["expires"]
    except (KeyError, ValueError, TypeError):
        found.append("expires")
    found += [] if len(fields.get("preferred-languages", ())) <= 1 else ["preferred-languages"]
    found += [] if canonical in fields.get("canonical", [canonical]) else ["canonical"]
    return sorted(set(found))
