-- name: claim_key
-- The first request with this key gets the row; a second one waits here until the first commits or rolls back.
insert into smalt.idempotency (tenant_id, key, id, act, request, created_at)
values (%(tenant_id)s, %(key)s, %(id)s, %(act)s, %(request)s, %(at)s)
on conflict (tenant_id, key) do nothing
returning id;

-- name: find_key
select id, act, request, status, response, created_at from smalt.idempotency
where tenant_id = %(tenant_id)s and key = %(key)s;

-- name: keep_response
update smalt.idempotency set status = %(status)s, response = %(response)s
where tenant_id = %(tenant_id)s and key = %(key)s and status is null;

-- name: release_key
delete from smalt.idempotency where tenant_id = %(tenant_id)s and key = %(key)s and status is null;

-- name: forget_keys
delete from smalt.idempotency
where tenant_id = %(tenant_id)s and (created_at < %(before)s or (status is null and created_at < %(cut_off)s));

-- name: release_cut_off
delete from smalt.idempotency where tenant_id = %(tenant_id)s and status is null and created_at < %(before)s;
