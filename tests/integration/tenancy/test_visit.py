"""The one door: who gets in, what is recorded, what a visit leaves behind when it fails."""

from __future__ import annotations

import asyncio
import copy
import pickle
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tenant_world import add_person, visit_as

from smalt.kernel.clock import SetClock, SystemClock
from smalt.kernel.errors import Conflict, Failure, Forbidden, Missing, Unavailable, Untrusted
from smalt.kernel.ids import DocumentId, EntryId, PersonId, TenantId, ThreadId
from smalt.kernel.sealed import Place, Sealed
from smalt.seal.keyring import Keyring
from smalt.seal.kms import KeyGone
from smalt.store.sql import query
from smalt.tenancy.actor import Actor, ActorKind, PersonState, Role, person
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act
from smalt.tenancy.record import Outcome
from smalt.tenancy.visit import Visit

NAME = query("name", "select name from smalt.tenant where tenant_id = %(tenant_id)s")
RENAME = query("rename", "update smalt.tenant set name = %(name)s where tenant_id = %(tenant_id)s")
PEOPLE = query("people", "select id from smalt.person where tenant_id = %(tenant_id)s")
SET_PERSON = query(
    "set_person",
    "update smalt.person set state = %(state)s, role = %(role)s where tenant_id = %(tenant_id)s and id = %(id)s",
)
SET_TENANT = query("set_tenant", "update smalt.tenant set state = %(state)s where tenant_id = %(tenant_id)s")


@pytest.fixture
def entries(migrated: Any) -> Any:
    """All audit entries of a tenant, oldest first, as the superuser sees them."""

    def read(tenant: TenantId) -> list[dict[str, Any]]:
        with psycopg.connect(migrated.admin, row_factory=dict_row) as admin:
            return admin.execute(
                "select * from smalt.audit_entry where tenant_id = %s order by begun_at, id", (tenant.uuid,)
            ).fetchall()

    return read


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def name_place(tenant: TenantId) -> Place:
    return Place("tenant", "name", tenant.uuid)


async def test_a_visit_reads_and_changes_its_own_tenant(owner: Visit, other: TenantId) -> None:
    place = name_place(owner.tenant)
    async with owner.enter(Act.TENANT_CHANGE, owner.tenant) as scope:
        row = await scope.fetch_one(NAME)
        assert scope.open_text(Sealed(row["name"]), place) == "First"
        assert await scope.execute(RENAME, {"name": scope.seal_text("Renamed", place)}) == 1
    async with owner.enter(Act.TENANT_READ) as scope:
        row = await scope.fetch_one(NAME)
        assert scope.open_text(Sealed(row["name"]), place) == "Renamed"


async def test_the_row_holds_no_plaintext(owner: Visit, migrated: Any) -> None:
    with psycopg.connect(migrated.admin) as admin:
        [kept] = (
            admin.execute("select name from smalt.tenant where tenant_id = %s", (owner.tenant.uuid,)).fetchone() or ()
        )
    assert b"First" not in kept


async def test_every_visit_leaves_one_entry(owner: Visit, entries: Any) -> None:
    before = len(entries(owner.tenant))
    thread = ThreadId.new()
    async with owner.enter(Act.CONVERSATION_READ, thread) as scope:
        entry = scope.entry
    [made] = entries(owner.tenant)[before:]
    assert made["id"] == entry.uuid
    assert (made["act"], made["target"], made["outcome"]) == ("conversation.read", str(thread), Outcome.DONE)
    assert (made["actor_kind"], made["actor_id"]) == (ActorKind.PERSON, owner.actor.id.uuid)
    assert made["finished_at"] >= made["begun_at"]


async def test_what_the_role_does_not_allow_is_refused_and_recorded(
    gateway: Gateway, tenant: TenantId, entries: Any
) -> None:
    billing = await visit_as(gateway, tenant, Role.BILLING)
    with pytest.raises(Forbidden) as refused:
        async with billing.enter(Act.DOCUMENT_READ):
            pytest.fail("entered")
    assert refused.value.code == "act.role"
    assert (entries(tenant)[-1]["act"], entries(tenant)[-1]["outcome"]) == ("document.read", Outcome.DENIED)


async def test_a_token_does_no_more_than_it_was_made_for(gateway: Gateway, tenant: TenantId) -> None:
    who = await add_person(gateway, tenant)
    token = Actor(ActorKind.TOKEN, who, who, Role.OWNER, frozenset({"document.read"}))
    async with gateway.visit(tenant, token).enter(Act.DOCUMENT_READ):
        pass
    with pytest.raises(Forbidden):
        async with gateway.visit(tenant, token).enter(Act.DOCUMENT_ADD):
            pytest.fail("entered")


