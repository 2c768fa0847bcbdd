-- name: session_bearer
-- Who a session belongs to, if it is still good. Its idle limit is judged by the caller's clock.
select s.person_id, s.seen_at, s.expires_at, s.factor, p.role
from smalt.session s
join smalt.person p on p.tenant_id = s.tenant_id and p.id = s.person_id
join smalt.tenant t on t.tenant_id = s.tenant_id
where s.tenant_id = %(tenant_id)s and s.id = %(id)s and s.revoked_at is null and s.expires_at > %(now)s
  and p.state = 1 and t.state = 1;

-- name: see_session
update smalt.session set seen_at = %(now)s
where tenant_id = %(tenant_id)s and id = %(id)s and seen_at < %(now)s;

-- name: add_session
insert into smalt.session (tenant_id, id, person_id, created_at, seen_at, expires_at, agent, factor)
values (%(tenant_id)s, %(id)s, %(person_id)s, %(now)s, %(now)s, %(expires_at)s, %(agent)s, %(factor)s);

-- name: end_session
update smalt.session set revoked_at = %(now)s
where tenant_id = %(tenant_id)s and id = %(id)s and person_id = %(person_id)s and revoked_at is null;

-- name: sessions_of
select id, agent, created_at, seen_at, expires_at from smalt.session
where tenant_id = %(tenant_id)s and person_id = %(person_id)s and revoked_at is null and expires_at > %(now)s
  and seen_at > %(idle_since)s and factor <> 1
order by created_at desc limit 200;

-- name: token_bearer
select k.person_id, k.scopes, k.last_used_at, p.role
from smalt.api_token k
join smalt.person p on p.tenant_id = k.tenant_id and p.id = k.person_id
join smalt.tenant t on t.tenant_id = k.tenant_id
where k.tenant_id = %(tenant_id)s and k.id = %(id)s and k.revoked_at is null
  and (k.expires_at is null or k.expires_at > %(now)s) and p.state = 1 and t.state = 1;

-- name: use_token
update smalt.api_token set last_used_at = %(at)s
where tenant_id = %(tenant_id)s and id = %(id)s and (last_used_at is null or last_used_at < %(at)s);

-- name: add_token
insert into smalt.api_token (tenant_id, id, person_id, name, scopes, created_at, expires_at)
values (%(tenant_id)s, %(id)s, %(person_id)s, %(name)s, %(scopes)s, %(now)s, %(expires_at)s);

-- name: tokens_of
select id, name, scopes, created_at, expires_at, last_used_at from smalt.api_token
where tenant_id = %(tenant_id)s and person_id = %(person_id)s and revoked_at is null
order by created_at desc, id desc limit 200;

-- name: revoke_token
update smalt.api_token set revoked_at = %(now)s
where tenant_id = %(tenant_id)s and id = %(id)s and person_id = %(person_id)s and revoked_at is null;

-- name: add_person
insert into smalt.person (tenant_id, id, name, email, role, state, created_at)
values (%(tenant_id)s, %(id)s, %(name)s, %(email)s, %(role)s, %(state)s, %(now)s);

-- name: find_person
select id, name, email, password, role, state from smalt.person
where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: first_owner
-- Owners of this tenant who have no password yet, oldest first: a lost first link is made anew for the same person.
select id from smalt.person
where tenant_id = %(tenant_id)s and role = 1 and state in (1, 2) and password is null order by created_at, id limit 1;

-- name: active_owner
select id, role from smalt.person
where tenant_id = %(tenant_id)s and role = 1 and state = 1 order by created_at, id limit 1;

-- name: people_of
-- Everybody who is here or was invited, oldest first. Who was removed is not listed.
select id, name, email, role, state, created_at from smalt.person
where tenant_id = %(tenant_id)s and state in (1, 2) and id > %(after)s
order by id limit %(limit)s;

-- name: owners
-- Locked in one order, so that of two owners who remove each other one sees what the other did.
select id from smalt.person
where tenant_id = %(tenant_id)s and role = 1 and state = 1 order by id for update;

