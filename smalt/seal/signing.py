"""Ed25519 keys that sign statements and checkpoints: kept in a file of their own, used through two functions."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from smalt.kernel.errors import Missing, Untrusted
from smalt.seal.files import private_directory, write_durably

_KEY_BYTES = 32


class SigningKey:
    """A private key. It signs; it is never printed, pickled or given out."""

    __slots__ = ("_private", "public")

    def __init__(self, secret: bytes) -> None:
        """``secret`` has 32 bytes (RFC 8032, the seed)."""
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public: bytes = self._private.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(cls.new_secret())

    @staticmethod
    def new_secret() -> bytes:
        """32 random bytes for a new key, to be written down before it is first used."""
        return Ed25519PrivateKey.generate().private_bytes_raw()

    @classmethod
    def create(cls, path: Path) -> SigningKey:
        """A new key, durably in ``path`` before it is first used."""
        private_directory(path.parent)
        secret = cls.new_secret()
        write_durably(path, secret)
        return cls(secret)

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """The key in ``path``; `Missing` when there is none, `Untrusted` when it is not a key."""
        try:
            secret = path.read_bytes()
        except FileNotFoundError:
            raise Missing("signing.key_missing", "A signing key is not there.") from None
        if len(secret) != _KEY_BYTES:
            raise Untrusted("signing.key_damaged", "A signing key is damaged.")
        return cls(secret)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return "SigningKey(…)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a signing key is not pickled or copied")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is ``public``'s over ``message``. False for whatever is not a key or not a signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
