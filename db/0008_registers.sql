-- The Trust Center's own books: who wants to hear of changes of the register of sub-processors, who objects to one, and
-- the documents that are given out under an agreement of confidentiality. The rules at the head of 0003 hold here too.
--
-- The gated documents and their visitors belong to a tenant of the installation's own (smalt/trust/own_tenant.py), so that row
-- security, keys and the audit log hold for them as for anybody's.
set role smalt_owner;

-- told: the newest entry of the transparency log that this person was told of.
create table smalt.register_subscription (
  tenant_id uuid not null references smalt.tenant,
  person_id uuid not null,
  told bigint not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, person_id),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id) on delete cascade
);

-- vendor: its short name in the public register. entry: the entry of the log that announced what is objected to.
create table smalt.register_objection (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  vendor text not null check (vendor ~ '^[a-z0-9-]{3,40}$'),
  entry bigint not null,
  person_id uuid not null,
  reason smalt.sealed not null,
  created_at timestamptz not null default now(),
  withdrawn_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, person_id) references smalt.person (tenant_id, id)
);
create index register_objection_by_time on smalt.register_objection (tenant_id, created_at);

-- days: how long a grant lasts. approval: 1 when an operator must agree to each grant, 0 when asking is enough.
create table smalt.gated_document (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  title smalt.sealed not null,
  name smalt.sealed not null,
  body smalt.sealed not null,
  size_bytes bigint not null check (size_bytes >= 0),
  days smallint not null check (days between 1 and 366),
  approval smallint not null check (approval between 0 and 1),
  created_at timestamptz not null default now(),
  removed_at timestamptz,
  primary key (tenant_id, id)
);

-- visitor: name, address and company, and the digest of the agreement that was accepted. link: keyed digest of the secret
-- in the visitor's link. state: smalt/trust/grants.py
create table smalt.gated_grant (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  document_id uuid not null,
  visitor smalt.sealed not null,
  link bytea not null check (octet_length(link) = 32),
  state smallint not null check (state between 1 and 3),
  asked_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, link),
  foreign key (tenant_id, document_id) references smalt.gated_document (tenant_id, id)
);
create index gated_grant_by_time on smalt.gated_grant (tenant_id, asked_at);

create table smalt.gated_download (
  tenant_id uuid not null references smalt.tenant,
  id uuid not null,
  grant_id uuid not null,
  at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, grant_id) references smalt.gated_grant (tenant_id, id) on delete cascade
);
create index gated_download_of_grant on smalt.gated_download (tenant_id, grant_id);

select gate.isolate('smalt.register_subscription');
select gate.isolate('smalt.register_objection');
select gate.isolate('smalt.gated_document');
select gate.isolate('smalt.gated_grant');
select gate.isolate('smalt.gated_download');

grant select, insert, update (told), delete on smalt.register_subscription to smalt_app;
grant select, insert, update (withdrawn_at) on smalt.register_objection to smalt_app;
grant select, insert, update (removed_at, body), delete on smalt.gated_document to smalt_app;
grant select, insert, update (state, link, expires_at, ended_at), delete on smalt.gated_grant to smalt_app;
grant select, insert, delete on smalt.gated_download to smalt_app;

alter table smalt.register_subscription alter column tenant_id set statistics 0;
alter table smalt.register_objection alter column tenant_id set statistics 0;
alter table smalt.gated_document alter column tenant_id set statistics 0;
alter table smalt.gated_grant alter column tenant_id set statistics 0;
alter table smalt.gated_download alter column tenant_id set statistics 0;
reset role;
