"""The queue's tables: procrastinate's own schema, in PostgreSQL schema ``jobs``, owned by a role that cannot log in.

The worker's role works the queue. The application's role can do one thing: call ``jobs.defer``, which takes ids and
nothing else, and only for the tenant of the transaction's ticket.
"""

from __future__ import annotations

from importlib import resources
from typing import LiteralString

import psycopg

_ROLE: LiteralString = """
do $$
begin
    begin
        create role smalt_jobs nologin nocreatedb nocreaterole noinherit;
    exception when duplicate_object or unique_violation then null;  -- another database of this server has it
    end;
    if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
        execute format('grant smalt_jobs to %I', current_user);
    end if;
    execute format('grant create on database %I to smalt_jobs', current_database());
end $$;
create schema if not exists jobs authorization smalt_jobs;
set local role smalt_gate;
grant usage on schema gate to smalt_jobs;
grant execute on function gate.tenant() to smalt_jobs;
reset role;
"""

# One row of jsonb per job, whose values are ids ("doc_…") or whole numbers: no content can be queued.
_DEFER: LiteralString = """
create or replace function jobs.defer(task text, queue text, lock text, ids jsonb) returns bigint
language plpgsql volatile security definer
set search_path = jobs, pg_catalog, pg_temp
as $$
declare
    value jsonb;
begin
    if ids ->> 'tenant' is distinct from 'ten_' || gate.tenant()::text then
        raise exception 'a job belongs to the tenant of the ticket' using errcode = '28000';
    end if;
    for value in select v.value from jsonb_each(ids) v loop
        if not (jsonb_typeof(value) = 'number' and value::text ~ '^[0-9]{1,18}$')
           and not (jsonb_typeof(value) = 'string'
                    and value #>> '{}' ~ '^[a-z]{3}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') then
            raise exception 'a job carries ids' using errcode = '22023';
        end if;
    end loop;
    return (procrastinate_defer_jobs_v1(
        array[row(queue, task, 0, lock, null, ids, null)::procrastinate_job_to_defer_v1]))[1];
end $$;
"""

_GRANTS: LiteralString = """
revoke all on all tables in schema jobs from public, smalt_app;
revoke all on all functions in schema jobs from public, smalt_app;
grant usage on schema jobs to smalt_app, smalt_worker;
grant select, insert, update, delete on all tables in schema jobs to smalt_worker;
grant usage on all sequences in schema jobs to smalt_worker;
grant execute on all functions in schema jobs to smalt_worker;
revoke execute on function jobs.defer(text, text, text, jsonb) from smalt_worker;
grant execute on function jobs.defer(text, text, text, jsonb) to smalt_app;
"""


def install(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Bring ``jobs`` to the schema of the procrastinate that is installed. Within the caller's transaction."""
    connection.execute(_ROLE)
    folder = resources.files("procrastinate.sql")
    steps = sorted(f.name for f in folder.joinpath("migrations").iterdir() if f.name.endswith(".sql"))
    done = {name for (name,) in connection.execute("select name from installed.queue_step").fetchall()}
    connection.execute("set local role smalt_jobs")
    connection.execute("set local search_path = jobs, pg_catalog")
    if not done:
        connection.execute(folder.joinpath("schema.sql").read_bytes())
    else:
        for name in steps:
            if name not in done:
                connection.execute(folder.joinpath("migrations", name).read_bytes())
    connection.execute(_DEFER)
    connection.execute(_GRANTS)
    connection.execute("reset role")
    connection.execute("reset search_path")
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into installed.queue_step (name) values (%s)", [(n,) for n in steps if n not in done]
        )
