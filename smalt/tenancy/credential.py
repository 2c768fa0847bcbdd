"""The kinds of credential that the gate's directory knows. The numbers are what the database keeps."""

from __future__ import annotations

import enum


class CredentialKind(enum.IntEnum):
    SESSION = 1
    TOKEN = 2
    INVITATION = 3
    EMAIL = 4
    WITNESS = 5
