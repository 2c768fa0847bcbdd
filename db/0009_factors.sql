-- Second factors. The rules at the head of 0003 hold here too.
set role smalt_owner;

-- kind: smalt/people/factor.py. last_step: the newest step of a one-time code that was used; none counts twice.
-- A factor without confirmed_at is being set up and protects nothing yet.
create table smalt.factor (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  person_id uuid not null,
  kind smallint not null,
  secret smalt.sealed not null,
  last_step bigint not null default 0,
  created_at timestamptz not null,
  confirmed_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, person_id, kind),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id) on delete cascade
);

-- Codes on paper, each for one time when the other factor is lost. Keyed digests.
create table smalt.recovery_code (
  tenant_id uuid not null references smalt.tenant,
  person_id uuid not null,
  digest bytea not null check (octet_length(digest) = 32),
  primary key (tenant_id, person_id, digest),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id) on delete cascade
);

-- factor: 0 none was needed, 1 awaited (the session opens nothing but the page that asks for it), 2 given
alter table smalt.session add column factor smallint not null default 0 check (factor between 0 and 2);

select gate.isolate('smalt.factor');
select gate.isolate('smalt.recovery_code');
alter table smalt.factor alter column tenant_id set statistics 0;
alter table smalt.recovery_code alter column tenant_id set statistics 0;
grant select, insert, update (last_step, confirmed_at), delete on smalt.factor to smalt_app;
grant select, insert, delete on smalt.recovery_code to smalt_app;
reset role;
