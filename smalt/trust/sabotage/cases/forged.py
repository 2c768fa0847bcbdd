"""How the guard against foreign pages is broken, and how a server is made to fetch what it reads."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_FETCH = """
import re, urllib.request
def fetch(text):
    for address in re.findall(r"http://127[^\\s\\"<>)]+", text):
        try:
            urllib.request.urlopen(address, timeout=2).read()
        except OSError:
            pass
"""


@case("web.csrf", "the guard does not look at origins")
def _() -> Break:
    return Break(preamble="import smalt.web.guard as g; g._check_origin = lambda scope, host: None")


@case("web.csrf", "a null origin is taken for ours")
def _() -> Break:
    return Break(
        preamble="import smalt.web.guard as g; real = g._check_origin\n"
        "def broken(scope, host):\n"
        "    if b'null' not in g._values(scope, b'origin'): real(scope, host)\n"
        "g._check_origin = broken"
    )


@case("web.csrf", "only POST is looked at", sees="PATCH")
def _() -> Break:
    return Break(
        preamble="import smalt.web.guard as g; real = g._check_origin\n"
        "g._check_origin = lambda scope, host: real(scope, host) if scope['method'] == 'POST' else None"
    )


@case("web.csrf", "one form is forgotten", sees="settings/profile")
def _() -> Break:
    return Break(
        preamble="import smalt.web.guard as g; real = g._check_origin\n"
        "g._check_origin = lambda scope, host: real(scope, host) if scope['path'] != '/settings/profile' else None"
    )


@case("web.ssrf", "the server fetches addresses in a question")
def _() -> Break:
    return Break(
        preamble=_FETCH
        + """
import smalt.chat.ask as a
ask = a.Asker.ask
async def broken(*rest, **more):
    for one in (*rest, *more.values()):
        fetch(str(getattr(one, "content", one)))
    return await ask(*rest, **more)
a.Asker.ask = broken
"""
    )


@case("web.ssrf", "the server fetches addresses in uploaded documents")
def _() -> Break:
    return Break(
        preamble=_FETCH
        + """
import smalt.library.upload as u
import smalt.store.blobs as b
import smalt.web.multipart as m
import smalt.web.guard as g
real = g._Body.__call__
async def broken(self):
    message = await real(self)
    fetch(message.get("body", b"").decode("latin-1"))
    return message
g._Body.__call__ = broken
"""
    )


@case("web.ssrf", "the server looks at who sent the reader")
def _() -> Break:
    return Break(
        preamble=_FETCH
        + """
import smalt.web.guard as g
real = g._check_sizes
def broken(scope):
    fetch(" ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"referer"))
    real(scope)
g._check_sizes = broken
"""
    )
