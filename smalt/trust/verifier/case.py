"""The case that a bundle makes, and the report on it: what the steps of the offline verifier share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from smalt.ledger.note import Checkpoint, Note, NoteKey, Verifier
from smalt.trust.record import stamp
from smalt.trust.status import Verdict

HOLDS, NOT_HELD, BROKEN = 0, 10, 12
"""Exit codes: all verifies, and what held still holds; all verifies, and a claim that held does no longer; it does not verify."""
CLAIMS, KEYS, SUMS, CHECKPOINT, OLDER = "claims.json", "keys.json", "SHA256SUMS", "log/checkpoint", "older/"
WITNESSED = "log/witnessed/"
FIXED = ("README.txt", "verify.py")
LIMITS = (
    "Signatures prove that nothing was changed, removed or reordered since it was signed, and in which order it came.",
    "They do not prove that the checks were honest: an operator can run a changed checker. Run your own, of your own copy.",
    "They do not prove that everybody was shown this log: keep the checkpoint for --previous-checkpoint, ask for a --witness.",
    "They do not prove when a run was made, apart from its order: post a challenge, and find it in the next run.",
)


class Broken(Exception):
    """Something does not verify. Its text says what, for the reader of the report."""


@dataclass(frozen=True, slots=True)
class Line:
    """``result``: holds, broken (it does not verify), ended (a state that is no more), or note."""

    step: str
    result: str
    says: str


@dataclass
class Report:
    """``claims``: for each id, its state on the page and at the time asked for."""

    lines: list[Line] = field(default_factory=list)
    claims: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        results = {line.result for line in self.lines}
        return BROKEN if "broken" in results or not results else NOT_HELD if "ended" in results else HOLDS

    def plain(self) -> dict[str, Any]:
        lines = [asdict(line) for line in self.lines]
        return {"exit_code": self.exit_code, "lines": lines, "claims": self.claims, "limits": list(LIMITS)}


@dataclass(frozen=True)
class Wanted:
    """What the reader knows from elsewhere, and the time at which the claims must hold."""

    now: int
    keys: Sequence[NoteKey] = ()
    previous: Note | None = None
    witnesses: Sequence[NoteKey] = ()


class Case:
    """One bundle. What a step finds out stands in the fields for the steps after it.

    ``entries`` by index: all from ``whole_from`` on, before it those that the bundle carries one by one.
    """

    def __init__(self, members: Mapping[str, bytes], wanted: Wanted, verifier: Verifier) -> None:
        self.members, self.wanted, self.verifier = members, wanted, verifier
        self.log_key, self.checker_key = NoteKey("", b""), b""
        self.note = Note("", ())
        self.stated = Checkpoint("", 0, b"")
        self.entries: dict[int, bytes] = {}
        self.whole_from = 0
        self.leaves: list[bytes] = []
        self.events: list[dict[str, Any]] = []
        self.registered: list[dict[str, Any]] = []
        self.verdicts: dict[str, Verdict] = {}
        self.claims: dict[str, dict[str, str]] = {}

    def member(self, name: str) -> bytes:
        try:
            return self.members[name]
        except KeyError:
            raise Broken(f"{name} is missing from the bundle.") from None

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.member(name))
        except (ValueError, RecursionError):
            raise Broken(f"{name} is not JSON.") from None

    def evidence(self, digest: str) -> Any:
        name = f"evidence/{digest}.json"
        if hashlib.sha256(self.member(name)).hexdigest() != digest:
            raise Broken(f"{name} is not the evidence that was signed: its digest is another.")
        return self.json(name)


Said = Iterable[tuple[str, str]]


def shown(at: int) -> str:
    """A time that somebody else wrote, as text, whatever it is."""
    try:
        return stamp(at)
    except (OverflowError, ValueError, OSError):
        return f"second {at}"
