-- Documents that are given out under an agreement of confidentiality, and who got them. Every statement names tenant_id.

-- name: add_document
insert into smalt.gated_document (tenant_id, id, title, name, body, size_bytes, days, approval, created_at)
values (%(tenant_id)s, %(id)s, %(title)s, %(name)s, %(body)s, %(size_bytes)s, %(days)s, %(approval)s, %(now)s);

-- name: documents
select id, title, name, size_bytes, days, approval, created_at from smalt.gated_document
where tenant_id = %(tenant_id)s and removed_at is null
order by created_at desc, id desc
limit 200;

-- name: document
select id, title, name, size_bytes, days, approval, created_at from smalt.gated_document
where tenant_id = %(tenant_id)s and id = %(id)s and removed_at is null;

-- name: body
select body from smalt.gated_document where tenant_id = %(tenant_id)s and id = %(id)s and removed_at is null;

-- name: remove_document
-- Its bytes go with it; what was agreed about it stays until it is forgotten.
update smalt.gated_document set removed_at = %(now)s, body = %(body)s
where tenant_id = %(tenant_id)s and id = %(id)s and removed_at is null
returning id;

-- name: add_grant
insert into smalt.gated_grant (tenant_id, id, document_id, visitor, link, state, asked_at, expires_at)
values (%(tenant_id)s, %(id)s, %(document_id)s, %(visitor)s, %(link)s, %(state)s, %(now)s, %(expires_at)s);

-- name: grant_by_link
select g.id, g.document_id, g.visitor, g.state, g.asked_at, g.expires_at, g.ended_at,
  (select count(*) from smalt.gated_download d where d.tenant_id = %(tenant_id)s and d.grant_id = g.id) as downloads
from smalt.gated_grant g
join smalt.gated_document d on d.tenant_id = g.tenant_id and d.id = g.document_id
where g.tenant_id = %(tenant_id)s and g.link = %(link)s and g.state = 2 and g.expires_at > %(now)s and d.removed_at is null;

-- name: grants
select g.id, g.document_id, g.visitor, g.state, g.asked_at, g.expires_at, g.ended_at,
  (select count(*) from smalt.gated_download d where d.tenant_id = %(tenant_id)s and d.grant_id = g.id) as downloads
from smalt.gated_grant g
where g.tenant_id = %(tenant_id)s
order by g.asked_at desc, g.id desc
limit 500;

-- name: waiting
select g.id, d.days from smalt.gated_grant g
join smalt.gated_document d on d.tenant_id = g.tenant_id and d.id = g.document_id
where g.tenant_id = %(tenant_id)s and g.id = %(id)s and g.state = 1 and d.removed_at is null;

-- name: approve
update smalt.gated_grant set state = 2, link = %(link)s, expires_at = %(expires_at)s
where tenant_id = %(tenant_id)s and id = %(id)s and state = 1
returning id;

-- name: revoke
update smalt.gated_grant set state = 3, ended_at = %(now)s
where tenant_id = %(tenant_id)s and id = %(id)s and state <> 3
returning id;

-- name: lock_grant
-- Two downloads at the same moment are counted one after the other.
select id from smalt.gated_grant where tenant_id = %(tenant_id)s and id = %(id)s for update;

-- name: add_download
insert into smalt.gated_download (tenant_id, id, grant_id, at) values (%(tenant_id)s, %(id)s, %(grant_id)s, %(now)s);

-- name: downloads_of
select at from smalt.gated_download where tenant_id = %(tenant_id)s and grant_id = %(grant_id)s order by at limit 500;

-- name: forget_grants
-- Visitors are forgotten when their agreement has ended; their downloads go with them.
delete from smalt.gated_grant
where tenant_id = %(tenant_id)s and coalesce(ended_at, expires_at) < %(before)s
returning id;
