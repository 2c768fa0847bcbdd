"""`Visit.enter`: the one door to a tenant's content.

    require · keys · transaction with ticket · standing · (the caller's work) · audit entry · commit

Crash points: before the commit nothing has happened, and nothing is recorded but what was denied or failed. An act that
spans two transactions leaves its entry open in the first (``leave_open``) and ends it in the second (``finishes``); a
crash in between leaves it open, and `Gateway.sweep` closes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from smalt.kernel.errors import Conflict, Failure, Forbidden, Missing, Unavailable
from smalt.kernel.ids import EntryId, Id, TenantId
from smalt.seal.keyring import TenantKeys
from smalt.store.pool import Tx
from smalt.tenancy.actor import Actor, PersonState, Role, TenantState
from smalt.tenancy.means import Means
from smalt.tenancy.policy import Act, allows, require
from smalt.tenancy.record import Entry, Outcome, finish, outcome_of, queries
from smalt.tenancy.scope import DOOR, TenantScope


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    """An actor at a tenant's door. It holds no key and no connection until it enters."""

    tenant: TenantId
    actor: Actor
    gateway: Means

    @asynccontextmanager
    async def enter(
        self,
        act: Act,
        target: Id | None = None,
        finishes: EntryId | None = None,
        leave_open: bool = False,
        within: EntryId | None = None,
    ) -> AsyncIterator[TenantScope]:
        """The tenant's scope for one transaction, which commits when the block ends and rolls back when it raises.

        `Forbidden` when the actor may not, is no longer a member, or the tenant is suspended; `Missing` for an unknown
        tenant; `Conflict` when ``finishes`` names an entry that has ended; `Unavailable` without database or KMS.
        ``within`` names an entry of the same act that stays open: one more transaction of long work, not one more act.
        """
        if sum((finishes is not None, leave_open, within is not None)) > 1:
            raise ValueError("an entry is either begun, continued or finished")
        entry = Entry(finishes or within or EntryId.new(), self.actor, act, target, self.gateway.clock.now())
        scope: TenantScope | None = None
        worked = False
        try:
            require(self.actor, act)
            keys = await self.gateway.keys(self.tenant)
            async with self.gateway.transaction(self.tenant) as tx:
                keys = await self._check_standing(tx, act, keys)
                scope = TenantScope(DOOR, self.gateway, tx, keys, actor=self.actor, entry=entry.id)
                try:
                    yield scope
                finally:
                    scope.close()
                if within is None:
                    await self._write(tx, entry, finishes, leave_open)
                worked = True
        except BaseException as error:
            # Once COMMIT was sent it may have happened, whatever came back: then the blobs stay, and a sweep decides.
            await self.gateway.see_through(self._note(entry, finishes or within, error, None if worked else scope))
            raise
        await scope.follow_up()

    async def _check_standing(self, tx: Tx, act: Act, keys: TenantKeys) -> TenantKeys:
        """Look again, inside the transaction: sessions and role may be older than what an administrator just changed."""
        person = self.actor.person
        row = await tx.fetch_maybe(
            queries.standing,
            {"tenant_id": self.tenant.uuid, "person_id": None if person is None else person.uuid},
        )
        if row is None or row["tenant_state"] == TenantState.TERMINATED:
            raise Missing("tenant.unknown", "There is no such workspace.")
        if row["tenant_state"] != TenantState.ACTIVE:
            raise Forbidden("tenant.suspended", "This workspace is suspended.", kept="Everything in it is kept.")
        if person is not None:
            if row["person_state"] != PersonState.ACTIVE:
                raise Forbidden("person.inactive", "You are not an active member of this workspace.")
            if not allows(Role(row["person_role"]), act):
                raise Forbidden("act.role_changed", "Your role no longer allows this.", kept="Nothing was changed.")
        if row["key_no"] > keys.current_key_no:  # another process added a data key since these were remembered
            keys.close()
            return await self.gateway.load_keys(self.tenant)
        return keys

    async def _write(self, tx: Tx, entry: Entry, finishes: EntryId | None, leave_open: bool) -> None:
        if finishes is not None:
            await finish(tx, self.tenant.uuid, finishes, Outcome.DONE, self.gateway.clock.now())
        elif leave_open:
            await entry.begin(tx, self.tenant.uuid)
        else:
            await entry.conclude(tx, self.tenant.uuid, Outcome.DONE, self.gateway.clock.now())

    async def _note(
        self, entry: Entry, finishes: EntryId | None, error: BaseException, undo: TenantScope | None
    ) -> None:
        """Record in a transaction of its own how a visit ended that did not commit. The first error stays the answer.

        What cannot be recorded (the database is away) changed nothing either. An entry that a later attempt can still
        finish stays open.
        """
        if undo is not None:
            with contextlib.suppress(Failure):
                await undo.undo()
        if finishes is not None and isinstance(error, Unavailable | Conflict):
            return
        with contextlib.suppress(Failure):
            async with self.gateway.transaction(self.tenant) as tx:
                if finishes is not None:
                    await finish(tx, self.tenant.uuid, finishes, outcome_of(error), self.gateway.clock.now())
                else:
                    await entry.conclude(tx, self.tenant.uuid, outcome_of(error), self.gateway.clock.now())
