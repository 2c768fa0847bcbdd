-- The gate: which tenant a transaction may see, and which tenant a credential belongs to.
--
-- The app hands in a signed ticket (set_config('smalt.ticket', $1, true)); every policy asks gate.tenant() whose it is.
-- A ticket is 120 hexadecimal digits:
--
--   tenant uuid, 16 bytes | expiry, int64 seconds big-endian | key id, int32 big-endian | HMAC-SHA256 of those 28 bytes
--
-- SQL that was injected into a session can set the parameter to anything, and it gains nothing: it has no key, it cannot
-- read gate.key, and the only ticket it can see is the one of its own tenant. Tickets travel as bound parameters, never
-- in the text of a query, because sessions of one role can read each other's texts in pg_stat_activity.
set role smalt_gate;
create schema gate;
reset role;

-- Execute rights are given one by one below; nothing in this schema is open to PUBLIC, now or later.
alter default privileges for role smalt_gate revoke execute on functions from public;

set role smalt_gate;

-- Ticket keys, as the two padded blocks of HMAC (RFC 2104), so that a check is two calls of the built-in sha256() and
-- needs no extension. Row-level security without a policy: even a mistaken grant would show no row.
create table gate.key (
  kid integer primary key,
  inner_pad bytea not null check (octet_length(inner_pad) = 64),
  outer_pad bytea not null check (octet_length(outer_pad) = 64),
  expires_at timestamptz not null
);
alter table gate.key enable row level security;

-- The tenant of this transaction's ticket. Raises 28000 when there is none, it is malformed, forged or has expired.
-- A ticket is judged at the moment the transaction began, so that no transaction loses its tenant half-way.
create function gate.tenant() returns uuid
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  ticket constant text := current_setting('smalt.ticket', true); -- unset and empty end in the same refusal below
  owner uuid;
begin
  -- Not '^[0-9a-f]{120}$': the counted repetition alone takes 40 µs, more than all the rest.
  if ticket is null or octet_length(ticket) <> 120 or ticket ~ '[^0-9a-f]' then
    raise exception 'no tenant ticket' using errcode = '28000';
  end if;
  -- One statement, because each expression of a function is prepared anew in every transaction. The comparison of bytea
  -- stops at the first difference; comparing keyed digests of both sides leaves nothing to learn from its time.
  select left(ticket, 32)::uuid into owner
  from gate.key k
  where k.kid = ('x' || substr(ticket, 49, 8))::bit(32)::integer
    and k.expires_at > now()
    and ('x' || substr(ticket, 33, 16))::bit(64)::bigint > extract(epoch from now())::bigint
    and sha256(k.outer_pad || decode(right(ticket, 64), 'hex'))
      = sha256(k.outer_pad || sha256(k.outer_pad || sha256(k.inner_pad || decode(left(ticket, 56), 'hex'))));
  if owner is null then
    raise exception 'forged or expired tenant ticket' using errcode = '28000';
  end if;
  return owner;
end $$;

-- Key rotation, for the installer (a member of smalt_owner) only; runs with the rights of the caller's chain.
-- Installing a number again replaces it, so that a process may install its key at every start.
create function gate.install_key(new_kid integer, new_key bytea, valid_until timestamptz) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  inner_block bytea := decode(repeat('36', 64), 'hex');
  outer_block bytea := decode(repeat('5c', 64), 'hex');
