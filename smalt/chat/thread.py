"""A conversation: its title (sealed) and its owner. Everything here works inside a tenant scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from smalt.kernel.errors import Malformed, Missing
from smalt.kernel.ids import PersonId, ThreadId
from smalt.kernel.limits import TITLE_MAX_CHARS
from smalt.kernel.sealed import Place, Sealed
from smalt.store.sql import load
from smalt.tenancy.scope import TenantScope
from smalt.web.paging import Cursor

QUERIES = load(Path(__file__).with_name("chat.sql"))
UNTITLED = "New conversation"
TITLE_FROM_QUESTION_CHARS = 80


@dataclass(frozen=True, slots=True)
class ThreadRow:
    id: ThreadId
    person_id: PersonId
    title: Sealed
    created_at: datetime
    updated_at: datetime


_LIST = QUERIES.list_threads.rows(ThreadRow)
_GET = QUERIES.get_thread.rows(ThreadRow)


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation with its title opened."""

    id: ThreadId
    title: str
    created_at: datetime
    updated_at: datetime


def _place(thread: ThreadId) -> Place:
    return Place("conversation", "title", thread.uuid)


def _opened(scope: TenantScope, row: ThreadRow) -> Thread:
    return Thread(row.id, scope.open_text(row.title, _place(row.id)), row.created_at, row.updated_at)


def _missing() -> Missing:
    return Missing("conversation.unknown", "There is no such conversation.")


def title_of(text: str) -> str:
    """``text`` as a title; `Malformed` when it is empty or too long."""
    title = " ".join(text.split())
    if not title:
        raise Malformed("conversation.title_empty", "A title needs at least one character.", todo="Write a title.")
    if len(title) > TITLE_MAX_CHARS:
        raise Malformed(
            "conversation.title_too_long",
            "The title is too long.",
            kept="The old title stands.",
            facts={"max_chars": TITLE_MAX_CHARS},
        )
    return title


def title_from_question(question: str) -> str:
    """A first title: the question, cut at a word."""
    line = " ".join(question.split())
    if len(line) <= TITLE_FROM_QUESTION_CHARS:
        return line or UNTITLED
    return line[:TITLE_FROM_QUESTION_CHARS].rsplit(" ", 1)[0] + " …"


async def add(scope: TenantScope, person: PersonId, title: str, at: datetime) -> ThreadId:
    identity = ThreadId.new()
    await scope.execute(
        QUERIES.add_thread,
        {
            "id": identity.uuid,
            "person_id": person.uuid,
            "title": scope.seal_text(title, _place(identity)),
            "at": at,
        },
    )
    return identity


async def page(scope: TenantScope, person: PersonId, limit: int, after: Cursor) -> list[Thread]:
    """The person's conversations, the last used first."""
    rows = await scope.fetch_all(_LIST, {"person_id": person.uuid, "limit": limit, "at": after.at, "id": after.id})
    return [_opened(scope, row) for row in rows]


async def get(scope: TenantScope, person: PersonId, thread: ThreadId) -> Thread:
    """The person's own conversation, or `Missing`."""
    row = await scope.fetch_maybe(_GET, {"id": thread.uuid, "person_id": person.uuid})
    if row is None:
        raise _missing()
    return _opened(scope, row)


async def rename(scope: TenantScope, person: PersonId, thread: ThreadId, title: str, at: datetime) -> None:
    sealed = scope.seal_text(title, _place(thread))
    params = {"id": thread.uuid, "person_id": person.uuid, "title": sealed, "at": at}
    if not await scope.execute(QUERIES.rename_thread, params):
        raise _missing()


async def delete(scope: TenantScope, person: PersonId, thread: ThreadId) -> None:
    """Delete the conversation with all its turns."""
    if not await scope.execute(QUERIES.delete_thread, {"id": thread.uuid, "person_id": person.uuid}):
        raise _missing()


def view(thread: Thread) -> dict[str, Any]:
    """The conversation as the API shows it."""
    return {
        "id": str(thread.id),
        "title": thread.title,
        "created_at": thread.created_at.isoformat(),
        "updated_at": thread.updated_at.isoformat(),
    }
