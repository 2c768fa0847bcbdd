"""One-time codes: TOTP (RFC 6238) over HOTP (RFC 4226), in the form that every authenticator reads.

SHA-1, six digits, 30 seconds: what the apps people have can do. Secrets have 20 bytes (RFC 4226, section 4, R6). A code
counts for its own step and for one on either side, for clocks that differ; that a step is used once is the caller's.
"""

from __future__ import annotations

import base64
import hmac
import os
from urllib.parse import quote

SECRET_BYTES = 20
DIGITS = 6
STEP_S = 30
DRIFT_STEPS = 1


def new_secret() -> bytes:
    return os.urandom(SECRET_BYTES)


def code_of(secret: bytes, step: int) -> str:
    """The code of one step, with its leading zeros (RFC 4226, section 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, code: str, now: int) -> int | None:
    """Which step ``code`` belongs to, around ``now`` (Unix seconds); None when to none. Every step is looked at."""
    current, found = now // STEP_S, None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()) and found is None:
            found = step
    return found


def written(secret: bytes) -> str:
    """The secret for typing: base32, without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, issuer: str, account: str) -> str:
    """The ``otpauth`` address that a QR code carries."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    return f"otpauth://totp/{label}?secret={written(secret)}&issuer={quote(issuer, safe='')}&digits={DIGITS}&period={STEP_S}"
