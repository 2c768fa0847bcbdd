"""Passwords at rest: argon2id (RFC 9106), in the usual ``$argon2id$v=19$m=…`` text form.

Cost: 64 MiB, 3 passes, 4 lanes, 16-byte salt, 32-byte tag: the second recommended option of RFC 9106 section 4, the one
for machines whose memory is shared. The first (2 GiB) would let four sign-ins at once take down a small server.
OWASP's floor is 19 MiB and 2 passes.

Each call works some tens of milliseconds and needs 64 MiB outside the interpreter lock: asynchronous callers use a
thread, behind a semaphore of their own that bounds how many run at once.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from smalt.kernel.errors import Malformed

PASSWORD_MAX_BYTES: Final = 1024
MEMORY_KIB: Final = 64 * 1024
PASSES: Final = 3
LANES: Final = 4

_HASHER: Final = PasswordHasher(
    time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=32, salt_len=16, type=Type.ID
)


def hash_password(password: str) -> str:
    """What to store, about 97 characters. `Malformed` when the password is empty or over `PASSWORD_MAX_BYTES`."""
    return _HASHER.hash(_prepared(password))


def verify_password(password: str, stored: str) -> bool:
    """Whether ``stored`` was made from ``password``. A damaged ``stored`` is no match."""
    try:
        return _HASHER.verify(stored, _prepared(password))
    except (Malformed, Argon2Error, InvalidHashError):
        return False


def verify_nobody(password: str) -> bool:
    """False, after as much work as `verify_password`: for sign-ins of unknown people, so that time does not tell."""
    verify_password(password, _NOBODY)
    return False


def needs_rehash(stored: str) -> bool:
    """Whether ``stored`` has other costs than today's: hash again at the next successful sign-in."""
    try:
        return _HASHER.check_needs_rehash(stored)
    except InvalidHashError:
        return True


def _prepared(password: str) -> bytes:
    # NIST SP 800-63B-4 section 3.1.1.2: the same characters typed on different systems must give the same bytes.
    try:
        raw = unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        raw = b""  # a lone surrogate is nothing a keyboard can type
    if not 0 < len(raw) <= PASSWORD_MAX_BYTES:
        raise Malformed(
            "password.length", "The password is empty or too long.", facts={"max_bytes": PASSWORD_MAX_BYTES}
        )
    return raw


# The hash of nothing anyone knows: a fixed salt and tag, with today's costs, so that verifying it costs the same.
_NOBODY: Final = (
    f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}"
    "$c21hbHQvbm9ib2R5L3YxIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
