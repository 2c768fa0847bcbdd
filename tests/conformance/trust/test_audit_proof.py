"""A tenant proves its own audit entries, with a verifier that shares nothing with the product but the standard."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import psycopg
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.conformance.client import Install, Workspace, check_problem

LINK = "\u2014 "


def climb(leaf: bytes, index: int, size: int, path: list[str]) -> bytes:
    """The root that ``path`` leads to from ``leaf`` (RFC 9162, section 2.1.3.2)."""
    found, last = leaf, size - 1
    for sibling in map(bytes.fromhex, path):
        if index % 2 or index == last:
            found = hashlib.sha256(b"\x01" + sibling + found).digest()
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + sibling).digest()
        index, last = index >> 1, last >> 1
    return found


def verified(entry: dict[str, Any], proof: dict[str, Any], log_key: str, checker_key: str) -> bool:
    """``log_key`` and ``checker_key`` come from elsewhere, not from the proof."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    batch, log = proof["batch"], proof["log"]
    top = climb(hashlib.sha256(b"\x00" + text.encode()).digest(), batch["index"], batch["size"], batch["path"])
    logged = base64.b64decode(log["entry"])
    outer = json.loads(logged)
    payload = base64.b64decode(outer["payload"])
    stated = json.loads(payload)
    body, _, signatures = log["checkpoint"].rpartition("\n\n")
    origin, size, root = body.split("\n")[:3]
    leaf = hashlib.sha256(b"\x00" + logged).digest()
    name, _, key = log_key.split("+", 2)
    line = next(one for one in signatures.split("\n") if one.startswith(f"{LINK}{name} "))
    try:
        signature = base64.b64decode(line.split(" ")[2])[4:]
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(signature, f"{body}\n".encode())
        pae = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(checker_key)).verify(
            base64.b64decode(outer["signatures"][0]["sig"]), pae
        )
    except InvalidSignature:
        return False
    return (
        stated["predicate"]["root"] == top.hex()
        and climb(leaf, log["index"], int(size), log["path"]) == base64.b64decode(root)
        and origin == name
    )


@pytest.fixture(scope="module")
def keys(install: Install, ours: Workspace) -> dict[str, str]:
    """What a careful reader keeps from an earlier visit; the run anchors what ours has done until now."""
    assert ours.api.get("/api/v1/documents").status_code == 200
    ran = install.run("trust", "run", "trust.audit", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, str] = json.loads((install.data_dir / "trust" / "keys.json").read_text("utf-8"))
    return found


def test_an_entry_is_proved_without_the_product(install: Install, ours: Workspace, keys: dict[str, str]) -> None:
    [oldest] = ours.api.get("/api/v1/audit", params={"act": "tenant.create"}).json()["items"]
    proof = ours.api.get(f"/api/v1/audit/{oldest['id']}/proof").json()
    assert proof["state"] == "anchored"
    assert proof["entry"] == oldest
    assert verified(oldest, proof, keys["log_key"], keys["checker_key"])
    for member, other in (("act", "tenant.change"), ("outcome", 2), ("salt", "00" * 32), ("tenant", "ten_0")):
        assert not verified({**oldest, member: other}, proof, keys["log_key"], keys["checker_key"])


def test_a_batch_tells_nothing(install: Install, ours: Workspace, keys: dict[str, str]) -> None:
    [oldest] = ours.api.get("/api/v1/audit", params={"limit": 100}).json()["items"][-1:]
    proof = ours.api.get(f"/api/v1/audit/{oldest['id']}/proof").json()
    size = proof["batch"]["size"]
    assert size >= 64
    assert size & (size - 1) == 0
    leaves = (install.data_dir / "trust" / "audit" / proof["batch"]["root"]).read_bytes()
    assert bytes.fromhex(proof["leaf"]) in leaves
    without = {name: value for name, value in oldest.items() if name != "salt"}
    text = json.dumps(without, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(b"\x00" + text.encode()).digest() not in leaves


def test_a_new_entry_waits_and_a_stranger_sees_nothing(
    ours: Workspace, theirs: Workspace, keys: dict[str, str]
) -> None:
    assert ours.api.get("/api/v1/me").status_code == 200
    newest = ours.api.get("/api/v1/audit", params={"limit": 1}).json()["items"][0]
    assert ours.api.get(f"/api/v1/audit/{newest['id']}/proof").status_code == 202
    path = f"/api/v1/audit/{newest['id']}/proof"
    assert theirs.api.get(path).status_code == 404
    assert ours.api.get("/api/v1/audit/ent_0/proof").status_code == 404
    narrow, _ = ours.with_scopes("documents.read")
    check_problem(narrow.get("/api/v1/audit"), 403, "act.token_scope")
    check_problem(narrow.get(path), 403, "act.token_scope")


def test_an_entry_that_was_changed_is_seen(install: Install, keys: dict[str, str]) -> None:
    mine = install.workspace("Changed Books")
    entry = mine.api.get("/api/v1/audit", params={"limit": 100}).json()["items"][-1]
    path = f"/api/v1/audit/{entry['id']}/proof"
    assert install.run("trust", "run", "trust.audit", "--json").returncode == 0
    assert mine.api.get(path).json()["state"] == "anchored"
    sockets = (install.postgres_home / "socket.place").read_text("utf-8").strip()
    with psycopg.connect(f"host={sockets} user=postgres dbname=smalt") as admin:
        admin.execute("update smalt.audit_entry set outcome = 2 where id = %s", (entry["id"].removeprefix("ent_"),))
    check_problem(mine.api.get(path), 500, "audit.altered")


def test_an_entry_that_was_changed_and_committed_to_anew_is_seen(install: Install, keys: dict[str, str]) -> None:
    """Somebody with the application's rights can have the new digest wait; the batches since its end tell."""
    for _ in range(3):  # batches that its first digest could stand in
        assert install.run("trust", "run", "trust.audit", "--json").returncode == 0
    mine = install.workspace("Changed Books Again")
    entry = mine.api.get("/api/v1/audit", params={"limit": 100}).json()["items"][-1]
    earlier = f"2026-01-{entry['finished_at'][8:]}"
    changed = {**entry, "outcome": 2, "begun_at": earlier, "finished_at": earlier}
    text = json.dumps(changed, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(b"\x00" + text.encode()).digest()
    sockets = (install.postgres_home / "socket.place").read_text("utf-8").strip()
    with psycopg.connect(f"host={sockets} user=postgres dbname=smalt") as admin:
        admin.execute(
            "update smalt.audit_entry set outcome = 2, begun_at = %s, finished_at = %s where id = %s",
            (earlier, earlier, entry["id"].removeprefix("ent_")),
        )
        admin.execute("insert into gate.commitment (digest) values (%s)", (digest,))
    path = f"/api/v1/audit/{entry['id']}/proof"
    check_problem(mine.api.get(path), 500, "audit.altered")
    assert install.run("trust", "run", "trust.keys", "--json").returncode == 0
    late = mine.api.get(path).json()  # it stands in the log by now, and not soon after its end
    assert (late["state"], late["batch"]["soon"]) == ("anchored", False)


def test_the_list_goes_on(ours: Workspace, keys: dict[str, str]) -> None:
    first = ours.api.get("/api/v1/audit", params={"limit": 3}).json()
    second = ours.api.get("/api/v1/audit", params={"limit": 3, "cursor": first["next"]}).json()
    ids = [one["id"] for one in [*first["items"], *second["items"]]]
    assert len(ids) == len(set(ids)) == 6
    assert [one["begun_at"] for one in first["items"]] == sorted(
        (one["begun_at"] for one in first["items"]), reverse=True
    )
