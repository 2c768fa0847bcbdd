"""SQL as the application's own role: what a statement that somebody injects could reach."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable

from smalt.store.outside import Database, Tried, session
from smalt.trust.belongings import belongings
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.target import Target

TABLES_MIN = 12
NO_TICKET, DENIED = "28000", "42501"
REFUSALS = frozenset({NO_TICKET, DENIED, "0A000", "58P01"})
ROLE = "smalt_app"

TABLES = """
    select c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner)
    from pg_class c where c.relnamespace = 'smalt'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    order by 1
"""
POLICIES = """
    select tablename, policyname, permissive, roles::text[], cmd, regexp_replace(qual, '\\s+', ' ', 'g'),
           regexp_replace(with_check, '\\s+', ' ', 'g')
    from pg_policies where schemaname = 'smalt'
"""
POLICY = ("PERMISSIVE", ["public"], "ALL", *2 * ("(tenant_id = ( SELECT gate.tenant() AS tenant))",))
UPDATABLE = """
    select a.attname from pg_attribute a
    where a.attrelid = ('smalt.' || %s)::regclass and a.attnum > 0 and not a.attisdropped
      and has_column_privilege('smalt_app', a.attrelid, a.attnum, 'update') order by a.attnum limit 1
"""
STRENGTH = """
    select r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
           or exists (select from pg_auth_members m where m.member = r.oid)
    from pg_roles r where r.rolname = %s
"""
OWNER = "select rolcanlogin or rolsuper or rolbypassrls from pg_roles where rolname = 'smalt_owner'"
DEFINERS = """
    select p.oid::regprocedure::text from pg_proc p join pg_roles r on r.oid = p.proowner
    where p.prosecdef and has_function_privilege('smalt_app', p.oid, 'execute')
      and p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      and (r.rolsuper or r.rolbypassrls or r.rolcanlogin
           or p.pronamespace not in (select oid from pg_namespace where nspname in ('gate', 'jobs')))
"""
POWERS = {
    "read ticket keys": "select * from gate.key",
    "read credentials": "select * from gate.credential",
    "plant a ticket key": "insert into gate.key values (5, decode(repeat('00', 64), 'hex'), decode(repeat('00', 64), 'hex'), now())",
    "install a ticket key": "select gate.install_key(5, sha256('x'), now() + interval '1 hour')",
    "replace the check of tickets": "create or replace function gate.tenant() returns uuid language sql as 'select null::uuid'",
    "switch row security off": "alter table smalt.turn disable row level security",
    "drop a policy": "drop policy tenant_only on smalt.turn",
    "add a policy": "create policy mine on smalt.turn using (true)",
    "empty a table": "truncate smalt.turn",
    "make a temporary table": "create temporary table t (n int)",
    "make a temporary function": "create function pg_temp.sha256(bytea) returns bytea language sql as 'select $1'",
    "make a table": "create table smalt.t (n int)",
    "make a table in public": "create table public.t (n int)",
    "make a schema": "create schema mine",
    "make a trigger": "create trigger t before insert on smalt.turn for each row execute function suppress_redundant_updates_trigger()",
    "become the owner": "set role smalt_owner",
    "become the gate": "set role smalt_gate",
    "become the administrator": "set session authorization postgres",
    "grant itself a role": "grant smalt_owner to smalt_app",
    "make itself stronger": "alter role smalt_app bypassrls",
    "read a file": "select pg_read_file('postgresql.conf')",
    "run a program": "copy (select 1) to program 'id'",
    "write a file": "copy (select 1) to '/dev/null'",
    "make a large object": "select lo_from_bytea(0, 'x')",
    "change the past": "update smalt.audit_entry set act = 'x'",
    "remove the past": "delete from smalt.audit_entry",
    "remove usage": "delete from smalt.usage_entry",
    "read the queue": "select * from jobs.procrastinate_jobs",
    "read passwords": "select * from pg_authid",
}
"""Acts that the application's role must not be able to do, by public names."""


def tickets(tenant: str) -> dict[str, str | None]:
    """Tickets for ``tenant`` that are none: what somebody without the key can write."""
    owner, later, now = uuid.UUID(tenant.partition("_")[2]), int(time.time()) + 3600, int(time.time())

    def made(expiry: int, kid: int, seal: str) -> str:
        return owner.hex + expiry.to_bytes(8, "big").hex() + kid.to_bytes(4, "big").hex() + seal

    return {
        "no ticket": None,
        "an empty ticket": "",
        "the bare tenant": str(owner),
        "a ticket with a made-up seal": made(later, 1, secrets.token_hex(32)),
        "a ticket sealed with zeros": made(later, 1, "0" * 64),
        "a ticket of another key": made(later, 2, secrets.token_hex(32)),
        "a ticket that has expired": made(now - 60, 1, secrets.token_hex(32)),
        "a ticket that is cut short": made(later, 1, "")[:100],
        "a ticket with words after it": made(later, 1, secrets.token_hex(32)) + "' or true --",
    }


