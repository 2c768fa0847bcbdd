"""How the walls between tenants come down."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_WITHOUT_FILTER = """
import smalt.store.sql as s
whole = s.query
s.query = lambda name, text: whole(
    name, text.replace("tenant_id = %(tenant_id)s and", "(tenant_id = %(tenant_id)s or true) and") if name in {names!r} else text
)
"""
_ANY_TICKET = """
create or replace function gate.tenant() returns uuid language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $$ begin
  if length(current_setting('smalt.ticket', true)) = 120 then
    return left(current_setting('smalt.ticket', true), 32)::uuid;
  end if;
  raise exception 'no ticket' using errcode = '28000';
end $$
"""
_LENT = """
create function jobs.peek() returns bigint language sql security definer as 'select count(*) from smalt.turn';
grant execute on function jobs.peek() to smalt_app
"""


@case("tenant.sql", "row security is off on one table")
def _() -> Break:
    return Break(sql="alter table smalt.document disable row level security")


@case("tenant.sql", "row security is not forced on one table")
def _() -> Break:
    return Break(sql="alter table smalt.turn no force row level security")


@case("tenant.sql", "a second policy that is always true")
def _() -> Break:
    return Break(sql="create policy more on smalt.conversation using (true)")


@case("tenant.sql", "a new table without row security")
def _() -> Break:
    return Break(
        sql="create table smalt.extra (tenant_id uuid primary key); "
        "grant select, insert, update, delete on smalt.extra to smalt_app"
    )


@case("tenant.sql", "a policy without the check of what is written")
def _() -> Break:
    return Break(
        sql="drop policy tenant_only on smalt.audit_entry; create policy tenant_only on smalt.audit_entry "
        "using (tenant_id = (select gate.tenant())) with check (true)"
    )


@case("tenant.sql", "the application's role passes row security by")
def _() -> Break:
    return Break(sql="alter role smalt_app bypassrls")


@case("tenant.sql", "the application's role is a member of the owner")
def _() -> Break:
    return Break(sql="grant smalt_owner to smalt_app")


@case("tenant.sql", "any ticket is believed")
def _() -> Break:
    return Break(sql=_ANY_TICKET)


@case("tenant.sql", "the application's role may read the ticket keys")
def _() -> Break:
    return Break(sql="grant select on gate.key to smalt_app")


@case("tenant.sql", "a function lends the administrator's rights")
def _() -> Break:
    return Break(sql=_LENT)


@case("tenant.sql", "a view past row security")
def _() -> Break:
    return Break(
        sql="create view smalt.every_turn as select * from smalt.turn; grant select on smalt.every_turn to smalt_app"
    )


@case("tenant.sql", "large objects are open")
def _() -> Break:
    return Break(sql="grant execute on function lo_from_bytea(oid, bytea) to public")


@case("tenant.sql", "one index more", harmless=True)
def _() -> Break:
    return Break(sql="create index harmless on smalt.turn (tenant_id, started_at)")


@case("tenant.routes", "a document is looked up without its tenant")
def _() -> Break:
    return Break(
        preamble=_WITHOUT_FILTER.format(names={"get_document"}),
        sql="alter table smalt.document disable row level security",
    )


@case("tenant.routes", "a conversation is deleted without its tenant")
def _() -> Break:
    return Break(
        preamble=_WITHOUT_FILTER.format(names={"delete_thread"})
        + "inner = s.query; s.query = lambda name, text: inner(name, text.replace(' and person_id = %(person_id)s', '')"
        " if name == 'delete_thread' else text)",
        sql="alter table smalt.conversation disable row level security; alter table smalt.turn disable row level security",
    )


@case("tenant.routes", "the usage of everybody is listed")
def _() -> Break:
    return Break(
        preamble=_WITHOUT_FILTER.format(names={"list_usage"}),
        sql="alter table smalt.usage_entry disable row level security",
    )


@case("tenant.routes", "somebody else's id is forbidden rather than unknown")
def _() -> Break:
    return Break(
        preamble="""
import smalt.library.document as d
from smalt.kernel.errors import Forbidden, Missing
inner = d.get
async def get(scope, document):
    try:
        return await inner(scope, document)
    except Missing:
        raise Forbidden("document.foreign", "This document is not yours.") from None
d.get = get
"""
    )


@case("tenant.routes", "conversations of everybody stand in every list")
def _() -> Break:
    return Break(
        preamble="""
import smalt.chat.thread as t
seen = []
inner, listed = t.add, t.view
async def add(scope, person, title, at):
    made = await inner(scope, person, title, at)
    seen.append(str(made))
    return made
t.add = add
t.view = lambda thread: {**(shown := listed(thread)), "title": " ".join([shown["title"], *seen[-8:]])}
"""
    )


@case("tenant.routes", "one harmless field more", harmless=True)
def _() -> Break:
    return Break(
        preamble="import smalt.chat.thread as t; v = t.view; t.view = lambda thread: {**v(thread), 'kind': 'talk'}"
    )
