"""The transparency log on the disk: tiles and a signed checkpoint that anybody may read, written by the keeper alone.

    log/checkpoint   log/tile/…   evidence/<first two digits>/<sha256>   keys.json
    checkpoints/<size>   the checkpoints of before        cosignatures/   lines of witnesses, by the product

Invariant: whatever the checkpoint covers is on the disk. Entries and tiles are written before the checkpoint replaces
the old one. CRASH POINT between the two: tiles lie beyond the edge of the old checkpoint; nobody was told of them, and
the next append writes over them. Evidence is written before the entry that names it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smalt.kernel.errors import Missing, Unavailable, Untrusted
from smalt.ledger import tiles
from smalt.ledger.envelope import canonical
from smalt.ledger.note import BadNote, Checkpoint, Note, NoteKey, Signature
from smalt.ledger.tree import HASH_BYTES, leaf_hash, root
from smalt.seal.files import write_durably
from smalt.seal.signing import verify

CHECKPOINTS = "checkpoints"
COSIGNATURES = "cosignatures"
EVIDENCE_MAX_BYTES = 1024 * 1024
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Keys:
    """The public keys of an installation's log and checker."""

    log: NoteKey
    checker: bytes

    @property
    def origin(self) -> str:
        return self.log.name

    def plain(self) -> dict[str, str]:
        return {"origin": self.origin, "log_key": str(self.log), "checker_key": self.checker.hex()}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Keys:
        """`BadNote` when ``plain`` does not hold two keys."""
        try:
            checker = bytes.fromhex(plain["checker_key"])
            found = cls(NoteKey.parse(plain["log_key"]), checker)
        except (KeyError, ValueError, TypeError):
            raise BadNote("not the keys of a log") from None
        if len(checker) != HASH_BYTES:
            raise BadNote("not the keys of a log")
        return found


