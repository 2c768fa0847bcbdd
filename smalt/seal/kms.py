"""Custody of the epoch root keys: four methods that a file, an HSM or a cloud KMS can offer.

Epoch keys are short-lived and destroyable; everything else is wrapped below them. The interface is synchronous: async
callers use a thread. ``aad`` names what is wrapped (the "encryption context" of cloud services): the same mapping must
be given to unwrap, or `Untrusted` is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from smalt.kernel.errors import Gone, Unavailable


class KeyGone(Gone):
    """The key to this was destroyed: it cannot be read any more by anyone."""


class KmsUnavailable(Unavailable):
    """The key service cannot be reached right now."""


class Kms(Protocol):
    def create_epoch(self) -> str:
        """Make a root key and return its name once the key is durable."""
        ...

    def wrap(self, epoch: str, plaintext: bytes, aad: Mapping[str, str]) -> bytes:
        """``plaintext`` (a key of 32 bytes) encrypted under the root key ``epoch``. `KeyGone`, `KmsUnavailable`."""
        ...

    def unwrap(self, epoch: str, wrapped: bytes, aad: Mapping[str, str]) -> bytes:
        """What `wrap` was given. `KeyGone`, `KmsUnavailable`, `Untrusted`."""
        ...

    def destroy_epoch(self, epoch: str) -> None:
        """Destroy the root key for good. Doing it again, or for an unknown name, is not an error (crash recovery)."""
        ...
