"""What must hold of every table, function and right in a migrated database, so that tenants stay apart.

Run as a superuser. Each rule yields one sentence for each violation; `test_schema` plants a violation of every rule.
The second half of the rules keeps the schema fit for a distributed engine: all a tenant's rows can live on one shard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg

APP = "smalt_app"
ROLES = ("smalt_app", "smalt_worker", "smalt_checker")
OWNERS = {"smalt": "smalt_owner", "gate": "smalt_gate", "jobs": "smalt_jobs"}
SYSTEM = "('pg_catalog', 'information_schema', 'pg_toast')"

TYPES = {"uuid", "bytea", "text", "smallint", "integer", "bigint", "timestamp with time zone", "smalt.sealed"}
# Bytes that are not sealed content: wrapped and public keys, keyed digests, salts.
BARE_BYTES = {
    "data_key.wrapped",
    "idempotency.key",
    "idempotency.request",
    "audit_entry.salt",
    "witness.key",
    "gated_grant.link",
    "recovery_code.digest",
}
# Text in the clear: the product's own words only. A person's words are sealed.
CLEAR_TEXT = {
    "api_token.scopes", "document.failure", "audit_entry.act", "audit_entry.target", "idempotency.act",
    "register_objection.vendor",
}  # fmt: skip
NEVER_DELETED = {"tenant", "data_key", "usage_entry", "audit_entry"}
NEVER_UPDATED = re.compile(
    r"(tenant_id|id|key_no|key|salt|created_at|begun_at|at|person_id|conversation_id|act|target|actor_\w+)"
)

# The functions that run with their owner's rights, whose rights those are, and whether the app may call them.
GATE = ("smalt_gate", "search_path=pg_catalog, pg_temp")
JOBS = ("smalt_jobs", "search_path=jobs, pg_catalog, pg_temp")
DEFINERS = {
    "gate.tenant()": GATE,
    "gate.find(smallint,bytea)": GATE,
    "gate.put(smallint,bytea,uuid,timestamp with time zone)": GATE,
    "gate.drop(smallint,bytea)": GATE,
    "gate.drop_of(smallint,uuid)": GATE,
    "gate.sweep()": GATE,
    "gate.install_key(integer,bytea,timestamp with time zone)": GATE,
    "gate.retire_key(integer)": GATE,
    "gate.live_keys()": GATE,
    "gate.commit_entry(bytea)": GATE,
    "gate.is_pending(bytea)": GATE,
    "gate.pending(integer)": GATE,
    "gate.settle(bytea[])": GATE,
    "jobs.defer(text,text,text,jsonb)": JOBS,
}
FOR_THE_KEEPER = {"gate.pending(integer)", "gate.settle(bytea[])"}
FOR_THE_APP = {f for f in DEFINERS if "_key" not in f} - FOR_THE_KEEPER
READABLE_ELSEWHERE = {"installed.migration"}
EXTENSIONS = {"plpgsql"}

CONDITION = r"\(tenant_id = (\( SELECT gate\.tenant\(\) AS tenant\)|gate\.tenant\(\))\)"

Connection = psycopg.Connection[tuple[Any, ...]]


def violations(connection: Connection) -> list[str]:
    found: list[str] = []
    for rule in (tables, columns, keys, views, functions, app_role, app_rights, elsewhere, gate_tables):
        found += rule(connection)
    return found


def _rows(connection: Connection, statement: str, *params: Any) -> list[tuple[Any, ...]]:
    return connection.execute(statement.encode(), params or None).fetchall()


def _tables(connection: Connection) -> list[tuple[int, str]]:
    return _rows(
        connection,
        "select oid, relname from pg_class where relnamespace = 'smalt'::regnamespace and relkind in ('r', 'p') order by 2",
    )


def tables(c: Connection) -> Iterator[str]:
    for oid, name in _tables(c):
        [(rls, forced, owner)] = _rows(
            c, "select relrowsecurity, relforcerowsecurity, relowner::regrole::text from pg_class where oid = %s", oid
        )
        if not (rls and forced):
            yield f"{name}: row-level security is not enabled and forced"
        if owner != OWNERS["smalt"]:
            yield f"{name}: owned by {owner}"
        policies = _rows(
            c,
            "select polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) "
            "from pg_policy where polrelid = %s",
            oid,
        )
        if len(policies) != 1:
            yield f"{name}: {len(policies)} policies instead of one"
        for command, permissive, roles, using, check in policies:
            sound = command == "*" and permissive and roles == [0]
            if not (sound and re.fullmatch(CONDITION, using or "") and re.fullmatch(CONDITION, check or "")):
                yield f"{name}: the policy is not the tenant's"
        if _rows(c, "select from pg_trigger where tgrelid = %s and not tgisinternal", oid):
            yield f"{name}: has a trigger"
        if _rows(c, "select from pg_rewrite where ev_class = %s", oid):
            yield f"{name}: has a rule"
        if _rows(c, "select from pg_statistic_ext where stxrelid = %s", oid):
            yield f"{name}: has extended statistics"
    for kind, name in _rows(
        c,
        "select relkind, relname from pg_class where relnamespace = 'smalt'::regnamespace and relkind in ('S', 'f', 'm')",
    ):
        yield f"{name}: a {({'S': 'sequence', 'f': 'foreign table', 'm': 'materialized view'})[kind]}"


def columns(c: Connection) -> Iterator[str]:
    for oid, name in _tables(c):
        there = _rows(
            c,
            "select attname, format_type(atttypid, null), attnotnull, attidentity <> '' or attgenerated <> '', attstattarget "
            "from pg_attribute where attrelid = %s and attnum > 0 and not attisdropped",
            oid,
        )
        if not any(column == "tenant_id" and kind == "uuid" and must for column, kind, must, *_ in there):
            yield f"{name}: no tenant_id uuid not null"
        for column, kind, _, made_up, statistics in there:
            where = f"{name}.{column}"
            if kind not in TYPES:
                yield f"{where}: type {kind}"
            if kind == "bytea" and where not in BARE_BYTES:
                yield f"{where}: bytes that are neither sealed nor on the list"
            if kind == "text" and where not in CLEAR_TEXT:
                yield f"{where}: text in the clear that is not on the list"
            if made_up:
                yield f"{where}: identity or generated"
            if column == "tenant_id" and statistics != 0:
                yield f"{where}: keeps statistics that answer to strangers"
        if _rows(
            c, "select from pg_attrdef where adrelid = %s and pg_get_expr(adbin, adrelid) ~* 'nextval|gate\\.'", oid
        ):
            yield f"{name}: a default takes a sequence or the ticket"


def keys(c: Connection) -> Iterator[str]:
    for oid, name in _tables(c):
        [(tenant,)] = _rows(
            c,
            "select coalesce((select attnum from pg_attribute where attrelid = %s and attname = 'tenant_id'), 0)",
            oid,
        )
        indexes = _rows(
            c,
            "select i.indexrelid::regclass::text, indisunique, indisprimary, indkey::int[], amname, indexprs is not null "
            "from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am a on a.oid = x.relam where indrelid = %s",
            oid,
        )
        for index, unique, primary, covered, method, computed in indexes:
            if unique and tenant not in covered:
                yield f"{name}: unique index {index} without tenant_id"
            if primary and covered[0] != tenant:
                yield f"{name}: the primary key does not start with tenant_id"
            if covered[0] != tenant or method != "btree" or computed:
                yield f"{name}: index {index} is not a btree of columns from tenant_id on"
        if not any(primary for _, _, primary, *_ in indexes):
            yield f"{name}: no primary key"
        for kind, constraint, own, other, other_tenant in _rows(
            c,
            "select contype, conname, conkey::int[], confkey::int[], coalesce((select attnum from pg_attribute "
            "where attrelid = confrelid and attname = 'tenant_id'), 0) from pg_constraint "
            "where conrelid = %s and contype in ('f', 'x')",
            oid,
        ):
            if kind == "x":
                yield f"{name}: exclusion constraint {constraint}"
            elif (tenant, other_tenant) not in zip(own, other, strict=True):
                yield f"{name}: foreign key {constraint} crosses tenants"


def views(c: Connection) -> Iterator[str]:
    for name, options, kind in _rows(
        c,
        f"select oid::regclass::text, coalesce(reloptions, '{{}}'), relkind from pg_class "
        f"where relkind in ('v', 'm') and relnamespace::regnamespace::text not in {SYSTEM}",
    ):
        if kind == "m":
            yield f"{name}: a materialized view keeps what no policy covers"
        elif "security_invoker=true" not in options:
            yield f"{name}: a view without security_invoker"


def functions(c: Connection) -> Iterator[str]:
    for name, owner, definer, settings, app_may, leakproof, language in _rows(
        c,
        f"""select p.oid::regprocedure::text, p.proowner::regrole::text, p.prosecdef,
              coalesce(p.proconfig, '{{}}'), has_function_privilege('{APP}', p.oid, 'execute')
                and has_schema_privilege('{APP}', n.oid, 'usage'),
              p.proleakproof, l.lanname
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
            where n.nspname not in {SYSTEM} order by 1""",
    ):
        if definer and name not in DEFINERS:
            yield f"{name}: SECURITY DEFINER and not on the list"
        elif definer and DEFINERS[name] != (owner, *settings):
            yield f"{name}: a definer function with another owner or without its pinned search_path"
        if app_may and name not in FOR_THE_APP:
            yield f"{name}: {APP} may call it"
        if leakproof:
            yield f"{name}: declared leakproof"
        if language not in {"sql", "plpgsql"}:
            yield f"{name}: written in {language}"
    for (name,) in _rows(c, "select evtname from pg_event_trigger"):
        yield f"{name}: an event trigger"


def app_role(c: Connection) -> Iterator[str]:
    for role in (*ROLES, *OWNERS.values()):
        if _rows(
            c,
            "select from pg_roles where rolname = %s and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb "
            "or rolreplication or (rolcanlogin and not rolname = any(%s)))",
            role,
            list(ROLES),
        ):
            yield f"{role}: is stronger than it may be"
        if _rows(c, "select from pg_auth_members where member = %s::regrole", role):
            yield f"{role}: is a member of another role"
    for who in (*ROLES, "public"):
        rights = ["CREATE", "TEMPORARY"] + (["CONNECT"] if who == "public" else [])
        for right in rights:
            if _rows(c, "select where has_database_privilege(%s, current_database(), %s)", who, right):
                yield f"{who}: has {right} on the database"
        for (schema,) in _rows(
            c,
            f"select nspname from pg_namespace where nspname not in {SYSTEM} and nspname !~ '^pg_' "
            "and has_schema_privilege(%s, oid, 'CREATE') order by 1",
            who,
        ):
            yield f"{who}: may create in schema {schema}"
    for schema in ("smalt", "gate", "public"):
        if _rows(c, "select where has_schema_privilege('public', %s, 'USAGE')", schema):
            yield f"public: may use schema {schema}"
    for role in ("smalt_worker", "smalt_checker"):
        if _rows(c, "select where has_schema_privilege(%s, 'smalt', 'USAGE')", role):
            yield f"{role}: may use schema smalt"


def app_rights(c: Connection) -> Iterator[str]:
    for oid, name in _tables(c):
        for right in ("TRUNCATE", "REFERENCES", "TRIGGER", *(["MAINTAIN"] if c.info.server_version >= 170000 else [])):
            if _rows(c, "select where has_table_privilege(%s, %s::oid, %s)", APP, oid, right):
                yield f"{name}: {APP} has {right}"
        if name in NEVER_DELETED and _rows(c, "select where has_table_privilege(%s, %s::oid, 'DELETE')", APP, oid):
            yield f"{name}: {APP} may delete"
        for (column,) in _rows(
            c,
            "select attname from pg_attribute where attrelid = %s and attnum > 0 and not attisdropped "
            "and has_column_privilege(%s, attrelid, attnum, 'UPDATE')",
            oid,
            APP,
        ):
            if NEVER_UPDATED.fullmatch(column):
                yield f"{name}.{column}: {APP} may update it"
        for (who,) in _rows(
            c,
            "select distinct grantee::regrole::text from pg_class, aclexplode(relacl) where pg_class.oid = %s "
            "and grantee <> relowner and grantee <> %s::regrole",
            oid,
            APP,
        ):
            yield f"{name}: granted to {who}"


def elsewhere(c: Connection) -> Iterator[str]:
    """Nothing outside the two schemas that the app could read or write, and no other way out of the database."""
    for (name,) in _rows(
        c,
        f"select oid::regclass::text from pg_class where relkind in ('r', 'p', 'v', 'm', 'f', 'S') "
        f"and relnamespace::regnamespace::text not in ('smalt', 'pg_catalog', 'information_schema', 'pg_toast') "
        f"and has_schema_privilege('{APP}', relnamespace, 'USAGE') "
        f"and case when relkind = 'S' then has_sequence_privilege('{APP}', oid, 'USAGE, SELECT, UPDATE') "
        f"else has_any_column_privilege('{APP}', oid, 'SELECT, INSERT, UPDATE, REFERENCES') end order by 1",
    ):
        if name not in READABLE_ELSEWHERE:
            yield f"{name}: {APP} can reach it"
    for (name,) in _rows(c, "select extname from pg_extension order by 1"):
        if name not in EXTENSIONS:
            yield f"{name}: an extension that is not on the list"
    for (name,) in _rows(c, "select srvname from pg_foreign_server union all select pubname from pg_publication"):
        yield f"{name}: a foreign server or publication"
    for (name,) in _rows(
        c,
        "select coalesce(defaclnamespace::regnamespace::text, '') || ' ' || defaclobjtype::text from pg_default_acl, "
        "aclexplode(defaclacl) where grantee = 0 or grantee = any(%s::regrole[])",
        list(ROLES),
    ):
        yield f"{name}: default privileges for everybody or for the app"


def gate_tables(c: Connection) -> Iterator[str]:
    for name, rls, owner, granted in _rows(
        c,
        "select oid::regclass::text, relrowsecurity, relowner::regrole::text, exists (select from aclexplode(relacl) "
        "where grantee <> relowner) or exists (select from pg_attribute where attrelid = pg_class.oid and attacl is not null)"
        " from pg_class where relnamespace = 'gate'::regnamespace and relkind in ('r', 'p')",
    ):
        if not rls or owner != OWNERS["gate"] or granted:
            yield f"{name}: the gate's table is open"


PARAMETER = re.compile(r"(?<!%)%\((\w+)\)s")


def unrouted(connection: Connection, text: str) -> list[str]:
    """The tenant tables that a statement touches without naming the tenant. Run by a role that no policy holds.

    A generic plan, so that only what the statement itself says counts, on PostgreSQL 15 too (no GENERIC_PLAN there).
    """
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    numbered = PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text).replace("%%", "%")
    with connection.transaction(force_rollback=True):
        connection.execute("set local plan_cache_mode = force_generic_plan")
        connection.execute(f"prepare asked as {numbered}".encode())
        values = f"({', '.join(['null'] * len(names))})" if names else ""
        row = connection.execute(f"explain (verbose, format json) execute asked{values}".encode()).fetchone()
        connection.execute("deallocate asked")
        assert row is not None
    touched = [found for plan in row[0] for found in _unrouted(plan["Plan"])]
    if "smalt." in text and "tenant_id" not in names:
        touched.append("(names no tenant_id)")
    return touched


def _unrouted(node: dict[str, Any]) -> Iterator[str]:
    if node.get("Schema") == "smalt" and node["Node Type"] != "ModifyTable":
        inner = [str(child.get("Index Cond", "")) for child in node.get("Plans", [])]
        said = " ".join([*(str(node.get(key, "")) for key in ("Index Cond", "Recheck Cond", "Filter")), *inner])
        if not re.search(r"tenant_id = |= (\w+\.)?tenant_id", said):
            yield node["Relation Name"]
    for child in node.get("Plans", []):
        yield from _unrouted(child)
