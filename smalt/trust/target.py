"""What a check is pointed at: a running installation, and the two synthetic tenants that look at it from outside."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

TIMEOUT_S = 20.0


@dataclass(frozen=True, repr=False)
class Tenant:
    """A synthetic tenant. ``token`` may do all that a token can; the password signs its owner in like a person."""

    id: str
    person: str
    email: str
    password: str
    token: str


@dataclass(frozen=True, repr=False)
class Target:
    """``app_conninfo`` connects as the application's role, for the attacks that an injected statement could make;
    ``admin_conninfo`` as who migrates, for reading the catalogue; None where this machine may not. ``run`` names the run.
    """

    url: str
    ca: Path | None
    data_dir: Path
    app_conninfo: str
    admin_conninfo: str | None
    tenants: tuple[Tenant, Tenant]
    run: str
    challenges: tuple[str, ...] = ()

    @property
    def ours(self) -> Tenant:
        return self.tenants[0]

    @property
    def theirs(self) -> Tenant:
        return self.tenants[1]

    @property
    def host(self) -> str:
        return str(httpx.URL(self.url).host)

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port or 443

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """Verifies the server's certificate, against the local CA where it has one."""
        return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))

    def client(self, tenant: Tenant | None = None, **options: Any) -> httpx.Client:
        """An HTTPS client: of ``tenant``, by its token, or of a stranger. Redirects are shown, not followed."""
        headers = {} if tenant is None else {"authorization": f"Bearer {tenant.token}"}
        headers |= options.pop("headers", {})
        return httpx.Client(
            base_url=self.url, verify=self.trust, headers=headers, timeout=TIMEOUT_S, trust_env=False, **options
        )

    def browser(self, tenant: Tenant) -> httpx.Client:
        """A client signed in with e-mail and password, as a browser is: it sends an origin with what it changes."""
        client = self.client(headers={"origin": self.url, "sec-fetch-site": "same-origin", "accept": "text/html"})
        client.post("/signin", data={"email": tenant.email, "password": tenant.password})
        return client

    def dumped(self) -> str:
        """As JSON, for the process that runs the checks. Secrets are in it: it travels through a pipe."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def loaded(cls, text: str) -> Target:
        plain: Mapping[str, Any] = json.loads(text)
        ours, theirs = (Tenant(**one) for one in plain["tenants"])
        return cls(
            **{
                **plain,
                "ca": None if plain["ca"] is None else Path(plain["ca"]),
                "data_dir": Path(plain["data_dir"]),
                "tenants": (ours, theirs),
                "challenges": tuple(plain["challenges"]),
            }
        )
