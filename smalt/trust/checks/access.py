"""Who may come in, and for how long: sign-in, sessions, tokens, guessing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx

from smalt.trust.check import Findings, Unclear, check
from smalt.trust.checks.headers import SESSION
from smalt.trust.probes import kinds
from smalt.trust.target import Target, Tenant

OK, CREATED, GONE, REFUSED, TOO_MANY = 200, 201, 401, 403, 429
UNKNOWN = "nobody-{}@synthetic.invalid"
_BURST = 12
_WAIT_MAX_S = 3600


@contextlib.contextmanager
def signed_in(target: Target, tenant: Tenant) -> Iterator[httpx.Client]:
    """A browser of ``tenant``; `Unclear` when it cannot sign in."""
    with contextlib.closing(target.browser(tenant)) as client:
        if client.get("/api/v1/me").status_code != OK:
            raise Unclear("The synthetic tenant could not sign in.")
        yield client


def cookie_of(client: httpx.Client) -> str:
    """The session's cookie as the browser keeps it."""
    return str(client.cookies.get(SESSION) or "")


def lives(target: Target, cookie: str) -> bool:
    """Whether the server takes ``cookie`` for a session; `Unclear` for an answer that is neither yes nor no."""
    with target.client(headers={"cookie": f"{SESSION}={cookie}"}) as client:
        status = client.get("/api/v1/me").status_code
    if status not in {OK, GONE}:
        raise Unclear("A session was neither accepted nor refused.")
    return status == OK


@check("session.life", every="hour", deadline_s=120)
def sessions(target: Target, found: Findings) -> None:
    """Signs in several times and uses the cookies again after the session was signed out, ended from the list, or ended by a new
    password (the same one); and cookies that were altered, cut, mixed or made up. The end by idleness is not waited for.

    Control: each session is seen alive by the same code before it is ended, and the one that changed the password after it.
    """
    ours = target.ours
    with signed_in(target, ours) as one, signed_in(target, ours) as two, signed_in(target, ours) as three:
        first, second, third = (cookie_of(client) for client in (one, two, three))
        found.probe("each sign-in has an id of its own", len({first, second, third}) == 3)
        for name, cookie in _forged(first, second):
            found.probe(f"a forged id is refused: {name}", not lives(target, cookie))
        found.control("live sessions are seen alive", all(lives(target, cookie) for cookie in (first, second, third)))
        current = next((item["id"] for item in two.get("/api/v1/sessions").json()["items"] if item["current"]), "")
        ended = one.delete(f"/api/v1/sessions/{current}").status_code == 204
        found.probe("a session ended from the list is over", ended and not lives(target, second))
        three.post("/signout")
        found.probe("a session signed out is over on the server", not lives(target, third))
    with signed_in(target, ours) as two:
        second = cookie_of(two)
        form = {"current": ours.password, "password": ours.password}
        with signed_in(target, ours) as one:
            first = cookie_of(one)
            found.control("another live session is seen alive", lives(target, second))
            if one.post("/settings/password", data=form).status_code != OK:
                raise Unclear("The synthetic tenant could not change its password.")
            found.probe("a new password ends the other sessions", not lives(target, second))
            found.control("the session that changed it is seen alive", lives(target, first))
            again = one.post("/signin", data={"email": ours.email, "password": ours.password})
            found.probe("signing in again gives a new id", again.status_code == 303 and cookie_of(one) != first)
            found.probe("signing in again ends the session before", not lives(target, first))
            one.post("/signout")


def _forged(first: str, second: str) -> Iterator[tuple[str, str]]:
    half = len(first) // 2
    for place in (4, half, len(first) - 4):
        other = "A" if first[place] != "A" else "B"
        yield f"altered at {place}", first[:place] + other + first[place + 1 :]
    yield "cut", first[:half]
    yield "mixed of two", first[:half] + second[half:]
    yield "made up", "A" * len(first)


@check("token.life", every="hour", deadline_s=120)
def tokens(target: Target, found: Findings) -> None:
    """Makes tokens of one scope, tries what other scopes allow and what no token may, alters one, looks whether a secret is shown
    again, and uses one after it was revoked. A life that is too long is refused; the end of a life is not waited for.

    Control: each token is seen doing what its scope allows, and a secret is seen where it is shown, by the same code.
    """
    with signed_in(target, target.ours) as browser:
        made = []
        try:
            for scope in ("usage.read", "documents.read"):
                reply = browser.post("/api/v1/tokens", json={"name": "check", "scopes": [scope], "days": 1})
                if reply.status_code != CREATED:
                    raise Unclear("The synthetic tenant could not make a token.")
                made.append(reply)
            usage, reader = (reply.json() for reply in made)
            found.control("a secret is seen where it is shown", usage["secret"] in made[0].text)
            for path in ("/api/v1/tokens", "/settings", "/api/v1/me"):
                text = browser.get(path).text
                hidden = all(one["secret"] not in text for one in (usage, reader))
                found.probe(f"a secret is not shown again at {path}", hidden)
            _narrow(target, found, usage["secret"], reader["secret"])
            lasts = datetime.fromisoformat(usage["expires_at"]) - datetime.fromisoformat(usage["created_at"])
            found.probe("a token ends when it was said to", abs(lasts - timedelta(days=1)) < timedelta(minutes=5))
            for days in (0, 367):
                body = {"name": "check", "scopes": ["usage.read"], "days": days}
                refused = browser.post("/api/v1/tokens", json=body).status_code == 422
                found.probe(f"a life of {days} days is refused", refused)
            found.control("a token that was not revoked works", _may(target, usage["secret"], "GET", "usage") == OK)
            browser.delete(f"/api/v1/tokens/{usage['id']}")
            found.probe("a revoked token stops at once", _may(target, usage["secret"], "GET", "usage") == GONE)
        finally:
            for reply in made:
                browser.delete(f"/api/v1/tokens/{reply.json()['id']}")
            browser.post("/signout")


