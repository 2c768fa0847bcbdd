"""What an operator may set: environment variables with the prefix ``SMALT_``, nothing read from a file by surprise.

No secret has a default, and no error about a setting repeats its value.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Settings(BaseSettings):
    """Raises pydantic's ValidationError, with the names of the bad settings and never their values."""

    model_config = SettingsConfigDict(env_prefix="SMALT_", frozen=True, extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Path(".smalt")
    database_url: str | None = Field(default=None, repr=False)
    database_admin_url: str | None = Field(default=None, repr=False)
    pg_bin: Path | None = None
    listen_host: str = "127.0.0.1"
    port: int = Field(default=8443, ge=1, le=65535)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    public_host: Annotated[tuple[str, ...], NoDecode] = LOOPBACK_NAMES
    passphrase: SecretStr | None = None
    trust_checks: bool = True

    @field_validator("public_host", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Names separated by commas, as one writes them in an environment variable."""
        if isinstance(value, str):
            return tuple(name.strip().lower() for name in value.split(",") if name.strip())
        return value

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("SMALT_TLS_CERTIFICATE and SMALT_TLS_KEY are set together or not at all")
        return self