@check("tenant.sql", every="hour", deadline_s=90)
def sql(target: Target, found: Findings) -> None:
    """As the application's role in the database, with no, forged and expired tickets: reads, writes, copies and removes the other synthetic tenant's rows in every table that the catalogue names, and tries to get stronger. Looks up row security, policies and rights of the role in the catalogue.

    Control: the rows are there, and the very same statements see them when the administrator sends them.
    """
    if target.admin_conninfo is None:
        raise Unclear(
            "Whether there is anything to reach for can only be seen as the database's administrator, which is not set up here."
        )
    with (
        belongings(target, target.theirs) as theirs,
        session(target.admin_conninfo) as admin,
        session(target.app_conninfo) as app,
    ):
        tables = _catalogue(found, admin)
        owner = uuid.UUID(theirs.tenant.id.partition("_")[2])
        _rows(found, admin, app, tables, owner)
        _powers(found, admin, app, theirs.tenant.id)
    found.control("tables were found", len(tables) >= TABLES_MIN, tables=tables)


def _catalogue(found: Findings, admin: Database) -> list[str]:
    """Row security as the catalogue has it; the names of the tables."""
    relations = admin.read(TABLES)
    policies: dict[str, list[tuple[object, ...]]] = {}
    for table, _, *rest in admin.read(POLICIES):
        policies.setdefault(table, []).append(tuple(rest))
    tables = [name for name, kind, *_ in relations if kind in {"r", "p"}]
    other = [name for name, kind, *_ in relations if kind not in {"r", "p"}]
    found.probe("the schema has tables and nothing else", not other, other=other[:5])
    for name, kind, enabled, forced, owner in relations:
        if kind in {"r", "p"}:
            found.probe(f"row security of {name} is on, forced, and owned by nobody who signs in",
                        enabled and forced and owner == "smalt_owner")  # fmt: skip
            found.probe(f"{name} has the one policy", policies.get(name) == [POLICY])
    found.probe("the application's role has no strength of its own", admin.read(STRENGTH, (ROLE,)) == [(False,)])
    found.probe("the owner of the tables does not sign in", admin.read(OWNER) == [(False,)])
    lent = [name for (name,) in admin.read(DEFINERS)]
    found.probe("no function lends the application a stronger role", not lent, functions=lent[:5])
    return tables


def attacks(table: str, column: str) -> dict[str, str]:
    """Statements upon the rows of one tenant in ``table``; the tenant is their only parameter."""
    return {
        "read": f"select 1 from smalt.{table} where tenant_id = %s",  # noqa: S608  # names from the catalogue
        "read around": f"select 1 from smalt.{table} where tenant_id = %s or true",  # noqa: S608
        "write": f"insert into smalt.{table} (tenant_id) values (%s)",  # noqa: S608
        "change": f"update smalt.{table} set {column} = {column} where tenant_id = %s",  # noqa: S608
        "remove": f"delete from smalt.{table} where tenant_id = %s",  # noqa: S608
    }


def _rows(found: Findings, admin: Database, app: Database, tables: list[str], owner: uuid.UUID) -> None:
    empty, tried = [], 0
    forged = tickets(f"ten_{owner}")
    for table in tables:
        column = next(iter(admin.read(UPDATABLE, (table,))), ("tenant_id",))[0]
        statements = attacks(table, column)
        gained = []
        for means, ticket in forged.items():
            for what, statement in statements.items():
                done = app.attempt(statement, (owner,), ticket)
                tried += 1
                if not _held(done):
                    gained.append(f"{what} with {means}")
            if not _held(app.copy_out(f"smalt.{table}", ticket)):
                gained.append(f"copy with {means}")
        found.probe(f"{table}: no statement reaches another tenant's rows", not gained, gained=gained[:5])
        if not admin.attempt(statements["read"], (owner,)).gained:
            empty.append(table)
    with_rows = len(tables) - len(empty)  # an empty table is tried all the same: it must refuse, not only be empty
    found.control("the rows are there, and the same statement sees them", with_rows >= TABLES_MIN, without_rows=empty)
    found.facts["tried"] = {"tables": len(tables), "statements": tried, "tickets": sorted(forged)}


def _held(done: Tried) -> bool:
    """Refused for want of a ticket or of a right. That nothing came back is not enough: there was something."""
    return done.refused in {NO_TICKET, DENIED}


def _powers(found: Findings, admin: Database, app: Database, tenant: str) -> None:
    forged = tickets(tenant)["a ticket with a made-up seal"]
    for what, statement in POWERS.items():
        found.probe(f"the application's role cannot {what}", app.attempt(statement, (), forged).refused in REFUSALS)
    strong = [what for what in ("read ticket keys", "read passwords") if admin.attempt(POWERS[what]).gained]
    found.control("the administrator can, by the same statements", len(strong) == 2)
    off = app.attempt("select set_config('row_security', 'off', true), (select count(*) from smalt.turn)")
    found.probe("row security that is switched off refuses instead of showing", off.refused in REFUSALS)
    _queries(found, app)


def _queries(found: Findings, app: Database) -> None:
    """Sessions of one role see each other's statements: no ticket may stand in one."""
    texts = app.attempt("select query from pg_stat_activity where usename = current_user").rows
    found.probe("no ticket stands in a statement that other sessions see", not _with_ticket(text for (text,) in texts))
    found.control(
        "a ticket in a statement is seen", _with_ticket([f"select set_config('smalt.ticket', '{'0a' * 60}')"])
    )
    found.control("statements of the role are seen", bool(texts))


def _with_ticket(texts: Iterable[str | None]) -> bool:
    import re

    return any(re.search(r"[0-9a-f]{100}", text or "") for text in texts)