@pytest.mark.parametrize(
    ("state", "role", "code"),
    [
        (PersonState.REMOVED, Role.OWNER, "person.inactive"),
        (PersonState.INVITED, Role.OWNER, "person.inactive"),
        (PersonState.ACTIVE, Role.BILLING, "act.role_changed"),
    ],
)
async def test_a_member_who_was_changed_meanwhile_is_refused(
    gateway: Gateway, owner: Visit, entries: Any, state: PersonState, role: Role, code: str
) -> None:
    """The session still says owner: the database has the word."""
    async with owner.enter(Act.TURN_ASK, leave_open=True) as scope:
        entry = scope.entry
    with psycopg.connect(gateway.database._pool.conninfo) as app:  # an administrator, elsewhere
        app.execute(
            "select set_config('smalt.ticket', %s, true)",
            (gateway.tickets.issue(owner.tenant, int(SystemClock().now().timestamp()) + 60),),
        )
        app.execute(
            "update smalt.person set state = %s, role = %s where tenant_id = %s and id = %s",
            (state, role, owner.tenant.uuid, owner.actor.id.uuid),
        )
    with pytest.raises(Forbidden) as refused:
        async with owner.enter(Act.TURN_SETTLE, finishes=entry):
            pytest.fail("entered")
    assert refused.value.code == code
    [made] = [e for e in entries(owner.tenant) if e["id"] == entry.uuid]
    assert made["outcome"] == Outcome.DENIED


async def test_a_person_of_another_tenant_is_a_stranger(gateway: Gateway, owner: Visit, other: TenantId) -> None:
    with pytest.raises(Forbidden):
        async with gateway.visit(other, owner.actor).enter(Act.DOCUMENT_READ):
            pytest.fail("entered")


async def test_a_suspended_tenant_lets_nobody_in(gateway: Gateway, tenant: TenantId) -> None:
    async with gateway.system(tenant).enter(Act.TENANT_SWEEP) as scope:
        await scope.execute(SET_TENANT, {"state": 2})
    with pytest.raises(Forbidden):
        async with gateway.system(tenant).enter(Act.TENANT_READ):
            pytest.fail("entered")


async def test_an_unknown_tenant_cannot_be_entered(gateway: Gateway) -> None:
    with pytest.raises(Failure):
        async with gateway.system(TenantId.new()).enter(Act.TENANT_READ):
            pytest.fail("entered")


async def test_a_failed_visit_changes_nothing_and_is_recorded(owner: Visit, entries: Any, gateway: Gateway) -> None:
    document = DocumentId.new()

    async def fail() -> None:
        async with owner.enter(Act.DOCUMENT_ADD, document) as scope:
            await scope.execute(RENAME, {"name": scope.seal_text("Lost", name_place(owner.tenant))})
            await scope.put_blob(document, "original", chunks(b"x" * 10))
            await scope.defer("document.read", document=document)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with owner.enter(Act.TENANT_READ) as scope:
        row = await scope.fetch_one(NAME)
        assert scope.open_text(Sealed(row["name"]), name_place(owner.tenant)) == "First"
    assert [key async for key in gateway.blobs.list(str(owner.tenant.uuid))] == []
    [made] = [e for e in entries(owner.tenant) if e["target"] == str(document)]
    assert made["outcome"] == Outcome.FAILED


async def test_a_cancelled_visit_changes_nothing_and_is_recorded(owner: Visit, entries: Any, gateway: Gateway) -> None:
    document, inside = DocumentId.new(), asyncio.Event()

    async def work() -> None:
        async with owner.enter(Act.DOCUMENT_ADD, document) as scope:
            await scope.execute(RENAME, {"name": scope.seal_text("Lost", name_place(owner.tenant))})
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gateway.settle()
    [made] = [e for e in entries(owner.tenant) if e["target"] == str(document)]
    assert made["outcome"] == Outcome.CANCELLED


async def test_an_act_over_two_transactions_is_one_entry(owner: Visit, entries: Any) -> None:
    async with owner.enter(Act.TURN_ASK, leave_open=True) as scope:
        entry = scope.entry
    [made] = [e for e in entries(owner.tenant) if e["id"] == entry.uuid]
    assert (made["finished_at"], made["outcome"]) == (None, None)
    async with owner.enter(Act.TURN_SETTLE, finishes=entry) as scope:
        assert scope.entry == entry
    [made] = [e for e in entries(owner.tenant) if e["id"] == entry.uuid]
    assert (made["act"], made["outcome"]) == ("turn.ask", Outcome.DONE)
    with pytest.raises(Conflict):
        async with owner.enter(Act.TURN_SETTLE, finishes=entry):
            pass


