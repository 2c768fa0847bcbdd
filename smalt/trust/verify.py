"""What a bundle of the Trust Center proves, worked out from its bytes alone: no network, no clock, no stored verdict.

The bundle carries this very file, with those it imports, as one script (`smalt.trust.bundle`). Standard library only;
what checks a signature is handed in. Every step says in one line what holds, or in a sentence what does not. What
signatures cannot prove stands in `smalt.trust.verifier.case.LIMITS`, and below every report.
"""

from __future__ import annotations

from smalt.ledger.note import Verifier
from smalt.trust.verifier import claims, log
from smalt.trust.verifier.case import Broken, Case, Line, Report, Wanted
from smalt.trust.verifier.container import unpack

STEPS = (
    log.members,
    log.keys,
    log.checkpoint,
    log.entries,
    log.history,
    log.witnesses,
    log.signatures,
    claims.clocks,
    claims.registry,
    claims.evidence,
    claims.fixed,
    claims.page,
    claims.today,
)


def verify(bundle: bytes, wanted: Wanted, verifier: Verifier) -> Report:
    """Look at ``bundle`` step by step; after a step that does not verify, nothing more is concluded."""
    report = Report()
    try:
        case = Case(unpack(bundle), wanted, verifier)
    except Broken as why:
        report.lines.append(Line("file", "broken", str(why)))
        return report
    for place, step in enumerate(STEPS):
        try:
            for result, says in step(case):
                report.lines.append(Line(step.__name__, result, says))
        except (Broken, LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as why:
            said = (
                str(why)
                if isinstance(why, Broken)
                else "Something in the bundle does not have the form that it should have."
            )
            report.lines.append(Line(step.__name__, "broken", said))
            left = ", ".join(one.__name__ for one in STEPS[place + 1 :])
            if left:
                report.lines.append(Line("rest", "note", f"Nothing was concluded from what comes after: {left}."))
            break
    report.claims = case.claims
    return report