-- name: set_role
update smalt.person set role = %(role)s where tenant_id = %(tenant_id)s and id = %(id)s and state in (1, 2);

-- name: remove_person
update smalt.person set state = 3, password = null where tenant_id = %(tenant_id)s and id = %(id)s and state in (1, 2);

-- name: end_sessions
update smalt.session set revoked_at = %(now)s
where tenant_id = %(tenant_id)s and person_id = %(id)s and revoked_at is null
returning id;

-- name: end_tokens
update smalt.api_token set revoked_at = %(now)s
where tenant_id = %(tenant_id)s and person_id = %(id)s and revoked_at is null
returning id;

-- name: settle_person
update smalt.person set name = %(name)s, email = %(email)s, password = %(password)s, state = 1
where tenant_id = %(tenant_id)s and id = %(id)s and state in (1, 2);

-- name: rename_person
update smalt.person set name = %(name)s where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: change_password
update smalt.person set password = %(password)s where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: tenant_name
select name from smalt.tenant where tenant_id = %(tenant_id)s;

-- name: add_invitation
insert into smalt.invitation (tenant_id, id, person_id, expires_at)
values (%(tenant_id)s, %(id)s, %(person_id)s, %(expires_at)s);

-- name: find_invitation
select i.person_id, i.expires_at, p.role, p.name, p.email
from smalt.invitation i
join smalt.person p on p.tenant_id = i.tenant_id and p.id = i.person_id
where i.tenant_id = %(tenant_id)s and i.id = %(id)s and i.used_at is null and i.expires_at > %(now)s;

-- name: use_invitation
-- Of two that come at once one waits for the other's row and then finds it used.
update smalt.invitation set used_at = %(now)s
where tenant_id = %(tenant_id)s and id = %(id)s and used_at is null and expires_at > %(now)s
returning person_id;

-- name: end_invitations
update smalt.invitation set used_at = %(now)s
where tenant_id = %(tenant_id)s and person_id = %(person_id)s and used_at is null
returning id;

-- name: put_credential
-- The gate takes the tenant from the ticket.
select gate.put(%(kind)s::smallint, %(digest)s, %(id)s, %(valid_until)s) as stored;

-- name: factor_of
select id, kind, secret, last_step, created_at, confirmed_at from smalt.factor
where tenant_id = %(tenant_id)s and person_id = %(person_id)s and kind = %(kind)s;

-- name: add_factor
insert into smalt.factor (tenant_id, id, person_id, kind, secret, created_at)
values (%(tenant_id)s, %(id)s, %(person_id)s, %(kind)s, %(secret)s, %(now)s);

-- name: drop_factor
delete from smalt.factor where tenant_id = %(tenant_id)s and person_id = %(person_id)s and kind = %(kind)s;

-- name: confirm_factor
update smalt.factor set confirmed_at = %(now)s, last_step = %(step)s
where tenant_id = %(tenant_id)s and id = %(id)s and confirmed_at is null;

-- name: use_step
-- Of two requests with one code the second waits for the first's row and then finds the step used.
update smalt.factor set last_step = %(step)s
where tenant_id = %(tenant_id)s and id = %(id)s and confirmed_at is not null and last_step < %(step)s
returning id;

-- name: add_recovery_code
insert into smalt.recovery_code (tenant_id, person_id, digest) values (%(tenant_id)s, %(person_id)s, %(digest)s);

-- name: use_recovery_code
delete from smalt.recovery_code
where tenant_id = %(tenant_id)s and person_id = %(person_id)s and digest = %(digest)s
returning digest;

-- name: drop_recovery_codes
delete from smalt.recovery_code where tenant_id = %(tenant_id)s and person_id = %(person_id)s;

-- name: recovery_codes_left
select count(*) as left_over from smalt.recovery_code where tenant_id = %(tenant_id)s and person_id = %(person_id)s;
