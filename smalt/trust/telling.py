"""Telling subscribers of what changed in the register, tenant by tenant, as part of the janitor's round."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from smalt.kernel.ids import PersonId, TenantId
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit
from smalt.trust.letters import Letters
from smalt.trust.subscription import queries
from smalt.trust.vendors import notices
from smalt.trust.view import Trust


@dataclass(frozen=True, slots=True)
class Telling:
    """One for a process. It remembers what it told which tenant, so that a quiet round visits nobody."""

    trust: Trust
    letters: Letters
    _told: dict[TenantId, int] = field(default_factory=dict)

    async def tell(self, visit: Visit) -> int:
        """Put a letter for every change and every subscriber who was not told yet; how many there were.

        CRASH POINT between letters and commit: the same letters are put again later, under the same names.
        """
        view = await asyncio.to_thread(self.trust.view)
        changes = sorted(one.entry for one in notices(view.events, max(view.now, int(time.time()))))
        if not changes or self._told.get(visit.tenant, -1) >= changes[-1]:
            return 0
        put, newest = 0, changes[-1]
        async with visit.enter(Act.REGISTER_TELL) as scope:
            for row in await scope.fetch_all(queries.subscribers, {"newest": newest}):
                person = PersonId(row["person_id"])
                for entry in (one for one in changes if one > row["told"]):
                    await asyncio.to_thread(self.letters.put, visit.tenant, person, entry)
                    put += 1
                await scope.execute(queries.tell, {"person_id": person.uuid, "newest": newest})
        self._told[visit.tenant] = newest
        return put
