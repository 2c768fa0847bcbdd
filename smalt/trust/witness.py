"""Witnesses: people outside who cosign what the log states, so that it cannot be two things to two readers.

A tenant names the keys of its witnesses (C2SP tlog-cosignature/v1). Their lines are taken only over a checkpoint of this
log, and are handed out below it from then on. A signature line names its key by name and id; the gate's directory leads
from there to the tenant's row, as it leads from a token to its owner.

    trust/cosignatures/<size>.<key id>   one line each; those of the newest `SIZES_KEPT` sizes
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from smalt.kernel.errors import Conflict, Forbidden, Malformed, Missing
from smalt.kernel.ids import TenantId, WitnessId
from smalt.kernel.sealed import Place, Sealed
from smalt.ledger.note import COSIGNATURE, BadNote, Checkpoint, Note, NoteKey, Signature
from smalt.ledger.tree import root
from smalt.people.credentials import Credentials
from smalt.seal.files import write_durably
from smalt.seal.signing import verify
from smalt.store.sql import load
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.trust.journal import COSIGNATURES, Journal

queries = load(Path(__file__).with_name("witness.sql"))
WITNESSES_MAX = 20
SIZES_KEPT = 64
LINES_MAX = 16
NOTE_MAX_BYTES = 16 * 1024
CLOCK_SKEW_S = 300


@dataclass(frozen=True, slots=True)
class WitnessRow:
    id: WitnessId
    name: Sealed
    key: bytes
    created_at: datetime
    seen_at: datetime | None
    seen_size: int | None


@dataclass(frozen=True, slots=True)
class Witness:
    """``seen_size``: the newest size of the log that it cosigned, at ``seen_at``."""

    id: WitnessId
    key: NoteKey
    created_at: datetime
    seen_at: datetime | None
    seen_size: int | None


_rows = queries.witnesses.rows(WitnessRow)
_row = queries.witness.rows(WitnessRow)


def key_of(text: str) -> NoteKey:
    """The key written as name+id+key; `Malformed` when it is not one of a witness."""
    try:
        found = NoteKey.parse(text)
    except BadNote:
        found = None
    if found is None or found.kind != COSIGNATURE or not found.name.isascii() or not found.name.isprintable():
        raise Malformed(
            "witness.key",
            "This is not the public key of a witness.",
            kept="Nothing was changed.",
            todo="Paste the line that `smalt trust witness` prints: name, id and key, joined by +.",
        )
    return found


async def register(scope: TenantScope, credentials: Credentials, key: NoteKey) -> WitnessId:
    """Let ``key`` cosign for this tenant. `Conflict` when it does already, or when there are too many."""
    known = await list_of(scope)
    if len(known) >= WITNESSES_MAX or any(one.key == key for one in known):
        raise Conflict(
            "witness.known_or_too_many",
            "This key is registered already, or there are too many.",
            kept="Nothing was changed.",
            todo="Take one away first.",
            facts={"registered": len(known), "most": WITNESSES_MAX},
        )
    made = WitnessId.new()
    name = scope.seal_text(key.name, _place(made))
    await scope.execute(queries.add_witness, {"id": made, "name": name, "key": key.public})
    await scope.put_credential(CredentialKind.WITNESS, _line_digest(credentials, key.name, key.id), made)
    return made


async def remove(scope: TenantScope, which: WitnessId) -> None:
    """Take no more lines of it. What it signed stays: readers who know its key go on to count it. `Missing` if unknown."""
    if not await scope.execute(queries.drop_witness, {"id": which}):
        raise Missing("witness.unknown", "There is no such witness.", kept="Nothing was changed.")
    await scope.drop_credentials_of(CredentialKind.WITNESS, which)


async def list_of(scope: TenantScope) -> list[Witness]:
    """The tenant's witnesses, oldest first."""
    return [_opened(scope, row) for row in await scope.fetch_all(_rows)]


