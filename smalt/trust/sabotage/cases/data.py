"""How deletion, history and metering stop doing what they say."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_INSTEAD = """
import smalt.store.sql as s
whole = s.query
s.query = lambda name, text: whole(name, {new!r} if name == {name!r} else text)
"""
_SOFT = "update smalt.{table} set {column} = {column} where tenant_id = %(tenant_id)s and id = %(id)s returning id"


@case("data.deletion", "the row of a document is kept")
def _() -> Break:
    return Break(
        preamble=_INSTEAD.format(name="delete_document", new=_SOFT.format(table="document", column="progress"))
    )


@case("data.deletion", "a conversation is only hidden")
def _() -> Break:
    return Break(
        preamble=_INSTEAD.format(name="delete_thread", new=_SOFT.format(table="conversation", column="updated_at"))
    )


@case("data.deletion", "the blobs are kept")
def _() -> Break:
    return Break(
        preamble="""
import smalt.store.blobs as b
async def delete(self, prefix):
    return 0
b.Blobs.delete = delete
"""
    )


@case("data.deletion", "the search segment is kept")
def _() -> Break:
    return Break(
        preamble="""
import smalt.store.blobs as b
inner = b.Blobs.list
async def listed(self, prefix):
    async for key in inner(self, prefix):
        if not key.endswith("/segment"):
            yield key
b.Blobs.list = listed
"""
    )


@case("data.deletion", "questions outlive their conversation")
def _() -> Break:
    return Break(sql="alter table smalt.turn drop constraint turn_tenant_id_conversation_id_fkey")


@case("data.deletion", "what was read stays in memory and is shown")
def _() -> Break:
    return Break(
        preamble="""
import smalt.library.reading as r
inner = r.Readings.parsed
async def parsed(self, visit, identity):
    held = self._parsed.get((visit.tenant, identity, r._WHOLE))
    return held if held is not None else await inner(self, visit, identity)
r.Readings.parsed = parsed
r.Readings.forget = lambda self, tenant, identity: None
"""
    )


@case("data.deletion", "one harmless field more", harmless=True)
def _() -> Break:
    return Break(
        preamble="import smalt.chat.thread as t; v = t.view; t.view = lambda thread: {**v(thread), 'kind': 'talk'}"
    )


@case("history.control", "deleting does nothing")
def _() -> Break:
    return Break(
        preamble=_INSTEAD.format(name="delete_thread", new=_SOFT.format(table="conversation", column="updated_at"))
    )


@case("history.control", "renaming does nothing")
def _() -> Break:
    return Break(preamble=_INSTEAD.format(name="rename_thread", new=_SOFT.format(table="conversation", column="title")))


@case("usage.metering", "answers are not counted")
def _() -> Break:
    return Break(
        preamble="""
import smalt.library.metering as m
inner = m.add
async def add(scope, entry):
    if entry.kind is not m.Use.ANSWER:
        await inner(scope, entry)
m.add = add
"""
    )


@case("usage.metering", "what is counted is wrong")
def _() -> Break:
    return Break(
        preamble="""
import dataclasses, smalt.library.metering as m
inner = m.add
async def add(scope, entry):
    await inner(scope, dataclasses.replace(entry, output_chars=entry.output_chars // 2))
m.add = add
"""
    )


@case("usage.metering", "usage goes with its conversation")
def _() -> Break:
    return Break(
        sql="alter table smalt.usage_entry drop constraint usage_entry_tenant_id_turn_id_fkey; "
        "alter table smalt.usage_entry add foreign key (tenant_id, turn_id) references smalt.turn (tenant_id, id) "
        "on delete cascade"
    )


@case("usage.metering", "usage has room for content")
def _() -> Break:
    return Break(sql="alter table smalt.usage_entry add column note text")
