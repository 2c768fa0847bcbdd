"""Between tenants: every route with another's ids, and every other way to another's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx

from smalt.trust.belongings import Belongings, belongings, stranger_to, told
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
_PLACES = {"doc": "document_id", "thr": "conversation", "trn": "message", "tok": "token_id", "ses": "session_id"}
_BODIES: Mapping[tuple[str, str], Any] = {
    ("post", "messages"): {"content": "What was it?"},
    ("patch", ""): {"title": "Another title"},
}
_END = ("delete", "/revoke", "/end")


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
        return self.method == "delete" or self.path.endswith(_END[1:])

    def with_ids(self, ids: Mapping[str, str]) -> str:
        return _PARAMETER.sub(lambda found: ids[found[1]], self.path)

    def ask(self, client: httpx.Client, ids: Mapping[str, str], accept: str) -> httpx.Response:
        """Send it with ``ids``."""
        body = _BODIES.get((self.method, self.path.rpartition("/")[2])) or (
            {"title": "Another title"} if self.method in {"patch", "put"} else None
        )
        more: dict[str, Any] = {} if body is None else {"json": body}
        return client.request(self.method.upper(), self.with_ids(ids), headers={"accept": accept}, **more)

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
        if method in methods and _PARAMETER.search(path)
    ]


def linked(browser: httpx.Client, owned: Belongings) -> list[Route]:
    """The pages and forms with ids that the pages themselves lead to."""
    found: set[Route] = set()
    conversation, document = owned.ids["conversation"], owned.ids["document_id"]
    for page in ("/", "/library", "/usage", "/settings", f"/c/{conversation}", f"/d/{document}"):
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
                for accept in ("application/json", "text/event-stream"):
                    foreign, unheard = (told(route.ask(client, ids, accept)) for ids in (mix, nobody))
                    tried += 1
                    shut = way == "token" and foreign[0] == 401 and not route.by_form
                    if foreign != unheard or (foreign[0] != NOT_FOUND and not shut):
                        differing.append(f"{way} {foreign[0]}/{unheard[0]}")
        found.probe(f"{route.name} with another tenant's id is as with nobody's", not differing, differing=differing[:5])
    found.facts["tried"] = {"requests": tried, "routes": len(ways)}


def _words(found: Findings, api: httpx.Client, browser: httpx.Client, theirs: Belongings) -> None:
    """Every way to another's words that needs no id, or takes one in its body."""
    conversation = converse(api, "Reaching")
    path = f"/api/v1/conversations/{conversation}/messages"
    try:
        asked = api.post(path, json={"content": theirs.question})
        found.probe("a question finds nothing of another tenant", asked.status_code == 201 and not theirs.gives_away(asked.text))
        narrowed = api.post(path, json={"content": theirs.question, "document_ids": [theirs.ids["document_id"]]})
        found.probe("a question asks no document of another tenant", narrowed.status_code == NOT_FOUND)
        stream = api.post(path, json={"content": theirs.question}, headers={"accept": "text/event-stream"})
        found.probe("a stream tells nothing of another tenant", stream.status_code == 201 and not theirs.gives_away(stream.text))
        again = api.post(path, json={"content": theirs.question}, headers={"idempotency-key": theirs.key})
        found.probe("a stolen Idempotency-Key gives no answer of another tenant", not theirs.gives_away(again.text))
    finally:
        api.delete(f"/api/v1/conversations/{conversation}")
    lists = ("documents", "conversations", "usage")
    for name in lists:
        own = list(every(api, f"/api/v1/{name}"))
        found.probe(f"the list of {name} holds nothing of another tenant", not theirs.gives_away(str(own)))
        beyond = api.get(f"/api/v1/{name}", params={"cursor": theirs.cursor})
        found.probe(f"a stolen cursor on {name} leads to nothing of another tenant", beyond.status_code == 200 and not theirs.gives_away(beyond.text))
    for name in ("tokens", "sessions"):
        found.probe(f"the list of {name} holds nothing of another tenant", not theirs.gives_away(browser.get(f"/api/v1/{name}").text))
    for page in ("/", "/library", "/usage", "/settings"):
        text = browser.get(page, headers={"accept": "text/html"}).text
        found.probe(f"the page {page} shows nothing of another tenant", not theirs.gives_away(text) and theirs.label not in text)


def _owner(found: Findings, api: httpx.Client, browser: httpx.Client, ways: list[Route], theirs: Belongings) -> None:
    """The owner still has everything, sees with the same eyes, and gets through with the same requests."""
    still = [api.get(f"/api/v1/{path}").status_code for path in (
        f"documents/{theirs.ids['document_id']}", f"conversations/{theirs.ids['conversation']}",
        f"conversations/{theirs.ids['conversation']}/messages/{theirs.ids['message']}",
    )]  # fmt: skip
    found.probe("nothing of the other tenant was changed or removed", still == [200, 200, 200])
    held = browser.get("/api/v1/tokens").text
    found.probe("no token of the other tenant was ended", theirs.ids["token_id"] in held)
    found.control("the owner's answer gives the figure away", theirs.gives_away(str(theirs.answered.get("answer"))))
    seen = [theirs.gives_away(str(list(every(api, f"/api/v1/{name}")))) for name in ("documents", "conversations", "usage")]
    found.control("the owner's lists give the ids away", all(seen))
    refused = []
    for route in sorted((one for one in ways if set(one.names) <= set(theirs.ids)), key=lambda one: (one.ends, "_id" not in one.path)):
        if "session_id" in route.names:
            continue  # it would end the session that asks; the routes of tokens are its like
        client = browser if route.by_form or "token_id" in route.names else api
        if "token_id" in route.names:
            fresh = expect(browser.post("/api/v1/tokens", json={"name": theirs.label}), 201).json()["id"]
            status = route.ask(client, {**theirs.ids, "token_id": fresh}, "text/html").status_code
        else:
            status = _by_owner(client, route, theirs)
        if status >= 400:
            refused.append(f"{route.name} {status}")
    found.control("the owner gets through with the same requests", not refused, refused=refused[:5])


def _by_owner(client: httpx.Client, route: Route, theirs: Belongings) -> int:
    """The status that the owner gets. A picture of a page exists of PDFs only: there the refusal says so."""
    ids = dict(theirs.ids)
    if route.path.endswith(".png"):
        return 200 if route.ask(client, ids, "image/png").status_code in {200, 409, 422} else 500
    if route.ends and "conversation" in ids and route.names == ["conversation"]:
        ids["conversation"] = converse(client, "To be ended")
    return route.ask(client, ids, "application/json").status_code
