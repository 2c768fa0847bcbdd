"""Which new passwords are taken."""

import pytest

from smalt.kernel.errors import Malformed
from smalt.people.strength import require_strong

ABOUT = ("Ada Quill", "ada.quill@rowan-reed.example")


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "qwertyuiop123456",
        "aaaaaaaaaaaaaaaaaaaa",
        "Ada Quill 2026",
        "smaltsmaltsmalt",
        "123456789012",
    ],
)
def test_what_would_be_guessed_is_refused(password: str) -> None:
    with pytest.raises(Malformed) as refused:
        require_strong(password, ABOUT)
    assert refused.value.code == "password.guessable"
    assert password not in f"{refused.value.happened} {refused.value.todo}"


@pytest.mark.parametrize(
    "password", ["a long enough sentence", "correct horse battery staple", "8fh3j2k1l9sd", "kiosk-Ümlaut-тайга"]
)
def test_what_would_not_is_taken(password: str) -> None:
    require_strong(password, ABOUT)


def test_a_long_password_is_judged_by_its_beginning() -> None:
    require_strong("several words that were never said together before " * 20, ABOUT)
    with pytest.raises(Malformed):
        require_strong("a" * 1000, ABOUT)
