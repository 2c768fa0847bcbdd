"""``bundle.zip``: everything that the page follows from, in one file that verifies without us.

    README.txt  verify.py  SHA256SUMS  keys.json  claims.json
    log/checkpoint  log/tile/entries/…      the log, as it is served
    log/witnessed/<size>                    earlier checkpoints that witnesses cosigned
    log/tile/0/…  older/<index>             of the oldest part of a long log: its hashes, and the entries that still matter
    evidence/<sha256>.json                  behind the newest result of every check, and the registry

The same log and the same second give the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import threading
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from smalt.kernel.errors import Missing, Unavailable
from smalt.ledger import tiles
from smalt.ledger.envelope import canonical
from smalt.ledger.note import Checkpoint, Note
from smalt.seal import signing
from smalt.trust.journal import COSIGNATURES, Journal
from smalt.trust.verifier.case import CHECKPOINT, CLAIMS, KEYS, OLDER, SUMS, WITNESSED
from smalt.trust.verifier.claims import newest_results
from smalt.trust.verifier.container import close
from smalt.trust.view import Trust, TrustView

README = Path(__file__).with_name("bundle.txt")
ENTRIES_MAX_BYTES = 64 * 1024 * 1024
"""So much of the log's end is in a bundle in full; about three weeks of hourly runs of sixty checks."""
MODULES = (
    "ledger.tree", "ledger.note", "ledger.tiles", "ledger.envelope", "trust.record", "trust.status",
    "trust.verifier.case", "trust.verifier.container", "trust.verifier.log", "trust.verifier.claims",
    "trust.verify", "trust.alone",
)  # fmt: skip
_MATTERS = frozenset({"registry", "deployment", "attestation", "withdrawal", "vendor", "incident"})
WITNESSED_MAX = 16
_TRIES = 3
_EPOCH = (1980, 1, 1, 0, 0, 0)

_HEAD = '''\
"""Verifies a bundle of a Smalt Trust Center: python verify.py bundle.zip. Needs Python 3.11 and `cryptography`.

Put together from the product's own sources, which stand below as they are. Nothing is fetched, written or sent.
"""

import sys
import types

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


{verify}

def _module(name, source):
    module = types.ModuleType(name)
    module.__package__, module.__path__ = name.rpartition(".")[0], []
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, module)


for _package in ("smalt", "smalt.ledger", "smalt.trust", "smalt.trust.verifier"):
    _module(_package, "")

'''
_TAIL = """
if __name__ == "__main__":
    sys.exit(sys.modules["smalt.trust.alone"].main(sys.argv[1:], verify))
"""


@cache
def script() -> bytes:
    """``verify.py``: the sources of `MODULES`, one after the other, in one file."""
    folder = Path(__file__).parents[1]
    parts = [_HEAD.replace("{verify}", inspect.getsource(signing.verify))]
    for name in MODULES:
        source = (folder / f"{name.replace('.', '/')}.py").read_text("utf-8")
        if "'''" in source:
            raise ValueError(f"{name} has three single quotes in it, and cannot be carried")
        parts.append(f"# ---- smalt.{name}\n_module({f'smalt.{name}'!r}, r'''{source}''')\n\n")
    return "\n".join([*parts, _TAIL]).encode()


@cache
def fixed() -> dict[str, bytes]:
    """What is the same in every bundle of this release. The checker signs its digests with every run."""
    return {"README.txt": README.read_bytes(), "verify.py": script()}


def fixed_digests() -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in fixed().items()}


def build(trust: Trust, now: int | None = None, *, whole: bool = False) -> bytes:
    """The bundle at ``now`` (the present, if None); with ``whole``, all entries in full, however many. Blocks.

    `Missing` while there is no log; `Unavailable` when it grows faster than it can be read.
    """
    for _ in range(_TRIES):
        view, note = trust.view(now), trust.journal.note()
        if Checkpoint.parse(note.text) == view.stated:
            return _zipped(_members(trust.journal, note, view, whole=whole))
    raise Unavailable("trust.busy", "The log is being written to.", todo="Try again in a moment.")


def _members(journal: Journal, note: Note, view: TrustView, *, whole: bool) -> Iterator[tuple[str, bytes]]:
    yield from fixed().items()
    yield KEYS, canonical(journal.keys().plain())
    yield CLAIMS, canonical(view.plain())
    yield CHECKPOINT, str(note).encode()
    yield from _witnessed(journal, view.size)
    start = 0 if whole else _whole_from(journal, view.size)
    for path, first, width in tiles.entry_tiles(view.size):
        if first < start:
            hashes = tiles.path(0, first // tiles.WIDTH)
            yield f"log/{hashes}", journal.tile(hashes)
        else:
            yield f"log/{path}", tiles.pack_entries(list(journal.entries(first, first + width)))
    for index in _still_matter(view, start):
        yield f"{OLDER}{index}", next(journal.entries(index, index + 1))
    registered = [event["evidence"]["sha256"] for event in view.events if event["kind"] == "registry"]
    behind = [event["evidence"] for event in newest_results(view.events, view.now).values()]
    for digest in sorted({*behind, *registered[-1:]}):
        yield f"evidence/{digest}.json", journal.evidence(digest)


def _witnessed(journal: Journal, size: int) -> Iterator[tuple[str, bytes]]:
    """Earlier checkpoints with cosignatures: the newest of the log is seldom cosigned already."""
    sizes = {int(path.name.partition(".")[0]) for path in (journal.folder / COSIGNATURES).glob("[0-9]*.*")}
    for one in sorted(one for one in sizes if one < size)[-WITNESSED_MAX:]:
        with contextlib.suppress(Missing):
            yield f"{WITNESSED}{one}", str(journal.note_of(one)).encode()


def _whole_from(journal: Journal, size: int) -> int:
    """The first entry of those that are in the bundle in full: a multiple of the width of tiles."""
    left = ENTRIES_MAX_BYTES
    for path, first, width in reversed(list(tiles.entry_tiles(size))):
        left -= (journal.log / path).stat().st_size
        if left < 0 and first + width < size:
            return first + width
    return 0


def _still_matter(view: TrustView, start: int) -> list[int]:
    """The entries before ``start`` that states follow from: what people stated, and the last that each check found."""
    found = {event["index"] for event in view.events[:start] if event["kind"] in _MATTERS}
    conclusive = [event for event in view.events if event.get("outcome") != "inconclusive"]
    for some in (view.events, conclusive):
        found |= {event["index"] for event in newest_results(some, view.now).values()}
    return sorted(index for index in found if index < start)


def _zipped(members: Iterator[tuple[str, bytes]]) -> bytes:
    made, sums = io.BytesIO(), dict[str, str]()

    def put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
        archive.writestr(info, data, compresslevel=6)
        sums[name] = hashlib.sha256(data).hexdigest()

    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members:
            put(archive, name, data)
        put(archive, SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode())
    zipped = made.getvalue()[:-2]  # without the length of its comment, which is 0
    return zipped + close(zipped)


class Shelf:
    """The newest bundle, made once for all who ask in the same minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: tuple[int, int] | None = None
        self._made = b""

    def get(self, trust: Trust) -> bytes:
        """The bundle of the view that is shown now. Blocks while it is made, one at a time."""
        with self._lock:
            view = trust.view()
            if self._of != (view.now, view.size):
                self._made, self._of = build(trust, view.now), (view.now, view.size)
            return self._made
