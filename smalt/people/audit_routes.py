"""The audit log: searched by page and API, and exported whole, for owners, admins and auditors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from smalt.kernel.errors import Failure
from smalt.kernel.ids import EntryId
from smalt.people import audit, members
from smalt.people.audit import Entry, Wanted, committed, position, told, wanted_of
from smalt.people.audit_export import FORMS, Form
from smalt.people.frame import frame
from smalt.tenancy.policy import Act
from smalt.tenancy.record import Outcome
from smalt.tenancy.visit import Visit
from smalt.web.doors import Browser, Member, routes
from smalt.web.pages import pages_of
from smalt.web.paging import FIRST, LIMIT_DEFAULT, After, Limit, after, as_json, page_of
from smalt.web.passage import passage_of
from smalt.web.problems import problem_of

router = routes()

SHOWN = 100
EXPORTED_AT_ONCE = 1000
PEOPLE_NAMED = 500


class AuditEntry(BaseModel):
    """``outcome``: 1 done, 2 denied, 3 failed, 4 cancelled, 5 abandoned; null, like ``finished_at``, while it is under way."""

    id: str
    tenant: str
    actor_kind: str
    actor: str | None
    act: str
    target: str | None
    begun_at: str
    finished_at: str | None
    outcome: int | None
    salt: str


class AuditPage(BaseModel):
    items: list[AuditEntry]
    next: str | None


ActWord = Annotated[
    str | None, Query(max_length=66, description="an act (document.add), or a group of them (document.)")
]
ActorWord = Annotated[str | None, Query(max_length=64, description="a person or token, by id")]
OutcomeWord = Annotated[
    Literal["done", "denied", "failed", "cancelled", "abandoned", ""] | None, Query(description="how it ended")
]
Since = Annotated[datetime | None, Query(description="begun then or later (RFC 3339)")]
Until = Annotated[datetime | None, Query(description="begun before then (RFC 3339)")]


@router.get("/api/v1/audit", tags=["audit"])
async def list_audit(
    visit: Member,
    act: ActWord = None,
    actor: ActorWord = None,
    outcome: OutcomeWord = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: After = None,
) -> AuditPage:
    """Who did what to what, newest first. Reading it is an act as well, and stands in it."""
    wanted = wanted_of(act, actor, outcome, since, until)
    async with visit.enter(Act.AUDIT_READ) as scope:
        found = await audit.page(scope, wanted, limit + 1, after(cursor))
    return AuditPage(**as_json(page_of(found, limit, position, partial(committed, visit.tenant))))


@router.get(
    "/api/v1/audit/export",
    tags=["audit"],
    response_class=StreamingResponse,
    responses={200: {"description": "The file", "content": {form.media_type: {} for form in FORMS.values()}}},
)
async def export_audit(
    visit: Member,
    form: Annotated[Literal["jsonl", "csv", "cef"], Query(alias="format")] = "jsonl",
    act: ActWord = None,
    actor: ActorWord = None,
    outcome: OutcomeWord = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """All that fits, newest first, as a file of JSON Lines, CSV or CEF."""
    wanted, written = wanted_of(act, actor, outcome, since, until), FORMS[form]
    async with visit.enter(Act.AUDIT_READ, leave_open=True) as scope:  # so that who may not hears it before it begins
        entry, first = scope.entry, await audit.page(scope, wanted, EXPORTED_AT_ONCE, FIRST)
    headers = {"content-disposition": f'attachment; filename="audit.{written.suffix}"', "cache-control": "no-store"}
    return StreamingResponse(_export(visit, entry, wanted, written, first), 200, headers, written.media_type)


async def _export(visit: Visit, entry: EntryId, wanted: Wanted, form: Form, found: list[Entry]) -> AsyncIterator[str]:
    """Page after page, each in a transaction of its own: none is open while the reader reads."""
    yield form.head
    while found:
        yield "".join(form.line(visit.tenant, one) for one in found)
        if len(found) < EXPORTED_AT_ONCE:
            break
        async with visit.enter(Act.AUDIT_READ, within=entry) as scope:
            found = await audit.page(scope, wanted, EXPORTED_AT_ONCE, position(found[-1]))
    async with visit.enter(Act.AUDIT_READ, finishes=entry):
        pass


@router.get("/audit", include_in_schema=False)
async def audit_page(
    request: Request,
    visit: Browser,
    act: str = "",
    actor: str = "",
    outcome: str = "",
    cursor: After = None,
) -> Response:
    """The log as a table, with a form that looks for something in it."""
    problem, wanted = None, Wanted()
    try:
        wanted = wanted_of(act.strip(), actor.strip(), outcome, None, None)
    except Failure as failure:
        problem = problem_of(failure).members(str(passage_of(request.scope).request))
    async with visit.enter(Act.AUDIT_READ) as scope:
        found = [] if problem else await audit.page(scope, wanted, SHOWN + 1, after(cursor))
        names = {str(one.id): one.name or one.email for one in await members.page(scope, PEOPLE_NAMED)}
        shown = await frame(scope, "audit")
    page = page_of(found, SHOWN, position, partial(told, visit.tenant))
    return pages_of(request).page(
        "audit.html",
        200 if problem is None else 422,
        entries=page.items,
        next=page.next,
        names=names,
        asked={"act": act[:66], "actor": actor[:64], "outcome": outcome},
        outcomes=[one.name.lower() for one in Outcome],
        problem=problem,
        **shown,
    )
