-- name: standing
-- May this tenant be visited, by this person, and with which key? One row, or none when there is no such tenant.
select t.state as tenant_state, p.state as person_state, p.role as person_role,
  (select max(k.key_no) from smalt.data_key k where k.tenant_id = %(tenant_id)s) as key_no
from smalt.tenant t
left join smalt.person p on p.tenant_id = t.tenant_id and p.id = %(person_id)s::uuid
where t.tenant_id = %(tenant_id)s;

-- name: data_keys
select key_no, kek_version, wrapped, retired_at is not null as retired
from smalt.data_key where tenant_id = %(tenant_id)s order by key_no;

-- name: add_data_key
-- Two processes may find no key at the same moment; the number decides which of them made it.
insert into smalt.data_key (tenant_id, key_no, kek_version, wrapped)
values (%(tenant_id)s, %(key_no)s, %(kek_version)s, %(wrapped)s)
on conflict (tenant_id, key_no) do nothing;

-- name: add_tenant
insert into smalt.tenant (tenant_id, name) values (%(tenant_id)s, %(name)s);

-- name: begin_entry
insert into smalt.audit_entry (tenant_id, id, actor_kind, actor_id, act, target, begun_at, salt)
values (%(tenant_id)s, %(id)s, %(actor_kind)s, %(actor_id)s, %(act)s, %(target)s, %(begun_at)s, %(salt)s);

-- name: conclude_entry
-- Begun and finished in one go, with its commitment: both, or neither.
with entry as (
  insert into smalt.audit_entry (tenant_id, id, actor_kind, actor_id, act, target, begun_at, finished_at, outcome, salt)
  values (%(tenant_id)s, %(id)s, %(actor_kind)s, %(actor_id)s, %(act)s, %(target)s, %(begun_at)s, %(finished_at)s,
    %(outcome)s, %(salt)s)
)
select gate.commit_entry(%(digest)s);

-- name: finish_entry
-- Only an open entry ends, and once.
update smalt.audit_entry set finished_at = %(finished_at)s, outcome = %(outcome)s
where tenant_id = %(tenant_id)s and id = %(id)s and finished_at is null
returning id, actor_kind, actor_id, act, target, begun_at, finished_at, outcome, salt;

-- name: abandon_entries
update smalt.audit_entry set finished_at = %(finished_at)s, outcome = %(outcome)s
where tenant_id = %(tenant_id)s and finished_at is null and begun_at < %(before)s
returning id, actor_kind, actor_id, act, target, begun_at, finished_at, outcome, salt;

-- name: commit_entries
-- The gate takes the tenant from the ticket.
select gate.commit_entry(d) from unnest(%(digests)s::bytea[]) d;

-- name: is_pending
select gate.is_pending(%(digest)s) as pending;

-- name: entry
select id, actor_kind, actor_id, act, target, begun_at, finished_at, outcome, salt
from smalt.audit_entry where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: find_credential
select tenant_id, id from gate.find(%(kind)s::smallint, %(digest)s);

-- name: put_credential
-- The gate takes the tenant from the ticket; a tenant_id handed in could only disagree with it.
select gate.put(%(kind)s::smallint, %(digest)s, %(id)s, %(expires_at)s) as stored;

-- name: drop_credential
select gate.drop(%(kind)s::smallint, %(digest)s);

-- name: drop_credentials_of
select gate.drop_of(%(kind)s::smallint, %(id)s);

-- name: sweep_credentials
select gate.sweep();
