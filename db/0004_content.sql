-- What tenants keep: documents, conversations, and the books about both. The rules at the head of 0003 hold here too.
set role smalt_owner;

-- kind, state: smalt/library/document.py. progress: per cent. failure: the code of a Failure, never its circumstances.
create table smalt.document (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  person_id uuid not null,
  name smalt.sealed not null,
  kind smallint not null,
  size_bytes bigint not null check (size_bytes >= 0),
  state smallint not null,
  pages integer,
  progress smallint not null default 0 check (progress between 0 and 100),
  failure text check (failure ~ '^[a-z0-9_.:-]{1,64}$'),
  created_at timestamptz not null default now(),
  ready_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id)
);

create table smalt.conversation (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  person_id uuid not null,
  title smalt.sealed not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id)
);
create index conversation_recent on smalt.conversation (tenant_id, person_id, updated_at desc, id desc);

-- state, engine: smalt/chat. scope: the ids of the documents asked about, sealed; null means all of them.
create table smalt.turn (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  conversation_id uuid not null,
  person_id uuid not null,
  question smalt.sealed not null,
  answer smalt.sealed,
  scope smalt.sealed,
  state smallint not null,
  engine smallint,
  input_chars integer,
  output_chars integer,
  first_token_ms integer,
  total_ms integer,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, conversation_id) references smalt.conversation (tenant_id, id) on delete cascade,
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id)
);
create index turn_of_conversation on smalt.turn (tenant_id, conversation_id, id);

-- Usage outlives the turn it was for: a bill does not shrink when a conversation is deleted. kind: smalt/library/metering.py;
-- outcome: the turn's state. Counts and times only.
create table smalt.usage_entry (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  turn_id uuid,
  kind smallint not null,
  engine smallint,
  input_chars bigint not null default 0,
  output_chars bigint not null default 0,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  outcome smallint,
  figures integer not null default 0,
  traced integer not null default 0,
  pages integer not null default 0,
  elapsed_ms integer,
  at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, turn_id) references smalt.turn (tenant_id, id) on delete set null (turn_id)
);
create index usage_by_time on smalt.usage_entry (tenant_id, at);
create index usage_of_turn on smalt.usage_entry (tenant_id, turn_id);

-- Who did what to what, and how it ended. act and target are the product's own words and prefixed ids, never content.
-- actor_kind, outcome: smalt/tenancy. An entry without finished_at is under way, or was cut off by a crash.
create table smalt.audit_entry (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  actor_kind smallint not null,
  actor_id uuid,
  act text not null check (act ~ '^[a-z_.]{1,64}$'),
  target text check (target ~ '^[a-z]{2,8}_[0-9a-f-]{36}$'),
  begun_at timestamptz not null default now(),
  finished_at timestamptz,
  outcome smallint,
  primary key (tenant_id, id),
  check ((finished_at is null) = (outcome is null))
);
create index audit_by_time on smalt.audit_entry (tenant_id, begun_at);
create index audit_open on smalt.audit_entry (tenant_id, begun_at) where finished_at is null;

-- An Idempotency-Key that was seen: key and request are keyed digests. response (and status) are null while the first
-- request is still being served; `id` is the row's part in the place of the sealed response.
create table smalt.idempotency (
  tenant_id uuid not null references smalt.tenant,
  key bytea not null check (octet_length(key) = 32),
  id uuid not null,
  act text not null,
  request bytea check (octet_length(request) = 32),
  status smallint,
  response smalt.sealed,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key)
);
create index idempotency_by_time on smalt.idempotency (tenant_id, created_at);
reset role;
