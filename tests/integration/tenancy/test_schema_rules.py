"""The schema's rules hold, and every one of them has been seen to fail on a planted violation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import schema_rules
from schema_rules import unrouted, violations

from smalt.store.sql import load

ROOT = Path(__file__).resolve().parents[3]
TABLE = (
    "create table smalt.planted (tenant_id uuid not null, id uuid not null{0}, primary key (tenant_id, id){1});"
    "alter table smalt.planted owner to smalt_owner; select gate.isolate('smalt.planted');"
    "alter table smalt.planted alter column tenant_id set statistics 0;"
)


@pytest.fixture
def admin(migrated: Any) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(migrated.admin, autocommit=True) as connection:
        yield connection


def test_the_schema_keeps_its_rules(admin: Any) -> None:
    assert violations(admin) == []


def test_a_sound_new_table_is_accepted(admin: Any) -> None:
    with admin.transaction(force_rollback=True):
        admin.execute(TABLE.format(", name smalt.sealed", ""))
        assert violations(admin) == []


PLANTED = {
    "no tenant_id": ("create table smalt.planted (id uuid primary key)", "planted: no tenant_id"),
    "nullable tenant_id": ("create table smalt.planted (tenant_id uuid, id uuid primary key)", "planted: no tenant_id"),
    "no security": (
        "create table smalt.planted (tenant_id uuid, id uuid, primary key (tenant_id, id))",
        "planted: row-level security is not",
    ),
    "security not forced": ("alter table smalt.turn no force row level security", "turn: row-level security is not"),
    "security off": ("alter table smalt.turn disable row level security", "turn: row-level security is not"),
    "foreign owner": (
        TABLE.format("", "") + "alter table smalt.planted owner to postgres",
        "planted: owned by postgres",
    ),
    "no policy": ("drop policy tenant_only on smalt.turn", "turn: 0 policies"),
    "second policy": ("create policy more on smalt.turn using (true)", "turn: 2 policies"),
    "open policy": ("alter policy tenant_only on smalt.turn using (true)", "turn: the policy is not"),
    "open check": ("alter policy tenant_only on smalt.turn with check (true)", "turn: the policy is not"),
    "policy for some": ("alter policy tenant_only on smalt.turn to smalt_app", "turn: the policy is not"),
    "policy by setting": (
        "alter policy tenant_only on smalt.turn using (tenant_id = current_setting('smalt.tenant')::uuid)",
        "turn: the policy is not",
    ),
    "trigger": (
        "create trigger t before update on smalt.turn for each row execute function suppress_redundant_updates_trigger()",
        "turn: has a trigger",
    ),
    "rule": ("create rule r as on delete to smalt.turn do also nothing", "turn: has a rule"),
    "extended statistics": (
        "create statistics smalt.s on id, person_id from smalt.turn",
        "turn: has extended statistics",
    ),
    "statistics": ("alter table smalt.turn alter tenant_id set statistics 100", "turn.tenant_id: keeps statistics"),
    "sequence": ("create sequence smalt.s", "s: a sequence"),
    "identity": (TABLE.format(", n bigint generated always as identity", ""), "planted.n: identity or generated"),
    "serial default": (
        "create sequence public.s; " + TABLE.format(", n bigint default nextval('public.s')", ""),
        "planted: a default takes a sequence",
    ),
    "ticket as default": (TABLE.format(", t uuid default gate.tenant()", ""), "planted: a default takes a sequence"),
    "numeric": (TABLE.format(", n numeric", ""), "planted.n: type numeric"),
    "json": (TABLE.format(", n jsonb", ""), "planted.n: type jsonb"),
    "bare bytes": (TABLE.format(", n bytea", ""), "planted.n: bytes that are neither"),
    "bare text": (TABLE.format(", n text", ""), "planted.n: text in the clear"),
    "unique without tenant": (TABLE.format(", n uuid unique", ""), "planted: unique index smalt.planted_n_key without"),
    "primary key without tenant": (
        "create table smalt.planted (tenant_id uuid not null, id uuid primary key)",
        "planted: the primary key does not start",
    ),
    "primary key order": (
        "create table smalt.planted (tenant_id uuid not null, id uuid, primary key (id, tenant_id))",
        "planted: the primary key does not start",
    ),
    "no primary key": ("create table smalt.planted (tenant_id uuid not null, id uuid)", "planted: no primary key"),
    "index without tenant": ("create index i on smalt.turn (person_id)", "turn: index smalt.i is not a btree"),
    "hash index": ("create index i on smalt.turn using hash (tenant_id)", "turn: index smalt.i is not a btree"),
    "crossing foreign key": (
        (
            "create table public.p (id uuid primary key); alter table public.p owner to smalt_owner;"
            "alter table smalt.turn add constraint f foreign key (person_id) references public.p not valid"
        ),
        "turn: foreign key f crosses tenants",
    ),
    "exclusion": (
        "alter table smalt.turn add constraint x exclude using btree (tenant_id with =, id with =)",
        "turn: exclusion constraint x",
    ),
    "view": ("create view smalt.v as select * from smalt.turn", "smalt.v: a view without security_invoker"),
    "materialized view": ("create materialized view smalt.m as select 1 as n", "smalt.m: a materialized view"),
    "definer": (
        "create function smalt.f() returns bigint language sql security definer as 'select count(*) from smalt.turn'",
        "smalt.f(): SECURITY DEFINER",
    ),
    "definer without path": (
        "alter function gate.tenant() reset search_path",
        "gate.tenant(): a definer function with another",
    ),
    "definer of another": (
        "alter function gate.tenant() owner to postgres",
        "gate.tenant(): a definer function with another",
    ),
    "key installation": (
        "grant execute on function gate.install_key(integer, bytea, timestamptz) to smalt_app",
        "gate.install_key(integer,bytea,timestamp with time zone): smalt_app may call it",
    ),
    "leakproof": (
        "create function smalt.f(text) returns text language sql leakproof as 'select $1'",
        "smalt.f(text): declared leakproof",
    ),
    "queue": ("grant select on jobs.procrastinate_jobs to smalt_app", "jobs.procrastinate_jobs: smalt_app can reach"),
    "queue function": (
        "grant execute on all functions in schema jobs to smalt_app",
        "jobs.procrastinate_",
    ),
    "event trigger": (
        (
            "create function public.e() returns event_trigger language plpgsql as 'begin end';"
            "create event trigger e on ddl_command_end execute function public.e()"
        ),
        "e: an event trigger",
    ),
    "bypass": ("alter role smalt_app bypassrls", "smalt_app: is stronger"),
    "superuser": ("alter role smalt_app superuser", "smalt_app: is stronger"),
    "owner signs in": ("alter role smalt_owner login", "smalt_owner: is stronger"),
    "membership": ("grant smalt_owner to smalt_app", "smalt_app: is a member"),
    "reader": ("grant pg_read_all_data to smalt_app", "smalt_app: is a member"),
    "temporary tables": (
        "do $$ begin execute format('grant temporary on database %I to smalt_app', current_database()); end $$",
        "smalt_app: has TEMPORARY",
    ),
    "everybody connects": (
        "do $$ begin execute format('grant connect on database %I to public', current_database()); end $$",
        "public: has CONNECT",
    ),
    "creation": ("grant create on schema smalt to smalt_app", "smalt_app: may create in schema smalt"),
    "public schema": ("grant usage on schema public to public", "public: may use schema public"),
    "worker": ("grant usage on schema smalt to smalt_worker", "smalt_worker: may use schema smalt"),
    "checker": ("grant usage on schema smalt to smalt_checker", "smalt_checker: may use schema smalt"),
    "outbox": ("grant execute on function gate.pending(integer) to smalt_app", "gate.pending(integer): smalt_app may"),
    "salt": ("grant update (salt) on smalt.audit_entry to smalt_app", "audit_entry.salt: smalt_app may update"),
    "truncate": ("grant truncate on smalt.turn to smalt_app", "turn: smalt_app has TRUNCATE"),
    "references": ("grant references on smalt.turn to smalt_app", "turn: smalt_app has REFERENCES"),
    "audit deletion": ("grant delete on smalt.audit_entry to smalt_app", "audit_entry: smalt_app may delete"),
    "audit update": ("grant update on smalt.audit_entry to smalt_app", "audit_entry.act: smalt_app may update"),
    "tenant move": ("grant update (tenant_id) on smalt.turn to smalt_app", "turn.tenant_id: smalt_app may update"),
    "grant to worker": ("grant select on smalt.turn to smalt_worker", "turn: granted to smalt_worker"),
    "grant to all": ("grant select on smalt.turn to public", "turn: granted to -"),
    "table elsewhere": (
        "create table public.t (n int); grant usage on schema public to smalt_app; grant select on public.t to smalt_app",
        "t: smalt_app can reach it",
    ),
    "publication": ("create publication p", "p: a foreign server or publication"),
    "default rights": (
        "alter default privileges in schema smalt grant select on tables to smalt_app",
        "smalt r: default privileges",
    ),
    "gate table": ("grant select on gate.key to smalt_app", "gate.key: the gate's table is open"),
    "gate column": ("grant select (kid) on gate.key to smalt_app", "gate.key: the gate's table is open"),
    "gate security": ("alter table gate.credential disable row level security", "gate.credential: the gate's table"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_violation_is_reported(admin: Any, what: str) -> None:
    plant, sentence = PLANTED[what]
    with admin.transaction(force_rollback=True):
        admin.execute(plant)
        found = violations(admin)
    assert any(one.startswith(sentence) for one in found), found


def test_an_extension_that_is_not_listed_is_reported(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_rules, "EXTENSIONS", set())
    assert violations(admin) == ["plpgsql: an extension that is not on the list"]


def product_queries() -> list[Any]:
    return [
        pytest.param(query.text, id=f"{path.parent.name}.{query.name}")
        for path in sorted((ROOT / "smalt").rglob("*.sql"))
        for query in load(path)
    ]


@pytest.mark.parametrize("text", product_queries())
def test_every_query_names_its_tenant(admin: Any, text: str) -> None:
    assert unrouted(admin, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select count(*) from smalt.turn", ["turn", "(names no tenant_id)"]),
        ("select 1 from smalt.turn where id = %(id)s", ["turn", "(names no tenant_id)"]),
        ("delete from smalt.turn where id = %(id)s", ["turn", "(names no tenant_id)"]),
        ("update smalt.turn set state = 1 where conversation_id = %(id)s", ["turn", "(names no tenant_id)"]),
        (
            "select 1 from smalt.turn t, smalt.person p where t.tenant_id = %(tenant_id)s and p.id = t.person_id",
            ["person"],
        ),
        (
            "select (select max(at) from smalt.usage_entry) from smalt.tenant where tenant_id = %(tenant_id)s",
            ["usage_entry"],
        ),
        (
            (
                "select t.id from smalt.turn t join smalt.person p on (p.tenant_id, p.id) = (t.tenant_id, t.person_id) "
                "where t.tenant_id = %(tenant_id)s"
            ),
            [],
        ),
        ("select id from smalt.turn where tenant_id = %(tenant_id)s and state %% 2 = 1", []),
    ],
)
def test_a_query_that_forgets_the_tenant_is_reported(admin: Any, text: str, expected: list[str]) -> None:
    assert sorted(unrouted(admin, text)) == sorted(expected)
