-- The lock on every table, and the least that the app needs to do its work. tests/pinned/grants.txt is what this comes
-- to in a live database; a change there is a change of security and is reviewed as one.
set role smalt_owner;

select gate.isolate('smalt.tenant');
select gate.isolate('smalt.data_key');
select gate.isolate('smalt.person');
select gate.isolate('smalt.session');
select gate.isolate('smalt.api_token');
select gate.isolate('smalt.invitation');
select gate.isolate('smalt.document');
select gate.isolate('smalt.conversation');
select gate.isolate('smalt.turn');
select gate.isolate('smalt.usage_entry');
select gate.isolate('smalt.audit_entry');
select gate.isolate('smalt.idempotency');

-- Nobody may change a tenant_id, an id, or when and by whom something was made: updates are granted by column.
grant usage on schema smalt to smalt_app;

grant select, insert, update (name, state) on smalt.tenant to smalt_app;
grant select, insert, update (kek_version, wrapped, retired_at) on smalt.data_key to smalt_app;

grant select, insert, update (name, email, password, role, state), delete on smalt.person to smalt_app;
grant select, insert, update (seen_at, expires_at, revoked_at), delete on smalt.session to smalt_app;
grant select, insert, update (name, scopes, last_used_at, revoked_at), delete on smalt.api_token to smalt_app;
grant select, insert, update (used_at), delete on smalt.invitation to smalt_app;

grant select, insert, update (name, kind, size_bytes, state, pages, progress, failure, ready_at), delete
  on smalt.document to smalt_app;
grant select, insert, update (title, updated_at), delete on smalt.conversation to smalt_app;
grant select, insert, delete,
  update (answer, scope, state, engine, input_chars, output_chars, first_token_ms, total_ms, finished_at)
  on smalt.turn to smalt_app;

-- The books: usage is only added to; of an audit entry only the ending can be written, and none can be removed.
grant select, insert on smalt.usage_entry to smalt_app;
grant select, insert, update (finished_at, outcome) on smalt.audit_entry to smalt_app;

grant select, insert, update (status, response), delete on smalt.idempotency to smalt_app;

-- The planner's estimates answer to anyone who may EXPLAIN, and with statistics on tenant_id they would tell how many
-- rows another tenant has. Every look-up names its tenant and an indexed column, so the plans do not need them.
do $$
declare closed regclass;
begin
  for closed in
    select a.attrelid from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'smalt'::regnamespace and c.relkind = 'r' and a.attname = 'tenant_id'
  loop
    execute format('alter table %s alter column tenant_id set statistics 0', closed);
  end loop;
end $$;
reset role;
