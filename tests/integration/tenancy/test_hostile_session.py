"""Somebody runs SQL of their own in the app's session, in tenant A's transaction. What do they get of tenant B?

Every attack stands beside a positive control where there is one: the same statement, from B's own side, does see the row.
"""

from __future__ import annotations

import re
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from tenant_world import TICKET_KEY, TICKET_KEY_ID

from smalt.kernel.ids import TenantId
from smalt.seal.tickets import Tickets

ENVELOPE = b"\x01\x00\x00\x00\x01" + bytes(64) + b"7" * 16
Session = psycopg.Connection[tuple[Any, ...]]
BAD_TICKET = errors.InvalidAuthorizationSpecification


class World:
    """Tenants A and B, with a person, a conversation and turns each (A: 2, B: 3), written by the superuser."""

    def __init__(self, admin: str, app: str, tickets: Tickets) -> None:
        self.a, self.b = TenantId.new(), TenantId.new()
        self.app, self.tickets = app, tickets
        self.person, self.thread, self.turns = {}, {}, {}
        with psycopg.connect(admin, autocommit=True) as c:
            for tenant, count in ((self.a, 2), (self.b, 3)):
                t, person, thread = tenant.uuid, uuid.uuid4(), uuid.uuid4()
                c.execute("insert into smalt.tenant (tenant_id, name) values (%s, %s)", (t, ENVELOPE))
                c.execute(
                    "insert into smalt.person (tenant_id, id, name, email, role, state) values (%s, %s, %s, %s, 1, 1)",
                    (t, person, ENVELOPE, ENVELOPE),
                )
                c.execute(
                    "insert into smalt.conversation (tenant_id, id, person_id, title) values (%s, %s, %s, %s)",
                    (t, thread, person, ENVELOPE),
                )
                turns = [uuid.uuid4() for _ in range(count)]
                for turn in turns:
                    c.execute(
                        "insert into smalt.turn (tenant_id, id, conversation_id, person_id, question, state) "
                        "values (%s, %s, %s, %s, %s, 1)",
                        (t, turn, thread, person, ENVELOPE),
                    )
                self.person[tenant], self.thread[tenant], self.turns[tenant] = person, thread, turns

    def ticket(self, tenant: TenantId, life_s: int = 60) -> str:
        return self.tickets.issue(tenant, int(time.time()) + life_s)


@pytest.fixture
def world(migrated: Any, tickets: Tickets) -> World:
    return World(migrated.admin, migrated.app, tickets)


@pytest.fixture
def session(migrated: Any) -> Iterator[Session]:
    """A session of the app, as the pool would hold it."""
    with psycopg.connect(migrated.app, autocommit=True) as connection:
        yield connection


class In:
    """A transaction under a ticket, rolled back at the end."""

    def __init__(self, session: Session, ticket: str | None) -> None:
        self.session, self.ticket = session, ticket
        self.block = session.transaction(force_rollback=True)

    def __enter__(self) -> Session:
        self.block.__enter__()
        if self.ticket is not None:
            self.session.execute("select set_config('smalt.ticket', %s, true)", (self.ticket,))
        return self.session

    def __exit__(self, *error: object) -> Any:
        return self.block.__exit__(*error)


COUNT = "select count(*) from smalt.turn"


def scalar(session: Session, statement: str, params: Any = None) -> Any:
    row = session.execute(statement.encode(), params).fetchone()
    assert row is not None
    return row[0]


def test_each_tenant_sees_its_own(world: World, session: Session) -> None:
    for tenant, count in ((world.a, 2), (world.b, 3)):
        with In(session, world.ticket(tenant)) as s:
            assert scalar(s, COUNT) == count
            assert s.execute("select distinct tenant_id from smalt.turn").fetchall() == [(tenant.uuid,)]


# -- the ticket


