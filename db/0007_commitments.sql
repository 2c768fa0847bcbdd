-- What the transparency log takes from tenants: commitments to their audit entries, and the keys of their witnesses.
--
-- A finished audit entry is committed to by SHA-256 over the entry and a salt of its own (smalt/tenancy/commitment.py).
-- The digest goes into an outbox, in the transaction that writes the entry; the keeper of the log takes what waits there,
-- states one root over it, and removes it. It learns neither whose a digest is nor what it is about: without the salt,
-- which stands in the tenant's row, a digest answers no guess.
--
--   smalt_checker LOGIN  the keeper of the log: takes digests out of the outbox, and has no right on any table
do $$
declare
  found pg_catalog.pg_roles;
begin
  select * into found from pg_catalog.pg_roles where rolname = 'smalt_checker';
  if not found.rolname is null then
    if found.rolsuper or found.rolbypassrls or found.rolcreaterole or found.rolcreatedb or found.rolreplication
      or exists (select from pg_catalog.pg_auth_members m where m.member = found.oid)
    then
      raise exception 'role smalt_checker exists and is stronger than Smalt allows' using errcode = '42501';
    end if;
  else
    begin
      create role smalt_checker login nocreatedb nocreaterole noinherit;
    exception when duplicate_object or unique_violation then
      null; -- a second installation on the same server was faster; it ran this very file
    end;
  end if;
  execute format('grant connect on database %I to smalt_checker', current_database());
end $$;

set role smalt_gate;

-- Digests that wait for the log. Whose they are is not kept. Row-level security without a policy, as on gate.key.
create table gate.commitment (
  digest bytea primary key check (octet_length(digest) = 32),
  at timestamptz not null default now()
);
alter table gate.commitment enable row level security;

-- Lets a digest wait. Only within a tenant's transaction, so that nobody without a ticket fills the outbox.
create function gate.commit_entry(exact_digest bytea) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
begin atomic
  insert into gate.commitment (digest)
  select exact_digest where gate.tenant() is not null
  on conflict (digest) do nothing;
end;

-- Whether this very digest waits. Who asks has the salt already.
create function gate.is_pending(exact_digest bytea) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (select from gate.commitment c where c.digest = exact_digest);
end;

-- For the keeper: what waits, and, once it stands in the log, its end. CRASH POINT between the two: it waits on, and
-- stands in the next batch as well, which proves the same.
create function gate.pending(most integer) returns table (digest bytea)
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select c.digest from gate.commitment c order by c.at, c.digest limit most;
end;

create function gate.settle(logged bytea[]) returns bigint
language sql volatile security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (delete from gate.commitment c where c.digest = any (logged) returning c.digest)
  select count(*) from ended;
end;

-- A fifth kind in the directory: the key of a witness, by name and id as a signature line names it.
alter table gate.credential drop constraint credential_kind_check;
alter table gate.credential add constraint credential_kind_check check (kind between 1 and 5);

revoke all on all functions in schema gate from public;
grant usage on schema gate to smalt_checker;
grant execute on function gate.commit_entry(bytea) to smalt_app;
grant execute on function gate.is_pending(bytea) to smalt_app;
grant execute on function gate.pending(integer) to smalt_checker;
grant execute on function gate.settle(bytea[]) to smalt_checker;
reset role;

set role smalt_owner;

-- Null where the entry is older than commitments.
alter table smalt.audit_entry add column salt bytea check (octet_length(salt) = 32);

-- Public keys (Ed25519) of a tenant's witnesses, who cosign what the log states. seen: the newest that each one signed.
create table smalt.witness (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  name smalt.sealed not null,
  key bytea not null check (octet_length(key) = 32),
  created_at timestamptz not null default now(),
  seen_at timestamptz,
  seen_size bigint,
  primary key (tenant_id, id)
);
select gate.isolate('smalt.witness');
alter table smalt.witness alter column tenant_id set statistics 0;
grant select, insert, update (seen_at, seen_size), delete on smalt.witness to smalt_app;
reset role;
