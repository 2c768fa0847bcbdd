"""Every route as every role, against its own tenant: what passes is pinned, one row a route, one column a role.

The routes come from tests/pinned/routes.txt, so a new route gets its row without anybody thinking of it, and a right
that somebody gains or loses is a difference that is reviewed. Strangers and other tenants are in test_strangers.py.

    +  the role may: the request got as far as its own business (2xx, 3xx, or a fault of what was asked: 404, 409, 422)
    .  the role may not: 403                 -  the door is not for them: 401
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.client import Api, Install, Workspace
from tests.conformance.test_membership import join
from tests.conformance.test_strangers import Route, routes, unknown

PINNED = Path(__file__).parents[1] / "pinned"
ROLES = ("owner", "admin", "analyst", "viewer", "auditor", "billing")
ENDS_THE_SESSION = {("POST", "/signout"), ("POST", "/signin"), ("POST", "/link/{secret}")}
BUSINESS = {200, 201, 202, 204, 303, 404, 409, 410, 422}


@pytest.fixture(scope="module")
def firm(install: Install) -> Workspace:
    return install.workspace("Matrix and Daughters")


@pytest.fixture(scope="module")
def people(install: Install, firm: Workspace) -> dict[str, Api]:
    return {role: join(install, firm.browser, role).browser for role in ROLES}


class Ids(dict[str, str]):
    """Ids of nothing, for every parameter that a route may have."""

    def __missing__(self, name: str) -> str:
        return "x"


def mark(route: Route, api: Api) -> str:
    reply = route.call(api, Ids(unknown()))
    if reply.status_code in BUSINESS:
        return "+"
    assert reply.status_code in {401, 403}, f"{route}: {reply.status_code} {reply.text[:200]}"
    return {401: "-", 403: "."}[reply.status_code]


def test_the_matrix_of_routes_and_roles(
    install: Install, firm: Workspace, people: dict[str, Api], pin: Callable[[Path, str], None]
) -> None:
    tried = [
        route for route in routes() if route.door != "anyone" and (route.method, route.path) not in ENDS_THE_SESSION
    ]
    rows = [f"{'':72}" + "".join(f"{role:9}" for role in ROLES).rstrip()]
    for route in tried:
        marks = [mark(route, people[role]) for role in ROLES]
        rows.append(f"{route!s:72}" + "".join(f"{one:9}" for one in marks).rstrip())
    assert len(rows) > 40
    assert any("." in row[72:] for row in rows), "nobody is refused anything: the roles do not matter"
    pin(PINNED / "matrix.txt", "\n".join(rows) + "\n")
