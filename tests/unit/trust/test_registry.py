from smalt.trust.checks import all_checks
from smalt.trust.registry import check_against, load


def test_every_claim_names_checks_that_exist_and_every_check_has_a_claim() -> None:
    check_against(load(), list(all_checks()))