def _may(target: Target, secret: str, method: str, path: str) -> int:
    with target.client(headers={"authorization": f"Bearer {secret}"}) as client:
        return client.request(method, f"/api/v1/{path}", json={} if method == "POST" else None).status_code


def _narrow(target: Target, found: Findings, usage: str, reader: str) -> None:
    found.control("a token for usage reads usage", _may(target, usage, "GET", "usage") == OK)
    found.control("a token for documents reads documents", _may(target, reader, "GET", "documents") == OK)
    for name, secret, wanted in (
        ("usage", usage, (("GET", "documents"), ("GET", "conversations"), ("POST", "conversations"))),
        ("documents", reader, (("GET", "usage"), ("GET", "conversations"), ("POST", "conversations"))),
    ):
        for method, path in wanted:
            refused = _may(target, secret, method, path) == REFUSED
            found.probe(f"a token for {name} may not: {method} {path}", refused)
    for method, path in (("POST", "tokens"), ("GET", "tokens"), ("GET", "sessions"), ("POST", "people")):
        status = _may(target, usage, method, path)
        found.probe(f"no token may: {method} {path}", status in {GONE, REFUSED})
    for name, forged in (("altered", usage[:-6] + "AAAAAA"), ("cut", usage[:-1]), ("upper case", usage.upper())):
        found.probe(f"a token that is {name} is refused", _may(target, forged, "GET", "usage") == GONE)


@check("signin.password", every="hour", deadline_s=60)
def password(target: Target, found: Findings) -> None:
    """Signs in with a wrong passphrase and with an address that nobody has, as a program and as a person: both must be refused with
    the same status, the same words and no cookie. How long they take is not compared, and what is stored is sealed and not read.

    Control: the right passphrase comes in, and an answer with other words is seen to differ.
    """
    with kinds.apart(target, headers={"origin": target.url}) as client:
        for who, accept in (("program", "application/json"), ("person", "text/html")):
            answers = []
            for email in (target.ours.email, UNKNOWN.format("signin")):
                form = {"email": email, "password": "not the passphrase"}
                answers.append(_plain(client.post("/signin", data=form, headers={"accept": accept}), email))
            wrong, unknown = answers
            found.probe(f"a wrong passphrase is refused, for a {who}", wrong[0] == GONE and not wrong[2])
            found.probe(f"an unknown address gets the same answer, for a {who}", wrong == unknown)
            found.control(f"other words are seen, for a {who}", wrong != (wrong[0], f"{wrong[1]}.", wrong[2]))
        right = client.post("/signin", data={"email": target.ours.email, "password": target.ours.password})
        found.control("the right passphrase comes in", right.status_code == 303 and right.headers.get("set-cookie"))
        client.post("/signout")


def _plain(response: httpx.Response, email: str) -> tuple[int, str, str]:
    """Status, words and cookie, without what tells one request from another."""
    words = re.sub(r"req_[0-9a-f-]{36}", "", response.text).replace(email, "")
    return response.status_code, words, response.headers.get("set-cookie", "")


@check("web.limits", every="hour", deadline_s=120)
def limits(target: Target, found: Findings) -> None:
    """Sends a burst of guesses at a passphrase that nobody has, and of wrong current passphrases of a synthetic person who is signed
    in: both must reach 429 with a time to wait. Another address must go on, so that nobody is locked out by a stranger.

    Control: a burst at an address that is not limited is not seen as limited by the same code.
    """
    email = UNKNOWN.format(target.run[-8:])

    def guess(_: int) -> httpx.Response:
        return client.post("/signin", data={"email": email, "password": "a guess of nothing"})

    with kinds.apart(target, headers={"origin": target.url}) as client:
        answers = _burst(guess)
    found.probe("guesses at sign-in reach 429", limited(answers), statuses=sorted({one.status_code for one in answers}))
    found.probe("the time to wait is said", _waits(answers))
    with kinds.apart(target, headers={"origin": target.url}) as client:
        if kinds.near(target):  # else there is no other address to come from
            found.probe("the same account from another address is not locked", guess(0).status_code == GONE)
    with signed_in(target, target.theirs) as browser:
        form = {"current": "not the passphrase", "password": "not the passphrase either"}
        changed = [browser.post("/settings/password", data=form) for _ in range(7)]
        browser.post("/signout")
    found.probe("guesses at the current passphrase reach 429", limited(changed))
    found.probe("the time to wait is said there too", _waits(changed))
    with target.client() as stranger:
        unlimited = _burst(lambda _: stranger.get("/healthz"))
    found.control("a burst that is not limited is not seen as limited", not limited(unlimited))


def _burst(one: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(_BURST)))


def limited(answers: list[httpx.Response]) -> bool:
    """Whether a burst was answered with 429 in the end, and none of it was let through."""
    statuses = [one.status_code for one in answers]
    return TOO_MANY in statuses and not any(status < 400 for status in statuses)


def _waits(answers: list[httpx.Response]) -> bool:
    """Whether every 429 says for how many seconds to wait (RFC 6585 section 4)."""
    waits = [one.headers.get("retry-after", "") for one in answers if one.status_code == TOO_MANY]
    return bool(waits) and all(wait.isdigit() and 0 < int(wait) <= _WAIT_MAX_S for wait in waits)
