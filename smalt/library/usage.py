"""Usage under ``/api/v1/usage`` and its page."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from smalt.library import metering, replies
from smalt.library.routes import clock_of
from smalt.people.frame import frame
from smalt.tenancy.policy import Act
from smalt.web.doors import Browser, Member, routes
from smalt.web.pages import pages_of
from smalt.web.paging import LIMIT_DEFAULT, After, Cursor, Limit, after, as_json, page_of

router = routes()
DAYS = 30
Days = Annotated[int, Query(ge=1, le=366)]


@router.get("/api/v1/usage", response_model=replies.Usage)
async def usage(
    request: Request, visit: Member, days: Days = DAYS, limit: Limit = LIMIT_DEFAULT, cursor: After = None
) -> dict[str, Any]:
    """What was used: sums of the last ``days`` in all, by engine and by day, then single uses, newest first."""
    since = clock_of(request).now() - timedelta(days=days)
    async with visit.enter(Act.USAGE_READ) as scope:
        found = await metering.summary(scope, since)
        rows = await metering.page(scope, limit + 1, after(cursor).id)
    entries = page_of(rows, limit, lambda row: Cursor(row.at, row.id), metering.view)
    return {
        "since": since.isoformat(),
        "totals": found.totals,
        "engines": found.engines,
        "days": found.days,
        **as_json(entries),
    }


@router.get("/usage", include_in_schema=False)
async def usage_page(request: Request, visit: Browser) -> Response:
    """The usage page."""
    since = clock_of(request).now() - timedelta(days=DAYS)
    async with visit.enter(Act.USAGE_READ) as scope:
        found = await metering.summary(scope, since)
        around = await frame(scope, "usage")
    return pages_of(request).page(
        "usage.html",
        span=f"the last {DAYS} days",
        totals=found.totals,
        engines=found.engines,
        days=found.days,
        **around,
    )
