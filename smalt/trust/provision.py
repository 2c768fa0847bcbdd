"""The two synthetic tenants that look at the installation as customers do. They are made once, and nobody else uses them.

Their ids stand in ``trust/synthetic.json``, so that the installation tells them from its customers; what signs them in
is the checker's own (``checker/tenants.json``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from smalt.kernel.errors import Unavailable
from smalt.ledger.envelope import canonical
from smalt.seal.files import write_durably
from smalt.trust.keeper import TRUST, Keeper
from smalt.trust.target import Tenant

NAMES = ("Synthetic tenant one", "Synthetic tenant two")
SYNTHETIC = "synthetic.json"
TOKEN_DAYS = 366


@dataclass(frozen=True, repr=False)
class Made:
    """A tenant that was just made: ``link`` signs its owner in once."""

    tenant: str
    person: str
    link: str


Create = Callable[[str, str], Made]
"""``create(name, email)``: a tenant with an owner, by the operator's way."""


def synthetic(data_dir: Path) -> frozenset[str]:
    """The ids of the synthetic tenants; empty before the first run."""
    try:
        return frozenset(json.loads((data_dir / TRUST / SYNTHETIC).read_bytes()))
    except OSError:
        return frozenset()


def tenants(keeper: Keeper, create: Create, client: Callable[[], httpx.Client]) -> tuple[Tenant, Tenant]:
    """Both tenants, made and signed in where they are not there yet. ``client`` gives a stranger's HTTPS client.

    CRASH POINT: a tenant that was made and not noted stays behind, empty and without an owner; the next run makes another.
    """
    path = keeper.own / "tenants.json"
    try:
        ours, theirs = (Tenant(**one) for one in json.loads(path.read_bytes()))
    except FileNotFoundError:
        made = [_make(keeper, create, client, name) for name in NAMES]
        write_durably(path, canonical([asdict(one) for one in made]))
        ours, theirs = made
    return ours, theirs


def _make(keeper: Keeper, create: Create, client: Callable[[], httpx.Client], name: str) -> Tenant:
    password, email = secrets.token_urlsafe(24), f"probe-{secrets.token_hex(6)}@synthetic.invalid"
    made = create(name, email)
    noted = sorted({*synthetic(keeper.data_dir), made.tenant})
    write_durably(keeper.data_dir / TRUST / SYNTHETIC, canonical(noted))
    with client() as browser:
        path = httpx.URL(made.link).path
        came = browser.post(path, data={"name": "Probe", "email": email, "password": password})
        token = browser.post("/api/v1/tokens", json={"name": "checks", "scopes": SCOPES, "days": TOKEN_DAYS})
    if came.status_code != httpx.codes.SEE_OTHER or token.status_code != httpx.codes.CREATED:
        raise Unavailable(
            "trust.no_tenants",
            "The synthetic tenants of the checks could not be signed in.",
            kept="Nothing was checked, and no claim changes by this.",
            todo="See the server's log, then try again.",
            facts={"link": came.status_code, "token": token.status_code},
        )
    return Tenant(made.tenant, made.person, email, password, token.json()["secret"])


SCOPES = ("audit.read", "conversations", "documents.read", "documents.write", "usage.read")
