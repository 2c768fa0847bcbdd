"""For each entry of a tenant's audit log (smalt/people/audit_routes.py) the proof that it stood in the transparency log ever since."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smalt.kernel.errors import Conflict, Untrusted
from smalt.kernel.ids import EntryId
from smalt.ledger.envelope import canonical
from smalt.ledger.note import Checkpoint
from smalt.ledger.tree import inclusion
from smalt.tenancy import commitment
from smalt.tenancy.policy import Act
from smalt.tenancy.record import queries
from smalt.trust.anchor import Place, place_of
from smalt.trust.answers import view_of
from smalt.trust.view import Trust
from smalt.web.doors import Member, routes

router = routes()
OVERDUE_S = 300
"""Longer than a transaction of the application may last (db/0001), so that no commit is this late."""
IdText = Annotated[str, Path(max_length=64)]


@router.get("/api/v1/audit/{entry}/proof", tags=["audit"])
async def proof(request: Request, visit: Member, entry: IdText) -> Response:
    """The entry, and how it leads to the log's checkpoint: hash it, follow both paths (RFC 9162), verify the signature.

    202 while its commitment waits for the next run of the checks. `Untrusted` when the entry is not what was committed to.
    """
    which = EntryId.parse(entry)
    async with visit.enter(Act.AUDIT_READ, which) as scope:
        row = await scope.fetch_one(queries.entry, {"id": which.uuid})
        _require_committed(row)
        digest = commitment.digest_of(visit.tenant.uuid, row)
        pending = await scope.is_pending(digest)  # before the batches are read: it leaves the outbox after it is in one
    members = commitment.members(visit.tenant.uuid, row)
    told = {"entry": members, "canonical": canonical(members).decode(), "leaf": digest.hex()}
    trust: Trust = request.app.state.trust
    batches = [event for event in (await view_of(request)).events if event["kind"] == "audit"]
    ended: datetime = row["finished_at"]
    place = await asyncio.to_thread(place_of, trust.journal.folder, batches, digest, int(ended.timestamp()))
    if place is None:
        # What waits although a batch was stated long after its end was committed to anew, after it had been changed.
        overdue = any(batch["at"] > ended.timestamp() + OVERDUE_S for batch in batches)
        if overdue or not pending:
            raise _altered()
        return JSONResponse({"state": "waiting", **told}, 202, {"cache-control": "no-store"})
    more = await asyncio.to_thread(_proof, trust, place)
    return JSONResponse({"state": "anchored", **told, **more}, headers={"cache-control": "no-store"})


def _proof(trust: Trust, place: Place) -> dict[str, Any]:
    journal = trust.journal
    note = journal.note()
    leaves = journal.leaves()[: Checkpoint.parse(note.text).size]  # it may have grown meanwhile
    [stated] = journal.entries(place.log_index, place.log_index + 1)
    return {
        "batch": {
            "root": place.root,
            "size": place.size,
            "index": place.index,
            "path": [one.hex() for one in place.path],
            "soon": place.soon,
        },
        "log": {
            "index": place.log_index,
            "entry": base64.b64encode(stated).decode(),
            "path": [one.hex() for one in inclusion(place.log_index, leaves)],
            "checkpoint": str(note),
            "keys": journal.keys().plain(),
        },
    }


def _require_committed(row: Any) -> None:
    if row["finished_at"] is None:
        raise Conflict("audit.under_way", "This is not finished yet.", todo="Ask again when it is.")
    if row["salt"] is None:
        raise Conflict(
            "audit.older",
            "This entry is older than the commitments of this installation.",
            kept="It is kept and shown, without a proof.",
        )


def _altered() -> Untrusted:
    return Untrusted(
        "audit.altered",
        "The entry is not what was committed to when it was written, or its commitment was taken away.",
        kept="The log holds what was committed to.",
        todo="Tell whoever runs this installation: somebody changed its books.",
    )
