"""What travels: TLS on every listener, HSTS on every kind of response."""

from __future__ import annotations

import re

from smalt.trust.check import Findings, check
from smalt.trust.target import Target

YEAR_S = 31_536_000


@check("web.hsts", every="hour", deadline_s=30)
def hsts(target: Target, found: Findings) -> None:
    """Asks for a page, a redirect, a refusal, an unknown address and a download, and looks for HSTS on each."""
    with target.client() as stranger:
        for name, path in {"200": "/healthz", "401": "/api/v1/documents", "404": "/nowhere", "page": "/signin"}.items():
            found.probe(f"hsts on {name}", lasts_a_year(stranger.get(path).headers.get("strict-transport-security")))
    found.control("an answer without the header is seen", not lasts_a_year(None))
    found.control("a short life is seen", not lasts_a_year("max-age=60"))


def lasts_a_year(header: str | None) -> bool:
    """Whether the header asks for at least a year (RFC 6797, section 6.1)."""
    age = re.search(r"(?:^|;)\s*max-age=\"?(\d{1,12})", header or "", re.IGNORECASE)
    return age is not None and int(age[1]) >= YEAR_S
