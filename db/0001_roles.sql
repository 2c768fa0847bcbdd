-- Who may touch the database. Run as a superuser, or, on managed PostgreSQL, as the database's owner with CREATEROLE.
--
--   smalt_owner   NOLOGIN  owns the schema `smalt`; row-level security is forced on it too
--   smalt_gate    NOLOGIN  owns the schema `gate`: ticket keys, the credential directory, the definer functions
--   smalt_app     LOGIN    what web and worker processes are: member of nothing, owner of nothing
--   smalt_worker  LOGIN    the job queue and nothing else; it has no right on any table of a tenant
--
-- Roles belong to the whole server, so they may be there already (a second database, a restore). Then they are taken
-- only when they are as weak as the ones made here. No role gets a password: the operator or peer authentication
-- decides how one signs in.
do $$
declare
  wanted constant text[] := array['smalt_owner', 'smalt_gate', 'smalt_app', 'smalt_worker'];
  role_name text;
  found pg_catalog.pg_roles;
begin
  foreach role_name in array wanted loop
    select * into found from pg_catalog.pg_roles where rolname = role_name;
    if not found.rolname is null then
      if found.rolsuper or found.rolbypassrls or found.rolcreaterole or found.rolcreatedb or found.rolreplication
        or (found.rolcanlogin and role_name in ('smalt_owner', 'smalt_gate'))
        or exists (select from pg_catalog.pg_auth_members m where m.member = found.oid)
      then
        raise exception 'role % exists and is stronger than Smalt allows', role_name using errcode = '42501';
      end if;
    else
      begin
        execute format('create role %I %s nocreatedb nocreaterole noinherit', role_name,
          case when role_name in ('smalt_owner', 'smalt_gate') then 'nologin' else 'login' end);
      exception when duplicate_object or unique_violation then
        null; -- a second installation on the same server was faster; it ran this very file
      end;
    end if;
  end loop;

  -- A superuser acts as anyone. Anybody else must be a member of the two owners to create what they own.
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    execute format('grant smalt_owner, smalt_gate to %I', current_user);
  end if;

  -- Smalt has a database of its own: nobody else connects, nobody makes temporary tables, nobody uses `public`.
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to smalt_app, smalt_worker', current_database());
  execute format('grant create on database %I to smalt_owner, smalt_gate', current_database());
  revoke all on schema public from public;
end $$;

-- A transaction of the app never waits for people: no model thinks and no upload streams inside one.
alter role smalt_app set idle_in_transaction_session_timeout = '60s';
alter role smalt_app set lock_timeout = '10s';
alter role smalt_app set statement_timeout = '60s';

-- Large objects are a store that no policy covers. Only a superuser can close it; where that is not given, the honest
-- limit is written in docs/security/tenancy.md: they hold nothing of Smalt's, but two colluding sessions could meet there.
do $$
declare f regprocedure;
begin
  if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    for f in
      select p.oid from pg_catalog.pg_proc p
      where p.pronamespace = 'pg_catalog'::regnamespace
        and p.proname in ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_put', 'lo_open', 'lowrite', 'lo_import')
    loop
      execute format('revoke execute on function %s from public', f);
    end loop;
  end if;
end $$;
