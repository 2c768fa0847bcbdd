-- Tenants, their data keys and their people.
--
-- Rules of every table in `smalt` (tests/integration/tenancy/test_schema.py holds them): the primary key starts with
-- tenant_id; every unique and foreign key contains it; no sequences; only uuid, bytea, text, smallint, integer, bigint
-- and timestamptz (their comparisons are leakproof, so indexes work under row-level security); no triggers; and bytea
-- is either `smalt.sealed` or on the short list of keys and digests.
set role smalt_owner;
create schema smalt;

-- Content and personal data. The row envelope of docs/security/envelope.md: version 1, key number, salt, commitment,
-- ciphertext and tag, 85 bytes more than the plaintext. Bytes that are not an envelope are refused, so plaintext that a
-- programming mistake sends here does not get in.
create domain smalt.sealed as bytea
  constraint is_envelope check (octet_length(value) >= 85 and get_byte(value, 0) = 1);

-- state: 1 active, 2 suspended, 3 terminated
create table smalt.tenant (
  tenant_id uuid primary key,
  name smalt.sealed not null,
  state smallint not null default 1 check (state between 1 and 3),
  created_at timestamptz not null default now()
);

-- Data keys, wrapped under a version of the tenant's key-encryption key, which never enters the database.
create table smalt.data_key (
  tenant_id uuid not null references smalt.tenant,
  key_no integer not null check (key_no > 0),
  kek_version integer not null,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (tenant_id, key_no)
);

-- role: smalt/tenancy/actor.py Role. state: 1 active, 2 invited, 3 removed
create table smalt.person (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  name smalt.sealed not null,
  email smalt.sealed not null,
  password smalt.sealed,
  role smallint not null,
  state smallint not null check (state between 1 and 3),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);

create table smalt.session (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  person_id uuid not null,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  agent smalt.sealed,
  primary key (tenant_id, id),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id) on delete cascade
);
create index session_of_person on smalt.session (tenant_id, person_id);

-- scopes: names of acts or groups of acts, separated by spaces
create table smalt.api_token (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  person_id uuid not null,
  name smalt.sealed not null,
  scopes text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id) on delete cascade
);
create index api_token_of_person on smalt.api_token (tenant_id, person_id);

create table smalt.invitation (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  person_id uuid not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id) on delete cascade
);
create index invitation_of_person on smalt.invitation (tenant_id, person_id);
reset role;
