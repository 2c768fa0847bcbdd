"""Bundles for tests: a log by a real keeper, with evidence, registry and runs as the runner writes them, and ways to tamper."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smalt.ledger.envelope import enclose
from smalt.seal.signing import verify as check_signature
from smalt.trust import bundle
from smalt.trust.record import REGISTRY, RUN, WITHDRAWAL, stamp, statement, test_result
from smalt.trust.registry import Claim, Registry
from smalt.trust.verifier.case import Report, Wanted
from smalt.trust.verifier.container import close
from smalt.trust.verify import verify
from smalt.trust.view import Trust
from tests.unit.trust.logs import HOUR, NOW, Log, attested, claim, registry

HSTS, TLS = claim("enc.hsts"), claim("enc.transit", checks=("enc.transit.check", "enc.hsts.check"))
DPA = claim("comp.dpa", kind="contract", section=4, checks=(), fresh_for="")
CLAIMS = (HSTS, TLS, DPA)
DAY = 24 * HOUR


class Site(Log):
    """An installation's log."""

    def __init__(self, folder: Path, claims: tuple[Claim, ...] = CLAIMS) -> None:
        super().__init__(folder)
        self.registry: Registry = registry(*claims)
        self.runs = 0

    def register(self, *claims: Claim, at: int = NOW) -> None:
        self.registry = registry(*claims) if claims else self.registry
        with self.keeper.writing() as pen:
            text = pen.journal.put_evidence(self.registry.plain())
            known = {one.id: {"version": one.version, "digest": one.digest} for one in self.registry}
            predicate = {"at": stamp(at), "claims": known, "evidence": {"sha256": text}}
            pen.add([statement(REGISTRY, {"registry": self.registry.digest}, predicate)])

    def run(self, at: int, **outcomes: str) -> None:
        """One run of all checks; ``outcomes`` names those that do not pass, with underscores for dots."""
        self.runs += 1
        run = f"run_{self.runs:016x}"
        checks = sorted({check for one in self.registry for check in one.checks})
        with self.keeper.writing() as pen:
            made = [
                self.result(pen, check, at, run, outcomes.get(check.replace(".", "_"), "passed")) for check in checks
            ]
            pen.add([*made, statement(RUN, {}, {"at": stamp(at), "run": run, "bundle": bundle.fixed_digests()})])

    def result(self, pen: Any, check: str, at: int, run: str, outcome: str) -> dict[str, Any]:
        probes, controls = [["it is so", outcome == "passed"]], [["a wrong one is seen", outcome != "inconclusive"]]
        reason = {"passed": "", "failed": "Did not hold: it is so.", "inconclusive": "It could not look."}[outcome]
        about = {one.id: one.digest for one in self.registry.of_check(check)}
        told = {
            "check": check,
            "outcome": outcome,
            "reason": reason,
            "began": stamp(at),
            "ended": stamp(at),
            "run": run,
            "challenges": [],
        }
        evidence = pen.journal.put_evidence(
            {**told, "probes": probes, "controls": controls, "facts": {}, "claims": about}
        )
        return test_result(
            check=check, source="0" * 64, claims=about, outcome=outcome, reason=reason, run=run, began=at, ended=at,
            probes=[(name, held) for name, held in probes], controls=[(name, held) for name, held in controls],
            challenges=(), evidence=evidence,
        )  # fmt: skip

    def answer(self, at: int = NOW, until: int = NOW + 90 * DAY) -> None:
        self.add(attested(DPA, at, until))

    def withdraw(self, gone: Claim, at: int) -> None:
        self.add(
            statement(
                WITHDRAWAL,
                {},
                {"at": stamp(at), "claim": gone.id, "version": gone.version, "reason": "No longer offered."},
            )
        )

    def append(self, *entries: bytes) -> None:
        """Add ``entries`` as they are: what a cheating keeper with its own keys could do."""
        from smalt.ledger.note import Note, sign

        keeper = self.keeper
        with keeper.writing() as pen:
            pen.journal.append(
                entries, keeper.origin, lambda text: Note(text, (sign(text, keeper.keys.log, keeper.log_key.sign),))
            )

    def signed(self, made: dict[str, Any]) -> bytes:
        return enclose(made, self.keeper.checker_key.public, self.keeper.checker_key.sign)

    @property
    def all(self) -> Trust:
        return Trust(self.registry, self.journal)

    def bundle(self, now: int = NOW + 60, *, whole: bool = False) -> bytes:
        return bundle.build(self.all, now, whole=whole)


def usual(folder: Path) -> Site:
    """Registered, answered for and run twice, an hour apart; all claims hold."""
    site = Site(folder)
    site.register(at=NOW - HOUR)
    site.answer(NOW - HOUR)
    site.run(NOW - HOUR)
    site.run(NOW)
    return site


def look(made: bytes, now: int = NOW + 60, **wanted: Any) -> Report:
    return verify(made, Wanted(now, **wanted), check_signature)


def why(report: Report) -> str:
    """The sentence of what did not verify, with its step; empty when all did."""
    return "; ".join(f"{line.step}: {line.says}" for line in report.lines if line.result in {"broken", "ended"})


def members_of(made: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    """A bundle of ``members``, its sums and its digest made anew: what a careful forger does."""
    return bundle._zipped(iter([(name, data) for name, data in members.items() if name != "SHA256SUMS"]))


def changed(made: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    members = members_of(made)
    change(members)
    return packed(members)


def resealed(raw: bytes) -> bytes:
    """``raw``, a bundle in which bytes were changed, with the digest at its end made anew."""
    head = raw[: -(7 + 64) - 2]
    return head + close(head)
