"""How this Trust Center is kept: the checker's keys out of the product's reach, the tenants' audit entries in the log."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from smalt.ledger.envelope import BadEnvelope, canonical, disclose, enclose
from smalt.ledger.note import BadNote, Checkpoint, Note, NoteKey, sign
from smalt.ledger.tree import holds_inclusion, inclusion, leaf_hash, root
from smalt.seal.signing import SigningKey, verify
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.journal import Journal, Keys
from smalt.trust.record import AUDIT, statement
from smalt.trust.target import Target

LOOKED_AT = 20
PAGES_MAX = 60


@check("checker.apart", every="hour", deadline_s=30)
def apart(target: Target, found: Findings) -> None:
    """Puts a harmless file beside the checker's keys and asks the server for it over the network, by a link that leads
    there: the server must not be able to open it. The same link to a file elsewhere must be followed and served.
    """
    own, shelf = target.data_dir / "checker", target.data_dir / "trust" / "evidence"
    keys = sorted(own.glob("*.key"))
    if not keys:
        raise Unclear("The checker's folder is not where this check looks for it.")
    with target.client() as stranger:
        with _decoy(shelf, shelf.parent) as (digest, data):
            served = stranger.get(f"/trust/evidence/{digest}")
            found.control("a file elsewhere is served by such a link", served.content == data)
        with _decoy(shelf, own) as (digest, data):
            refused = stranger.get(f"/trust/evidence/{digest}")
            found.control("the link is right: the checker itself reads through it", _read(shelf, digest) == data)
            found.probe(
                "the server does not open what lies beside the keys", refused.status_code == httpx.codes.NOT_FOUND
            )
    found.probe("the folder is the checker's alone", _closed(own, 0o077))
    found.probe("so is every key", all(_closed(key, 0o077) for key in keys), keys=len(keys))


@contextmanager
def _decoy(shelf: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    """A random file in ``folder``, and where evidence of its digest would lie, a link to it. It holds no secret."""
    data = canonical({"decoy": secrets.token_hex(16)})
    digest = hashlib.sha256(data).hexdigest()
    file, link = folder / f"decoy-{digest[:12]}", shelf / digest[:2] / digest
    link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    try:
        file.write_bytes(data)
        link.symlink_to(os.path.relpath(file, link.parent))
        yield digest, data
    finally:
        link.unlink(missing_ok=True)
        file.unlink(missing_ok=True)


def _read(shelf: Path, digest: str) -> bytes:
    try:
        return (shelf / digest[:2] / digest).read_bytes()
    except OSError:
        return b""


def _closed(path: Path, to: int) -> bool:
    return not stat.S_IMODE(path.stat().st_mode) & to


@check("audit.anchored", every="hour", deadline_s=60)
def anchored(target: Target, found: Findings) -> None:
    """Reads both synthetic tenants' audit entries, asks for the proof of each, and follows it with code of its own: from
    the entry as listed to the batch, to the log, to its signed checkpoint. An altered entry, and one of the other tenant,
    must not lead there.
    """
    keys = Journal(target.data_dir / "trust").keys()
    proved: list[tuple[dict[str, Any], dict[str, Any]]] = []
    wrong: dict[str, int] = {}
    late = 0
    for tenant in target.tenants:
        with target.client(tenant) as client:
            for entry in _chosen(client):
                reply = client.get(f"/api/v1/audit/{entry['id']}/proof")
                if reply.status_code == httpx.codes.ACCEPTED:  # it waits for the next batch
                    continue
                if reply.status_code == httpx.codes.OK and holds(entry, reply.json(), keys):
                    proved.append((entry, reply.json()))
                    late += not reply.json()["batch"]["soon"]
                else:
                    wrong[entry["id"]] = reply.status_code
    if not proved and not wrong:
        raise Unclear("No entry of the synthetic tenants stands in the log yet: the next run will find some.")
    found.probe("every entry that ended leads to the log", not wrong, proved=len(proved), wrong=wrong)
    found.probe("each was committed to when it ended", not late, late=late)
    tenants = {entry["tenant"] for entry, _ in proved}
    found.probe("entries of both tenants were proved", len(tenants) == len(target.tenants))
    entry, proof, own = example()
    cut = {**proof, "batch": {**proof["batch"], "root": "00" * 32}}
    found.control("a sound proof is accepted", holds(entry, proof, own))
    found.control("an altered outcome is seen", not holds({**entry, "outcome": 2}, proof, own))
    found.control("another entry does not fit the proof", not holds({**entry, "id": "ent_2"}, proof, own))
    found.control("a batch that the log does not state is seen", not holds(entry, cut, own))
    found.control("another log's signature is seen", not holds(entry, proof, keys))


def example() -> tuple[dict[str, Any], dict[str, Any], Keys]:
    """A made-up entry in a batch of four, in a log of three that a key of this moment signs; and that log's keys."""
    signer, entry = SigningKey.generate(), {"id": "ent_1", "outcome": 1, "salt": secrets.token_hex(32)}
    leaves = [leaf_hash(canonical(entry)), *(secrets.token_bytes(32) for _ in range(3))]
    predicate = {"root": root(leaves).hex(), "size": 4}
    logged = enclose(statement(AUDIT, {}, predicate), signer.public, signer.sign)
    entries = [secrets.token_bytes(32), leaf_hash(logged), secrets.token_bytes(32)]
    keys = Keys(NoteKey("example", signer.public), signer.public)
    text = str(Checkpoint("example", 3, root(entries)))
    proof = {
        "batch": {**predicate, "index": 0, "path": [one.hex() for one in inclusion(0, leaves)]},
        "log": {
            "index": 1,
            "entry": base64.b64encode(logged).decode(),
            "path": [one.hex() for one in inclusion(1, entries)],
            "checkpoint": str(Note(text, (sign(text, keys.log, signer.sign),))),
        },
    }
    return entry, proof, keys


