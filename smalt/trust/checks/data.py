"""What a tenant may do with its own: delete it, keep a history, see what was used."""

from __future__ import annotations

import re
import time
import uuid
from pathlib import Path

import httpx

from smalt.store.outside import Database, session
from smalt.trust import papers
from smalt.trust.belongings import Belongings, belongings
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.errand import ask, browsing, converse, every, expect, settled, upload
from smalt.trust.target import Target
from smalt.trust.traces import word

GONE_WITHIN_S = 10.0
DAYS = 366  # as far back as it goes: nothing of the past drops out while we look
OK, GONE = 200, {404, 410}
PARTS = {"original", "parsed", "segment"}

_ROWS = {
    "document": "select count(*) from smalt.document where tenant_id = %s and id = %s",
    "conversation": "select count(*) from smalt.conversation where tenant_id = %s and id = %s",
    "message": "select count(*) from smalt.turn where tenant_id = %s and id = %s",
}
_JOBS = (
    "select count(*) from jobs.procrastinate_jobs where args ->> 'document' = %s and status::text in ('todo', 'doing')"
)
_COUNTS = "select a.attname, a.atttypid::regtype::text from pg_attribute a where a.attrelid = 'smalt.usage_entry'::regclass and a.attnum > 0 and not a.attisdropped"
_COUNT_TYPES = {"uuid", "smallint", "integer", "bigint", "timestamp with time zone"}


def _uuid(name: str) -> uuid.UUID:
    return uuid.UUID(name.partition("_")[2])


@check("data.deletion", every="hour", deadline_s=60)
def deletion(target: Target, found: Findings) -> None:
    """Uploads a document, asks about it under an Idempotency-Key, and deletes document and conversation; then looks for both in the interface, in lists, pages, pictures, answers and repeated requests, in the rows, in the folder of blobs with its search segment, and in the queue. Backups are another claim.

    Control: by the same looks all of it was there before.
    """
    if target.admin_conninfo is None:
        raise Unclear(
            "Whether rows are gone can only be seen as the database's administrator, which is not set up here."
        )
    with (
        belongings(target, target.ours) as ours,
        session(target.admin_conninfo) as admin,
        target.client(target.ours) as api,
        browsing(target, target.ours) as browser,
    ):
        before = _seen(target, admin, api, browser, ours)
        found.control(
            "everything was there before",
            all(before.values()),
            there=sorted(name for name, seen in before.items() if seen),
        )
        for path in (f"documents/{ours.ids['document_id']}", f"conversations/{ours.ids['conversation']}"):
            found.probe(
                f"deleting {path.partition('/')[0]} is answered", api.delete(f"/api/v1/{path}").status_code == 204
            )
        until = time.monotonic() + GONE_WITHIN_S
        after = _seen(target, admin, api, browser, ours)
        while any(after.values()) and time.monotonic() < until:
            time.sleep(0.3)
            after = _seen(target, admin, api, browser, ours)
    for name, seen in after.items():
        found.probe(f"gone: {name}", not seen)


def _seen(
    target: Target, admin: Database, api: httpx.Client, browser: httpx.Client, ours: Belongings
) -> dict[str, bool]:
    """Where the document, the conversation or what they say can be seen now."""
    document, conversation, message = (ours.ids[name] for name in ("document_id", "conversation", "message"))
    tenant = _uuid(ours.tenant.id)
    asked = converse(api, None)
    answer = api.post(f"/api/v1/conversations/{asked}/messages", json={"content": ours.question})
    api.delete(f"/api/v1/conversations/{asked}")
    path = f"/api/v1/conversations/{conversation}/messages"
    repeated = api.post(path, json={"content": ours.question}, headers={"idempotency-key": ours.key})
    folder = target.data_dir / "blobs" / str(tenant) / str(_uuid(document))
    documents = [str(one["id"]) for one in every(api, "/api/v1/documents")]
    conversations = [str(one["id"]) for one in every(api, "/api/v1/conversations")]
    rows = {
        f"the row of the {what}": admin.read(statement, (tenant, _uuid(which)))[0][0] > 0
        for (what, statement), which in zip(_ROWS.items(), (document, conversation, message), strict=True)
    }
    return {
        "the document": api.get(f"/api/v1/documents/{document}").status_code not in GONE,
        "its text": api.get(f"/api/v1/documents/{document}/pages/0").status_code not in GONE,
        "the picture of its page": api.get(f"/api/v1/documents/{document}/pages/0.png").status_code not in GONE,
        "its page": browser.get(f"/d/{document}", headers={"accept": "text/html"}).status_code not in GONE,
        "it in the list of documents": document in documents,
        # A question that breaks on what is half gone is as bad as one that finds it.
        "its figure in an answer": answer.status_code != 201 or str(ours.figure) in answer.text.replace(",", ""),
        "the conversation": api.get(f"/api/v1/conversations/{conversation}").status_code not in GONE,
        "the question": api.get(f"{path}/{message}").status_code not in GONE,
        "its conversation in the list": conversation in conversations,
        "the answer to the request when it is repeated": repeated.status_code not in GONE,
        **rows,
        **{f"the blob {part}": (folder / part).exists() for part in sorted(PARTS)},
        **({"anything else among the blobs": True} if _left(folder) else {}),
        **({"a job that waits": True} if admin.read(_JOBS, (document,))[0][0] else {}),
    }


