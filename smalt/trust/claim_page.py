"""What the page of one claim shows: its evidence opened, its checks, how they were seen to fail, its history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from smalt.kernel.errors import Missing
from smalt.trust.checks import all_checks
from smalt.trust.journal import Journal
from smalt.trust.sabotage.cases import all_cases
from smalt.trust.sabotage.suite import ITSELF
from smalt.trust.show import LOOKS, TITLES, frame, line, spans
from smalt.trust.view import ClaimView, TrustView

NAMED_MAX = 12
HISTORY_MAX = 50
OUTCOMES = {"passed": LOOKS["verified"], "failed": LOOKS["failing"], "inconclusive": LOOKS["inconclusive"]}
WORDS = {"passed": "passed", "failed": "did not hold", "inconclusive": "could not look"}


@dataclass(frozen=True)
class Seen:
    """One check of a claim. ``result`` None: it has not run. ``cases``: (what was broken, whether it was then seen)."""

    name: str
    says: str
    every: str
    result: Mapping[str, Any] | None
    evidence: Mapping[str, Any]
    cases: tuple[tuple[str, bool | None], ...]

    @property
    def word(self) -> str:
        return WORDS[self.result["outcome"]] if self.result else "has not run yet"

    @property
    def look(self) -> Any:
        return OUTCOMES[self.result["outcome"]] if self.result else OUTCOMES["inconclusive"]

    def named(self, what: str) -> tuple[list[tuple[str, bool]], int]:
        """The first of ``probes`` or ``controls``, those that did not hold before the others, and how many more there are."""
        found = sorted(((str(name), bool(held)) for name, held in self.evidence.get(what, [])), key=lambda one: one[1])
        return found[:NAMED_MAX], max(0, len(found) - NAMED_MAX)


def variables(view: TrustView, one: ClaimView, journal: Journal) -> dict[str, Any]:
    """The variables of ``trust_claim.html``. Reads evidence from the disk."""
    claim = one.claim
    changes = spans(view.history(claim.id), view.now)
    maps = {TITLES[name]: ids for name, ids in claim.plain()["maps"].items() if ids}
    return {
        **frame(view),
        "claim": claim,
        "line": line(one),
        "maps": maps,
        "checks": seen(view, one, journal),
        "spans": changes[:HISTORY_MAX],
        "more_spans": max(0, len(changes) - HISTORY_MAX),
        "bar": [change.mark for change in changes],
    }


def seen(view: TrustView, one: ClaimView, journal: Journal) -> list[Seen]:
    """Every check of the claim with its newest result and evidence."""
    known, newest = all_checks(), {result["check"]: result for result in one.results}
    tried = _tried(view, journal)
    found = []
    for name in one.claim.checks:
        result, check = newest.get(name), known.get(name)
        cases = [case for case in all_cases().values() if case.check == name and not case.harmless]
        found.append(
            Seen(
                name,
                check.says if check is not None else "",
                check.every if check is not None else "",
                result,
                {} if result is None else evidence(journal, result["evidence"]),
                tuple((case.what, tried.get(case.name)) for case in cases),
            )
        )
    return found


def evidence(journal: Journal, digest: str) -> Mapping[str, Any]:
    """The evidence ``digest``; empty when it is no longer kept."""
    try:
        found = json.loads(journal.evidence(digest))
    except Missing:
        return {}
    return found if isinstance(found, dict) else {}


def _tried(view: TrustView, journal: Journal) -> dict[str, bool]:
    """Which cases the newest sabotage run saw turn their check red, by the case's name."""
    newest = [result for one in view.claims for result in one.results if result["check"] == ITSELF]
    probes = evidence(journal, newest[0]["evidence"]).get("probes", []) if newest else []
    return {str(name): bool(held) for name, held in probes}


def plain(view: TrustView, one: ClaimView) -> dict[str, Any]:
    """``/trust/claims/<id>.json``: the claim, its verdict, its newest results and how its state changed, oldest first."""
    return {
        "format": 1,
        "now": view.now,
        "log_size": view.size,
        "claim": one.claim.stated(),
        "verdict": asdict(one.verdict),
        "results": list(one.results),
        "history": [asdict(change) for change in view.history(one.claim.id)],
    }
