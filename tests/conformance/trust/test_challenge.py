"""A freshness challenge, end to end: posted by a stranger, embedded by the next run in all that it signs."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from tests.conformance.client import Install, Workspace, check_problem


def entries_of(install: Install) -> list[dict[str, Any]]:
    """Every statement of the log, read as anybody reads it: tiles over HTTP."""
    client = install.client()
    size = int(client.get("/trust/log/checkpoint").text.split("\n")[1])
    found: list[bytes] = []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        tail = "" if width == 256 else f".p/{width}"
        data = client.get(f"/trust/log/tile/entries/{number:03d}{tail}").raise_for_status().content
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
    assert len(found) == size
    return [json.loads(base64.b64decode(json.loads(one)["payload"])) for one in found]


def test_the_next_run_embeds_it_everywhere(install: Install, ours: Workspace) -> None:
    client, nonce = install.client(), secrets.token_hex(16)
    check_problem(client.get(f"/trust/challenge/{nonce}"), 404, "trust.no_challenge")
    posted = client.post("/trust/challenge", {"nonce": nonce})
    assert posted.status_code == 202
    assert posted.json()["state"] == "waiting"
    assert client.post("/trust/challenge", {"nonce": nonce}).status_code == 202
    assert client.get(posted.headers["location"]).json()["state"] == "waiting"

    ran = install.run("trust", "run", "trust.keys", "trust.audit", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    seen = client.get(f"/trust/challenge/{nonce}").json()
    statements = entries_of(install)
    run = statements[seen["index"]]
    assert seen["state"] == "embedded"
    assert run["predicate"]["run"] == seen["run"]
    assert nonce in run["predicate"]["challenges"]
    results = [one for one in statements if one["predicate"].get("run") == seen["run"] and "result" in one["predicate"]]
    assert len(results) == 2
    for result in results:
        assert nonce in result["predicate"]["challenges"]
        evidence = client.get(f"/trust/evidence/{result['predicate']['evidence']['sha256']}").json()
        assert nonce in evidence["challenges"]

    again = install.run("trust", "run", "trust.audit", "--json")  # embedded once, not for ever
    assert again.returncode == 0
    assert client.get(f"/trust/challenge/{nonce}").json() == seen


def test_what_is_no_nonce_is_refused(install: Install) -> None:
    client = install.client()
    for nonce in ("", "ab", "AB" * 16, "zz" * 16, "../" * 12, "ab" * 40):
        check_problem(client.post("/trust/challenge", {"nonce": nonce}), 422, "trust.nonce")
    assert client.post("/trust/challenge", {"nonce": "ab" * 70}).status_code == 422
    assert client.post("/trust/challenge", {"nonce": "ab" * 16, "more": 1}).status_code == 422
    assert client.post("/trust/challenge", content=b"x" * 3_000_000).status_code == 413


def test_one_address_cannot_fill_the_waiting_room(install: Install) -> None:
    client = install.client()
    codes = [client.post("/trust/challenge", {"nonce": "not one"}).status_code for _ in range(25)]
    assert set(codes) == {422, 429}
    last = client.post("/trust/challenge", {"nonce": secrets.token_hex(16)})
    check_problem(last, 429, "address.too_many")
    assert int(last.headers["retry-after"]) > 0
