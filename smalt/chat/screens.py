"""The workspace page: conversations, thread, source. Readable without scripts."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from smalt.chat import thread, turn
from smalt.chat.routes import TURNS_WITH_CONVERSATION, asker_of
from smalt.kernel.ids import ThreadId
from smalt.library import document
from smalt.people.frame import frame, home_of
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.tenancy.visit import Visit
from smalt.web.doors import Browser, routes
from smalt.web.pages import pages_of
from smalt.web.paging import FIRST, Cursor, page_of

router = routes()
CONVERSATIONS = 60


@router.get("/", include_in_schema=False)
async def workspace(request: Request, visit: Browser) -> Response:
    """A new conversation; for a role that does not ask, the place where it begins."""
    if (home := home_of(visit.actor.role)) != "/":
        return RedirectResponse(home, 303)
    return await _page(request, visit, None)


@router.get("/c/{conversation}", include_in_schema=False)
async def conversation_page(request: Request, visit: Browser, conversation: str) -> Response:
    """One conversation with its turns."""
    return await _page(request, visit, ThreadId.parse(conversation))


async def _page(request: Request, visit: Visit, identity: ThreadId | None) -> Response:
    async with visit.enter(Act.CONVERSATION_READ, identity) as scope:
        variables = await _variables(scope, identity)
    today = asker_of(request).clock.now().date().isoformat()
    return pages_of(request).page("workspace.html", today=today, **variables)


async def _variables(scope: TenantScope, identity: ThreadId | None) -> dict[str, Any]:
    person = scope.actor.person_id
    opened = None if identity is None else await thread.get(scope, person, identity)
    turns = [] if identity is None else await turn.page(scope, identity, TURNS_WITH_CONVERSATION)
    found = await thread.page(scope, person, CONVERSATIONS + 1, FIRST)
    listed = page_of(found, CONVERSATIONS, lambda t: Cursor(t.updated_at, t.id.uuid), thread.view)
    documents = await document.page(scope, document.WORKSPACE_DOCUMENTS_MAX, FIRST.id)
    return {
        "conversations": listed.items,
        "more": listed.next,
        "conversation": None if opened is None else thread.view(opened),
        "turns": [turn.view(each) for each in reversed(turns)],
        "documents": [document.view(each) for each in documents],
        **await frame(scope, "workspace"),
    }
