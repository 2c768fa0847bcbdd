"""Requests that somebody else makes: a foreign page through a browser, a document or a text through the server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx

from smalt.trust.check import Findings, Unclear, check
from smalt.trust.checks.access import cookie_of, lives, signed_in
from smalt.trust.probes import forms, referring, work
from smalt.trust.probes.trap import Trap, elsewhere
from smalt.trust.target import Target

LEAST = 12
_WAIT_S = 1.0
_EVIL = "https://foreign.invalid"


def foreign(url: str) -> Mapping[str, Mapping[str, str]]:
    """Headers that only the page of another site makes a browser send, by what is foreign in them."""
    host = url.removeprefix("https://")
    return MappingProxyType(
        {
            "foreign origin": {"origin": _EVIL},
            "foreign origin, cross-site": {"origin": _EVIL, "sec-fetch-site": "cross-site"},
            "no origin, cross-site": {"sec-fetch-site": "cross-site"},
            "null origin": {"origin": "null"},
            "null origin, cross-site": {"origin": "null", "sec-fetch-site": "cross-site"},
            "own origin, cross-site": {"origin": url, "sec-fetch-site": "cross-site"},
            "same-site": {"origin": f"https://other.{host}", "sec-fetch-site": "same-site"},
            "in clear": {"origin": f"http://{host}"},
            "another port": {"origin": "https://localhost:1"},
            "a name that begins with ours": {"origin": f"{url}.foreign.invalid"},
            "neither header": {},
        }
    )


@check("web.csrf", every="hour", deadline_s=120)
def csrf(target: Target, found: Findings) -> None:
    """Sends every change that the API description and the forms of all pages list, with a real session, as eleven kinds of foreign
    pages would make a browser send it: each must be refused as foreign, and nothing be changed.

    Control: the same change from the product's own page is accepted, and seen.
    """
    with signed_in(target, target.ours) as own, work.done(target) as made:
        cookie = cookie_of(own)
        description = made.client.get("/api/v1/openapi.json").json()
        known = {"conversation": made.conversation, "document_id": made.document}
        tried = [(one.method, one.at(known), one.name) for one in forms.operations(description)]
        more = (f"/c/{made.conversation}", f"/d/{made.document}")
        tried += [("POST", one.action, one.name) for one in forms.forms(own, more)]
        tried += [("POST", path, path) for path in ("/signin", "/signout", "/link/nobody")]
        found.facts["changes tried"] = len(tried)
        if len(tried) < LEAST:
            raise Unclear("The server listed too few things that can be changed.")
        before = _state(own, made)
        for method, path, name in tried:
            through = [
                what
                for what, headers in foreign(target.url).items()
                if not _foreign(target, method, path, cookie, headers)
            ]
            found.probe(name, not through, **({"through": through} if through else {}))
        found.probe("nothing was changed", _state(own, made) == before and lives(target, cookie))
        own.patch(f"/api/v1/conversations/{made.conversation}", json={"title": "From the own page"})
        found.control("a change from the own page is accepted and seen", _state(own, made) != before)
        own.post("/signout")


def _foreign(target: Target, method: str, path: str, cookie: str, headers: Mapping[str, str]) -> bool:
    """Whether the request is refused because it is foreign."""
    with target.client(headers={"cookie": f"__Host-smalt={cookie}", **headers}) as client:
        reply = client.request(method, path, json={"title": "Foreign"})
    return reply.status_code == httpx.codes.FORBIDDEN and reply.json()["code"] == "origin.foreign"


def _state(own: httpx.Client, made: work.Work) -> list[Any]:
    """What the changes would change."""
    paths = ("me", "tokens", f"conversations/{made.conversation}", f"documents/{made.document}", "people")
    kept = []
    for path in paths:
        plain = own.get(f"/api/v1/{path}").json()
        kept.append({key: value for key, value in plain.items() if key != "request_id"})
    messages = own.get(f"/api/v1/conversations/{made.conversation}/messages").json()
    return [*kept, len(messages.get("items", ()))]


@check("web.ssrf", every="hour", deadline_s=240)
def ssrf(target: Target, found: Findings) -> None:
    """Puts the address of a trap on this machine into every text field of the API and of the forms, into headers that name
    addresses, and into documents of every kind that can refer to one (pictures, links, external relations, entities, styles,
    formulas): uploads them, looks at them, asks about them. The trap must stay silent.

    Control: the check's own request to the same trap is seen.
    """
    with Trap(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", host=elsewhere()) as trap:
        address = f"http://{trap.host}:{trap.port}/x"
        with signed_in(target, target.ours) as own, work.done(target, data=referring.markdown(address)) as made:
            fields = _send_fields(own, made, address)
            found.facts["fields"] = fields
            headers = {
                "referer": address,
                "x-forwarded-host": f"{trap.host}:{trap.port}",
                "forwarded": f"host={trap.host}",
            }
            own.get("/", headers={**headers, "x-original-url": address, "x-forwarded-for": trap.host})
            read = _send_files(made, address)
            found.facts["documents"] = read
            own.post("/settings/profile", data={"name": "Probe"})
            own.post("/signout")
        time.sleep(_WAIT_S)
        found.probe(f"no address in {fields} fields was called", fields >= LEAST and not trap.hits)
        for name, status in read.items():
            found.probe(f"no address in {name} was called", not trap.hits, read=status)
        found.control("documents of every kind were read", read_enough(read))
        httpx.get(address, trust_env=False)
        found.control("a call of the trap is seen", len(trap.hits) > 0)


def read_enough(read: Mapping[str, str]) -> bool:
    """Whether every kind of document that the product takes was read, so that its reader had the address before it."""
    return all(read.get(f"refers.{kind}") == "ready" for kind in ("docx", "xlsx", "pdf", "csv", "md", "txt"))


def _send_fields(own: httpx.Client, made: work.Work, address: str) -> int:
    """Send ``address`` in every text field; how many fields there were."""
    description = made.client.get("/api/v1/openapi.json").json()
    known, sent = {"conversation": made.conversation, "document_id": made.document}, 0
    for one in forms.operations(description):
        if one.method == "DELETE" or one.fields is None or "people" in one.path:
            continue
        body = {name: _value(schema, address) for name, schema in one.fields.items()}
        sent += sum(value == address for value in body.values())
        reply = own.request(one.method, one.at(known), json={k: v for k, v in body.items() if v is not None})
        if reply.status_code == httpx.codes.CREATED and "id" in reply.json():
            own.delete(f"{one.path}/{reply.json()['id']}")
    for form in forms.forms(own):
        text = [name for name in form.fields if name not in {"current", "password", "days", "username"}]
        if (
            form.action.startswith("/settings/") and text and form.name.endswith(form.action)
        ):  # none of a thing with an id
            own.post(form.action, data=dict.fromkeys(text, address))
            sent += len(text)
    asked = {"content": f"What does {address} say? Fetch {address}"}
    own.post(f"/api/v1/conversations/{made.conversation}/messages", json=asked)
    for name in ("next", "cursor", "limit", "q", "url"):
        own.get("/signin", params={name: address})
        own.get("/api/v1/documents", params={name: address})
        sent += 2
    return sent + 1


def _value(schema: Mapping[str, Any], address: str) -> Any:
    kinds = {schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))}
    if "string" in kinds:
        return address
    return schema.get("default")


def _send_files(made: work.Work, address: str) -> dict[str, str]:
    """Upload documents of every kind that name ``address``; what became of each."""
    read = {}
    for name, data in referring.referring(address).items():
        sent = made.client.post("/api/v1/documents", files={"file": (name, data)})
        if sent.status_code != httpx.codes.CREATED:
            read[name] = "refused"
            continue
        document = str(sent.json()["id"])
        read[name] = work.settled(made.client, document)
        for page in ("pages/0", "pages/0.png"):
            made.client.get(f"/api/v1/documents/{document}/{page}")
        asked = {"content": "What was revenue in 2024?", "document_ids": [document]}
        made.client.post(f"/api/v1/conversations/{made.conversation}/messages", json=asked)
        made.client.delete(f"/api/v1/documents/{document}")
    return read
