"""A minimal witness: what ``smalt trust witness`` does on a machine that is not the operator's.

    fetch the checkpoint · verify it · demand that it grew from the one seen last · remember it · cosign it · hand it in

It remembers before it signs: a witness that forgot what it signed could be led to sign a fork. What it remembers stands
beside its key, in a file of the same name with ``.seen``: the log's key and the last checkpoint. Nothing of the server is
trusted but what was verified: the leaves come from the tiles, and both roots are computed here.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from smalt.kernel.errors import Malformed, Missing, Refused, Unavailable, Untrusted
from smalt.ledger import tiles
from smalt.ledger.note import COSIGNATURE, BadNote, Checkpoint, Note, NoteKey, cosign
from smalt.ledger.tree import consistency, holds_consistency, root
from smalt.seal.files import write_durably
from smalt.seal.signing import SigningKey, verify


@dataclass(frozen=True, slots=True)
class Seen:
    """What the witness knows of a log: its key, and the newest checkpoint that it cosigned."""

    log_key: NoteKey
    checkpoint: Checkpoint | None

    @property
    def size(self) -> int:
        return 0 if self.checkpoint is None else self.checkpoint.size


@dataclass(frozen=True, slots=True)
class Witnessed:
    """``size`` was cosigned; it had been ``before`` the last time (0: never). ``taken``: the server took the line."""

    key: NoteKey
    size: int
    before: int
    taken: bool


def load_key(path: Path, name: str | None) -> tuple[SigningKey, NoteKey]:
    """The witness's key in ``path``, made there under ``name`` when there is none."""
    label = path.with_name(f"{path.name}.name")
    try:
        key, called = SigningKey.load(path), label.read_text("utf-8").strip()
    except (Missing, FileNotFoundError):
        if name is None or path.exists():
            raise Missing(
                "witness.no_key",
                "There is no witness's key in that file.",
                todo="Make one with --new NAME, where NAME is yours: a domain name with a path, say.",
            ) from None
        if not name or any(char.isspace() or char == "+" for char in name) or len(name) > 255:
            raise Malformed("witness.name", "A witness's name has no spaces and no +.") from None
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(label, name.encode())
        key, called = _made(path), name
    return key, NoteKey(called, key.public, COSIGNATURE)


def _made(path: Path) -> SigningKey:
    """A new key in ``path``, without asking that the folder be its own."""
    secret = SigningKey.new_secret()
    write_durably(path, secret)
    return SigningKey(secret)


def witness(path: Path, key: tuple[SigningKey, NoteKey], client: httpx.Client, log_key: str | None) -> Witnessed:
    """See the log at ``client``'s server, cosign what it states, hand the line in.

    `Untrusted` ``witness.fork`` when it is not what it was, grown: then nothing is signed, and both sides are kept in a
    file beside the key. `Unavailable` when the server does not answer.
    """
    signer, own = key
    seen = _seen(path, client, log_key)
    text = _get(client, "/trust/log/checkpoint").text
    try:
        note = Note.parse(text)
        stated = Checkpoint.parse(note.text)
    except BadNote:
        raise _not_a_log() from None
    if stated.origin != seen.log_key.name or not note.signed_by(seen.log_key, verify):
        raise _fork(path, seen, text, "The checkpoint is not signed by the log's key that this witness knows.")
    _require_grown(path, seen, stated, text, client)
    # CRASH POINT: remembered and not signed. The next time it is seen again, as what it grew from.
    _remember(path, seen.log_key, note.text)
    line = cosign(note.text, own, signer.sign, int(time.time()))
    reply = client.post(
        "/trust/log/cosignature", content=str(Note(note.text, (*note.signatures[:1], line))).encode(),
        headers={"content-type": "text/plain; charset=utf-8"},
    )  # fmt: skip
    return Witnessed(own, stated.size, seen.size, reply.status_code == httpx.codes.OK)


def _require_grown(path: Path, seen: Seen, stated: Checkpoint, text: str, client: httpx.Client) -> None:
    old = seen.checkpoint
    if old is not None and stated.size < old.size:
        raise _fork(path, seen, text, "The log is shorter than it was.")
    leaves = _leaves(client, stated.size)
    if root(leaves) != stated.root:
        raise _fork(path, seen, text, "The log's tiles do not give the root that its checkpoint states.")
    if old is not None:
        proof = consistency(old.size, leaves)
        if not holds_consistency(old.size, stated.size, proof, old.root, stated.root):
            raise _fork(path, seen, text, "The log did not grow from what this witness cosigned before.")


def _leaves(client: httpx.Client, size: int) -> list[bytes]:
    found: list[bytes] = []
    for number in range((size + tiles.WIDTH - 1) // tiles.WIDTH):
        width = min(tiles.WIDTH, size - number * tiles.WIDTH)
        part = _get(client, f"/trust/log/{tiles.path(0, number, width)}").content
        try:
            found += tiles.unpack_hashes(part)[:width]
        except ValueError:
            raise _not_a_log() from None
    return found


def _seen(path: Path, client: httpx.Client, log_key: str | None) -> Seen:
    """What is remembered; at the first time the key that was given, or else the one that the server shows."""
    try:
        kept = json.loads(_seen_path(path).read_bytes())
        known = Seen(NoteKey.parse(kept["log_key"]), Checkpoint.parse(kept["checkpoint"]))
    except FileNotFoundError:
        given = log_key or _get(client, "/trust/log/keys.json").json()["log_key"]
        try:
            return Seen(NoteKey.parse(given), None)
        except BadNote:
            raise Malformed("witness.log_key", "This is not the public key of a log.") from None
    except (ValueError, KeyError, BadNote):
        raise Untrusted(
            "witness.forgot",
            "What this witness remembers cannot be read, so it cannot tell whether the log grew.",
            kept="Nothing was signed.",
            todo="Restore the file that ends in .seen from a copy. Never delete it to go on.",
        ) from None
    if log_key is not None and str(known.log_key) != log_key.strip():
        raise Untrusted("witness.other_log", "This key witnesses another log.", kept="Nothing was signed.")
    return known


def _remember(path: Path, log_key: NoteKey, text: str) -> None:
    write_durably(_seen_path(path), json.dumps({"log_key": str(log_key), "checkpoint": text}).encode())


def _seen_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.seen")


def _fork(path: Path, seen: Seen, text: str, why: str) -> Untrusted:
    evidence = path.with_name(f"{path.name}.fork-{int(time.time())}")
    before = "" if seen.checkpoint is None else str(seen.checkpoint)
    write_durably(evidence, json.dumps({"log_key": str(seen.log_key), "seen": before, "shown": text}).encode())
    failure = Untrusted(
        "witness.fork",
        "THE LOG IS NOT WHAT IT WAS. It was rewritten, cut, replaced, or it shows different things to different readers.",
        kept="Nothing was signed. Both sides are kept in a file beside the key.",
        todo="Do not rely on what it proves. Show that file to the operator, to other witnesses and to the public.",
    )
    failure.add_note(f"{why} ({evidence})")
    return failure


def _get(client: httpx.Client, path: str) -> httpx.Response:
    try:
        reply = client.get(path)
    except httpx.TransportError:
        raise Unavailable("witness.no_answer", "The server does not answer.", kept="Nothing was signed.") from None
    if reply.status_code != httpx.codes.OK:
        raise Refused(
            "witness.refused",
            "The server does not show its log.",
            kept="Nothing was signed.",
            facts={"status": reply.status_code},
        )
    return reply


def _not_a_log() -> Refused:
    return Refused("witness.no_log", "What the server shows is not a log.", kept="Nothing was signed.")
