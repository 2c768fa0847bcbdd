from __future__ import annotations

import pytest
from pydantic import ValidationError

from smalt.settings import Settings


def test_defaults_stay_on_this_machine() -> None:
    settings = Settings()
    assert (settings.listen_host, settings.port) == ("127.0.0.1", 8443)
    assert settings.public_host == ("localhost", "127.0.0.1", "[::1]")
    assert settings.passphrase is None


def test_names_are_written_with_commas(monkeypatch) -> None:
    monkeypatch.setenv("SMALT_PUBLIC_HOST", "Smalt.Example, localhost")
    assert Settings().public_host == ("smalt.example", "localhost")


def test_secrets_are_not_shown(monkeypatch) -> None:
    monkeypatch.setenv("SMALT_PASSPHRASE", "correct horse")
    monkeypatch.setenv("SMALT_DATABASE_URL", "postgresql://u:hunter2@db/smalt")
    shown = repr(Settings()) + str(Settings())
    assert "horse" not in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "0"), ("PORT", "hunter2"), ("TLS_KEY", "hunter2")],
)
def test_an_error_does_not_repeat_the_value(monkeypatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SMALT_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "hunter2" not in str(caught.value)
