"""Grants: a visitor who accepted the agreement holds a link to one document, for some days and some downloads.

The link is a secret of 256 random bits; a keyed digest of it is stored. Links that are unknown, expired, revoked or used
up look alike. Who the visitor is, and which text was accepted, is sealed; it is forgotten when the agreement has ended.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Gone, Malformed, Missing
from smalt.kernel.ids import GatedId, GrantId, uuid7
from smalt.kernel.limits import NAME_MAX_CHARS
from smalt.kernel.sealed import Place, Sealed
from smalt.people.credentials import Credentials, plain_email
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.tenancy.visit import Visit
from smalt.trust.documents import Gated, find, plain_line, queries
from smalt.trust.own_tenant import house

TERMS = Path(__file__).with_name("nda.txt").read_text("utf-8")
TERMS_VERSION = 1
TERMS_DIGEST = hashlib.sha256(TERMS.encode()).hexdigest()
DOWNLOADS_MAX = 10
KEPT = timedelta(days=730)
"""For so long after a grant has ended its visitor is remembered: as long as the agreement holds."""
WAITS = timedelta(days=30)


class GrantState(enum.IntEnum):
    ASKED = 1
    GRANTED = 2
    REVOKED = 3


@dataclass(frozen=True, slots=True)
class Visitor:
    """As typed, and checked only for its form: nobody has confirmed the address."""

    name: str
    email: str
    company: str

    @classmethod
    def of(cls, name: str, email: str, company: str) -> Visitor:
        """`Malformed` when a part is missing."""
        return cls(plain_line(name, NAME_MAX_CHARS), plain_email(email), plain_line(company, NAME_MAX_CHARS))


@dataclass(frozen=True, slots=True)
class _Row:
    id: GrantId
    document_id: GatedId
    visitor: Sealed
    state: GrantState
    asked_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    downloads: int


_by_link = queries.grant_by_link.rows(_Row)
_all = queries.grants.rows(_Row)


@dataclass(frozen=True, slots=True)
class Grant:
    """Opened. ``terms``: version and digest of the text that was accepted."""

    id: GrantId
    document: GatedId
    visitor: Visitor
    terms: dict[str, Any]
    state: GrantState
    asked_at: datetime
    expires_at: datetime
    downloads: int

    def plain(self) -> dict[str, Any]:
        """For the operator."""
        return {
            "id": str(self.id),
            "document": str(self.document),
            "name": self.visitor.name,
            "email": self.visitor.email,
            "company": self.visitor.company,
            "terms": self.terms,
            "state": self.state.name.lower(),
            "asked_at": self.asked_at.isoformat(timespec="seconds"),
            "expires_at": self.expires_at.isoformat(timespec="seconds"),
            "downloads": self.downloads,
        }


def _place(grant: GrantId) -> Place:
    return Place("gated_grant", "visitor", grant.uuid)


def _opened(scope: TenantScope, row: _Row) -> Grant:
    told = json.loads(scope.open(row.visitor, _place(row.id)))
    visitor = Visitor(told["name"], told["email"], told["company"])
    return Grant(
        row.id, row.document_id, visitor, told["terms"], row.state, row.asked_at, row.expires_at, row.downloads
    )


def over() -> Gone:
    return Gone(
        "grant.over",
        "This link no longer works.",
        kept="Nothing was changed.",
        todo="Its time is over, it was used up or it was ended. Ask for the document again.",
    )


async def ask(
    scope: TenantScope, credentials: Credentials, now: datetime, document: Gated, visitor: Visitor, accepted: str
) -> str | None:
    """A grant for a visitor who ``accepted`` the agreement, by its digest: the secret of the link, or None when the
    operator decides first. `Malformed` when another text was accepted than the one that is asked for.
    """
    if accepted != TERMS_DIGEST:
        raise Malformed(
            "grant.terms",
            "The agreement has to be accepted, as it is now.",
            kept="Nothing was changed.",
            todo="Read it and accept it.",
        )
    made, secret = GrantId.new(), credentials.new_grant()
    terms = {"version": TERMS_VERSION, "sha256": TERMS_DIGEST}
    told = {"name": visitor.name, "email": visitor.email, "company": visitor.company, "terms": terms}
    await scope.execute(
        queries.add_grant,
        {
            "id": made.uuid,
            "document_id": document.id.uuid,
            "visitor": scope.seal(json.dumps(told).encode(), _place(made)),
            "link": credentials.of_grant(secret),
            "state": int(GrantState.ASKED if document.approval else GrantState.GRANTED),
            "now": now,
            "expires_at": now + (WAITS if document.approval else timedelta(days=document.days)),
        },
    )
    return None if document.approval else secret


async def locate(scope: TenantScope, credentials: Credentials, secret: str, now: datetime) -> tuple[Grant, Gated]:
    """The grant that a link leads to, and its document; `Gone` for every link that does not work."""
    link = credentials.of_grant(secret)
    if link is None:
        raise over()
    row = await scope.fetch_maybe(_by_link, {"link": link, "now": now})
    if row is None or row.downloads >= DOWNLOADS_MAX:
        raise over()
    return _opened(scope, row), await find(scope, row.document_id)


async def note_download(
    scope: TenantScope, credentials: Credentials, secret: str, now: datetime
) -> tuple[Grant, Gated]:
    """`locate`, and one download more, counted before a byte is given."""
    grant, _ = await locate(scope, credentials, secret, now)
    await scope.fetch_one(queries.lock_grant, {"id": grant.id.uuid})
    found = await locate(scope, credentials, secret, now)  # again, now that nobody else counts
    await scope.execute(queries.add_download, {"id": uuid7(), "grant_id": grant.id.uuid, "now": now})
    return found


async def listed(scope: TenantScope) -> list[Grant]:
    """Every grant that is remembered, newest first, at most 500."""
    return [_opened(scope, row) for row in await scope.fetch_all(_all)]


async def downloads_of(scope: TenantScope, grant: GrantId) -> list[datetime]:
    """When it was used."""
    return [row["at"] for row in await scope.fetch_all(queries.downloads_of, {"grant_id": grant.uuid})]


async def approve(scope: TenantScope, credentials: Credentials, grant: GrantId, now: datetime) -> tuple[str, datetime]:
    """The secret of the link for a visitor who waits, and when it ends. `Conflict` when nobody waits by this id."""
    waiting = await scope.fetch_maybe(queries.waiting, {"id": grant.uuid})
    if waiting is None:
        raise Conflict("grant.not_waiting", "Nobody waits by this id.", kept="Nothing was changed.")
    secret, until = credentials.new_grant(), now + timedelta(days=waiting["days"])
    link = credentials.of_grant(secret)
    if not await scope.fetch_all(queries.approve, {"id": grant.uuid, "link": link, "expires_at": until}):
        raise Conflict("grant.not_waiting", "Nobody waits by this id.", kept="Nothing was changed.")
    return secret, until


async def revoke(scope: TenantScope, grant: GrantId, now: datetime) -> None:
    """The link ends at once. `Missing` when there is no such grant, or it has ended by this before."""
    if not await scope.fetch_all(queries.revoke, {"id": grant.uuid, "now": now}):
        raise Missing("grant.unknown", "There is no such grant.", kept="Nothing was changed.")


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Forgets the visitors of the house whose agreement has ended; part of the janitor's round."""

    data_dir: Path
    clock: Clock

    async def forget(self, visit: Visit) -> int:
        """How many were forgotten."""
        if visit.tenant != house(self.data_dir):
            return 0
        async with visit.enter(Act.GATED_CHANGE) as scope:
            return len(await scope.fetch_all(queries.forget_grants, {"before": self.clock.now() - KEPT}))