def _opened(scope: TenantScope, row: WitnessRow) -> Witness:
    name = scope.open_text(row.name, _place(row.id))
    return Witness(row.id, NoteKey(name, bytes(row.key), COSIGNATURE), row.created_at, row.seen_at, row.seen_size)


def _place(which: WitnessId) -> Place:
    return Place("witness", "name", which.uuid)


def _line_digest(credentials: Credentials, name: str, key_id: bytes) -> bytes:
    return credentials.of_witness(f"{name}+{key_id.hex()}")


async def accept(gateway: Gateway, credentials: Credentials, journal: Journal, sent: bytes) -> tuple[Checkpoint, int]:
    """Take the lines of registered witnesses below a note of ours: the checkpoint, and how many lines were taken.

    `Malformed` for what is no note; `Conflict` when it states something else than this log does at that size; `Forbidden`
    when none of the lines is of a registered key and holds.
    """
    if len(sent) > NOTE_MAX_BYTES:
        raise _no_note()
    try:
        note = Note.parse(sent.decode())
        stated = Checkpoint.parse(note.text)
    except (BadNote, UnicodeDecodeError):
        raise _no_note() from None
    ours = await asyncio.to_thread(_require_ours, journal, stated)
    own, taken = journal.keys().log, 0
    for line in note.signatures[:LINES_MAX]:
        if (line.name, line.key_id) == (own.name, own.id):
            continue
        for tenant, which in await gateway.find(
            CredentialKind.WITNESS, _line_digest(credentials, line.name, line.key_id)
        ):
            if await _accept_of(gateway, tenant, WitnessId(which), Note(note.text, (line,)), stated.size):
                await asyncio.to_thread(keep, journal.folder, stated.size, line)
                taken += 1
                break
    if not taken:
        raise Forbidden(
            "witness.not_registered",
            "No line of this note is a cosignature by a registered witness that holds.",
            kept="Nothing was taken.",
            todo="Have an administrator of a workspace register the key under Settings, Witnesses.",
        )
    return ours, taken


async def _accept_of(gateway: Gateway, tenant: TenantId, which: WitnessId, note: Note, size: int) -> bool:
    now = gateway.clock.now()
    async with gateway.system(tenant).enter(Act.WITNESS_COSIGN, which) as scope:
        row = await scope.fetch_maybe(_row, {"id": which})
        if row is None:
            return False
        at = note.time_of(_opened(scope, row).key, verify)
        if at is None or at > now.timestamp() + CLOCK_SKEW_S:
            return False
        await scope.execute(queries.see_witness, {"id": which, "at": now, "size": size})
        return True


def _require_ours(journal: Journal, stated: Checkpoint) -> Checkpoint:
    """The newest checkpoint; `Conflict` unless ``stated`` is a prefix of what it covers."""
    newest = journal.checkpoint()
    grown = 0 < stated.size <= newest.size and root(journal.leaves()[: stated.size]) == stated.root
    if stated.origin != newest.origin or not grown:
        raise Conflict(
            "witness.not_this_log",
            "The note does not state what this log holds at that size.",
            kept="Nothing was taken.",
            todo="Fetch /trust/log/checkpoint again. If you were shown this one by this server, it showed two logs: tell others.",
            facts={"size": newest.size},
        )
    return newest


def keep(folder: Path, size: int, line: Signature) -> None:
    """Keep ``line`` for who reads the checkpoint of ``size``; lines of sizes long past are forgotten."""
    shelf = folder / COSIGNATURES
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(shelf / f"{size}.{line.key_id.hex()}", f"{line}\n".encode())
    sizes = sorted({number for path in shelf.iterdir() if (number := path.name.partition(".")[0]).isdigit()}, key=int)
    for old in sizes[:-SIZES_KEPT]:
        for path in shelf.glob(f"{old}.*"):
            path.unlink(missing_ok=True)


def _no_note() -> Malformed:
    return Malformed(
        "witness.note",
        "This is not a signed note around a checkpoint.",
        kept="Nothing was taken.",
        todo="Send the text of /trust/log/checkpoint with your line below (C2SP tlog-cosignature).",
    )
