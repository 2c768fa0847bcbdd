"""The entries of the log: in-toto statements about the installation, written by the keeper, and read back as events.

The offline verifier carries this file. Standard library and `smalt.ledger` only. Every statement is public: it holds
words of the source, ids, numbers and times, and what an operator states in public.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from smalt.ledger.envelope import STATEMENT_TYPE

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
REGISTRY = "urn:smalt:trust:registry:v1"
DEPLOYMENT = "urn:smalt:trust:deployment:v1"
ATTESTATION = "urn:smalt:trust:attestation:v1"
WITHDRAWAL = "urn:smalt:trust:withdrawal:v1"
VENDOR = "urn:smalt:trust:vendor:v1"
INCIDENT = "urn:smalt:trust:incident:v1"
RUN = "urn:smalt:trust:run:v1"
SABOTAGE = "urn:smalt:trust:sabotage:v1"
AUDIT = "urn:smalt:trust:audit:v1"

_RESULTS = {"passed": "PASSED", "failed": "FAILED", "inconclusive": "WARNED"}
_KINDS = {
    REGISTRY: "registry", DEPLOYMENT: "deployment", ATTESTATION: "attestation", WITHDRAWAL: "withdrawal",
    VENDOR: "vendor", INCIDENT: "incident", RUN: "run", SABOTAGE: "sabotage", AUDIT: "audit",
}  # fmt: skip
_NEEDS: dict[str, dict[str, type]] = {
    "attestation": {"claim": str, "until": int},
    "withdrawal": {"claim": str, "version": int, "reason": str},
    "deployment": {"features": list},
    "registry": {"claims": dict},
}
_CLAIM = "claim:"


class BadStatement(ValueError):
    """A statement in the log that this release cannot read. Nothing is concluded from it."""


def stamp(at: int) -> str:
    """``at`` as RFC 3339, in UTC, whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unstamp(text: object) -> int:
    """Unix seconds of `stamp`'s form; `BadStatement` for any other."""
    try:
        return int(datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise BadStatement("a time is not written as one") from None


def statement(kind: str, subjects: Mapping[str, str], predicate: Mapping[str, Any]) -> dict[str, Any]:
    """An in-toto Statement v1; ``subjects`` maps a name to its SHA-256 in hexadecimal."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
        "predicateType": kind,
        "predicate": dict(predicate),
    }


def test_result(
    *,
    check: str,
    source: str,
    claims: Mapping[str, str],
    outcome: str,
    reason: str,
    run: str,
    began: int,
    ended: int,
    probes: Sequence[tuple[str, bool]],
    controls: Sequence[tuple[str, bool]],
    challenges: Sequence[str],
    evidence: str,
) -> dict[str, Any]:
    """What one run of one check found. ``claims`` maps an id to the claim's digest; ``source`` and ``evidence`` are digests.

    The fields of in-toto's test-result v0.1 stand with their meaning; an outcome that proves nothing is WARNED.
    """
    held = [name for name, fine in probes if fine]
    broken = [name for name, fine in probes if not fine]
    return statement(
        TEST_RESULT,
        {f"{_CLAIM}{name}": digest for name, digest in claims.items()},
        {
            "result": _RESULTS[outcome],
            "configuration": [{"name": f"check:{check}", "digest": {"sha256": source}}],
            "passedTests": held,
            "failedTests": broken,
            "warnedTests": [name for name, fine in controls if not fine],
            "check": check,
            "reason": reason,
            "run": run,
            "began": stamp(began),
            "ended": stamp(ended),
            "controls": [name for name, fine in controls if fine],
            "challenges": list(challenges),
            "evidence": {"sha256": evidence},
        },
    )


def event_of(made: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The statement at ``index`` of the log as an event for `smalt.trust.status`; `BadStatement` when it is not ours.

    ``kind``, ``index``, ``at`` and ``about`` are always there: the last has the digests of the claims that are its subjects,
    by id. The rest is the predicate's.
    """
    try:
        predicate, kind = made["predicate"], made["predicateType"]
        about = {
            one["name"].removeprefix(_CLAIM): one["digest"]["sha256"]
            for one in made["subject"]
            if one["name"].startswith(_CLAIM)
        }
        if kind == TEST_RESULT:
            return {**_result_event(predicate, index), "about": about}
        at = unstamp(predicate["at"])
        event = {**predicate, "kind": _KINDS[kind], "index": index, "at": at, "about": about}
        if "until" in predicate:
            event["until"] = unstamp(predicate["until"])
        fits = all(isinstance(event[name], form) for name, form in _NEEDS.get(event["kind"], {}).items())
    except (KeyError, TypeError, AttributeError):
        raise BadStatement("a statement lacks what its kind has") from None
    if not fits:
        raise BadStatement("a statement does not have the form of its kind")
    return event


def _result_event(predicate: Mapping[str, Any], index: int) -> dict[str, Any]:
    outcome = {word: name for name, word in _RESULTS.items()}[predicate["result"]]
    held, broken = (
        predicate["passedTests"] and predicate["controls"],
        predicate["failedTests"] or predicate["warnedTests"],
    )
    if outcome == "passed" and (broken or not held):
        raise BadStatement("a pass that looked at nothing, without its control, or with something that failed")
    return {
        "kind": "result",
        "index": index,
        "at": unstamp(predicate["ended"]),
        "check": predicate["check"],
        "outcome": outcome,
        "reason": predicate["reason"],
        "run": predicate["run"],
        "evidence": predicate["evidence"]["sha256"],
        "challenges": tuple(predicate["challenges"]),
        "passed": len(predicate["passedTests"]),
        "controls": len(predicate["controls"]),
    }
