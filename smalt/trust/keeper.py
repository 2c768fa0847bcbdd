"""The keeper of the log: the one who holds the checker's key and the log's key, apart from the product.

    <data>/checker/   0700   log.key  checker.key  seen  tenants.json  lock  run.lock  last.*    only for the checker
    <data>/trust/     0711   log  evidence  keys.json  challenges  cosignatures     what the product serves

The product's process is shut out of ``checker`` (`smalt.seal.apart`). ``seen`` is the last checkpoint this keeper wrote:
a log that was put back to an older state, or was forked, no longer fits it, and nothing is added to it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Missing, Unavailable, Untrusted
from smalt.ledger.envelope import canonical, disclose, enclose, key_id
from smalt.ledger.note import Checkpoint, Note, NoteKey, sign
from smalt.ledger.tree import root
from smalt.seal.files import exclusive, private_directory, write_durably
from smalt.seal.signing import SigningKey, verify
from smalt.trust.journal import Journal, JournalWriter, Keys
from smalt.trust.record import event_of, statement

CHECKER = "checker"
TRUST = "trust"


@dataclass(frozen=True, repr=False)
class Keeper:
    """Opened for one process; `writing` takes the lock."""

    data_dir: Path
    clock: Clock
    log_key: SigningKey
    checker_key: SigningKey
    origin: str

    @classmethod
    def open(cls, data_dir: Path, clock: Clock, name: str = "localhost") -> Keeper:
        """The keeper of ``data_dir``; its keys are made at the first time.

        `Untrusted` when a log is there and its keys are not: a new key must not go on with another's log.
        """
        own = private_directory(data_dir / CHECKER)
        with exclusive(own / "lock"):
            try:
                log_key, checker_key = SigningKey.load(own / "log.key"), SigningKey.load(own / "checker.key")
            except Missing:
                if Journal(data_dir / TRUST).size():
                    raise Untrusted(
                        "trust.key_lost",
                        "There is a log, but the key of its checker is gone.",
                        kept="The log can still be read and verified. Nothing is added to it.",
                        todo="Restore the folder `checker`, or move the folder `trust` away to begin a new log and say so.",
                    ) from None
                log_key, checker_key = SigningKey.create(own / "log.key"), SigningKey.create(own / "checker.key")
            keeper = cls(data_dir, clock, log_key, checker_key, f"{name}/trust/log/{key_id(log_key.public)[:8]}")
            keeper._publish()
        return keeper

    @property
    def own(self) -> Path:
        return self.data_dir / CHECKER

    @property
    def keys(self) -> Keys:
        return Keys(NoteKey(self.origin, self.log_key.public), self.checker_key.public)

    def _publish(self) -> None:
        """Let the product's account read what is public, and write what readers leave for us."""
        folder = self.data_dir / TRUST
        for path in (folder, folder / "challenges", folder / "cosignatures"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        writer = JournalWriter(folder)
        with contextlib.suppress(Missing):
            if writer.keys().plain() == self.keys.plain():
                return
            if writer.size():
                raise _forked()
        writer.put(folder / "keys.json", canonical(self.keys.plain()))

    @contextlib.contextmanager
    def running(self, wait_s: float, waits: Callable[[], None] = lambda: None) -> Iterator[None]:
        """One run of checks at a time. ``waits`` is called when another is under way; `Conflict` after ``wait_s``."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(exclusive(self.own / "run.lock", 0))
            except Conflict:
                waits()
                try:
                    held.enter_context(exclusive(self.own / "run.lock", wait_s))
                except Conflict:
                    raise Conflict(
                        "trust.run_under_way",
                        "Another run of the checks is under way on this installation.",
                        kept="That run goes on. Nothing was checked here, and no claim changes by this.",
                        todo="Try again when it has ended.",
                        facts={"waited_s": int(wait_s)},
                    ) from None
            yield

    def remember(self, what: str, value: str) -> None:
        """Note something of the checker's own, for its next start."""
        write_durably(self.own / f"last.{what}", value.encode())

    @contextlib.contextmanager
    def writing(self) -> Iterator[Pen]:
        """The log, for adding to it; nobody else writes meanwhile. `Untrusted` when it is not what we left."""
        with exclusive(self.own / "lock"):
            pen = Pen(self, JournalWriter(self.data_dir / TRUST))
            pen.require_grown()
            yield pen


@dataclass(frozen=True, repr=False)
class Pen:
    """Adds statements while the lock is held."""

    keeper: Keeper
    journal: JournalWriter

    def require_grown(self) -> None:
        """`Untrusted` unless the log goes on from the checkpoint that was written last."""
        try:
            seen = Checkpoint.parse(Note.parse((self.keeper.own / "seen").read_text("utf-8")).text)
        except FileNotFoundError:
            return
        try:
            leaves = self.journal.leaves()
        except Missing:
            leaves = []
        if len(leaves) < seen.size or root(leaves[: seen.size]) != seen.root:
            raise _forked()

    def add(self, statements: Sequence[Mapping[str, Any]]) -> Checkpoint:
        """Sign ``statements`` and append them, all or none; what the log states then."""
        keeper = self.keeper
        entries = [enclose(dict(one), keeper.checker_key.public, keeper.checker_key.sign) for one in statements]
        key = keeper.keys.log

        def signed(text: str) -> Note:
            return Note(text, (sign(text, key, keeper.log_key.sign),))

        made = self.journal.append(entries, keeper.origin, signed)
        try:
            write_durably(keeper.own / "seen", str(signed(str(made))).encode())
        except Unavailable:
            # CRASH POINT: the log is ahead of what we remember, which is what `require_grown` allows.
            raise Unavailable(
                "trust.disk", "The keeper could not note what it wrote.", kept="The log, whole."
            ) from None
        return made

    def remembered(self, what: str) -> str:
        """What `remember` noted, so that an unchanged thing is not stated again and again; empty at first."""
        try:
            return (self.keeper.own / f"last.{what}").read_text("utf-8")
        except OSError:
            return ""

    def remember(self, what: str, value: str) -> None:
        self.keeper.remember(what, value)

    def state(self, kind: str, predicate: Mapping[str, Any], subjects: Mapping[str, str] | None = None) -> Checkpoint:
        """Append one statement of ``kind``."""
        return self.add([statement(kind, subjects or {}, predicate)])


def events(journal: Journal, start: int = 0) -> Iterator[dict[str, Any]]:
    """The log from entry ``start`` on as events; `BadEnvelope`, `BadStatement` for an entry that is not the checker's."""
    public = journal.keys().checker
    for number, entry in enumerate(journal.entries(start), start):
        yield event_of(disclose(entry, public, verify), number)


def _forked() -> Untrusted:
    return Untrusted(
        "trust.log_forked",
        "The log is not the one that this keeper wrote: it was put back, cut or replaced.",
        kept="The log as it is. Nothing is added to it.",
        todo="Restore the newest copy of the folder `trust`; witnesses and bundles tell which one that is.",
    )
