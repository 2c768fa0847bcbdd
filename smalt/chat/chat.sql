-- Conversations and their turns. Every statement names tenant_id, so that a distributed engine routes it to one shard.

-- name: add_thread
insert into smalt.conversation (tenant_id, id, person_id, title, created_at, updated_at)
values (%(tenant_id)s, %(id)s, %(person_id)s, %(title)s, %(at)s, %(at)s);

-- name: list_threads
select id, person_id, title, created_at, updated_at
from smalt.conversation
where tenant_id = %(tenant_id)s and person_id = %(person_id)s and (updated_at, id) < (%(at)s, %(id)s)
order by updated_at desc, id desc
limit %(limit)s;

-- name: get_thread
select id, person_id, title, created_at, updated_at
from smalt.conversation
where tenant_id = %(tenant_id)s and id = %(id)s and person_id = %(person_id)s;

-- name: rename_thread
update smalt.conversation
set title = %(title)s, updated_at = %(at)s
where tenant_id = %(tenant_id)s and id = %(id)s and person_id = %(person_id)s
returning id;

-- name: touch_thread
update smalt.conversation
set updated_at = %(at)s
where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: delete_thread
-- Its turns go with it (the foreign key cascades).
delete from smalt.conversation
where tenant_id = %(tenant_id)s and id = %(id)s and person_id = %(person_id)s
returning id;

-- name: add_turn
insert into smalt.turn (tenant_id, id, conversation_id, person_id, question, scope, state, engine, input_chars, started_at)
values (%(tenant_id)s, %(id)s, %(conversation_id)s, %(person_id)s, %(question)s, %(scope)s, %(state)s, %(engine)s,
        %(input_chars)s, %(at)s);

-- name: list_turns
select id, conversation_id, question, answer, state, total_ms, started_at
from smalt.turn
where tenant_id = %(tenant_id)s and conversation_id = %(conversation_id)s and id < %(before)s
order by id desc
limit %(limit)s;

-- name: get_turn
select t.id, t.conversation_id, t.question, t.answer, t.state, t.total_ms, t.started_at
from smalt.turn t
join smalt.conversation c on c.tenant_id = t.tenant_id and c.id = t.conversation_id
where t.tenant_id = %(tenant_id)s and c.tenant_id = %(tenant_id)s and t.id = %(id)s
  and t.conversation_id = %(conversation_id)s and c.person_id = %(person_id)s;

-- name: settle_turn
-- Only a working turn settles: one that was cancelled or abandoned meanwhile stays so.
update smalt.turn
set answer = %(answer)s, state = %(state)s, output_chars = %(output_chars)s, first_token_ms = %(first_token_ms)s,
    total_ms = %(total_ms)s, finished_at = %(at)s
where tenant_id = %(tenant_id)s and id = %(id)s and state = %(working)s
returning id;

-- name: stop_turn
update smalt.turn
set state = %(state)s, finished_at = %(at)s
where tenant_id = %(tenant_id)s and id = %(id)s and state = %(working)s
returning id;

-- name: abandon_turns
update smalt.turn
set state = %(abandoned)s, finished_at = %(at)s
where tenant_id = %(tenant_id)s and state = %(working)s and started_at < %(before)s
returning id;
