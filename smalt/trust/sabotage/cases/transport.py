"""How TLS and HSTS are broken."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_WITHOUT = (
    "import smalt.web.headers as h; h.SECURITY_HEADERS = tuple(one for one in h.SECURITY_HEADERS if one[0] != {name!r})"
)
_INSTEAD = """
import smalt.web.headers as h
h.SECURITY_HEADERS = tuple((name, {value!r} if name == {name!r} else value) for name, value in h.SECURITY_HEADERS)
"""
_HSTS = b"strict-transport-security"


@case("web.hsts", "the header is dropped")
def _() -> Break:
    return Break(preamble=_WITHOUT.format(name=_HSTS))


@case("web.hsts", "its life is zero")
def _() -> Break:
    return Break(preamble=_INSTEAD.format(name=_HSTS, value=b"max-age=0"))


@case("web.hsts", "one harmless header more", harmless=True)
def _() -> Break:
    return Break(preamble="import smalt.web.headers as h; h.SECURITY_HEADERS += ((b'x-harmless', b'1'),)")