def _chosen(client: httpx.Client) -> list[dict[str, Any]]:
    """The newest entries that ended, which may wait for the log still, and some of the newest that no longer do.

    The other checks of a run leave hundreds behind that wait: pages are turned until one ends with an entry that does not.
    """
    newest: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        reply = client.get("/api/v1/audit", params={"limit": 100, **({"cursor": cursor} if cursor else {})})
        if reply.status_code != httpx.codes.OK:
            raise Unclear("The synthetic tenants cannot read their own audit log.")
        page = reply.json()
        ended = [entry for entry in page["items"] if entry["finished_at"] and entry["salt"]]
        newest = newest or ended[:LOOKED_AT]
        cursor = page["next"]
        if not ended:
            continue
        last = client.get(f"/api/v1/audit/{ended[-1]['id']}/proof")
        if last.status_code != httpx.codes.ACCEPTED or cursor is None:
            return [*newest, *(entry for entry in ended[-LOOKED_AT:] if entry not in newest)]
    return newest


def holds(entry: Mapping[str, Any], proof: Mapping[str, Any], keys: Keys) -> bool:
    """Whether ``entry``, as it was listed, stands in the log by ``proof``: nothing that the proof repeats of it is used."""
    try:
        batch, log = proof["batch"], proof["log"]
        note = Note.parse(log["checkpoint"])
        stated = Checkpoint.parse(note.text)
        logged = base64.b64decode(log["entry"])
        statement = disclose(logged, keys.checker, verify)
        path, above = ([bytes.fromhex(one) for one in some] for some in (batch["path"], log["path"]))
        top = bytes.fromhex(batch["root"])
        predicate = statement["predicate"]
    except (KeyError, TypeError, ValueError, BadNote, BadEnvelope):
        return False
    return (
        holds_inclusion(leaf_hash(canonical(dict(entry))), batch["index"], batch["size"], path, top)
        and statement["predicateType"] == AUDIT
        and (predicate["root"], predicate["size"]) == (batch["root"], batch["size"])
        and holds_inclusion(leaf_hash(logged), log["index"], stated.size, above, stated.root)
        and note.signed_by(keys.log, verify)
        and stated.origin == keys.origin
    )