async def test_nobody_finishes_another_tenants_entry(gateway: Gateway, owner: Visit, other: TenantId) -> None:
    async with owner.enter(Act.TURN_ASK, leave_open=True) as scope:
        entry = scope.entry
    stranger = await visit_as(gateway, other, Role.OWNER)
    with pytest.raises(Conflict):
        async with stranger.enter(Act.TURN_SETTLE, finishes=entry):
            pass
    async with owner.enter(Act.TURN_SETTLE, finishes=entry):
        pass


async def test_a_settling_that_can_be_tried_again_leaves_the_entry_open(owner: Visit) -> None:
    async with owner.enter(Act.TURN_ASK, leave_open=True) as scope:
        entry = scope.entry
    with pytest.raises(Unavailable):
        async with owner.enter(Act.TURN_SETTLE, finishes=entry):
            raise Unavailable("database.down")
    async with owner.enter(Act.TURN_SETTLE, finishes=entry):
        pass


async def test_the_sweep_closes_what_a_crash_left_open(
    gateway: Gateway, owner: Visit, entries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with owner.enter(Act.TURN_ASK, leave_open=True) as scope:
        entry = scope.entry
    assert await gateway.sweep(owner.tenant) == 0
    monkeypatch.setattr("smalt.tenancy.gateway.ABANDONED_AFTER", timedelta(0))
    assert await gateway.sweep(owner.tenant) == 1
    [made] = [e for e in entries(owner.tenant) if e["id"] == entry.uuid]
    assert made["outcome"] == Outcome.ABANDONED


# -- the scope itself


async def test_a_scope_ends_with_its_visit(owner: Visit) -> None:
    async with owner.enter(Act.TENANT_READ) as scope:
        row = await scope.fetch_one(NAME)
    with pytest.raises(RuntimeError):
        await scope.fetch_one(NAME)
    with pytest.raises(RuntimeError):
        scope.open(Sealed(row["name"]), name_place(owner.tenant))
    with pytest.raises(RuntimeError):
        scope.seal(b"", name_place(owner.tenant))
    with pytest.raises(RuntimeError):
        await scope.put_blob(DocumentId.new(), "original", chunks(b""))


async def test_a_scope_cannot_be_carried_away(owner: Visit) -> None:
    async with owner.enter(Act.TENANT_READ) as scope:
        for carry in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                carry(scope)
        assert repr(scope) == "TenantScope(…)"


async def test_the_scope_names_the_tenant_itself(owner: Visit, other: TenantId) -> None:
    async with owner.enter(Act.TENANT_READ) as scope:
        with pytest.raises(TypeError):
            await scope.fetch_all(NAME, {"tenant_id": other.uuid})
        with pytest.raises(TypeError):
            await scope.fetch_all(query("all", "select * from smalt.tenant"))


async def test_another_tenants_ids_are_missing(gateway: Gateway, owner: Visit, other: TenantId) -> None:
    theirs = await add_person(gateway, other)
    one = query("one", "select id from smalt.person where tenant_id = %(tenant_id)s and id = %(id)s")
    async with owner.enter(Act.PERSON_READ) as scope:
        with pytest.raises(Missing):
            await scope.fetch_one(one, {"id": theirs})
        assert {row["id"] for row in await scope.fetch_all(PEOPLE)} == {owner.actor.id.uuid}


# -- sealed for one place


async def test_bytes_moved_anywhere_do_not_open(gateway: Gateway, owner: Visit, other: TenantId) -> None:
    row = uuid.uuid4()
    home = Place("turn", "question", row)
    async with owner.enter(Act.TURN_ASK) as scope:
        sealed = scope.seal_text("What was revenue?", home)
        assert scope.open_text(sealed, home) == "What was revenue?"
        for elsewhere in (
            Place("turn", "question", uuid.uuid4()),
            Place("turn", "answer", row),
            Place("conversation", "question", row),
            Place("turn", "question", row, "2"),
            Place("turnq", "uestion", row),
        ):
            with pytest.raises(Untrusted):
                scope.open(sealed, elsewhere)
    stranger = await visit_as(gateway, other, Role.OWNER)
    async with stranger.enter(Act.TURN_ASK) as scope:
        with pytest.raises(Untrusted):
            scope.open(sealed, home)


async def test_a_row_swapped_in_the_database_does_not_open(gateway: Gateway, tenant: TenantId, migrated: Any) -> None:
    """Somebody with every right on the database exchanges two names: nobody is shown the wrong one."""
    one, two = await add_person(gateway, tenant), await add_person(gateway, tenant)
    with psycopg.connect(migrated.admin) as admin:
        admin.execute(
            "update smalt.person p set name = o.name from smalt.person o where p.tenant_id = o.tenant_id "
            "and p.tenant_id = %s and p.id = %s and o.id = %s",
            (tenant.uuid, one.uuid, two.uuid),
        )
    names = query("names", "select id, name from smalt.person where tenant_id = %(tenant_id)s")
    async with gateway.system(tenant).enter(Act.TENANT_READ) as scope:
        kept = {row["id"]: Sealed(row["name"]) for row in await scope.fetch_all(names)}
        assert scope.open_text(kept[two.uuid], Place("person", "name", two.uuid)) == "Someone"
        with pytest.raises(Untrusted):
            scope.open(kept[one.uuid], Place("person", "name", one.uuid))


async def test_a_data_key_of_another_tenant_opens_nothing(gateway: Gateway, keystore: Any, migrated: Any) -> None:
    """The wrapped key is bound to its tenant too: copied over, it is refused, and does not become a shared key."""
    a, b = await gateway.create_tenant("A"), await gateway.create_tenant("B")
    with psycopg.connect(migrated.admin) as admin:
        admin.execute(
            "update smalt.data_key k set wrapped = o.wrapped from smalt.data_key o where k.tenant_id = %s "
            "and o.tenant_id = %s",
            (b.uuid, a.uuid),
        )
    gateway.keyring.forget_all()
    with pytest.raises(Untrusted):
        async with gateway.system(b).enter(Act.TENANT_READ):
            pytest.fail("entered")


async def test_blobs_are_sealed_bound_and_removed(gateway: Gateway, owner: Visit) -> None:
    document, text = DocumentId.new(), b"the secret ledger " * 200_000
    async with owner.enter(Act.DOCUMENT_ADD, document) as scope:
        await scope.put_blob(document, "original", chunks(text[:100], text[100:]))
        await scope.put_blob(document, "parsed", chunks(b"p"))
    key = f"{owner.tenant.uuid}/{document.uuid}/original"
    raw = b"".join([piece async for piece in gateway.blobs.get(key)])
    assert len(raw) > len(text)
    assert b"secret" not in raw
    async with owner.enter(Act.DOCUMENT_READ, document) as scope:
        assert b"".join([piece async for piece in scope.get_blob(document, "original")]) == text
    await gateway.blobs.put(f"{owner.tenant.uuid}/{document.uuid}/parsed", chunks(raw))  # moved to another part
    await gateway.blobs.put(key, chunks(raw[:-17]))  # cut off
    async with owner.enter(Act.DOCUMENT_READ, document) as scope:
        for part in ("original", "parsed"):
            with pytest.raises(Untrusted):
                _ = [piece async for piece in scope.get_blob(document, part)]
    async with owner.enter(Act.DOCUMENT_DELETE, document) as scope:
        await scope.delete_blobs(document)
        assert [k async for k in gateway.blobs.list(str(owner.tenant.uuid))] != []  # only once it is committed
    assert [k async for k in gateway.blobs.list(str(owner.tenant.uuid))] == []


async def test_blind_indexes_are_each_tenants_own(gateway: Gateway, owner: Visit, other: TenantId) -> None:
    async with owner.enter(Act.PERSON_READ) as scope:
        mine = scope.blind("person.email", "a@example.org")
        assert mine == scope.blind("person.email", "a@example.org")
        assert mine != scope.blind("person.name", "a@example.org")
    async with gateway.system(other).enter(Act.TENANT_READ) as scope:
        assert mine != scope.blind("person.email", "a@example.org")


# -- keys


async def test_the_first_data_key_is_made_once(
    gateway: Gateway, tenant: TenantId, keystore: Any, migrated: Any
) -> None:
    """Two processes that find none at the same moment end with the same key."""
    with psycopg.connect(migrated.admin) as admin:
        admin.execute("delete from smalt.data_key where tenant_id = %s", (tenant.uuid,))
    places = [Gateway(gateway.database, keystore, Keyring(keystore), gateway.tickets, gateway.blobs, gateway.queue, gateway.clock) for _ in range(4)]  # fmt: skip
    keys = await asyncio.gather(*(each.keys(tenant) for each in places))
    home = Place("turn", "question", uuid.uuid4())
    sealed = [key.seal(b"x", home) for key in keys]
    assert all(key.open(one, home) == b"x" for key in keys for one in sealed)


async def test_a_data_key_added_elsewhere_is_noticed(
    gateway: Gateway, owner: Visit, keystore: Any, migrated: Any
) -> None:
    async with owner.enter(Act.TENANT_READ):
        pass
    version, wrapped, _ = Keyring(keystore).new_dek(owner.tenant)
    with psycopg.connect(migrated.admin) as admin:
        admin.execute(
            "insert into smalt.data_key (tenant_id, key_no, kek_version, wrapped) values (%s, 2, %s, %s)",
            (owner.tenant.uuid, version, wrapped),
        )
    async with owner.enter(Act.TENANT_READ) as scope:
        row = await scope.fetch_one(NAME)
        assert scope.open_text(Sealed(row["name"]), name_place(owner.tenant)) == "First"
        assert scope._lent().current_key_no == 2


async def test_a_terminated_tenant_is_gone_at_once(gateway: Gateway, owner: Visit, keystore: Any) -> None:
    keystore.terminate(owner.tenant)
    with pytest.raises(KeyGone):
        async with owner.enter(Act.TENANT_READ):
            pytest.fail("entered")


async def test_a_tenant_whose_rows_fail_leaves_no_live_keys(
    gateway: Gateway, keystore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TenantId] = []
    create = keystore.create
    monkeypatch.setattr(keystore, "create", lambda tenant: (made.append(tenant), create(tenant)))
    await gateway.database.close()
    with pytest.raises(Failure):
        await gateway.create_tenant("Nobody")
    with pytest.raises(KeyGone):
        keystore.kek(made[0])


# -- credentials and jobs


async def test_credentials_lead_to_their_owner_until_they_are_dropped(gateway: Gateway, owner: Visit) -> None:
    digest, who = uuid.uuid4().bytes * 2, owner.actor.id
    async with owner.enter(Act.TOKEN_CREATE) as scope:
        assert await scope.put_credential(CredentialKind.TOKEN, digest, who)
        assert await scope.put_credential(CredentialKind.EMAIL, digest, who)
    assert await gateway.find(CredentialKind.TOKEN, digest) == [(owner.tenant, who.uuid)]
    assert await gateway.find(CredentialKind.SESSION, digest) == []
    async with owner.enter(Act.TOKEN_REVOKE) as scope:
        await scope.drop_credential(CredentialKind.TOKEN, digest)
        await scope.drop_credentials_of(CredentialKind.EMAIL, who)
    assert await gateway.find(CredentialKind.TOKEN, digest) == await gateway.find(CredentialKind.EMAIL, digest) == []


async def test_a_job_carries_its_tenant_and_its_cause(owner: Visit, migrated: Any) -> None:
    document = DocumentId.new()
    async with owner.enter(Act.DOCUMENT_ADD, document) as scope:
        job = await scope.defer("document.read", document=document)
        cause = scope.entry
    with psycopg.connect(migrated.admin) as admin:
        [ids] = admin.execute("select args from jobs.procrastinate_jobs where id = %s", (job,)).fetchone() or ()
    assert ids == {"tenant": str(owner.tenant), "cause": str(cause), "document": str(document)}


async def test_a_transaction_without_ticket_has_none_whatever_the_session_says(gateway: Gateway, owner: Visit) -> None:
    """Injected SQL set a ticket for the session's whole length: the next borrower does not inherit it."""
    ticket = gateway.tickets.issue(owner.tenant, int(SystemClock().now().timestamp()) + 60)
    plant = query("plant", "select set_config('smalt.ticket', %(ticket)s, false)")
    for _ in range(8):
        async with gateway.database.transaction(None) as tx:
            await tx.execute(plant, {"ticket": ticket})
    with pytest.raises(Untrusted) as refused:
        async with gateway.database.transaction(None) as tx:
            await tx.fetch_all(query("peek", "select count(*) from smalt.person"))
    assert refused.value.code == "ticket.refused"


async def test_an_expired_ticket_is_an_alarm_not_an_empty_answer(
    database: Any, keystore: Any, gateway: Gateway, tenant: TenantId
) -> None:
    late = SetClock(SystemClock().now() - timedelta(hours=1))
    slow = Gateway(database, keystore, gateway.keyring, gateway.tickets, gateway.blobs, gateway.queue, late)
    with pytest.raises(Untrusted):
        async with slow.system(tenant).enter(Act.TENANT_READ):
            pytest.fail("entered")


def test_an_unknown_actor_is_impossible() -> None:
    with pytest.raises(ValueError):
        Actor(ActorKind.PERSON, None, None, Role.OWNER)
    with pytest.raises(ValueError):
        Actor(ActorKind.SYSTEM, None, PersonId.new(), Role.SERVICE)
    with pytest.raises(ValueError):
        person(PersonId.new(), Role.SERVICE)
    assert EntryId.new() != EntryId.new()
