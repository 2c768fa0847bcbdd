-- Documents. Every statement names tenant_id, so that a distributed engine routes it to one shard.

-- name: add_document
insert into smalt.document (tenant_id, id, person_id, name, kind, size_bytes, state, progress, created_at)
values (%(tenant_id)s, %(id)s, %(person_id)s, %(name)s, %(kind)s, 0, %(state)s, 0, %(created_at)s);

-- name: list_documents
select id, person_id, name, kind, size_bytes, state, pages, progress, failure, created_at, ready_at
from smalt.document
where tenant_id = %(tenant_id)s and id < %(before)s
order by id desc
limit %(limit)s;

-- name: get_document
select id, person_id, name, kind, size_bytes, state, pages, progress, failure, created_at, ready_at
from smalt.document
where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: ready_documents
select id, person_id, name, kind, size_bytes, state, pages, progress, failure, created_at, ready_at
from smalt.document
where tenant_id = %(tenant_id)s and state = %(ready)s
order by id desc
limit %(limit)s;

-- name: set_stored
-- The upload is whole: from here on the document is kept.
update smalt.document
set state = %(state)s, size_bytes = %(size_bytes)s, kind = %(kind)s
where tenant_id = %(tenant_id)s and id = %(id)s and state = %(uploading)s
returning id;

-- name: set_progress
update smalt.document
set state = %(state)s, progress = %(progress)s
where tenant_id = %(tenant_id)s and id = %(id)s and state < %(ready)s
returning id;

-- name: set_read
update smalt.document
set state = %(state)s, progress = %(progress)s, kind = %(kind)s, pages = %(pages)s
where tenant_id = %(tenant_id)s and id = %(id)s
returning id;

-- name: set_ready
update smalt.document
set state = %(state)s, progress = 100, ready_at = %(at)s, failure = null
where tenant_id = %(tenant_id)s and id = %(id)s
returning id;

-- name: set_failed
update smalt.document
set state = %(state)s, failure = %(failure)s
where tenant_id = %(tenant_id)s and id = %(id)s
returning id;

-- name: delete_document
delete from smalt.document
where tenant_id = %(tenant_id)s and id = %(id)s
returning id;

-- name: stale_uploads
select id from smalt.document
where tenant_id = %(tenant_id)s and state = %(uploading)s and created_at < %(before)s;

-- name: existing_documents
select id from smalt.document
where tenant_id = %(tenant_id)s and id = any(%(ids)s);
