"""How the headers and the cookies of responses are broken."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_WITHOUT = (
    "import smalt.web.headers as h; h.SECURITY_HEADERS = tuple(one for one in h.SECURITY_HEADERS if one[0] != {name!r})"
)
_INSTEAD = """
import smalt.web.headers as h
h.SECURITY_HEADERS = tuple((name, {value!r} if name == {name!r} else value) for name, value in h.SECURITY_HEADERS)
"""
_ONLY_ON = """
import smalt.web.guard as g
secure = g.secured
def broken(headers, request):
    got = secure(headers, request)
    kinds = [value for name, value in headers if name.lower() == b"content-type"]
    if any(value.startswith({kind!r}) for value in kinds):
        return [one for one in got if one[0] != {name!r}]
    return got
g.secured = broken
"""
_COOKIE = """
import smalt.people.session as s
import smalt.people.routes as r
def broken(response, cookie):
    response.set_cookie({name}, cookie, **{options})
r.set_cookie = s.set_cookie = broken
"""
_WHOLE = {"max_age": 604_800, "path": "/", "secure": True, "httponly": True, "samesite": "lax"}


def _cookie(name: str = "s.SESSION_COOKIE", **changed: object) -> Break:
    return Break(preamble=_COOKIE.format(name=name, options=repr({**_WHOLE, **changed})))


@case("web.headers", "no content security policy")
def _() -> Break:
    return Break(preamble=_WITHOUT.format(name=b"content-security-policy"))


@case("web.headers", "a policy that allows inline scripts")
def _() -> Break:
    value = b"default-src 'none'; script-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    return Break(preamble=_INSTEAD.format(name=b"content-security-policy", value=value))


@case("web.headers", "event streams alone lack nosniff", sees="stream")
def _() -> Break:
    return Break(preamble=_ONLY_ON.format(kind=b"text/event-stream", name=b"x-content-type-options"))


@case("web.headers", "pictures alone lack the resource policy", sees="picture")
def _() -> Break:
    return Break(preamble=_ONLY_ON.format(kind=b"image/png", name=b"cross-origin-resource-policy"))


@case("web.headers", "refusals alone may be framed", sees="refusal")
def _() -> Break:
    return Break(preamble=_ONLY_ON.format(kind=b"application/problem+json", name=b"x-frame-options"))


@case("web.headers", "the referrer is sent")
def _() -> Break:
    return Break(preamble=_INSTEAD.format(name=b"referrer-policy", value=b"unsafe-url"))


@case("web.headers", "the server tells its version")
def _() -> Break:
    return Break(preamble=_INSTEAD.format(name=b"server", value=b"smalt/0.1"))


@case("web.headers", "what is a tenant's may be stored by anybody", sees="data")
def _() -> Break:
    return Break(
        preamble="import smalt.web.guard as g; secure = g.secured\n"
        "g.secured = lambda headers, request: [(name, b'public, max-age=600' if name == b'cache-control' else value)"
        " for name, value in secure(headers, request)]"
    )


@case("web.headers", "one harmless header more", harmless=True)
def _() -> Break:
    return Break(preamble="import smalt.web.headers as h; h.SECURITY_HEADERS += ((b'x-harmless', b'1'),)")


@case("web.hsts", "refusals alone lack it", sees="refusal")
def _() -> Break:
    return Break(preamble=_ONLY_ON.format(kind=b"application/problem+json", name=b"strict-transport-security"))


@case("web.hsts", "files alone lack it", sees="file")
def _() -> Break:
    return Break(preamble=_ONLY_ON.format(kind=b"text/css", name=b"strict-transport-security"))


@case("web.hsts", "event streams alone lack it", sees="stream")
def _() -> Break:
    return Break(preamble=_ONLY_ON.format(kind=b"text/event-stream", name=b"strict-transport-security"))


@case("web.hsts", "the guard's own refusals go around the headers", sees="foreign origin")
def _() -> Break:
    return Break(
        preamble="import smalt.web.guard as g; secure = g.secured\n"
        "def broken(headers, request):\n"
        "    import sys\n"
        "    caller = sys._getframe(1).f_locals['self']\n"
        "    got = secure(headers, request)\n"
        "    code = str(caller._passage.code or '')\n"
        "    return got if code != 'origin.foreign' else [one for one in got if b'transport' not in one[0]]\n"
        "g.secured = broken"
    )


@case("web.cookies", "the session's cookie travels without TLS", sees="as it must be")
def _() -> Break:
    return _cookie(secure=False)


@case("web.cookies", "scripts may read it", sees="as it must be")
def _() -> Break:
    return _cookie(httponly=False)


@case("web.cookies", "other sites may send it", sees="as it must be")
def _() -> Break:
    return _cookie(samesite="none")


@case("web.cookies", "it lasts for ten years", sees="as it must be")
def _() -> Break:
    return _cookie(max_age=315_360_000)


@case("web.cookies", "it is set for the domain", sees="as it must be")
def _() -> Break:
    return _cookie(domain="localhost")


@case("web.cookies", "strangers get a cookie", sees="no cookie with")
def _() -> Break:
    return Break(
        preamble="import smalt.web.headers as h\n"
        "h.SECURITY_HEADERS += ((b'set-cookie', b'visitor=1; Secure; HttpOnly; SameSite=Lax; Path=/'),)"
    )
