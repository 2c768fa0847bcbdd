-- name: witnesses
select id, name, key, created_at, seen_at, seen_size from smalt.witness
where tenant_id = %(tenant_id)s order by created_at, id;

-- name: witness
select id, name, key, created_at, seen_at, seen_size from smalt.witness
where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: add_witness
insert into smalt.witness (tenant_id, id, name, key) values (%(tenant_id)s, %(id)s, %(name)s, %(key)s);

-- name: see_witness
update smalt.witness set seen_at = %(at)s, seen_size = %(size)s
where tenant_id = %(tenant_id)s and id = %(id)s and coalesce(seen_size, 0) <= %(size)s;

-- name: drop_witness
delete from smalt.witness where tenant_id = %(tenant_id)s and id = %(id)s;
