"""The same POST twice is done once: one after the other, at the same moment, half done, by others, too late."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from smalt.kernel.errors import Conflict, Malformed, Missing
from smalt.kernel.ids import PersonId
from smalt.kernel.limits import IDEMPOTENCY_TTL_S
from smalt.store.sql import query
from smalt.tenancy.actor import Actor, ActorKind, Role
from smalt.tenancy.policy import Act
from smalt.web.idempotency import claim, keep, release

SECRET = "Bexley-Ltd-takeover"
COUNT = query("count", "select count(*) as n from smalt.idempotency where tenant_id = %(tenant_id)s")


@pytest.fixture
def system(gateway, workspace):
    return gateway.system(workspace[0])


async def once(visit, key: str | None, fingerprint: str, body: object = None, fail: bool = False):
    """One request: the repeat it was told of, or None when it did the work."""
    async with visit.enter(Act.TENANT_READ) as scope:
        repeat = await claim(scope, key, "conversation.create", fingerprint, visit.gateway.clock)
        if repeat is None:
            if fail:
                raise Missing("test.failed", "No.")
            await keep(scope, key, 201, body or {"title": SECRET})
        return repeat


async def test_the_second_gets_the_firsts_answer(system) -> None:
    assert await once(system, "k1", "a") is None
    repeat = await once(system, "k1", "a")
    assert repeat is not None
    assert (repeat.status, repeat.body) == (201, b'{"title":"' + SECRET.encode() + b'"}')
    assert repeat.response().headers["idempotency-replayed"] == "true"


async def test_two_at_the_same_moment(system) -> None:
    found = await asyncio.gather(*(once(system, "k2", "a") for _ in range(4)))
    assert sorted(repeat is None for repeat in found) == [False, False, False, True]


async def test_a_key_is_for_one_request(system) -> None:
    await once(system, "k3", "a")
    with pytest.raises(Conflict) as caught:
        await once(system, "k3", "b")
    assert caught.value.code == "idempotency.reused"


async def test_a_failed_request_leaves_the_key_free(system) -> None:
    with pytest.raises(Missing):
        await once(system, "k4", "a", fail=True)
    assert await once(system, "k4", "a") is None


async def test_over_several_visits(system) -> None:
    async def begin():
        async with system.enter(Act.TENANT_READ) as scope:
            return await claim(scope, "k5", "turn.ask", "a", system.gateway.clock)

    assert await begin() is None
    with pytest.raises(Conflict) as caught:
        await begin()
    assert (caught.value.code, caught.value.retry_after_s) == ("idempotency.under_way", 2)
    async with system.enter(Act.TENANT_READ) as scope:
        await release(scope, "k5")
    assert await begin() is None
    async with system.enter(Act.TENANT_READ) as scope:
        await keep(scope, "k5", 200, {"id": "x"})
        await release(scope, "k5")  # what is kept is not released
    repeat = await begin()
    assert repeat is not None
    assert repeat.body == b'{"id":"x"}'


async def test_another_person_has_other_keys(system, owner, gateway, workspace) -> None:
    await once(system, "k6", "a")
    who = PersonId.parse((await owner.get("/api/v1/me")).json()["id"])
    other = gateway.visit(workspace[0], Actor(ActorKind.PERSON, who, who, Role.OWNER))
    assert await once(other, "k6", "a") is None


async def test_keys_are_forgotten(system, clock) -> None:
    await once(system, "k7", "a")
    clock.advance(timedelta(seconds=IDEMPOTENCY_TTL_S + 1))
    assert await once(system, "k7", "b") is None
    async with system.enter(Act.TENANT_READ) as scope:
        assert (await scope.fetch_one(COUNT))["n"] == 1


async def test_without_a_key_nothing_is_kept(system) -> None:
    assert await once(system, None, "a") is None
    async with system.enter(Act.TENANT_READ) as scope:
        assert (await scope.fetch_one(COUNT))["n"] == 0


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "naïve", "a\nb"])
async def test_keys_that_cannot_be(system, key: str) -> None:
    with pytest.raises(Malformed):
        await once(system, key, "a")