begin
  if octet_length(new_key) is distinct from 32 then
    raise exception 'a ticket key has 32 bytes' using errcode = '22023';
  end if;
  if valid_until is null or valid_until <= now() then
    raise exception 'a ticket key must expire, and not in the past' using errcode = '22023';
  end if;
  for i in 0..31 loop
    inner_block := set_byte(inner_block, i, get_byte(inner_block, i) # get_byte(new_key, i));
    outer_block := set_byte(outer_block, i, get_byte(outer_block, i) # get_byte(new_key, i));
  end loop;
  insert into gate.key (kid, inner_pad, outer_pad, expires_at)
  values (new_kid, inner_block, outer_block, valid_until)
  on conflict (kid) do update
  set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad, expires_at = excluded.expires_at;
  delete from gate.key k where k.expires_at <= now();
end $$;

-- Rotation is: install the next number, wait one ticket's life, retire the old number.
create function gate.retire_key(old_kid integer) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from gate.key k where k.kid = old_kid;
end;

-- Which keys are live, without the keys.
create function gate.live_keys() returns table (kid integer, expires_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select k.kid, k.expires_at from gate.key k where k.expires_at > now() order by k.kid;
end;

-- Who a credential belongs to, before any tenant is known. The digest is a keyed hash made outside the database, so a
-- stolen table tells neither secrets nor addresses. One digest may lead to several tenants (an e-mail address that
-- signs in to two of them): were it unique over all tenants, an insert could ask whether a stranger's address is known,
-- and one tenant could keep a person out of another.
--   kind: 1 session, 2 token, 3 invitation, 4 e-mail address for sign-in
create table gate.credential (
  kind smallint not null check (kind between 1 and 4),
  digest bytea not null check (octet_length(digest) = 32),
  tenant_id uuid not null,
  id uuid not null,
  expires_at timestamptz,
  primary key (kind, digest, tenant_id)
);
create index credential_by_owner on gate.credential (tenant_id, kind, id);
create index credential_by_expiry on gate.credential (expires_at) where expires_at is not null;
alter table gate.credential enable row level security;

-- Exact digest in, owner out. There is no way to list, to search by part, or to learn of another digest.
create function gate.find(of_kind smallint, exact_digest bytea) returns table (tenant_id uuid, id uuid)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select c.tenant_id, c.id from gate.credential c
    where c.kind = of_kind and c.digest = exact_digest and (c.expires_at is null or c.expires_at > now())
    order by c.tenant_id;
end $$;

-- Adds a credential of the ticket's tenant, or moves its expiry. False when the tenant has it already for another id.
create function gate.put(of_kind smallint, exact_digest bytea, of_id uuid, valid_until timestamptz) returns boolean
language sql volatile security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with put as (
    insert into gate.credential as c (kind, digest, tenant_id, id, expires_at)
    values (of_kind, exact_digest, gate.tenant(), of_id, valid_until)
    on conflict (kind, digest, tenant_id) do update
    set id = excluded.id, expires_at = excluded.expires_at
    where c.id = excluded.id or c.expires_at <= now()
    returning c.id
  )
  select count(*) = 1 from put;
end;

-- Ends one credential of the ticket's tenant: by its digest, or, where only the owner is known, by id.
create function gate.drop(of_kind smallint, exact_digest bytea) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from gate.credential c
  where c.kind = of_kind and c.digest = exact_digest and c.tenant_id = gate.tenant();
end;

create function gate.drop_of(of_kind smallint, of_id uuid) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from gate.credential c
  where c.tenant_id = gate.tenant() and c.kind = of_kind and c.id = of_id;
end;

-- Forgets what has expired, of all tenants; says nothing about it.
create function gate.sweep() returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from gate.credential c where c.expires_at <= now();
end;

-- Shuts one table of `smalt` behind the gate. The one place that knows the form of a policy: on a distributed engine
-- (Citus) the condition must be `tenant_id = gate.tenant()`, without the sub-select. Here the sub-select is better: it
-- makes the check an InitPlan, run once for a query, where the bare function may run once for a row (bench/isolation.py).
create function gate.isolate(closed regclass) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('alter table %s enable row level security', closed);
  execute format('alter table %s force row level security', closed);
  execute format(
    'create policy tenant_only on %s as permissive for all to public '
    'using (tenant_id = (select gate.tenant())) with check (tenant_id = (select gate.tenant()))', closed);
end $$;

revoke all on all functions in schema gate from public;
grant usage on schema gate to smalt_app, smalt_owner;
grant execute on function gate.tenant() to smalt_app, smalt_owner;
grant execute on function gate.find(smallint, bytea) to smalt_app;
grant execute on function gate.put(smallint, bytea, uuid, timestamptz) to smalt_app;
grant execute on function gate.drop(smallint, bytea) to smalt_app;
grant execute on function gate.drop_of(smallint, uuid) to smalt_app;
grant execute on function gate.sweep() to smalt_app;
grant execute on function gate.isolate(regclass) to smalt_owner;
grant execute on function gate.install_key(integer, bytea, timestamptz) to smalt_owner;
grant execute on function gate.retire_key(integer) to smalt_owner;
grant execute on function gate.live_keys() to smalt_owner;

reset role;
revoke create on schema gate from public;
