"""Between tenants: every route with another's ids, and every other way to another's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx

from smalt.trust.belongings import Belongings, belongings, named_witness, stranger_to, told
from smalt.trust.check import Findings, check
from smalt.trust.errand import browsing, converse, every, expect
from smalt.trust.target import Target

METHODS = ("get", "post", "patch", "put", "delete")
ROUTES_MIN = 14
PAGES_MIN = 4
NOT_FOUND = 404
_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_LINK = re.compile(r'(?:href|action)="(/[^"#?]*)')
_ID = re.compile(r"[a-z]{3}_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLACES = {
    "doc": "document_id", "thr": "conversation", "trn": "message", "tok": "token_id", "ses": "session_id",
    "per": "person_id", "ent": "entry",
    "wit": "witness_id",
}  # fmt: skip
_ENDS = ("/revoke", "/end", "/remove")
_PAGES = ("/", "/library", "/usage", "/settings", "/settings/witnesses", "/people")


@dataclass(frozen=True)
class Route:
    """A way in that takes ids. ``by_form``: a page's form or link, for a browser only."""

    method: str
    path: str
    by_form: bool = False

    @property
    def names(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    @property
    def ends(self) -> bool:
        """Whether it ends what it is given."""
        return self.method == "delete" or self.path.endswith(_ENDS)

    @property
    def body(self) -> dict[str, Any]:
        """What it takes beside the ids: something it understands, so that a refusal is about the ids."""
        if self.path.endswith("/messages") and self.method == "post":
            return {"json": {"content": "What was it?"}}
        if self.by_form and self.method == "post":
            return {"data": {"role": "viewer"}}
        if self.method in {"patch", "put"}:
            return {"json": {"role": "viewer"} if "person_id" in self.names else {"title": "Another title"}}
        return {}

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms of answer that it has."""
        streams = self.path.endswith(("/messages", "/events"))
        return ("application/json", "text/event-stream") if streams else ("application/json",)

    def with_ids(self, ids: Mapping[str, str]) -> str:
        return _PARAMETER.sub(lambda found: ids[found[1]], self.path)

    def ask(self, client: httpx.Client, ids: Mapping[str, str], accept: str) -> httpx.Response:
        """Send it with ``ids``."""
        return client.request(self.method.upper(), self.with_ids(ids), headers={"accept": accept}, **self.body)

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"


def described(client: httpx.Client) -> list[Route]:
    """The routes with ids in the interface's own description."""
    paths = expect(client.get("/api/v1/openapi.json"), 200).json()["paths"]
    return [
        Route(method, path)
        for path, methods in paths.items()
        for method in METHODS
        if method in methods and _PARAMETER.search(path) and not path.startswith("/trust/")  # public, of no tenant
    ]


def linked(browser: httpx.Client, owned: Belongings) -> list[Route]:
    """The pages and forms with ids that the pages themselves lead to."""
    found: set[Route] = set()
    conversation, document = owned.ids["conversation"], owned.ids["document_id"]
    for page in (*_PAGES, f"/c/{conversation}", f"/d/{document}"):
        text = expect(browser.get(page, headers={"accept": "text/html"}), 200).text
        forms = set(re.findall(r'action="(/[^"#?]*)', text))
        for link in _LINK.findall(text):
            template = _ID.sub(lambda one: f"{{{_PLACES.get(one[0][:3], 'unknown')}}}", link)
            if template != link:
                found.add(Route("post" if link in forms else "get", template, by_form=True))
    return sorted(found, key=lambda route: route.name)


@check("tenant.routes", every="hour", deadline_s=90)
def routes(target: Target, found: Findings) -> None:
    """Tries every route that takes an id with the ids of the other synthetic tenant, by token and by session: the answer must be that for an id that nobody has, to the byte. Then asks, searches, lists and follows for the other's words and figures.

    Control: the owner gets through with the very same requests, and still has everything afterwards.
    """
    with belongings(target, target.theirs) as theirs, belongings(target, target.ours) as ours:
        with target.client(target.ours) as api, browsing(target, target.ours) as browser:
            ways = described(api)
            pages = linked(browser, ours)
            _reach(found, {"token": api, "session": browser}, ways + pages, ours, theirs)
            _words(found, api, browser, theirs)
        with target.client(target.theirs) as api, browsing(target, target.theirs) as browser:
            _owner(found, api, browser, ways + pages, theirs)
    found.control("routes with ids were found", len(ways) >= ROUTES_MIN and len(pages) >= PAGES_MIN,
                  routes=[route.name for route in ways], pages=[route.name for route in pages])  # fmt: skip


def mixes(names: list[str], ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """``names`` filled with ids of ``theirs``, or of both tenants with at least one of ``theirs``."""
    movable = [name for name in names if theirs[name] != ours[name]]
    for choice in product((True, False), repeat=len(movable)):
        if any(choice):
            foreign = {name for name, is_theirs in zip(movable, choice, strict=True) if is_theirs}
            yield {name: theirs[name] if name in foreign else ours[name] for name in names}


def _reach(
    found: Findings, clients: Mapping[str, httpx.Client], ways: list[Route], ours: Belongings, theirs: Belongings
) -> None:
    tried = 0
    for route in ways:
        if unknown := [name for name in route.names if name not in theirs.ids]:
            found.probe(f"{route.name}: the check knows what it takes", held=False, parameters=unknown)
            continue
        differing = []
        for mix in mixes(route.names, ours.ids, theirs.ids):
            nobody = {name: stranger_to(one) if one in theirs.all_ids else one for name, one in mix.items()}
            for way, client in clients.items():
                if route.by_form and way == "token":
                    continue
                for accept in route.forms:
                    foreign, unheard = (told(route.ask(client, ids, accept)) for ids in (mix, nobody))
                    tried += 1
                    shut = way == "token" and foreign[0] == 401 and not route.by_form
                    if foreign != unheard or (foreign[0] != NOT_FOUND and not shut):
                        differing.append(f"{way} {foreign[0]}/{unheard[0]}")
        found.probe(
            f"{route.name} with another tenant's id is as with nobody's", not differing, differing=differing[:5]
        )
    found.facts["tried"] = {"requests": tried, "routes": len(ways)}


def _words(found: Findings, api: httpx.Client, browser: httpx.Client, theirs: Belongings) -> None:
    """Every way to another's words that needs no id, or takes one in its body."""
    conversation = converse(api, "Reaching")
    path = f"/api/v1/conversations/{conversation}/messages"
    try:
        asked = api.post(path, json={"content": theirs.question})
        found.probe(
            "a question finds nothing of another tenant", asked.status_code == 201 and not theirs.gives_away(asked.text)
        )
        narrowed = api.post(path, json={"content": theirs.question, "document_ids": [theirs.ids["document_id"]]})
        found.probe("a question asks no document of another tenant", narrowed.status_code == NOT_FOUND)
        stream = api.post(path, json={"content": theirs.question}, headers={"accept": "text/event-stream"})
        found.probe(
            "a stream tells nothing of another tenant", stream.status_code == 201 and not theirs.gives_away(stream.text)
        )
        again = api.post(path, json={"content": theirs.question}, headers={"idempotency-key": theirs.key})
        found.probe("a stolen Idempotency-Key gives no answer of another tenant", not theirs.gives_away(again.text))
    finally:
        api.delete(f"/api/v1/conversations/{conversation}")
    lists = ("documents", "conversations", "usage")
    for name in lists:
        own = list(every(api, f"/api/v1/{name}"))
        found.probe(f"the list of {name} holds nothing of another tenant", not theirs.gives_away(str(own)))
        beyond = api.get(f"/api/v1/{name}", params={"cursor": theirs.cursor})
        found.probe(
            f"a stolen cursor on {name} leads to nothing of another tenant",
            beyond.status_code == 200 and not theirs.gives_away(beyond.text),
        )
    for name in ("tokens", "sessions", "people", "witnesses"):
        found.probe(
            f"the list of {name} holds nothing of another tenant",
            not theirs.gives_away(browser.get(f"/api/v1/{name}").text),
        )
    for page in _PAGES:
        text = browser.get(page, headers={"accept": "text/html"}).text
        found.probe(
            f"the page {page} shows nothing of another tenant", not theirs.gives_away(text) and theirs.label not in text
        )


def _owner(found: Findings, api: httpx.Client, browser: httpx.Client, ways: list[Route], theirs: Belongings) -> None:
    """The owner still has everything, sees with the same eyes, and gets through with the same requests."""
    still = [api.get(f"/api/v1/{path}").status_code for path in (
        f"documents/{theirs.ids['document_id']}", f"conversations/{theirs.ids['conversation']}",
        f"conversations/{theirs.ids['conversation']}/messages/{theirs.ids['message']}",
    )]  # fmt: skip
    intact = still == [200, 200, 200]  # what was taken away from the owner is a finding, not a blindness of the check
    found.probe("nothing of the other tenant was changed or removed", intact)
    held = browser.get("/api/v1/tokens").text
    found.probe("no token of the other tenant was ended", theirs.ids["token_id"] in held)
    found.control("the owner's answer gives the figure away", theirs.gives_away(str(theirs.answered.get("answer"))))
    seen = [
        theirs.gives_away(str(list(every(api, f"/api/v1/{name}")))) for name in ("documents", "conversations", "usage")
    ]
    found.control("the owner's lists give the ids away", all(seen) or not intact)
    refused = []
    for route in sorted(ways, key=lambda one: (one.ends, "_id" not in one.path)):
        if not set(route.names) <= set(theirs.ids) or "session_id" in route.names:
            continue  # a session would end the one that asks; the routes of tokens are their like
        if route.ends and "person_id" in route.names:
            continue  # the guest is kept for the next run
        client = browser if route.by_form or {"token_id", "person_id", "witness_id"} & set(route.names) else api
        status = route.ask(client, _spare(browser, route, theirs), "text/html").status_code
        if status >= 400:
            refused.append(f"{route.name} {status}")
    found.control("the owner gets through with the same requests", not refused or not intact, refused=refused[:5])


def _spare(browser: httpx.Client, route: Route, theirs: Belongings) -> dict[str, str]:
    """The owner's ids; for a route that ends what it is given, those of something that was made to be ended."""
    ids = dict(theirs.ids)
    if route.names == ["token_id"]:
        ids["token_id"] = expect(browser.post("/api/v1/tokens", json={"name": theirs.label}), 201).json()["id"]
    if route.names == ["witness_id"]:
        ids["witness_id"] = named_witness(browser)
    if route.ends and route.names == ["conversation"]:
        ids["conversation"] = converse(browser, "To be ended")
    return ids
