"""API tokens: shown once, kept as a digest, for named scopes, with an end, and never stronger than who made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Malformed, Missing
from smalt.kernel.ids import PersonId, TokenId
from smalt.kernel.sealed import Place, Sealed
from smalt.people.credentials import Credentials
from smalt.people.person import plain_name, queries
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope

LIFE_DEFAULT_DAYS = 90
LIFE_MAX_DAYS = 366
TOKENS_MAX = 100
USED_EVERY = timedelta(hours=1)

_ALWAYS = frozenset({Act.PROFILE_READ, Act.TENANT_READ})
SCOPES: Mapping[str, frozenset[Act]] = MappingProxyType(
    {
        "documents.read": frozenset({Act.DOCUMENT_READ}),
        "documents.write": frozenset({Act.DOCUMENT_READ, Act.DOCUMENT_ADD, Act.DOCUMENT_DELETE}),
        "conversations": frozenset(
            {
                Act.CONVERSATION_READ,
                Act.CONVERSATION_WRITE,
                Act.TURN_ASK,
                Act.TURN_SETTLE,
                Act.DOCUMENT_READ,
            }
        ),
        "usage.read": frozenset({Act.USAGE_READ}),
        "audit.read": frozenset({Act.AUDIT_READ}),
    }
)
"""No scope lets a token make tokens, invite people or end sessions: a stolen one must not be able to stay."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    id: TokenId
    name: Sealed
    scopes: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """``last_used_at`` is exact to the hour."""

    id: TokenId
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


_of_person = queries.tokens_of.rows(TokenRow)


def acts_of(scopes: str) -> frozenset[str]:
    """What the scopes of a token allow; a scope that is no longer known allows nothing."""
    found = set(_ALWAYS)
    for scope in scopes.split():
        found |= SCOPES.get(scope, frozenset())
    return frozenset(str(act) for act in found)


def _checked(scopes: Iterable[str]) -> str:
    wanted = sorted(set(scopes))
    if not wanted or any(scope not in SCOPES for scope in wanted):
        raise Malformed(
            "token.scopes",
            "A token needs at least one scope, and only known ones.",
            kept="Nothing was changed.",
            todo="Choose among the scopes that the API description lists.",
        )
    return " ".join(wanted)


async def create(
    scope: TenantScope,
    person: PersonId,
    credentials: Credentials,
    clock: Clock,
    *,
    name: str,
    scopes: Iterable[str],
    days: int = LIFE_DEFAULT_DAYS,
) -> tuple[Token, str]:
    """The new token and its secret, which is nowhere else from now on."""
    if not 1 <= days <= LIFE_MAX_DAYS:
        raise Malformed(
            "token.life",
            "A token lives from 1 to 366 days.",
            kept="Nothing was changed.",
            facts={"max_days": LIFE_MAX_DAYS},
        )
    plain, wanted, now = plain_name(name), _checked(scopes), clock.now()
    if len(await scope.fetch_all(_of_person, {"person_id": person.uuid})) >= TOKENS_MAX:
        raise Conflict(
            "token.too_many",
            "There are too many tokens.",
            kept="Nothing was changed.",
            todo="Revoke the ones that are not used.",
            facts={"max": TOKENS_MAX},
        )
    secret, token, expires_at = credentials.new_token(), TokenId.new(), now + timedelta(days=days)
    digest = credentials.of_token(secret)
    if digest is None:
        raise AssertionError("a new secret is well-formed")
    await scope.execute(
        queries.add_token,
        {
            "id": token.uuid,
            "person_id": person.uuid,
            "name": scope.seal_text(plain, _place(token)),
            "scopes": wanted,
            "now": now,
            "expires_at": expires_at,
        },
    )
    await scope.put_credential(CredentialKind.TOKEN, digest, token, expires_at)
    return Token(token, plain, wanted.split(), now, expires_at, None), secret


async def list_of(scope: TenantScope, person: PersonId) -> list[Token]:
    """The tokens of ``person`` that were not revoked, newest first; expired ones too, so that one sees why."""
    rows = await scope.fetch_all(_of_person, {"person_id": person.uuid})
    return [
        Token(
            row.id,
            scope.open_text(row.name, _place(row.id)),
            row.scopes.split(),
            row.created_at,
            row.expires_at,
            row.last_used_at,
        )
        for row in rows
    ]


async def revoke(scope: TenantScope, person: PersonId, token: TokenId, clock: Clock) -> None:
    """It ends at once. `Missing` when it is not a live token of ``person``."""
    ended = await scope.execute(queries.revoke_token, {"id": token.uuid, "person_id": person.uuid, "now": clock.now()})
    if ended == 0:
        raise Missing("token.unknown", "There is no such token.", kept="Nothing was changed.")
    await scope.drop_credentials_of(CredentialKind.TOKEN, token)


def _place(token: TokenId) -> Place:
    return Place("api_token", "name", token.uuid)
