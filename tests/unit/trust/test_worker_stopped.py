"""When the checks stop, everything that was verified turns stale within its own limit, and nothing stays green."""

from smalt.trust import status
from smalt.trust.checks import all_checks
from smalt.trust.registry import load

LAST_RUN = 1_795_500_000
LONGEST_S = 31 * 86_400


def test_every_verified_claim_turns_stale_within_its_limit() -> None:
    registry = load()
    claims = [claim.stated() for claim in registry]
    events = [
        {
            "kind": "result", "index": index, "at": LAST_RUN, "check": check, "outcome": "passed", "reason": "",
            "about": {claim.id: claim.digest for claim in registry.of_check(check)},
        }
        for index, check in enumerate(all_checks())
    ]  # fmt: skip
    verified = [claim for claim in claims if claim["kind"] == "verified"]
    assert len(verified) > 10

    just_run = status.verdicts(claims, events, LAST_RUN + 60)
    assert {just_run[claim["id"]].state for claim in verified} == {"verified"}
    for claim in verified:
        assert 0 < claim["fresh_for_s"] <= LONGEST_S
        at_the_limit = status.verdicts(claims, events, LAST_RUN + claim["fresh_for_s"])
        assert at_the_limit[claim["id"]].state == "stale", claim["id"]
    long_after = status.verdicts(claims, events, LAST_RUN + LONGEST_S)
    assert not {claim["id"] for claim in claims if long_after[claim["id"]].state in status.HOLDING}
