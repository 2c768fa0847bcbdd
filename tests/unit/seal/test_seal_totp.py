"""One-time codes against the published values."""

import base64

import pytest

from smalt.seal import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("counter", "code"),
    enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]),
)
def test_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert totp.code_of(SECRET, counter) == code


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")],
)
def test_rfc_6238_appendix_b_by_its_last_six_digits(at: int, code: str) -> None:
    assert totp.step_of(SECRET, code, at) == at // 30


def test_a_code_counts_for_its_step_and_one_on_either_side() -> None:
    code = totp.code_of(SECRET, 1000)
    for now, counts in ((999 * 30 - 1, False), (999 * 30, True), (1001 * 30 + 29, True), (1002 * 30, False)):
        assert (totp.step_of(SECRET, code, now) == 1000) is counts


@pytest.mark.parametrize("code", ["", "75522", "7552240", "abcdef", "７５５２２４"])
def test_what_is_no_code_fits_nowhere(code: str) -> None:
    assert totp.step_of(SECRET, code, 60) is None


def test_the_address_is_what_authenticators_read() -> None:
    text = totp.address(SECRET, "Smalt", "ada@example.com")
    written = base64.b32encode(SECRET).decode()
    assert text == f"otpauth://totp/Smalt:ada@example.com?secret={written}&issuer=Smalt&digits=6&period=30"
