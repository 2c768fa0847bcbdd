"""The dated roadmap: derived from what may be said of each claim, never written. Pure; the check of it uses it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

LISTS: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "production": ("In production", frozenset({"verified", "contract", "attested"})),
        "hardening": ("Being hardened", frozenset({"failing", "expired", "inconclusive", "stale"})),
        "planned": ("Planned", frozenset({"planned", "overdue"})),
    }
)
"""Each list of the page: its title, and the states that put a claim there. Withdrawn and inapplicable claims are in none."""


def lists(states: Iterable[tuple[Mapping[str, Any], str]]) -> dict[str, list[str]]:
    """The ids of each list for (claim, state): planned ones by their date, overdue first; the others in the page's order."""
    told = list(states)
    found = {name: [claim for claim, state in told if state in among] for name, (_, among) in LISTS.items()}
    found["planned"].sort(key=lambda claim: claim["planned_for"])
    return {name: [str(claim["id"]) for claim in inside] for name, inside in found.items()}
