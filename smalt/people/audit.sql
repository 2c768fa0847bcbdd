-- name: audit_page
-- Newest first. act ending in a dot stands for a group ("document."); the words are compared, never used as a pattern.
select id, actor_kind, actor_id, act, target, begun_at, finished_at, outcome, salt from smalt.audit_entry
where tenant_id = %(tenant_id)s
  and (begun_at, id) < (%(at)s, %(before)s)
  and begun_at >= %(since)s and begun_at < %(until)s
  and (%(act)s::text is null or act = %(act)s::text or starts_with(act, %(act)s::text) and right(%(act)s::text, 1) = '.')
  and (%(actor)s::uuid is null or actor_id = %(actor)s::uuid)
  and (%(outcome)s::smallint is null or outcome = %(outcome)s::smallint)
order by begun_at desc, id desc limit %(limit)s;
