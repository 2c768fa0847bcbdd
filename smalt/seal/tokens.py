"""Secrets that people and programs carry: API tokens, one-time links, session cookies. The server stores digests only.

    secret   <prefix>_<43 url-safe characters: 256 random bits><6 characters: CRC-32 of all before, base 62>
    cookie   base64url( session uuid (16) ‖ 33 random bytes ‖ HMAC-SHA256 of "smalt/session/v1" and these 49 bytes )

The prefix and the checksum let secret scanners recognise a leaked token and let a typing error be refused without a
look-up; neither adds secrecy. A digest is keyed, so that a copy of the database alone can neither be searched for a
guessed value nor be given a row for a chosen one. Plain HMAC is enough for 256-bit secrets; passwords go to
`passwords`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
import uuid
import zlib

from smalt.kernel.errors import Unauthenticated
from smalt.kernel.ids import SessionId
from smalt.seal.derivation import KEY_BYTES, context

_PREFIX = re.compile(r"[a-z][a-z0-9]{1,15}(_[a-z0-9]{1,15})?")
_SECRET = re.compile(r"(?P<prefix>[a-z0-9_]{2,32})_(?P<body>[A-Za-z0-9_-]{43})(?P<check>[0-9A-Za-z]{6})")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK_CHARS = 6  # 62^6 > 2^32
_DIGEST = "smalt/digest/v1"
_SESSION = "smalt/session/v1"
_RANDOM_BYTES = 33  # not 32: 81 bytes fill 108 base64 characters exactly, so a cookie has one spelling, one digest
_SESSION_BODY_BYTES = 16 + _RANDOM_BYTES
_COOKIE_CHARS = 108


def new_secret(prefix: str) -> str:
    """A new secret, e.g. ``smalt_tok_…``. Show it once; store its `digest`."""
    if _PREFIX.fullmatch(prefix) is None:
        raise ValueError("a prefix is short, lower-case letters and digits, at most two words")
    text = f"{prefix}_{secrets.token_urlsafe(KEY_BYTES)}"
    return text + _checksum(text)


def well_formed(secret: str, prefix: str) -> bool:
    """Whether this can be a secret made by `new_secret`: right prefix, length and checksum."""
    found = _SECRET.fullmatch(secret)
    return found is not None and found["prefix"] == prefix and found["check"] == _checksum(f"{prefix}_{found['body']}")


def digest(secret: str, key: bytes, purpose: str = "credential") -> bytes:
    """The 32 bytes by which the server knows ``secret``. Different purposes never give the same digest."""
    return hmac.digest(_checked(key), context(_DIGEST, purpose, secret), "sha256")


def same_digest(one: bytes, other: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(one, other)


class SessionSigner:
    """Makes and reads session cookies. The random part makes each cookie opaque and its `digest` unguessable even to
    who holds this key; the signature refuses invented cookies before the database is asked.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = _checked(key)

    def issue(self, session: SessionId) -> str:
        """A fresh cookie value for ``session``, 108 characters. Store its `digest`."""
        body = session.uuid.bytes + secrets.token_bytes(_RANDOM_BYTES)
        return base64.urlsafe_b64encode(body + self._sign(body)).decode()

    def read(self, cookie: str) -> SessionId:
        """Whose session the cookie names; `Unauthenticated` when it was not issued here. Then look up its `digest`."""
        if len(cookie) == _COOKIE_CHARS:
            try:
                raw = base64.b64decode(cookie, altchars=b"-_", validate=True)
            except (binascii.Error, ValueError):
                raw = b""
            body, signature = raw[:_SESSION_BODY_BYTES], raw[_SESSION_BODY_BYTES:]
            if hmac.compare_digest(signature, self._sign(body)):
                return SessionId(uuid.UUID(bytes=body[:16]))
        raise Unauthenticated("session.invalid", "The session is not valid.", todo="Sign in again.")

    def __repr__(self) -> str:
        return "SessionSigner(…)"

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, context(_SESSION, body), "sha256")


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return key


def _checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK_CHARS):
        rest, digit = divmod(rest, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
