"""Conversations and their turns under ``/api/v1``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from smalt.chat import replies, thread, turn
from smalt.chat.ask import Asker
from smalt.chat.running import Run
from smalt.kernel.errors import Gone, Missing
from smalt.kernel.ids import DocumentId, ThreadId, TurnId
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit
from smalt.web import idempotency
from smalt.web.body import Body
from smalt.web.doors import Member, routes
from smalt.web.idempotency import KeyHeader
from smalt.web.paging import LIMIT_DEFAULT, After, Cursor, Limit, after, as_json, page_of
from smalt.web.replies import EVENTS
from smalt.web.stream import EventStream, ServerEvent, while_welcome

router = routes()
TURNS_WITH_CONVERSATION = 100


def asker_of(request: Request) -> Asker:
    found: Asker = request.app.state.asker
    return found


class NewConversation(Body):
    title: str | None = None


class Renamed(Body):
    title: str


class Question(Body):
    """``document_ids`` narrows the question to these documents; without it all that are ready are asked."""

    content: str
    document_ids: Annotated[list[str] | None, Field(max_length=200)] = None


@router.post("/api/v1/conversations", status_code=201, response_model=replies.Conversation)
async def add_conversation(
    request: Request, visit: Member, body: NewConversation | None = None, key: KeyHeader = None
) -> dict[str, Any]:
    """A new conversation, empty."""
    title = thread.UNTITLED if body is None or body.title is None else thread.title_of(body.title)
    person, clock = visit.actor.person_id, asker_of(request).clock
    async with visit.enter(Act.CONVERSATION_WRITE) as scope:
        repeat = await idempotency.claim(scope, key, "conversation.create", title, clock)
        if repeat is None:
            identity = await thread.add(scope, person, title, clock.now())
            await idempotency.keep(scope, key, 201, {"id": str(identity)})
        else:
            identity = ThreadId.parse(json.loads(repeat.body)["id"])
        found = await thread.get(scope, person, identity)
    return thread.view(found)


@router.get("/api/v1/conversations", response_model=replies.Conversations)
async def list_conversations(visit: Member, limit: Limit = LIMIT_DEFAULT, cursor: After = None) -> dict[str, Any]:
    """The caller's conversations, the last used first."""
    async with visit.enter(Act.CONVERSATION_READ) as scope:
        found = await thread.page(scope, visit.actor.person_id, limit + 1, after(cursor))
    return as_json(page_of(found, limit, lambda t: Cursor(t.updated_at, t.id.uuid), thread.view))


@router.get("/api/v1/conversations/{conversation}", response_model=replies.ConversationWithMessages)
async def get_conversation(visit: Member, conversation: str) -> dict[str, Any]:
    """One conversation with its newest turns, oldest first."""
    identity = ThreadId.parse(conversation)
    async with visit.enter(Act.CONVERSATION_READ, identity) as scope:
        found = await thread.get(scope, visit.actor.person_id, identity)
        turns = await turn.page(scope, identity, TURNS_WITH_CONVERSATION)
    return {**thread.view(found), "messages": [turn.view(each) for each in reversed(turns)]}


@router.patch("/api/v1/conversations/{conversation}", response_model=replies.Conversation)
async def rename_conversation(request: Request, visit: Member, conversation: str, body: Renamed) -> dict[str, Any]:
    """Give the conversation another title."""
    identity, person = ThreadId.parse(conversation), visit.actor.person_id
    async with visit.enter(Act.CONVERSATION_WRITE, identity) as scope:
        await thread.rename(scope, person, identity, thread.title_of(body.title), asker_of(request).clock.now())
        return thread.view(await thread.get(scope, person, identity))


@router.delete("/api/v1/conversations/{conversation}", status_code=204)
async def delete_conversation(visit: Member, conversation: str) -> Response:
    """Delete the conversation with all its questions and answers."""
    identity = ThreadId.parse(conversation)
    async with visit.enter(Act.CONVERSATION_WRITE, identity) as scope:
        await thread.delete(scope, visit.actor.person_id, identity)
    return Response(status_code=204)


