"""Views of the Trust Center with results of one's choice, from a real log that a real keeper wrote."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from smalt.kernel.clock import SystemClock
from smalt.trust.journal import Journal
from smalt.trust.keeper import TRUST, Keeper
from smalt.trust.record import statement, test_result
from smalt.trust.registry import load
from smalt.trust.view import Trust, TrustView

MakeView = Callable[..., TrustView]


@pytest.fixture
def make_view(tmp_path: Path) -> MakeView:
    """``make_view({"web.hsts": "failed"}, more=[(kind, predicate), …])``: each in a log of its own."""

    def make(
        outcomes: Mapping[str, str], more: Sequence[tuple[str, Mapping[str, Any]]] = (), now: int | None = None
    ) -> TrustView:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        clock, registry = SystemClock(), load()
        at = int(clock.now().timestamp())
        keeper = Keeper.open(folder, clock)
        with keeper.writing() as pen:
            statements = [statement(kind, {}, predicate) for kind, predicate in more]
            for check, outcome in outcomes.items():
                evidence = pen.journal.put_evidence({"check": check, "outcome": outcome})
                statements.append(
                    test_result(
                        check=check,
                        source="0" * 64,
                        claims={claim.id: claim.digest for claim in registry.of_check(check)},
                        outcome=outcome,
                        reason="" if outcome == "passed" else "It did not hold.",
                        run="run_0",
                        began=at,
                        ended=at,
                        probes=[("probe", outcome == "passed")],
                        controls=[("control", True)],
                        challenges=[],
                        evidence=evidence,
                    )
                )
            if statements:
                pen.add(statements)
        return Trust(registry, Journal(folder / TRUST)).view(now)

    return make
