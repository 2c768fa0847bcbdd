"""Anchors the audit entries of all tenants in the log: one root over the commitments that wait, once a run.

The keeper sees digests. It sorts them, so that their order tells nothing, and fills them up with random ones to a power of
two, so that the size of a batch does not tell how busy the installation is. Every run states a batch, an empty one too:
so one of the first batches after an entry's end holds it, and an entry that is found only later was written again.

    trust/audit/<root>   the digests of a batch, 32 bytes each, sorted
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from smalt.kernel.errors import Untrusted
from smalt.ledger.tiles import unpack_hashes
from smalt.ledger.tree import HASH_BYTES, inclusion, root
from smalt.trust.keeper import Keeper
from smalt.trust.record import AUDIT, stamp, statement

FOLDER = "audit"
SIZE_MIN = 64
SOON_BATCHES = 3
"""An entry stands in one of the first so many batches after its end: a commit may be a moment later than its time."""


class Outbox(Protocol):
    """Where commitments wait."""

    def pending(self) -> list[bytes]: ...

    def settle(self, digests: Sequence[bytes]) -> int: ...


def batch_of(digests: Iterable[bytes]) -> list[bytes]:
    """The leaves of a batch: ``digests`` among random ones, sorted."""
    found = set(digests)
    size = max(SIZE_MIN, 1 << max(len(found) - 1, 0).bit_length())
    while len(found) < size:
        found.add(secrets.token_bytes(HASH_BYTES))
    return sorted(found)


def anchor(keeper: Keeper, outbox: Outbox, run: str) -> int:
    """State one batch of what waits; how many commitments it holds.

    CRASH POINTS: before the statement stands in the log, a file lies there that nothing names. After it, and before
    the outbox is cleared, the digests stand in the next batch once more, which proves the same.
    """
    waiting = outbox.pending()
    leaves = batch_of(waiting)
    top = root(leaves)
    with keeper.writing() as pen:
        pen.journal.put(_path(pen.journal.folder, top.hex()), b"".join(leaves))
        predicate = {
            "at": stamp(int(keeper.clock.now().timestamp())),
            "root": top.hex(),
            "size": len(leaves),
            "run": run,
        }
        pen.add([statement(AUDIT, {"batch": top.hex()}, predicate)])
    if waiting:
        outbox.settle(waiting)
    return len(waiting)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a commitment stands: in the batch that entry ``log_index`` of the log states, as leaf ``index``."""

    log_index: int
    at: int
    root: str
    size: int
    index: int
    path: tuple[bytes, ...]
    soon: bool


def place_of(folder: Path, batches: Sequence[Mapping[str, Any]], digest: bytes, ended: int) -> Place | None:
    """Where ``digest`` stands; None when in none of ``batches`` (the log's audit events, in its order).

    ``ended`` (Unix seconds) is when its entry did; ``soon`` is False when the batches right after that do not hold it.
    `Untrusted` when the file of a batch is not what the log states.
    """
    after = [one for one in batches if one["at"] >= ended]
    before = [one for one in batches if one["at"] < ended]
    for number, batch in enumerate([*after, *reversed(before)]):
        leaves = _leaves(folder, batch)
        if digest in leaves:
            index = leaves.index(digest)
            return Place(
                batch["index"], batch["at"], batch["root"], batch["size"], index,
                tuple(inclusion(index, leaves)), number < SOON_BATCHES,
            )  # fmt: skip
    return None


def _leaves(folder: Path, batch: Mapping[str, Any]) -> list[bytes]:
    try:
        leaves = unpack_hashes(_path(folder, str(batch["root"])).read_bytes())
    except (OSError, ValueError):
        leaves = []
    if len(leaves) != batch["size"] or root(leaves).hex() != batch["root"]:
        raise Untrusted(
            "trust.batch_damaged",
            "A batch of commitments does not fit what the transparency log states of it.",
            kept="Nothing was concluded from it.",
            todo="Restore the folder `trust/audit` from a copy.",
        )
    return leaves


def _path(folder: Path, top: str) -> Path:
    return folder / FOLDER / top
