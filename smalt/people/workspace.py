"""The name of the workspace that a visit is in."""

from __future__ import annotations

from dataclasses import dataclass

from smalt.kernel.sealed import Place, Sealed
from smalt.people.person import queries
from smalt.tenancy.scope import TenantScope


@dataclass(frozen=True, slots=True)
class _Row:
    name: Sealed


_find = queries.tenant_name.rows(_Row)


async def name_of(scope: TenantScope) -> str:
    row = await scope.fetch_one(_find)
    return scope.open_text(row.name, Place("tenant", "name", scope.tenant.uuid))
