"""How the checking of input and the encoding of output are broken, and security.txt."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_FILE = """
import smalt.trust.register_routes as r
r.security_txt = lambda base, stated, now: {text}
"""


@case("web.input", "pages do not encode", sees="encodes what it shows")
def _() -> Break:
    return Break(
        preamble="import jinja2, smalt.web.pages as p; real = jinja2.Environment\n"
        "p.Environment = lambda **more: real(**{**more, 'autoescape': False})"
    )


@case("web.input", "one page does not encode titles", sees="encodes what it shows")
def _() -> Break:
    return Break(
        preamble="import jinja2, smalt.web.pages as p\n"
        "from markupsafe import Markup\n"
        "real = p.Pages.render\n"
        "def marked(value):\n"
        "    if isinstance(value, str): return Markup(value)\n"
        "    if isinstance(value, dict): return {k: marked(v) for k, v in value.items()}\n"
        "    if isinstance(value, list): return [marked(v) for v in value]\n"
        "    return value\n"
        "def broken(self, name, /, **variables):\n"
        "    return real(self, name, **(marked(variables) if name == 'settings.html' else variables))\n"
        "p.Pages.render = broken"
    )


@case("web.input", "malformed bodies break the server", sees="breaks on nothing")
def _() -> Break:
    return Break(preamble="import smalt.web.problems as p; del p.failure_of")


@case("web.input", "ids are not looked at before they are used", sees="breaks on nothing")
def _() -> Break:
    return Break(
        preamble="import smalt.kernel.ids as i\n"
        "def broken(cls, text): return cls(__import__('uuid').UUID(text.partition('_')[2]))\n"
        "i.Id.parse = classmethod(broken)"
    )


@case("web.securitytxt", "no contact stands in it")
def _() -> Break:
    return Break(preamble=_FILE.format(text="'Expires: 2027-01-01T00:00:00Z\\n'"))


@case("web.securitytxt", "it has expired")
def _() -> Break:
    return Break(preamble=_FILE.format(text="'Contact: mailto:a@b.invalid\\nExpires: 2020-01-01T00:00:00Z\\n'"))
