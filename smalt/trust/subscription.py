"""Subscribing to changes of the register of sub-processors, and objecting to one: a tenant's own, by its admins.

A subscription is a person's. An objection is the workspace's; its reason is sealed like content, and stands until it is
withdrawn. That somebody objects stops nothing by itself: the operator is told, and the agreement says what follows.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from smalt.kernel.errors import Conflict, Malformed, Missing
from smalt.kernel.ids import ObjectionId, PersonId
from smalt.kernel.sealed import Place, Sealed
from smalt.store.sql import load
from smalt.tenancy.scope import TenantScope
from smalt.trust.vendors import Vendor

queries = load(Path(__file__).with_name("subscription.sql"))
REASON_MAX_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class _Row:
    id: ObjectionId
    vendor: str
    entry: int
    reason: Sealed
    created_at: datetime


_objections = queries.objections.rows(_Row)


@dataclass(frozen=True, slots=True)
class Objection:
    """Opened. For answers to the workspace's admins only. ``entry``: the announcement that is objected to."""

    vendor: str
    entry: int
    reason: str
    created_at: datetime

    def plain(self) -> dict[str, Any]:
        at = self.created_at.isoformat(timespec="seconds")
        return {"vendor": self.vendor, "entry": self.entry, "reason": self.reason, "created_at": at}


async def subscribe(scope: TenantScope, person: PersonId, newest: int, now: datetime) -> None:
    """From now on ``person`` is told of what comes after entry ``newest``. Doing it again changes nothing."""
    await scope.execute(queries.subscribe, {"person_id": person.uuid, "told": newest, "now": now})


async def unsubscribe(scope: TenantScope, person: PersonId) -> None:
    await scope.execute(queries.unsubscribe, {"person_id": person.uuid})


async def is_subscribed(scope: TenantScope, person: PersonId) -> bool:
    return await scope.fetch_maybe(queries.subscription_of, {"person_id": person.uuid}) is not None


async def objections(scope: TenantScope) -> list[Objection]:
    """What the workspace objects to, newest first."""
    return [
        Objection(row.vendor, row.entry, scope.open_text(row.reason, _place(row.id)), row.created_at)
        for row in await scope.fetch_all(_objections)
    ]


async def object_to(scope: TenantScope, person: PersonId, vendor: Vendor, reason: str, now: datetime) -> None:
    """The workspace objects to ``vendor``. `Conflict` when it does already, or the vendor was removed."""
    plain = unicodedata.normalize("NFC", reason).strip()
    if not 0 < len(plain) <= REASON_MAX_CHARS or not all(char.isprintable() or char in "\r\n" for char in plain):
        raise Malformed(
            "objection.reason",
            "The reason is empty, too long or cannot be printed.",
            kept="Nothing was changed.",
            facts={"max_characters": REASON_MAX_CHARS},
        )
    if vendor.state == "removed":
        raise Conflict("objection.removed", "This vendor is no longer in the register.", kept="Nothing was changed.")
    if any(one.vendor == vendor.id for one in await objections(scope)):
        raise Conflict("objection.there", "Your workspace objects to this vendor already.", kept="It stands as it was.")
    made = ObjectionId.new()
    await scope.execute(
        queries.object,
        {
            "id": made.uuid,
            "vendor": vendor.id,
            "entry": vendor.history[-1].entry,
            "person_id": person.uuid,
            "reason": scope.seal_text(plain, _place(made)),
            "now": now,
        },
    )


async def withdraw(scope: TenantScope, vendor: str, now: datetime) -> None:
    """The workspace no longer objects; `Missing` when it did not."""
    if not await scope.fetch_all(queries.withdraw_objections, {"vendor": vendor, "now": now}):
        raise Missing(
            "objection.unknown", "Your workspace does not object to such a vendor.", kept="Nothing was changed."
        )


def _place(objection: ObjectionId) -> Place:
    return Place("register_objection", "reason", objection.uuid)
