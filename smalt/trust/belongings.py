"""A few things of a synthetic tenant that another one will reach for: one of every kind that has an id."""

from __future__ import annotations

import contextlib
import os
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from smalt.ledger.note import COSIGNATURE, NoteKey
from smalt.trust import papers
from smalt.trust.check import Unclear
from smalt.trust.errand import ask, browsing, converse, every, expect, settled, upload
from smalt.trust.target import Target, Tenant
from smalt.trust.traces import word

FIGURE_MIN, FIGURE_SPAN = 10_000_019, 80_000_000


@dataclass
class Belongings:
    """``ids`` by the name that a route's parameter has for them. ``label`` and ``figure`` stand in the document alone."""

    tenant: Tenant
    ids: dict[str, str]
    label: str
    figure: int
    question: str
    key: str
    cursor: str
    answered: dict[str, Any]

    @property
    def all_ids(self) -> list[str]:
        return sorted(set(self.ids.values()) - {"0"})

    def gives_away(self, text: str) -> bool:
        """Whether ``text`` holds the figure, in either way of writing it, or an id."""
        return any(one in text for one in (str(self.figure), f"{self.figure:,}", *self.all_ids, self.tenant.id))


@contextlib.contextmanager
def belongings(target: Target, tenant: Tenant) -> Iterator[Belongings]:
    """Make them, and remove what is left of them at the end."""
    label, figure, key = word(), FIGURE_MIN + secrets.randbelow(FIGURE_SPAN), secrets.token_hex(16)
    question = f"What was {label} in 2024?"
    with target.client(tenant) as api, browsing(target, tenant) as browser:
        document = upload(api, f"{label}.pdf", papers.pdf("Probe", [(label, figure, figure - 7)], []))
        spare = upload(api, f"{label} second.txt", b"A second document, for lists that have two pages.\n")
        conversation, second = (converse(api, f"About {label} {number}") for number in (1, 2))
        token = expect(browser.post("/api/v1/tokens", json={"name": label}), 201).json()["id"]
        session = next(one["id"] for one in every(browser, "/api/v1/sessions") if one["current"])
        witness = named_witness(browser)
        try:
            settled(api, [document, spare])
            turn = ask(api, conversation, question, headers={"idempotency-key": key})
            cursor = expect(api.get("/api/v1/documents", params={"limit": 1}), 200).json()["next"]
            if cursor is None:
                raise Unclear("A list of two documents had one page of one.")
            ids = {
                "document_id": document, "conversation": conversation, "message": turn["id"], "token_id": token,
                "session_id": session, "person_id": _guest(browser, tenant), "entry": _entry(api), "witness_id": witness, "number": "0",
            }  # fmt: skip
            yield Belongings(tenant, ids, label, figure, question, key, cursor, turn)
        finally:
            for path in (
                f"conversations/{conversation}", f"conversations/{second}", f"documents/{document}", f"documents/{spare}",
            ):  # fmt: skip
                api.delete(f"/api/v1/{path}")
            browser.delete(f"/api/v1/tokens/{token}")
            browser.delete(f"/api/v1/witnesses/{witness}")


def _guest(browser: httpx.Client, tenant: Tenant) -> str:
    """Somebody who was invited to the workspace and never comes; the same one in every run."""
    for one in every(browser, "/api/v1/people"):
        if one["state"] == "invited" and one["id"] != tenant.person:
            return str(one["id"])
    invited = browser.post(
        "/api/v1/people", json={"role": "viewer", "name": "Guest", "email": "guest@synthetic.invalid"}
    )
    return str(expect(invited, 201).json()["id"])


def named_witness(browser: httpx.Client) -> str:
    """The id of a new witness, who never signs anything: its key is random."""
    key = NoteKey(f"{word()}.synthetic.invalid", os.urandom(32), COSIGNATURE)
    return str(expect(browser.post("/api/v1/witnesses", json={"key": str(key)}), 201).json()["id"])


def _entry(api: httpx.Client) -> str:
    """An entry of the audit log that has ended."""
    listed = expect(api.get("/api/v1/audit"), 200).json()["items"]
    return str(next(one["id"] for one in listed if one["finished_at"] is not None))


def stranger_to(one: str) -> str:
    """An id of the same kind as ``one`` that nobody has."""
    return f"{one.partition('_')[0]}_{uuid.UUID(int=uuid.UUID(one.partition('_')[2]).int ^ secrets.randbits(60))}"


def told(reply: httpx.Response) -> tuple[int, str, str]:
    """What a response tells: all but its own request's id."""
    kind = reply.headers.get("content-type", "")
    return reply.status_code, kind, reply.text.replace(reply.headers.get("x-request-id", "-"), "req")
