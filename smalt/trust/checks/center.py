"""The Trust Center itself: the log that is served is the one that was written, whole, signed, and only growing."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import httpx

from smalt.ledger import tiles
from smalt.ledger.envelope import BadEnvelope, disclose
from smalt.ledger.note import BadNote, Checkpoint, Note, NoteKey, sign
from smalt.seal.signing import SigningKey, verify
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.journal import Journal
from smalt.trust.probes.log import Reader
from smalt.trust.record import BadStatement, event_of
from smalt.trust.target import Target

SAMPLE = 3
"""So many tiles of entries are read beside the newest one, and so much evidence."""


@check("log.consistent", every="hour", deadline_s=60)
def consistent(target: Target, found: Findings) -> None:
    """Fetches the checkpoint and tiles as a stranger, recomputes the root, follows the newest entries and a random sample up
    to it, checks every signature and the evidence they name, and compares with the checkpoint that the checker kept.
    """
    keys, kept = Journal(target.data_dir / "trust").keys(), _kept(target.data_dir)  # first: the log may grow meanwhile
    with target.client() as stranger:
        served = stranger.get("/trust/log/checkpoint")
        if served.status_code == httpx.codes.NOT_FOUND and not kept:
            raise Unclear("There is no log yet: this is the first run.")
        note, stated = _read(served.text)
        found.probe(
            "the checkpoint is signed by the log", stated.origin == keys.origin and note.signed_by(keys.log, verify)
        )
        found.control("a checkpoint signed by another key is seen", not _signed_by_another(note.text, keys.log))

        def fetch(path: str) -> bytes:
            reply = stranger.get(f"/trust/log/{path}")
            if reply.status_code != httpx.codes.OK:
                raise ValueError("a tile is not served")
            return reply.content

        reader = Reader(fetch, stated.size)
        _root(reader, stated, found)
        _growth(reader, Checkpoint.parse(Note.parse(kept).text), found)
        named = _entries(reader, keys.checker, found)
        _evidence(stranger, named, found)


def _kept(data_dir: Path) -> str:
    """The checkpoint that the keeper wrote last; empty before the first."""
    try:
        return (data_dir / "checker" / "seen").read_text("utf-8")
    except FileNotFoundError:
        return ""


def _read(text: str) -> tuple[Note, Checkpoint]:
    """What is served as a checkpoint; an empty one of nobody when it is none."""
    try:
        note = Note.parse(text)
        return note, Checkpoint.parse(note.text)
    except BadNote:
        return Note("", ()), Checkpoint("", 0, b"")


def _signed_by_another(text: str, key: NoteKey) -> bool:
    other = SigningKey.generate()
    return Note(text, (sign(text, key, other.sign),)).signed_by(key, verify)


def _gives(reader: Reader, size: int, root: bytes) -> bool:
    try:
        return reader.root_at(size) == root
    except ValueError:
        return False


def _root(reader: Reader, stated: Checkpoint, found: Findings) -> None:
    found.probe(
        "the tiles give the root that was signed",
        stated.size and _gives(reader, stated.size, stated.root),
        entries=stated.size,
    )
    found.control("a log without its last entry is seen", not _gives(reader, stated.size - 1, stated.root))


def _growth(reader: Reader, kept: Checkpoint, found: Findings) -> None:
    found.probe(
        "the log goes on from what the checker wrote last", _gives(reader, kept.size, kept.root), kept=kept.size
    )
    found.control("a forked log is seen", not _gives(reader, kept.size, _flipped(kept.root)))


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _entries(reader: Reader, checker: bytes, found: Findings) -> set[str]:
    """Looks at the newest tile of entries and a sample of the others; the digests of the evidence that they name."""
    last = max(reader.size - 1, 0) // tiles.WIDTH
    chosen = {last, *random.SystemRandom().sample(range(last), min(SAMPLE, last))}
    included = signed = looked_at = 0
    named: set[str] = set()
    entry = b""
    for number in sorted(chosen):
        try:
            entries = reader.entries(number)
        except ValueError:
            found.probe("every tile of entries that was asked for is served whole", held=False)
            continue
        for index, entry in enumerate(entries, number * tiles.WIDTH):
            looked_at += 1
            included += _included(reader, index, entry)
            event = _event(entry, checker, index)
            signed += event is not None
            if event is not None and event["kind"] == "result":
                named.add(str(event["evidence"]))
    found.probe("every entry that was looked at is in the tree", looked_at and included == looked_at, entries=looked_at)
    found.probe("the checker signed each of them", looked_at and signed == looked_at)
    found.control(
        "an entry with a flipped byte is not in the tree",
        not _included(reader, reader.size - 1, _flipped(entry or b" ")),
    )
    found.control("an entry with a flipped byte is not signed", _event(_flipped(entry or b" "), checker, 0) is None)
    return named


def _included(reader: Reader, index: int, entry: bytes) -> bool:
    try:
        return reader.includes(index, entry)
    except (ValueError, IndexError):
        return False


def _event(entry: bytes, checker: bytes, index: int) -> dict[str, object] | None:
    try:
        return event_of(disclose(entry, checker, verify), index)
    except (BadEnvelope, BadStatement):
        return None


def _evidence(stranger: httpx.Client, named: set[str], found: Findings) -> None:
    """A log of statements only names no evidence: then none is looked at, and nothing is said of it."""
    chosen = random.SystemRandom().sample(sorted(named), min(SAMPLE, len(named)))
    replies = {digest: stranger.get(f"/trust/evidence/{digest}") for digest in chosen}
    fits = [hashlib.sha256(reply.content).hexdigest() == digest for digest, reply in replies.items()]
    if fits:
        found.probe("the evidence they name is served, unchanged", all(fits), evidence=len(fits))
