"""The comparisons behind the checks of what is handed out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smalt.trust.check import Findings
from smalt.trust.checks.handed import _dpa_controls, differences, unfounded
from smalt.trust.dpa import agreement
from smalt.trust.dpa_files import written
from smalt.trust.view import TrustView

CLAIMS: dict[str, dict[str, Any]] = {
    "enc.a": {"section": 1, "verdict": {"state": "verified"}},
    "enc.b": {"section": 1, "verdict": {"state": "stale"}},
    "comp.c": {"section": 4, "verdict": {"state": "verified"}},
}


def test_an_agreement_that_says_the_same_differs_in_nothing() -> None:
    assert differences(({"enc.a"}, {"enc.b", "no.claim"}, {"north", "lines"}), CLAIMS, {"north"}, {"gone"}) == []


def test_every_difference_is_seen() -> None:
    assert differences(({"enc.a", "enc.b"}, set(), set()), CLAIMS, set(), set()) == [
        "measures in force",
        "measures not in force",
    ]
    assert differences((set(), {"enc.a", "enc.b"}, set()), CLAIMS, set(), set())
    assert differences(({"enc.a", "comp.c"}, {"enc.b"}, set()), CLAIMS, set(), set()) == ["measures in force"]
    assert differences(({"enc.a"}, {"enc.b"}, set()), CLAIMS, {"north"}, set()) == ["sub-processors"]
    assert differences(({"enc.a"}, {"enc.b"}, {"gone"}), CLAIMS, set(), {"gone"}) == ["sub-processors"]
    assert len(differences((set(), set(), set()), CLAIMS, set(), set())) == 2


def test_the_controls_work_where_everything_holds_and_where_nothing_does(make_view: Callable[..., TrustView]) -> None:
    made = agreement(make_view({}))
    body = written(made, "md")
    for state in ("verified", "failing"):
        claims = {
            one.claim.id: {"section": one.claim.section, "verdict": {"state": state}} for one in make_view({}).claims
        }
        found = Findings()
        _dpa_controls(found, body, claims, (set(), set()))
        assert found.controls
        assert all(held for _, held in found.controls), state


def test_an_answer_follows_from_its_claims_or_is_unfounded() -> None:
    def one(word: str, *names: str) -> list[str]:
        return unfounded([{"id": "Q", "answer": word, "claims": [{"id": name} for name in names]}], CLAIMS)

    assert one("yes", "enc.a") == one("partial", "enc.a", "enc.b") == one("no", "enc.b") == one("no") == []
    for word in ("yes", "planned", "partial", "not applicable"):
        assert one(word, "enc.b") == ["Q"]
    assert one("yes", "enc.a", "not.there") == ["Q"]
    assert one("no", "enc.a") == ["Q"]
