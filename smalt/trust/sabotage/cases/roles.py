"""How permissions stop being what the table says."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case


@case("role.matrix", "every token may read the usage")
def _() -> Break:
    return Break(
        preamble="import smalt.people.token as t; inner = t.acts_of; t.acts_of = lambda scopes: inner(scopes) | {'usage.read'}"
    )


@case("role.matrix", "scopes of tokens count for nothing")
def _() -> Break:
    return Break(
        preamble="import smalt.people.token as t; from smalt.tenancy.policy import Act; t.acts_of = lambda scopes: frozenset(map(str, Act))"
    )


@case("role.matrix", "viewers may delete documents")
def _() -> Break:
    return Break(
        preamble="""
import smalt.tenancy.policy as p
from smalt.tenancy.actor import Role
p.POLICY = {**p.POLICY, p.Act.DOCUMENT_DELETE: p.POLICY[p.Act.DOCUMENT_DELETE] | {Role.VIEWER}}
"""
    )


@case("role.matrix", "routes for a signed-in person take tokens")
def _() -> Break:
    return Break(preamble="import smalt.web.doors as d; d.Browser = d.Member")


@case("role.matrix", "one harmless field more", harmless=True)
def _() -> Break:
    return Break(
        preamble="import smalt.chat.thread as t; v = t.view; t.view = lambda thread: {**v(thread), 'kind': 'talk'}"
    )
