"""Rights and policies as the live database has them, pinned: a change there is a review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

PINNED = Path(__file__).resolve().parents[2] / "pinned" / "grants.txt"

# Of every object outside the system's schemas: who but its owner may do what. Functions without an ACL are open to all.
GRANTS = """
with acl as (
  select 'schema ' || nspname as object, nspowner as owner, coalesce(nspacl, acldefault('n', nspowner)) as acl
  from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
  union all
  select (case relkind when 'S' then 'sequence ' when 'v' then 'view ' else 'table ' end) || oid::regclass::text, relowner,
    coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))
  from pg_class where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
  union all
  select 'column ' || attrelid::regclass::text || '.' || attname, relowner, attacl
  from pg_attribute join pg_class on pg_class.oid = attrelid
  where attacl is not null and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
  union all
  select 'function ' || oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
  from pg_proc where pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
  union all
  select 'database', datdba, coalesce(datacl, acldefault('d', datdba)) from pg_database where datname = current_database()
)
select object, case grantee when 0 then 'public' else grantee::regrole::text end as who,
  string_agg(lower(privilege_type), ', ' order by privilege_type) as rights
from acl, aclexplode(acl) where grantee <> owner group by 1, 2 order by 1, 2
"""

POLICIES = """
select polrelid::regclass::text, polname, polcmd::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
from pg_policy order by 1, 2
"""


def as_lines(admin: Any) -> str:
    lines = [
        "# Who may do what in the database, and the policies. Written by tests/integration/tenancy/test_grants.py."
    ]
    for what, who, rights in admin.execute(GRANTS.encode()):
        if who == "smalt_worker" and " jobs." in what:
            continue  # the worker's rights on the queue: procrastinate's names, which change with its releases
        lines.append(f"{what}: {who}: {rights}")
    lines.append("")
    for table, policy, command, using, check in admin.execute(POLICIES.encode()):
        lines.append(f"policy {policy} on {table} ({command}): using {using} check {check}")
    return "\n".join(lines) + "\n"


def test_the_rights_are_those_that_were_reviewed(migrated: Any, pin: Any) -> None:
    with psycopg.connect(migrated.admin) as admin:
        pin(PINNED, as_lines(admin))
