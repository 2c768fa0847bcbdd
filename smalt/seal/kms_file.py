"""The default `Kms`: one file per epoch key, mode 0600 in a directory of mode 0700, optionally under a passphrase.

    protection.json   {"format":1,"kind":"none"}, or kind "passphrase" with salt, argon2id cost and a sealed check
    ep-<16 hex>       the epoch key: 32 raw bytes, or with a passphrase a row envelope around them

With a passphrase, argon2id (RFC 9106) turns it into the key of those envelopes, once per process. The check is an
envelope too: a wrong passphrase fails on it, with its own error, before any key is touched.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from argon2.low_level import Type, hash_secret_raw

from smalt.kernel.errors import Conflict, Untrusted
from smalt.seal.derivation import KEY_BYTES, context, new_key
from smalt.seal.envelope import open_row, seal_row
from smalt.seal.files import erase, exclusive, private_directory, sweep, write_durably
from smalt.seal.kms import KeyGone

_EPOCH = re.compile(r"ep-[0-9a-f]{16}")
_SALT_BYTES = 16
_CHECK = b"smalt/kms-file/check"
_SCHEME = "smalt/kms-file/v1"
_PROTECTION = "protection.json"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of the passphrase costs (RFC 9106 section 4)."""

    passes: int
    memory_kib: int
    lanes: int

    def bounded(self) -> bool:
        """Whether a protection file may ask for this: no cheap guesses by editing it, no exhausted memory either."""
        return 1 <= self.passes <= 64 and 8 * 1024 <= self.memory_kib <= 4 * 1024 * 1024 and 1 <= self.lanes <= 64


# Spent once per process start, so four times the memory of RFC 9106's second recommended option (t=3, p=4, 64 MiB).
COST: Final = Cost(passes=3, memory_kib=256 * 1024, lanes=4)


class FileKms:
    """Root keys in local files. Safe for several processes: epoch files are created whole and never changed."""

    def __init__(self, directory: Path, passphrase: str | None = None, *, cost: Cost = COST) -> None:
        """Open or make the key directory. `Conflict` when the passphrase is wrong, missing or not expected there."""
        self._directory = private_directory(directory)
        self._cost = cost
        with exclusive(directory / "lock"):
            sweep(directory)
            self._root = self._unlock(passphrase)

    def __repr__(self) -> str:
        return "FileKms(…)"

    def create_epoch(self) -> str:
        epoch = f"ep-{secrets.token_hex(8)}"
        key = new_key()
        stored = key if self._root is None else seal_row(self._root, 0, key, context(_SCHEME, "epoch", epoch))
        write_durably(self._directory / epoch, stored)
        # CRASH POINT: a root key that nobody names. It wraps nothing and is harmless.
        return epoch

    def wrap(self, epoch: str, plaintext: bytes, aad: Mapping[str, str]) -> bytes:
        return seal_row(self._key(epoch), 0, plaintext, _wrapping(epoch, aad))

    def unwrap(self, epoch: str, wrapped: bytes, aad: Mapping[str, str]) -> bytes:
        return open_row(self._key(epoch), wrapped, _wrapping(epoch, aad))

    def destroy_epoch(self, epoch: str) -> None:
        erase(self._path(epoch))

    def _path(self, epoch: str) -> Path:
        # Names come back from the key store's files: never let one lead out of the directory.
        if _EPOCH.fullmatch(epoch) is None:
            raise Untrusted("kms.epoch_name", "The key store names a root key that cannot exist.")
        return self._directory / epoch

    def _key(self, epoch: str) -> bytes:
        # Read at each use: a key that another process destroyed is gone here at once.
        try:
            stored = self._path(epoch).read_bytes()
        except FileNotFoundError:
            raise KeyGone(
                "kms.key_gone", "The root key was destroyed.", todo="Nothing can bring this data back."
            ) from None
        if self._root is not None:
            return open_row(self._root, stored, context(_SCHEME, "epoch", epoch))
        if len(stored) != KEY_BYTES:
            raise Untrusted("kms.key_damaged", "A root key file is damaged.", todo="Restore the file from its copy.")
        return stored

    def _unlock(self, passphrase: str | None) -> bytes | None:
        path = self._directory / _PROTECTION
        if not path.exists():
            if any(_EPOCH.fullmatch(entry.name) for entry in self._directory.iterdir()):
                raise Untrusted(
                    "kms.protection_lost", "There are root keys, but the file that says how to open them is lost."
                )
            return self._protect(path, passphrase)
        kind, salt, cost, check = _read_protection(path)
        if kind == "none":
            if passphrase is not None:
                raise Conflict(
                    "kms.passphrase_unexpected",
                    "A passphrase was given, but the keys in this directory were made without one.",
                    todo="Start without the passphrase, or with a new key directory.",
                )
            return None
        if passphrase is None:
            raise Conflict(
                "kms.passphrase_needed",
                "The keys in this directory are protected by a passphrase.",
                todo="Give the passphrase (SMALT_PASSPHRASE) and start again.",
            )
        root = _stretch(passphrase, salt, cost)
        try:
            open_row(root, check, context(_SCHEME, "check"))
        except Untrusted:
            raise Conflict(
                "kms.passphrase_wrong",
                "This is not the passphrase of the keys in this directory.",
                kept="Nothing was changed.",
                todo="Give the passphrase that was set when the directory was made.",
            ) from None
        return root

    def _protect(self, path: Path, passphrase: str | None) -> bytes | None:
        if passphrase is None:
            write_durably(path, json.dumps({"format": 1, "kind": "none"}).encode())
            return None
        salt = secrets.token_bytes(_SALT_BYTES)
        root = _stretch(passphrase, salt, self._cost)
        described = {
            "format": 1,
            "kind": "passphrase",
            "salt": salt.hex(),
            "passes": self._cost.passes,
            "memory_kib": self._cost.memory_kib,
            "lanes": self._cost.lanes,
            "check": seal_row(root, 0, _CHECK, context(_SCHEME, "check")).hex(),
        }
        write_durably(path, json.dumps(described).encode())
        return root


def _wrapping(epoch: str, aad: Mapping[str, str]) -> bytes:
    parts = [part for name in sorted(aad) for part in (name, aad[name])]
    return context(_SCHEME, "wrap", epoch, *parts)


def _stretch(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, cost.passes, cost.memory_kib, cost.lanes, KEY_BYTES, Type.ID, version=19
    )


def _read_protection(path: Path) -> tuple[str, bytes, Cost, bytes]:
    try:
        read = json.loads(path.read_bytes())
        if read["format"] == 1 and read["kind"] == "none":
            return "none", b"", COST, b""
        cost = Cost(int(read["passes"]), int(read["memory_kib"]), int(read["lanes"]))
        salt, check = bytes.fromhex(read["salt"]), bytes.fromhex(read["check"])
        if read["format"] == 1 and read["kind"] == "passphrase" and cost.bounded() and len(salt) == _SALT_BYTES:
            return "passphrase", salt, cost, check
    except (ValueError, KeyError, TypeError):
        pass
    raise Untrusted("kms.protection_damaged", "The file that says how the root keys are protected is damaged.")