@router.get("/api/v1/conversations/{conversation}/messages", response_model=replies.Turns)
async def list_messages(
    visit: Member, conversation: str, limit: Limit = LIMIT_DEFAULT, cursor: After = None
) -> dict[str, Any]:
    """The turns of the conversation, newest first."""
    identity = ThreadId.parse(conversation)
    async with visit.enter(Act.CONVERSATION_READ, identity) as scope:
        await thread.get(scope, visit.actor.person_id, identity)
        found = await turn.page(scope, identity, limit + 1, after(cursor).id)
    return as_json(page_of(found, limit, lambda t: Cursor(t.started_at, t.id.uuid), turn.view))


@router.post(
    "/api/v1/conversations/{conversation}/messages",
    status_code=201,
    response_model=replies.Turn,
    responses={201: {"content": EVENTS}},
)
async def ask(request: Request, visit: Member, conversation: str, body: Question, key: KeyHeader = None) -> Response:
    """Ask. The answer is the settled turn, or with ``Accept: text/event-stream`` its events as they come."""
    identity = ThreadId.parse(conversation)
    asked_of = [DocumentId.parse(each) for each in body.document_ids or ()]
    asker = asker_of(request)
    begun = await asker.ask(visit, visit.actor.person_id, identity, body.content, asked_of, key)
    streamed = "text/event-stream" in request.headers.get("accept", "")
    if isinstance(begun, TurnId):
        return await _again(request, visit, identity, begun, streamed=streamed)
    if streamed:
        return EventStream(while_welcome(request, _events(begun)), status=201)
    return JSONResponse(await _settled(visit, identity, begun), 201)


async def _events(run: Run) -> AsyncGenerator[ServerEvent, None]:
    async for event in run.follow():
        yield ServerEvent(event.name, event.data)


async def _one(name: str, data: dict[str, Any]) -> AsyncIterator[ServerEvent]:
    yield ServerEvent(name, data)


async def _settled(visit: Visit, identity: ThreadId, run: Run) -> dict[str, Any]:
    """The turn once it has settled."""
    async for event in run.follow():
        if event.name == "answer":
            return event.data
    return await _stored(visit, identity, run.turn)


async def _again(request: Request, visit: Visit, identity: ThreadId, again: TurnId, *, streamed: bool) -> Response:
    """The answer to a repeated request: the first one's turn, followed if it is still under way."""
    run = asker_of(request).running.find(visit.tenant, again)
    if streamed and run is not None:
        return EventStream(while_welcome(request, _events(run)), status=201)
    view = await (_stored(visit, identity, again) if run is None else _settled(visit, identity, run))
    return EventStream(_one("answer", view), status=201) if streamed else JSONResponse(view, 201)


async def _stored(visit: Visit, identity: ThreadId, wanted: TurnId) -> dict[str, Any]:
    try:
        async with visit.enter(Act.CONVERSATION_READ, identity) as scope:
            return turn.view(await turn.get(scope, visit.actor.person_id, identity, wanted))
    except Missing:
        raise Gone("turn.deleted", "This question was deleted.", kept="Nothing of it is kept.") from None


@router.get("/api/v1/conversations/{conversation}/messages/{message}", response_model=replies.Turn)
async def get_message(visit: Member, conversation: str, message: str) -> dict[str, Any]:
    """One turn, settled or still working."""
    identity, wanted = ThreadId.parse(conversation), TurnId.parse(message)
    async with visit.enter(Act.CONVERSATION_READ, wanted) as scope:
        return turn.view(await turn.get(scope, visit.actor.person_id, identity, wanted))


@router.post(
    "/api/v1/conversations/{conversation}/messages/{message}/cancel", status_code=202, response_model=replies.Turn
)
async def cancel_message(request: Request, visit: Member, conversation: str, message: str) -> dict[str, Any]:
    """Stop working on the turn. The question is kept; one that has settled stays as it is."""
    identity, wanted = ThreadId.parse(conversation), TurnId.parse(message)
    asker, person = asker_of(request), visit.actor.person_id
    async with visit.enter(Act.CONVERSATION_WRITE, wanted) as scope:
        await turn.get(scope, person, identity, wanted)
        await turn.stop(scope, wanted, asker.clock.now())
        stopped = await turn.get(scope, person, identity, wanted)
    asker.running.cancel(visit.tenant, wanted)
    return turn.view(stopped)
