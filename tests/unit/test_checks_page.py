"""docs/security/sabotage.md says what the checks themselves say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from smalt.trust.checks import all_checks
from smalt.trust.registry import load
from smalt.trust.sabotage.cases import all_cases

PAGE = Path(__file__).parents[2] / "docs" / "security" / "sabotage.md"
EVERY = {"hour": "every hour", "night": "every night", "week": "every week"}
HEAD = """# The checks, what shows that they see, and how each was broken

Made from the sources (`SMALT_PIN=1 pytest tests/unit/test_checks_page.py`); a test compares them. Each check looks at the
running installation from outside, or at what the kernel and the database's catalogue say. A check without a positive control that
held in the same run proves nothing: its outcome is *inconclusive*. `smalt trust sabotage` breaks each control as listed, in a
throw-away installation, and the check must turn red by a finding of its own.
"""


def described() -> str:
    registry, cases, parts = load(), all_cases(), [HEAD]
    for check in sorted(all_checks().values(), key=lambda one: one.name):
        claims = ", ".join(f"`{claim.id}`" for claim in registry.of_check(check.name))
        mine = [one for one in cases.values() if one.check == check.name]
        broken = "".join(f"- {one.what}\n" for one in mine if not one.harmless)
        quiet = "; ".join(one.what for one in mine if one.harmless)
        parts.append(
            f"\n## {check.name}\n\nFor {claims}, {EVERY[check.every]}.\n\n{check.says}\n"
            + (f"\nBroken by:\n\n{broken}" if broken else "")
            + (f"\nStays quiet at: {quiet}.\n" if quiet else "")
        )
    return "".join(parts)


def test_the_page_says_what_the_checks_say(pin: Callable[[Path, str], None]) -> None:
    pin(PAGE, described())