class Journal:
    """Reads a log; the part of it that every surface stands on. Cheap to make: nothing is read before it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"

    def keys(self) -> Keys:
        """`Missing` before the first run of the checks."""
        try:
            return Keys.parse(json.loads((self.folder / "keys.json").read_bytes()))
        except FileNotFoundError:
            raise Missing("trust.no_log", "No check has run here yet.", todo="Run `smalt trust run`.") from None
        except (BadNote, ValueError):
            raise damaged() from None

    def note(self) -> Note:
        """The newest checkpoint, signed; `Missing` while there is none, `Untrusted` when its signature does not hold."""
        try:
            note = Note.parse((self.log / "checkpoint").read_text("utf-8"))
        except FileNotFoundError:
            raise Missing("trust.no_log", "No check has run here yet.", todo="Run `smalt trust run`.") from None
        except (BadNote, UnicodeDecodeError):
            raise damaged() from None
        if not note.signed_by(self.keys().log, verify):
            raise damaged()
        return self._cosigned(note)

    def note_of(self, size: int) -> Note:
        """The checkpoint that was signed at ``size``, with the lines of witnesses; `Missing` when none was or is kept."""
        try:
            note = Note.parse((self.folder / CHECKPOINTS / str(size)).read_text("utf-8"))
        except (OSError, BadNote, UnicodeDecodeError):
            note = self.note()
        if Checkpoint.parse(note.text).size != size or not note.signed_by(self.keys().log, verify):
            raise Missing("trust.no_checkpoint", "No checkpoint of this size is kept here.")
        return self._cosigned(note)

    def _cosigned(self, note: Note) -> Note:
        """With what witnesses signed of this very text. Whose lines hold, the reader decides, who knows the keys."""
        lines: list[Signature] = []
        size = Checkpoint.parse(note.text).size
        for path in sorted((self.folder / COSIGNATURES).glob(f"{size}.*")):
            with contextlib.suppress(OSError, BadNote, UnicodeDecodeError):
                lines += Note.parse(f"{note.text}\n{path.read_text('utf-8')}").signatures
        return note.with_lines(lines)

    def checkpoint(self) -> Checkpoint:
        return Checkpoint.parse(self.note().text)

    def size(self) -> int:
        """How many entries there are; 0 while there is no log."""
        try:
            return self.checkpoint().size
        except Missing:
            return 0

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The entries from ``start`` up to ``end``; `Untrusted` when one that should be there is not."""
        size = self.size()
        end = size if end is None else min(end, size)
        for path, first, width in tiles.entry_tiles(size):
            if first + width <= start or first >= end:
                continue
            found = self._read(path, tiles.unpack_entries)
            if len(found) != width:
                raise damaged()
            yield from found[max(start - first, 0) : end - first]

    def leaves(self) -> list[bytes]:
        """The leaf hashes of the whole log, checked against the checkpoint's root."""
        stated = self.checkpoint()
        found: list[bytes] = []
        for number in range((stated.size + tiles.WIDTH - 1) // tiles.WIDTH):
            width = min(tiles.WIDTH, stated.size - number * tiles.WIDTH)
            found += self._read(tiles.path(0, number, width), tiles.unpack_hashes)
        if len(found) != stated.size or root(found) != stated.root:
            raise damaged()
        return found

    def tile(self, path: str) -> bytes:
        """The bytes of ``tile/…``, for readers; `Missing` for anything else."""
        if not path.startswith("tile/") or any(part in {"", ".", ".."} for part in path.split("/")):
            raise Missing("trust.no_tile", "There is no such tile.")
        try:
            return (self.log / path).read_bytes()
        except OSError:
            raise Missing("trust.no_tile", "There is no such tile.") from None

    def evidence(self, digest: str) -> bytes:
        """The evidence of this SHA-256, checked; `Missing` when there is none."""
        if len(digest) != 2 * HASH_BYTES or not _HEX.issuperset(digest):
            raise Missing("trust.no_evidence", "There is no such evidence.")
        try:
            data = self._evidence_path(digest).read_bytes()
        except OSError:
            raise Missing("trust.no_evidence", "There is no such evidence.") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise damaged()
        return data

    def _evidence_path(self, digest: str) -> Path:
        return self.folder / "evidence" / digest[:2] / digest

    def _read(self, path: str, unpack: Any) -> list[bytes]:
        try:
            found: list[bytes] = unpack((self.log / path).read_bytes())
        except (OSError, ValueError):
            raise damaged() from None
        return found


class JournalWriter(Journal):
    """Appends. One at a time: the keeper holds a lock around it."""

    def put_evidence(self, evidence: Any) -> str:
        """Store ``evidence`` (a JSON value) under its digest, which is returned. `Unavailable` when the disk refuses."""
        data = canonical(evidence)
        if len(data) > EVIDENCE_MAX_BYTES:
            raise ValueError("evidence is at most 1 MiB")
        digest = hashlib.sha256(data).hexdigest()
        path = self._evidence_path(digest)
        if not path.is_file():
            self.put(path, data)
        return digest

    def append(self, entries: Sequence[bytes], origin: str, sign: Any) -> Checkpoint:
        """Add ``entries``; the new checkpoint, once it is on the disk. ``sign(text)`` gives the signed `Note`."""
        size = self.size()
        leaves = self.leaves() if size else []
        grown = [*leaves, *(leaf_hash(entry) for entry in entries)]
        for path, first, width in tiles.entry_tiles(len(grown)):
            if first + width <= size:
                continue
            kept = list(self.entries(first, size)) if first < size else []
            part = [*kept, *entries[max(first - size, 0) : first + width - size]]
            self.put(self.log / path, tiles.pack_entries(part))
        for path, data in tiles.grown(size, grown):
            self.put(self.log / path, data)
        if size:  # CRASH POINT below: it may not have got there the last time
            self._remember_note(self.note())
        made = Checkpoint(origin, len(grown), root(grown))
        signed: Note = sign(str(made))
        self.put(self.log / "checkpoint", str(signed).encode())
        # CRASH POINT: the log has grown, and the checkpoint is not kept under its size yet. Not before: what is signed and
        # never became the log must not be handed out, or the log would have been two at that size.
        with contextlib.suppress(Unavailable):  # the entries are in the log: whoever appended them must hear so
            self._remember_note(signed)
        return made

    def _remember_note(self, note: Note) -> None:
        """Keep the checkpoint for whoever saw it last and wants to see how the log grew from there."""
        path = self.folder / CHECKPOINTS / str(Checkpoint.parse(note.text).size)
        if not path.is_file():
            self.put(path, str(Note(note.text, note.signatures[:1])).encode())

    def put(self, path: Path, data: bytes) -> None:
        """Write ``data`` durably, readable by the product."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, data)
        except (OSError, Unavailable):
            raise Unavailable(
                "trust.disk",
                "The evidence could not be written to the disk.",
                kept="The log as it was before; no claim changes by this, and what is not proved again turns stale.",
                todo="Check free space and rights of the folder `trust` in the data directory.",
            ) from None


def damaged() -> Untrusted:
    """The failure to raise when the log is not what its checkpoint states."""
    return Untrusted(
        "trust.log_damaged",
        "The transparency log does not fit its own checkpoint.",
        kept="Nothing was concluded from it.",
        todo="Restore the folder `trust` from a copy; witnesses and earlier bundles show what must be in it.",
    )
