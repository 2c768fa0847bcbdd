"""What every response carries: security headers, caching, cookies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType

import httpx

from smalt.trust.check import Findings, check
from smalt.trust.probes import kinds
from smalt.trust.probes.kinds import Kind
from smalt.trust.probes.trap import Trap
from smalt.trust.target import Target

# Written out here, not imported: what the product weakens, this must not weaken along.
POLICY = frozenset(
    {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types smalt",
    }
)
EXACT: Mapping[str, str] = MappingProxyType(
    {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
    }
)
_OFF = ("camera", "geolocation", "microphone", "payment", "usb", "display-capture")
_TELLING = ("x-powered-by", "x-aspnet-version", "via", "x-generator", "x-runtime")
SESSION = "__Host-smalt"
WEEK_S = 604_800


def wrong_headers(one: Kind) -> Iterator[str]:
    """The names of the headers of ``one`` that are not as they must be."""
    policies = one.get("content-security-policy")
    if len(policies) != 1 or {part.strip() for part in policies[0].split(";")} != POLICY:
        yield "content-security-policy"
    for name, value in EXACT.items():
        if one.get(name) != [value]:
            yield name
    permissions = [part.strip() for part in ",".join(one.get("permissions-policy")).split(",")]
    if not all(f"{name}=()" in permissions for name in _OFF):
        yield "permissions-policy"
    if any(char.isdigit() or char == "/" for char in "".join(one.get("server"))) or len(one.get("server")) != 1:
        yield "server"
    for name in _TELLING:
        if one.get(name):
            yield name
    if not _cached_right(one):
        yield "cache-control"
    kinds_of = one.get("content-type")
    if len(kinds_of) > 1 or (kinds_of and kinds_of[0].startswith("text/") and "charset=utf-8" not in kinds_of[0]):
        yield "content-type"


def _cached_right(one: Kind) -> bool:
    """What is a tenant's is kept by nobody but, where the product says so, by the reader's own browser."""
    said = {part.strip() for part in ",".join(one.get("cache-control")).split(",")}
    if one.of_tenant:
        return "no-store" in said or ("private" in said and not {"public", "s-maxage"} & said)
    return bool(said & {"no-store", "public"})


@check("web.headers", every="hour", deadline_s=120)
def headers(target: Target, found: Findings) -> None:
    """Fetches one response of every kind (pages, data, files, pictures, streams, redirects, refusals of every sort; 200 to 431)
    as a stranger, by token and by session, and compares its security headers with what they must be, its caching too.
    What the parser refuses before the application sees it has no body and is not among them.

    Control: a server of the check's own without any of them, and a copy of a response without each of them in turn, are seen.
    """
    responses = kinds.gathered(target)
    found.facts["responses"] = len(responses)
    found.facts["statuses"] = sorted({one.status for one in responses})
    for one in responses:
        wrong = sorted(set(wrong_headers(one)))
        found.probe(f"{one.status} {one.name}", not wrong, **({"wrong": wrong} if wrong else {}))
    whole = next(one for one in responses if one.name == "page")
    for name in ("content-security-policy", *EXACT, "permissions-policy", "server", "cache-control"):
        fewer = tuple((key, value) for key, value in whole.headers if key != name)
        without = Kind(whole.name, whole.who, whole.method, whole.path, whole.status, fewer)
        found.control(f"a response without {name} is seen", name in set(wrong_headers(without)))
    with Trap(lambda _: b"HTTP/1.1 200 OK\r\nServer: some/1.2\r\nContent-Length: 0\r\n\r\n") as trap:
        bare = httpx.get(f"http://{trap.host}:{trap.port}/", trust_env=False)
    seen = set(wrong_headers(Kind("bare", "member", "GET", "/", 200, tuple(bare.headers.multi_items()))))
    expected = {"content-security-policy", "server", "cache-control", *EXACT}
    found.control("a server without them is seen", expected <= seen)


@check("web.cookies", every="hour", deadline_s=120)
def cookies(target: Target, found: Findings) -> None:
    """Looks for cookies in one response of every kind: only signing in and out may set one, and only the session's, bound to
    the host and to TLS, out of reach of scripts and of other sites, for a week at most. Strangers get none.

    Control: cookies that lack each of these in turn are recognised by the same code, and the one of signing in is seen.
    """
    responses = kinds.gathered(target)
    found.facts["responses"] = len(responses)
    for one in responses:
        if not one.ends:
            cleared = all("max-age=0" in text.lower() for text in one.get("set-cookie"))
            found.probe(f"no cookie with {one.status} {one.name}", not one.get("set-cookie") or cleared)
    signed = [text for one in responses if one.name == "signed in" for text in one.get("set-cookie")]
    out = [text for one in responses if one.name == "signed out" for text in one.get("set-cookie")]
    wrong = sorted({fault for text in signed for fault in faults(text)})
    found.probe("the session's cookie is as it must be, and the only one", len(signed) == 1 and not wrong, wrong=wrong)
    found.probe("signing out takes it back", len(out) == 1 and "max-age=0" in out[0].lower())
    found.control("signing in sets a cookie, which is seen", signed)
    whole = f"{SESSION}=x; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age={WEEK_S}"
    found.control("a cookie with all of it is not complained of", not faults(whole))
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        found.control(f"a cookie without {part} is seen", faults(whole.replace(f"; {part}", "")))
    for name, changed in {
        "another name": whole.replace(SESSION, "session"),
        "a domain": f"{whole}; Domain=localhost",
        "SameSite=None": whole.replace("=Lax", "=None"),
        "a year": whole.replace(str(WEEK_S), "31536000"),
    }.items():
        found.control(f"a cookie with {name} is seen", faults(changed))


def faults(text: str) -> list[str]:
    """What is wrong with a Set-Cookie header for a session (RFC 6265bis sections 4.1.2 and 4.1.3)."""
    try:
        read: SimpleCookie = SimpleCookie(text)
    except CookieError:
        return ["unreadable"]
    found = [] if list(read) == [SESSION] else ["name"]
    for one in read.values():
        age = str(one["max-age"])
        found += [] if one["secure"] else ["secure"]
        found += [] if one["httponly"] else ["httponly"]
        found += [] if str(one["samesite"]).lower() in {"lax", "strict"} else ["samesite"]
        found += [] if one["path"] == "/" and not one["domain"] else ["scope"]
        found += [] if age.isdigit() and int(age) <= WEEK_S else ["max-age"]
    return found
