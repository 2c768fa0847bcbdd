"""Whether the checks see what they say they see."""

from __future__ import annotations

from smalt.trust.check import Findings, check
from smalt.trust.checks import all_checks
from smalt.trust.sabotage import suite
from smalt.trust.sabotage.case import Break, Case
from smalt.trust.sabotage.cases import all_cases
from smalt.trust.target import Target


@check(suite.ITSELF, every="week", deadline_s=5400)
def sabotage(target: Target, found: Findings) -> None:  # noqa: ARG001  # it works on installations of its own
    """Breaks one control after another in throw-away installations and looks whether the check of that control turns red.

    Control: where nothing is broken every check is green, and a case that breaks nothing is reported as survived.
    """
    checks, cases = all_checks(), all_cases()
    nothing = Case("web.hsts", "nothing at all", Break)
    report = suite.run([*cases.values(), nothing], checks)
    for result in report.healthy:
        found.control(f"green where nothing is broken: {result.check}", result.outcome == "passed")
    for one in report.tried:
        if one.case is nothing:
            found.control(
                "a case that breaks nothing is not taken for a break that was seen", one.verdict == "survived"
            )
        elif one.case.harmless:
            found.control(f"quiet: {one.case.name}", one.fine)
        else:
            found.probe(one.case.name, one.fine, outcome=one.outcome)
    untried = sorted(set(checks) - {one.check for one in cases.values() if not one.harmless} - {suite.ITSELF})
    found.probe("every check has a case", not untried, checks=len(checks), cases=len(cases))
