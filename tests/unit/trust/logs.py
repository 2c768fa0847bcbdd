"""Logs for tests, written by a real keeper in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smalt.kernel.clock import SystemClock
from smalt.trust.journal import Journal
from smalt.trust.keeper import TRUST, Keeper
from smalt.trust.record import ATTESTATION, stamp, statement, test_result
from smalt.trust.registry import Claim, Registry
from smalt.trust.view import Trust

NOW = int(datetime(2026, 3, 2, 9, 12, tzinfo=UTC).timestamp())
HOUR = 3600
EVIDENCE = "0" * 64


def claim(name: str, **more: Any) -> Claim:
    """A claim that `made` checks prove for three hours, unless ``more`` says otherwise."""
    usual: dict[str, Any] = {
        "version": 1, "section": 1, "kind": "verified", "sentence": f"{name} holds.", "scope": "All.", "how": "It is tried.",
        "owner": "engineering", "checks": (f"{name}.check",), "fresh_for": "3h",
    }  # fmt: skip
    return Claim(id=name, **{**usual, **more})


def registry(*claims: Claim) -> Registry:
    return Registry({one.id: one for one in claims})


def result(proved: Claim, at: int, outcome: str = "passed", reason: str = "") -> dict[str, Any]:
    """What the first check of ``proved`` found at ``at``."""
    return test_result(
        check=proved.checks[0], source="0" * 64, claims={proved.id: proved.digest}, outcome=outcome, reason=reason,
        run="run_1", began=at, ended=at, probes=[("it is so", outcome == "passed")],
        controls=[("a wrong one is seen", outcome != "inconclusive")], challenges=(), evidence=EVIDENCE,
    )  # fmt: skip


def attested(answered: Claim, at: int, until: int) -> dict[str, Any]:
    predicate = {"at": stamp(at), "until": stamp(until), "claim": answered.id, "by": "Ada Quill"}
    return statement(ATTESTATION, {f"claim:{answered.id}": answered.digest}, predicate)


class Log:
    """One keeper and its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keeper = Keeper.open(folder, SystemClock(), "trust.example.com")

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / TRUST)

    def add(self, *statements: dict[str, Any]) -> None:
        with self.keeper.writing() as pen:
            pen.add(statements)

    def trust(self, claims: Sequence[Claim]) -> Trust:
        return Trust(registry(*claims), self.journal)