STATEMENTS = {
    "select": "select count(*) from smalt.turn",
    "point read": "select 1 from smalt.turn where tenant_id = %(b)s and id = %(turn)s",
    "insert": "insert into smalt.usage_entry (tenant_id, id, kind) values (%(b)s, %(turn)s, 1)",
    "update": "update smalt.turn set state = 9",
    "delete": "delete from smalt.turn",
    "credential": "select gate.put(1::smallint, sha256('x'), %(turn)s, null)",
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_a_forgotten_ticket_fails_loudly(world: World, session: Session, what: str) -> None:
    params = {"b": world.b.uuid, "turn": world.turns[world.b][0]}
    with pytest.raises(BAD_TICKET, match="no tenant ticket"), In(session, None) as s:
        s.execute(STATEMENTS[what].encode(), params if "%(" in STATEMENTS[what] else None)


def test_a_ticket_does_not_outlive_its_transaction(world: World, session: Session) -> None:
    with In(session, world.ticket(world.a)) as s:
        assert scalar(s, COUNT) == 2
    with pytest.raises(BAD_TICKET, match="no tenant ticket"), In(session, None) as s:
        scalar(s, COUNT)


def resigned(world: World, **change: int) -> str:
    """A's ticket with a field changed and the old signature kept."""
    raw = bytes.fromhex(world.ticket(world.a))
    tenant, expiry, kid = struct.unpack(">16sqi", raw[:28])
    body = struct.pack(">16sqi", tenant, expiry + change.get("expiry", 0), kid + change.get("kid", 0))
    return (body + raw[28:]).hex()


FORGERIES: dict[str, Callable[[World], str]] = {
    "empty": lambda w: "",
    "words": lambda w: "let me in",
    "sql": lambda w: "' or true --",
    "truncated": lambda w: w.ticket(w.b)[:-2],
    "truncated to the body": lambda w: w.ticket(w.b)[:56],
    "extended": lambda w: w.ticket(w.b) + "00",
    "upper case": lambda w: w.ticket(w.b).upper().replace("0", "A", 1),
    "other digits": lambda w: "\u0660" * 120,
    "newline at the end": lambda w: w.ticket(w.b) + "\n",
    "A's signature on B": lambda w: w.b.uuid.hex + w.ticket(w.a)[32:],
    "another key": lambda w: Tickets(bytes(32), TICKET_KEY_ID).issue(w.b, int(time.time()) + 60),
    "unknown key number": lambda w: Tickets(TICKET_KEY, 99).issue(w.b, int(time.time()) + 60),
    "negative key number": lambda w: Tickets(TICKET_KEY, -1).issue(w.b, int(time.time()) + 60),
    "one bit of the signature": lambda w: w.ticket(w.b)[:-1] + f"{int(w.ticket(w.b)[-1], 16) ^ 1:x}",
    "longer life": lambda w: resigned(w, expiry=3600),
    "other key number": lambda w: resigned(w, kid=1),
    "zero signature": lambda w: w.ticket(w.b)[:56] + "0" * 64,
    "just the tenant": lambda w: str(w.b.uuid),
    "expired": lambda w: w.ticket(w.b, -1),
    "expired long ago": lambda w: w.tickets.issue(w.b, 0),
    "before time": lambda w: w.tickets.issue(w.b, -(2**63)),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_ticket_is_refused(world: World, session: Session, how: str) -> None:
    forged = FORGERIES[how](world)
    with pytest.raises(BAD_TICKET) as refused, In(session, forged) as s:
        scalar(s, COUNT)
    assert len(forged) < 30 or forged not in str(refused.value)


@pytest.mark.parametrize("how", FORGERIES)
def test_injected_sql_cannot_switch_the_tenant(world: World, session: Session, how: str) -> None:
    """The attack that defeated a bare setting: one statement that sets the context and reads under it."""
    forged = FORGERIES[how](world)
    for statement in (
        "select (select count(*) from smalt.turn where tenant_id = %(b)s) from (select set_config('smalt.ticket', %(t)s, true)) s",
        "with s as materialized (select set_config('smalt.ticket', %(t)s, true)) select count(*) from s, smalt.turn where tenant_id = %(b)s",
        "select count(*) from smalt.turn where tenant_id = %(b)s and set_config('smalt.ticket', %(t)s, true) is not null",
    ):
        seen = 0
        try:
            with In(session, world.ticket(world.a)) as s:
                seen = scalar(s, statement, {"b": world.b.uuid, "t": forged})
                s.execute("select set_config('smalt.ticket', %s, true)", (forged,))
                seen += scalar(s, COUNT)
        except errors.InvalidAuthorizationSpecification:
            pass
        assert seen == 0


def test_other_settings_mean_nothing(world: World, session: Session) -> None:
    for setting in ("app.tenant_id", "smalt.tenant", "smalt.tenant_id", "tenant.id"):
        with In(session, world.ticket(world.a)) as s:
            s.execute("select set_config(%s, %s, true)", (setting, str(world.b.uuid)))
            assert scalar(s, "select count(*) from smalt.turn where tenant_id = %s", (world.b.uuid,)) == 0


def test_a_key_that_expired_or_was_retired_signs_nothing(world: World, session: Session, migrated: Any) -> None:
    key = bytes(31) + b"x"
    with psycopg.connect(migrated.admin, autocommit=True) as admin:
        admin.execute("select gate.install_key(41, %s, now() + interval '1 hour')", (key,))
        ticket = Tickets(key, 41).issue(world.b, int(time.time()) + 60)
        with In(session, ticket) as s:
            assert scalar(s, COUNT) == 3
        admin.execute("update gate.key set expires_at = now() where kid = 41")
        with pytest.raises(BAD_TICKET), In(session, ticket) as s:
            scalar(s, COUNT)
        admin.execute("select gate.install_key(41, %s, now() + interval '1 hour')", (key,))
        admin.execute("select gate.retire_key(41)")
        with pytest.raises(BAD_TICKET), In(session, ticket) as s:
            scalar(s, COUNT)


def test_a_key_is_installed_only_whole_and_with_an_end(migrated: Any) -> None:
    with psycopg.connect(migrated.admin, autocommit=True) as admin:
        for key, until in ((b"short", "1 hour"), (bytes(32), "-1 second"), (None, "1 hour"), (bytes(33), "1 hour")):
            with pytest.raises(errors.InvalidParameterValue):
                admin.execute("select gate.install_key(42, %s, now() + %s::interval)", (key, until))


def test_no_ticket_stands_in_a_statement_that_others_can_read(
    world: World, session: Session, migrated: Any, database: Any
) -> None:
    """Sessions of one role see each other's texts in pg_stat_activity: tickets must travel as parameters."""
    with psycopg.connect(migrated.app) as other:
        other.execute("select set_config('smalt.ticket', %s, true)", (world.ticket(world.b),))
        texts = [row[0] for row in session.execute("select query from pg_stat_activity where usename = 'smalt_app'")]
        assert any("smalt.ticket" in text for text in texts)
        assert not [text for text in texts if re.search(r"[0-9a-f]{120}", text)]


# -- rows of others


def test_reading_and_changing_rows_of_another_tenant(world: World, session: Session) -> None:
    b = {"b": world.b.uuid, "turn": world.turns[world.b][0]}
    with In(session, world.ticket(world.a)) as s:
        for statement in (
            "select 1 from smalt.turn where tenant_id = %(b)s",
            "select 1 from smalt.turn where tenant_id = %(b)s or true and id = %(turn)s",
            "select 1 from smalt.turn where id = %(turn)s for update",
            "update smalt.turn set state = 9 where tenant_id = %(b)s returning 1",
            "delete from smalt.turn where id = %(turn)s returning 1",
            "delete from smalt.conversation where tenant_id = %(b)s returning 1",
        ):
            assert s.execute(statement.encode(), b).fetchall() == [], statement
        merged = s.execute(
            b"merge into smalt.turn t using (select %(turn)s::uuid as id) s on t.id = s.id when matched then delete", b
        )
        assert merged.rowcount == 0
    with In(session, world.ticket(world.b)) as s:
        assert scalar(s, COUNT) == 3


def test_writing_rows_for_another_tenant(world: World, session: Session) -> None:
    with (
        pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
        In(session, world.ticket(world.a)) as s,
    ):
        s.execute(
            "insert into smalt.usage_entry (tenant_id, id, kind) values (%s, %s, 1)", (world.b.uuid, uuid.uuid4())
        )
    with pytest.raises(errors.InsufficientPrivilege), In(session, world.ticket(world.a)) as s:
        s.execute("update smalt.turn set tenant_id = %s", (world.b.uuid,))


def test_copy(world: World, session: Session) -> None:
    with In(session, world.ticket(world.a)) as s, s.cursor().copy("copy smalt.turn to stdout") as copy:
        assert {row[0] for row in copy.rows()} == {str(world.a.uuid)}
    with pytest.raises(BAD_TICKET), In(session, None) as s, s.cursor().copy("copy smalt.turn to stdout") as copy:
        list(copy.rows())
    into = "copy smalt.usage_entry (tenant_id, id, kind) from stdin"
    with (
        pytest.raises(errors.FeatureNotSupported),
        In(session, world.ticket(world.a)) as s,
        s.cursor().copy(into) as copy,
    ):
        copy.write_row((str(world.b.uuid), str(uuid.uuid4()), "1"))


def test_a_reference_to_another_tenants_row_is_like_one_to_nothing(world: World, session: Session) -> None:
    told = []
    for thread in (world.thread[world.b], uuid.uuid4()):
        with pytest.raises(errors.ForeignKeyViolation) as refused, In(session, world.ticket(world.a)) as s:
            s.execute(
                "insert into smalt.turn (tenant_id, id, conversation_id, person_id, question, state) "
                "values (%s, %s, %s, %s, %s, 1)",
                (world.a.uuid, uuid.uuid4(), thread, world.person[world.a], ENVELOPE),
            )
        told.append(str(refused.value).replace(str(thread), "…"))
    assert told[0] == told[1]


def test_an_id_that_another_tenant_has_is_free(world: World, session: Session) -> None:
    """Were ids unique over all tenants, an insert would tell which exist, and `on conflict` would lose rows silently."""
    with In(session, world.ticket(world.a)) as s:
        for conflict in ("", " on conflict do nothing"):
            made = s.execute(
                "insert into smalt.conversation (tenant_id, id, person_id, title) values (%s, %s, %s, %s)" + conflict,
                (world.a.uuid, world.thread[world.b] if conflict else uuid.uuid4(), world.person[world.a], ENVELOPE),
            )
            assert made.rowcount == 1


def test_credentials_of_another_tenant(world: World, session: Session) -> None:
    digest, mine, theirs = uuid.uuid4().bytes * 2, uuid.uuid4(), uuid.uuid4()
    put = "select gate.put(4::smallint, %s, %s, null)"
    find = "select tenant_id, id from gate.find(4::smallint, %s)"
    with session.transaction():
        session.execute("select set_config('smalt.ticket', %s, true)", (world.ticket(world.b),))
        assert scalar(session, put, (digest, theirs)) is True
    with In(session, world.ticket(world.a)) as s:
        assert scalar(s, put, (digest, mine)) is True  # no oracle: the answer is that for an unknown digest
        assert scalar(s, put, (digest, uuid.uuid4())) is False
        s.execute("select gate.drop(4::smallint, %s)", (digest,))
        s.execute("select gate.drop_of(4::smallint, %s)", (theirs,))
        assert s.execute(find, (digest,)).fetchall() == [(world.b.uuid, theirs)]
    assert session.execute(find, (digest[:-1] + bytes([digest[-1] ^ 1]),)).fetchall() == []


def test_an_expired_credential_leads_nowhere(world: World, session: Session) -> None:
    digest, one = uuid.uuid4().bytes * 2, uuid.uuid4()
    with In(session, world.ticket(world.a)) as s:
        assert scalar(s, "select gate.put(1::smallint, %s, %s, now() + interval '1 hour')", (digest, one)) is True
        assert scalar(s, "select count(*) from gate.find(1::smallint, %s)", (digest,)) == 1
        assert scalar(s, "select count(*) from gate.find(2::smallint, %s)", (digest,)) == 0
        assert scalar(s, "select gate.put(1::smallint, %s, %s, now() - interval '1 hour')", (digest, one)) is True
        assert scalar(s, "select count(*) from gate.find(1::smallint, %s)", (digest,)) == 0


# -- the session's powers


DENIED = {
    "read keys": "select * from gate.key",
    "read credentials": "select * from gate.credential",
    "plant a key": "insert into gate.key values (5, decode(repeat('00', 64), 'hex'), decode(repeat('00', 64), 'hex'), now())",
    "install a key": "select gate.install_key(5, sha256('x'), now() + interval '1 hour')",
    "list keys": "select * from gate.live_keys()",
    "replace the check": "create or replace function gate.tenant() returns uuid language sql as 'select null::uuid'",
    "alter the check": "alter function gate.tenant() reset all",
    "truncate": "truncate smalt.turn",
    "security off": "alter table smalt.turn disable row level security",
    "drop the policy": "drop policy tenant_only on smalt.turn",
    "new policy": "create policy mine on smalt.turn using (true)",
    "temporary table": "create temporary table t (n int)",
    "temporary function": "create function pg_temp.sha256(bytea) returns bytea language sql as 'select $1'",
    "temporary view": "create temporary view v as select * from smalt.turn",
    "table in smalt": "create table smalt.t (n int)",
    "table in public": "create table public.t (n int)",
    "function in public": "create function public.f() returns int language sql as 'select 1'",
    "schema": "create schema mine",
    "leaky operator": "create operator smalt.<<< (leftarg = bytea, rightarg = bytea, function = byteane)",
    "trigger": "create trigger t before insert on smalt.turn for each row execute function suppress_redundant_updates_trigger()",
    "index": "create index on smalt.turn (question)",
    "become the owner": "set role smalt_owner",
    "become the gate": "set role smalt_gate",
    "become the worker": "set role smalt_worker",
    "become superuser": "set session authorization postgres",
    "grant oneself": "grant smalt_owner to smalt_app",
    "own strength": "alter role smalt_app bypassrls",
    "read statistics": "select * from pg_statistic",
    "read a file": "select pg_read_file('postgresql.conf')",
    "list files": "select pg_ls_dir('.')",
    "run a program": "copy (select 1) to program 'id'",
    "write a file": "copy (select 1) to '/dev/null'",
    "large object": "select lo_from_bytea(0, 'x')",
    "extension": "create extension dblink schema smalt",
    "subscription": "create publication p",
    "change the past": "update smalt.audit_entry set act = 'x'",
    "remove the past": "delete from smalt.audit_entry",
    "remove usage": "delete from smalt.usage_entry",
    "remove a tenant": "delete from smalt.tenant",
    "backdate": "update smalt.person set created_at = now()",
    "passwords": "select * from pg_authid",
    "replication": "select pg_create_physical_replication_slot('s')",
}


@pytest.mark.parametrize("what", DENIED)
def test_the_session_may_not(world: World, session: Session, what: str) -> None:
    refused = (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedFile)
    with pytest.raises(refused) as said, In(session, world.ticket(world.a)) as s:
        s.execute(DENIED[what].encode())
    if what != "extension":
        assert isinstance(said.value, errors.InsufficientPrivilege), said.value


def test_switching_policies_off_refuses_instead_of_showing(world: World, session: Session) -> None:
    session.execute("set row_security = off")
    with pytest.raises(errors.InsufficientPrivilege), In(session, world.ticket(world.a)) as s:
        scalar(s, COUNT)


def test_resetting_the_role_changes_nothing(world: World, session: Session) -> None:
    for statement in ("reset role", "reset session authorization", "set role none"):
        with In(session, world.ticket(world.a)) as s:
            s.execute(statement.encode())
            assert scalar(s, "select current_user::text || ' ' || session_user::text") == "smalt_app smalt_app"
            assert scalar(s, COUNT) == 2


# -- what plans and statistics tell


LEAKS = {
    "cast": "select count(*) from smalt.turn where conversation_id = %(thread)s and encode(question, 'escape')::int = 1",
    "division": "select count(*) from smalt.turn where conversation_id = %(thread)s and 1 / (octet_length(question) - 85) = 1",
    "regular expression": "select count(*) from smalt.turn where conversation_id = %(thread)s and 'x' ~ encode(question, 'escape')",
}


@pytest.mark.parametrize("how", LEAKS)
def test_errors_of_leaky_functions_see_no_foreign_row(world: World, session: Session, how: str) -> None:
    """A function that can complain about its input must not run before the policy has decided."""
    thread = {"thread": world.thread[world.b]}
    with In(session, world.ticket(world.a)) as s:
        for scan in ("enable_indexscan", "enable_bitmapscan", "enable_seqscan"):
            assert scalar(s, LEAKS[how], thread) == 0
            s.execute(f"set local {scan} = off".encode())
    if how != "regular expression":
        with pytest.raises(errors.DataError), In(session, world.ticket(world.b)) as s:  # the control: it does complain
            scalar(s, LEAKS[how], thread)


def test_estimates_do_not_tell_how_much_another_tenant_has(world: World, session: Session, migrated: Any) -> None:
    with psycopg.connect(migrated.admin, autocommit=True) as admin:
        admin.execute(
            "insert into smalt.usage_entry (tenant_id, id, kind) select %s, gen_random_uuid(), 1 from generate_series(1, 5000)",
            (world.b.uuid,),
        )
        admin.execute("analyze smalt.usage_entry")

    def estimate(tenant: uuid.UUID) -> int:
        statement = f"explain (format json) select 1 from smalt.usage_entry where tenant_id = '{tenant}'"
        return int(scalar(session, statement)[0]["Plan"]["Plan Rows"])

    with In(session, world.ticket(world.a)):
        assert estimate(world.b.uuid) == estimate(uuid.uuid4()) == estimate(world.a.uuid)


def test_the_statistics_views_show_nothing(world: World, session: Session, migrated: Any) -> None:
    with psycopg.connect(migrated.admin, autocommit=True) as admin:
        admin.execute("analyze smalt.turn")
        seen = "select count(*) from pg_stats where schemaname = 'smalt' and tablename = 'turn'"
        assert scalar(admin, seen) > 0
        with In(session, world.ticket(world.a)) as s:
            assert scalar(s, seen) == 0


def test_a_view_that_asks_as_its_caller_keeps_tenants_apart(migrated: Any, world: World) -> None:
    """And one that does not, owned by a superuser, shows everything: why the schema's rules refuse it."""
    with psycopg.connect(migrated.admin) as admin:
        admin.execute("create view smalt.asks with (security_invoker = true) as select * from smalt.turn")
        admin.execute("create view smalt.shows as select * from smalt.turn")
        admin.execute("grant select on smalt.asks, smalt.shows to smalt_app")
        admin.execute("set local role smalt_app")
        admin.execute("select set_config('smalt.ticket', %s, true)", (world.ticket(world.a),))
        assert scalar(admin, "select count(*) from smalt.asks") == 2
        assert scalar(admin, "select count(distinct tenant_id) from smalt.shows") > 1
        admin.rollback()


def test_what_is_not_an_envelope_is_not_stored(world: World, session: Session) -> None:
    """Plaintext that a mistake sends to a sealed column does not get in."""
    for plaintext in (b"Revenue 2024", b"\x01" * 84, b"\x02" + bytes(200), b"{" + b'"' * 100, b""):
        with pytest.raises(errors.CheckViolation), In(session, world.ticket(world.a)) as s:
            s.execute("update smalt.turn set answer = %s", (plaintext,))
