"""Who may do what: every route of the interface as every role and with every scope, beside the reviewed tables."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from smalt.people.token import SCOPES, acts_of
from smalt.tenancy.actor import Role
from smalt.tenancy.policy import Act, allows
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.checks.isolation import METHODS
from smalt.trust.errand import browsing, expect
from smalt.trust.target import Target, Tenant

DENIED, UNKNOWN = 403, 401
ROUTES_MIN, DENIALS_MIN, PASSES_MIN = 25, 40, 60
PEOPLE = (Role.ADMIN, Role.ANALYST, Role.VIEWER, Role.AUDITOR, Role.BILLING)


@dataclass(frozen=True)
class Door:
    """What a route needs. ``browser``: it takes no token. ``body``: something that changes nothing where it is allowed."""

    act: Act | None
    browser: bool = False
    body: Mapping[str, Any] | None = None


_EMPTY_FILE = {"files": {"file": ("empty.txt", b"")}}
TABLE: Mapping[str, Door] = {
    "GET /healthz": Door(None),
    "GET /readyz": Door(None),
    "POST /trust/challenge": Door(None, body={"json": {"nonce": ""}}),
    "GET /trust/challenge/{nonce}": Door(None),
    "GET /api/v1/openapi.json": Door(None),
    "GET /api/v1/me": Door(Act.PROFILE_READ),
    "GET /api/v1/tokens": Door(Act.TOKEN_READ, browser=True),
    "POST /api/v1/tokens": Door(Act.TOKEN_CREATE, browser=True, body={"json": {"name": "Matrix", "days": 1}}),
    "DELETE /api/v1/tokens/{token_id}": Door(Act.TOKEN_REVOKE, browser=True),
    "GET /api/v1/sessions": Door(Act.SESSION_READ, browser=True),
    "DELETE /api/v1/sessions/{session_id}": Door(Act.SESSION_END, browser=True),
    "GET /api/v1/people": Door(Act.PERSON_READ, browser=True),
    "POST /api/v1/people": Door(
        Act.PERSON_INVITE, browser=True, body={"json": {"role": "viewer", "email": "no address"}}
    ),
    "POST /api/v1/people/{person_id}/link": Door(Act.PERSON_INVITE, browser=True),
    "PATCH /api/v1/people/{person_id}": Door(Act.PERSON_CHANGE, browser=True, body={"json": {"role": "viewer"}}),
    "DELETE /api/v1/people/{person_id}": Door(Act.PERSON_REMOVE, browser=True),
    "POST /api/v1/documents": Door(Act.DOCUMENT_ADD, body=_EMPTY_FILE),
    "GET /api/v1/documents": Door(Act.DOCUMENT_READ),
    "GET /api/v1/documents/{document_id}": Door(Act.DOCUMENT_READ),
    "DELETE /api/v1/documents/{document_id}": Door(Act.DOCUMENT_DELETE),
    "GET /api/v1/documents/{document_id}/events": Door(Act.DOCUMENT_READ),
    "GET /api/v1/documents/{document_id}/pages/{number}": Door(Act.DOCUMENT_READ),
    "GET /api/v1/documents/{document_id}/pages/{number}.png": Door(Act.DOCUMENT_READ),
    "GET /api/v1/usage": Door(Act.USAGE_READ),
    "POST /api/v1/conversations": Door(Act.CONVERSATION_WRITE, body={"json": {"title": "Matrix"}}),
    "GET /api/v1/conversations": Door(Act.CONVERSATION_READ),
    "GET /api/v1/conversations/{conversation}": Door(Act.CONVERSATION_READ),
    "PATCH /api/v1/conversations/{conversation}": Door(Act.CONVERSATION_WRITE, body={"json": {"title": "Matrix"}}),
    "DELETE /api/v1/conversations/{conversation}": Door(Act.CONVERSATION_WRITE),
    "GET /api/v1/conversations/{conversation}/messages": Door(Act.CONVERSATION_READ),
    "POST /api/v1/conversations/{conversation}/messages": Door(Act.TURN_ASK, body={"json": {"content": "x"}}),
    "GET /api/v1/conversations/{conversation}/messages/{message}": Door(Act.CONVERSATION_READ),
    "POST /api/v1/conversations/{conversation}/messages/{message}/cancel": Door(Act.CONVERSATION_WRITE),
    "GET /api/v1/audit": Door(Act.AUDIT_READ),
    "GET /api/v1/audit/export": Door(Act.AUDIT_READ),
    "GET /api/v1/audit/{entry}/proof": Door(Act.AUDIT_READ),
    "GET /api/v1/register": Door(Act.REGISTER_READ, browser=True),
    "PUT /api/v1/register/subscription": Door(Act.REGISTER_SUBSCRIBE, browser=True),
    "DELETE /api/v1/register/subscription": Door(Act.REGISTER_SUBSCRIBE, browser=True),
    "POST /api/v1/register/objections": Door(
        Act.REGISTER_OBJECT, browser=True, body={"json": {"vendor": "no vendor", "reason": "Matrix"}}
    ),
    "POST /api/v1/register/objections/withdraw": Door(
        Act.REGISTER_OBJECT, browser=True, body={"json": {"vendor": "no vendor"}}
    ),
    "GET /api/v1/witnesses": Door(Act.WITNESS_READ, browser=True),
    "POST /api/v1/witnesses": Door(Act.WITNESS_CHANGE, browser=True, body={"json": {"key": "no key"}}),
    "DELETE /api/v1/witnesses/{witness_id}": Door(Act.WITNESS_CHANGE, browser=True),
}
"""The reviewed table: every route of the interface and the act that it is. A route that is not here fails the check."""

NOBODYS: Mapping[str, str] = {
    "token_id": f"tok_{uuid.UUID(int=1)}", "session_id": f"ses_{uuid.UUID(int=1)}", "person_id": f"per_{uuid.UUID(int=1)}",
    "document_id": f"doc_{uuid.UUID(int=1)}", "conversation": f"thr_{uuid.UUID(int=1)}",
    "message": f"trn_{uuid.UUID(int=1)}", "entry": f"ent_{uuid.UUID(int=1)}", "witness_id": f"wit_{uuid.UUID(int=1)}", "number": "0", "nonce": "0" * 32,
}  # fmt: skip


@check("role.matrix", every="night", deadline_s=180)
def matrix(target: Target, found: Findings) -> None:
    """Tries every route of the interface with a token of every single scope and as a signed-in person of every role, with ids that nobody has, and compares what is refused with the table of permissions and the scopes. A route that stands in no table fails.

    Control: both refusals and passes are seen, and a table with one entry changed does not fit.
    """
    with target.client(target.ours) as api, browsing(target, target.ours) as owner:
        routes = _routes(api)
        untold = sorted(set(routes) - TABLE.keys())
        found.probe("every route of the interface stands in the table", not untold, routes=untold[:5])
        known = [name for name in routes if name in TABLE]
        seen: dict[tuple[str, str], str] = {}
        for scope in SCOPES:
            with _token(target, owner, scope) as client:
                seen |= {(f"scope {scope}", name): _tried(client, name) for name in known}
        seen |= {("role owner", name): _tried(owner, name) for name in known}
        for role in PEOPLE:
            with _person(target, owner, role) as client:
                seen |= {(f"role {role.name.lower()}", name): _tried(client, name) for name in known}
        _clean(api)
    wanted = {pair: expected(*pair) for pair in seen}
    for who in sorted({who for who, _ in seen}):
        wrong = [f"{name}: {seen[who, name]}" for name in known if seen[who, name] != wanted[who, name]]
        found.probe(f"{who} may do what the table says", not wrong, differing=wrong[:5])
    denied, passed = (sum(one == word for one in seen.values()) for word in ("refused", "passes"))
    found.control("routes, refusals and passes were seen", len(known) >= ROUTES_MIN and denied >= DENIALS_MIN and passed >= PASSES_MIN,
                  routes=len(known), tried=len(seen), refused=denied)  # fmt: skip
    pair = ("role viewer", "GET /api/v1/documents")
    found.control("a table with one entry changed does not fit", {**wanted, pair: "refused"}[pair] != seen[pair])


def expected(who: str, name: str) -> str:
    """What the tables say of a pair: passes, refused, or no door."""
    kind, _, word = who.partition(" ")
    door = TABLE[name]
    if door.act is None:
        return "passes"
    if kind == "scope":
        if door.browser:
            return "no door"
        return "passes" if str(door.act) in acts_of(word) and allows(Role.OWNER, door.act) else "refused"
    return "passes" if allows(Role[word.upper()], door.act) else "refused"


def _routes(api: httpx.Client) -> list[str]:
    paths = expect(api.get("/api/v1/openapi.json"), 200).json()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in METHODS if method in methods]


def _tried(client: httpx.Client, name: str) -> str:
    method, _, path = name.partition(" ")
    reply = client.request(method, path.format(**NOBODYS), **(TABLE[name].body or {}))
    made = reply.json().get("id") if reply.status_code == 201 else None
    if made is not None:
        client.delete(f"{path}/{made}")
    return {DENIED: "refused", UNKNOWN: "no door"}.get(reply.status_code, "passes")


@contextlib.contextmanager
def _token(target: Target, owner: httpx.Client, scope: str) -> Iterator[httpx.Client]:
    made = expect(owner.post("/api/v1/tokens", json={"name": "Matrix", "scopes": [scope], "days": 1}), 201).json()
    try:
        with target.client(headers={"authorization": f"Bearer {made['secret']}"}) as client:
            yield client
    finally:
        owner.delete(f"/api/v1/tokens/{made['id']}")


@contextlib.contextmanager
def _person(target: Target, owner: httpx.Client, role: Role) -> Iterator[httpx.Client]:
    """A session of the synthetic tenant's person of ``role``, who is invited at the first time."""
    word, ours = role.name.lower(), target.ours
    # Only who knows the owner's password knows this one; so nothing more has to be kept.
    password = hashlib.sha256(f"{ours.password} {word}".encode()).hexdigest()
    one = Tenant(ours.id, "", f"{word}-{ours.id[-12:]}@synthetic.invalid", password, "")
    with contextlib.ExitStack() as held:
        try:
            client = held.enter_context(browsing(target, one))
        except Unclear:
            _invite(target, owner, word, one)
            client = held.enter_context(browsing(target, one))
        yield client


def _invite(target: Target, owner: httpx.Client, word: str, one: Tenant) -> None:
    invited = expect(owner.post("/api/v1/people", json={"role": word, "name": "Probe", "email": one.email}), 201).json()
    headers = {"origin": target.url, "sec-fetch-site": "same-origin", "accept": "text/html"}
    with target.client(headers=headers) as fresh:
        form = {"name": "Probe", "email": one.email, "password": one.password}
        expect(fresh.post(httpx.URL(invited["link"]).path, data=form), 303)


def _clean(api: httpx.Client) -> None:
    """What a token of one scope made and could not remove."""
    for one in expect(api.get("/api/v1/conversations"), 200).json()["items"]:
        if one["title"] == "Matrix":
            api.delete(f"/api/v1/conversations/{one['id']}")
