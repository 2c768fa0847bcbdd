"""How sign-in, sessions, tokens and limits are broken."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_DOES_NOTHING = """
import {module} as m
async def broken(*_, **__): return {result}
{target} = broken
"""


def _nothing(module: str, target: str, result: object = None) -> Break:
    return Break(preamble=_DOES_NOTHING.format(module=module, target=target, result=repr(result)))


@case("session.life", "signing out only clears the cookie", sees="signed out is over")
def _() -> Break:
    return _nothing("smalt.people.signin", "m.SignIn.out")


@case("session.life", "a session ended from the list lives on", sees="ended from the list")
def _() -> Break:
    return _nothing("smalt.people.session", "m.end")


@case("session.life", "a new password leaves other sessions alone", sees="a new password ends")
def _() -> Break:
    return _nothing("smalt.people.session", "m.end_others", 0)


@case("session.life", "an id that was made up is taken for the last one that was good", sees="a forged id is refused")
def _() -> Break:
    return Break(
        preamble="""
import smalt.people.keeper as k
from smalt.kernel.errors import Unauthenticated
real, last = k.Keeper.session, []
async def broken(self, cookie):
    try:
        last[:] = [await real(self, cookie)]
    except Unauthenticated:
        if not last:
            raise
    return last[0]
k.Keeper.session = broken
"""
    )


@case("session.life", "the second to sign in gets the session of the first", sees="an id of its own")
def _() -> Break:
    return Break(
        preamble="""
import smalt.people.signin as s
real, begun = s.SignIn.by_password, []
async def broken(self, *rest, **more):
    begun.append(begun[0] if len(begun) == 1 else await real(self, *rest, **more))
    return begun[-1]
s.SignIn.by_password = broken
"""
    )


@case("token.life", "scopes are ignored", sees="may not")
def _() -> Break:
    return Break(
        preamble="import smalt.people.keeper as k; from smalt.tenancy.policy import Act\n"
        "k.acts_of = lambda scopes: frozenset(str(act) for act in Act)"
    )


@case("token.life", "a revoked token goes on", sees="a revoked token")
def _() -> Break:
    return _nothing("smalt.people.token", "m.revoke")


@case("token.life", "secrets are shown again in the list", sees="not shown again")
def _() -> Break:
    return Break(
        preamble="""
import dataclasses
import smalt.people.token as t
create, list_of, known = t.create, t.list_of, {}
async def making(*rest, **more):
    made, secret = await create(*rest, **more)
    known[made.id] = secret
    return made, secret
async def showing(*rest):
    return [dataclasses.replace(one, name=known.get(one.id, one.name)) for one in await list_of(*rest)]
t.create, t.list_of = making, showing
"""
    )


@case("token.life", "every token lives for a year", sees="ends when it was said")
def _() -> Break:
    return Break(
        preamble="import smalt.people.token as t; create = t.create\n"
        "async def broken(*rest, days=90, **more): return await create(*rest, days=366 if 1 <= days <= 366 else days, **more)\n"
        "t.create = broken"
    )


@case("signin.password", "an unknown address is told from a wrong passphrase", sees="the same answer")
def _() -> Break:
    return Break(
        preamble="""
import smalt.people.signin as s
from smalt.kernel.errors import Unauthenticated
real = s.SignIn._try
async def broken(self, account, password, agent):
    if not await self.gateway.find(s.CredentialKind.EMAIL, account):
        raise Unauthenticated("signin.unknown", "Nobody has this address.")
    return await real(self, account, password, agent)
s.SignIn._try = broken
"""
    )


@case("signin.password", "any passphrase will do", sees="a wrong passphrase is refused")
def _() -> Break:
    return _nothing("smalt.people.person", "m.PasswordWork.verify", result=True)


@case("web.limits", "nothing is counted", sees="reach 429")
def _() -> Break:
    return Break(preamble="import smalt.people.attempts as a; a.Attempts.begin = lambda *_: None")


@case("web.limits", "no time to wait is said", sees="time to wait")
def _() -> Break:
    return Break(
        preamble="""
import smalt.people.attempts as a
real = a.TooMany
def broken(*rest, retry_after_s=None, **more): return real(*rest, **more)
a.TooMany = broken
"""
    )


@case("web.limits", "five guesses lock an account for everybody", sees="another address is not locked")
def _() -> Break:
    return Break(preamble="import smalt.people.attempts as a; a.ACCOUNT_MAX = 5")


@case(
    "web.limits", "only sign-in counts, a current passphrase may be guessed", sees="guesses at the current passphrase"
)
def _() -> Break:
    return Break(
        preamble="import smalt.people.attempts as a; real = a.Attempts.begin\n"
        "a.Attempts.begin = lambda self, address, account: real(self, address, account) if address else None"
    )
