from __future__ import annotations

import pytest

from smalt.kernel.errors import Missing
from smalt.store.pool import Database
from smalt.store.sql import query

TICKET = query("ticket", "select current_setting('smalt.ticket') as ticket, current_user::text as role")


async def test_a_transaction_carries_its_ticket(database: Database) -> None:
    async with database.transaction("abc'; drop") as tx:
        assert await tx.fetch_one(TICKET) == {"ticket": "abc'; drop", "role": "smalt_app"}


async def test_no_row_is_missing(database: Database) -> None:
    with pytest.raises(Missing):
        async with database.transaction(None) as tx:
            await tx.fetch_one(query("nothing", "select 1 where false"))