def _left(folder: Path) -> bool:
    return folder.is_dir() and any(path.name not in PARTS for path in folder.rglob("*"))


@check("history.control", every="hour", deadline_s=30)
def history(target: Target, found: Findings) -> None:
    """Begins two conversations, finds both in the list, renames one and deletes it, and looks for it and for its question afterwards. Control: it was there before, and the other one still is."""
    title, renamed = word(), word()
    with target.client(target.ours) as api:
        mine, other = converse(api, title), converse(api, word())
        try:
            turn = ask(api, mine, f"What is {title}?")
            listed = {one["id"]: one["title"] for one in every(api, "/api/v1/conversations")}
            found.control("both stand in the list", listed.get(mine) == title and other in listed)
            shown = expect(api.get(f"/api/v1/conversations/{mine}"), OK).json()
            found.probe(
                "the question and its answer are kept",
                [one["id"] for one in shown["messages"]] == [turn["id"]] and title in str(shown),
            )
            found.probe(
                "it can be renamed",
                api.patch(f"/api/v1/conversations/{mine}", json={"title": renamed}).status_code == OK,
            )
            titles = {one["id"]: one["title"] for one in every(api, "/api/v1/conversations")}
            found.probe("the list shows the new title", titles.get(mine) == renamed)
            found.probe("it can be deleted", api.delete(f"/api/v1/conversations/{mine}").status_code == 204)
            after = [one["id"] for one in every(api, "/api/v1/conversations")]
            found.probe("it is gone from the list", mine not in after)
            statuses = [
                api.get(f"/api/v1/conversations/{mine}{rest}").status_code
                for rest in ("", "/messages", f"/messages/{turn['id']}")
            ]
            found.probe("it and its question are gone", set(statuses) <= GONE, statuses=statuses)
            found.control("the other one is still there", other in after)
        finally:
            for one in (mine, other):
                api.delete(f"/api/v1/conversations/{one}")


@check("usage.metering", every="hour", deadline_s=60)
def metering(target: Target, found: Findings) -> None:
    """Has one document read and one question answered, and finds exactly that in the usage of the tenant: counts, characters, pages, times. Deleting the conversation takes nothing away. Looks whether the table of usage has columns for anything but counts, ids and times. Control: before the work the counts stood still."""
    label = word()
    with target.client(target.ours) as api:
        still, start = _totals(api), _totals(api)
        document = upload(api, f"{label}.csv", papers.csv([(label, 4711, 4700)]))
        conversation = converse(api, label)
        try:
            settled(api, [document])
            question = f"What was {label} in 2024?"
            turn = ask(api, conversation, question, document_ids=[document])
            done = _totals(api)
            entries = expect(api.get("/api/v1/usage", params={"days": 1}), OK).json()["items"]
        finally:
            api.delete(f"/api/v1/conversations/{conversation}")
            api.delete(f"/api/v1/documents/{document}")
        kept = _totals(api)
    gained = {name: done[name] - start[name] for name in done}
    text = turn["answer"]["text"]
    wanted = {
        "questions": 1,
        "answered": 1,
        "documents": 1,
        "pages": 1,
        "input_chars": len(question),
        "output_chars": len(text),
    }
    differing = {name: gained.get(name) for name, count in wanted.items() if gained.get(name) != count}
    found.probe("what was done is what was counted", not differing, differing=differing)
    mine = [one for one in entries if one["turn_id"] == turn["id"]]
    found.probe(
        "the question has its entry, with its engine and its time",
        len(mine) == 1 and mine[0]["engine"] == "local" and mine[0]["elapsed_ms"] is not None and mine[0]["at"],
    )
    found.probe("usage says nothing of content", label not in str(entries))
    found.probe("deleting takes nothing away", kept == done)
    if target.admin_conninfo is not None:
        with session(target.admin_conninfo) as admin:
            other = [name for name, kind in admin.read(_COUNTS) if kind not in _COUNT_TYPES]
        found.probe("usage has no column for content", not other, columns=other)
    found.control("before the work the counts stood still", still == start)
    found.control("the content that usage must not hold was there", re.search(label, str(turn)) is not None)


def _totals(api: httpx.Client) -> dict[str, int]:
    totals: dict[str, int] = expect(api.get("/api/v1/usage", params={"days": DAYS}), OK).json()["totals"]
    return totals
