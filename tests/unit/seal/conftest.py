"""Stores under a moved clock, and a KMS with states (as cloud services have them) that can be made to fail."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from smalt.kernel.clock import SetClock
from smalt.seal.derivation import context, new_key
from smalt.seal.envelope import open_row, seal_row
from smalt.seal.keystore import KeyStore
from smalt.seal.kms import KeyGone, KmsUnavailable
from smalt.seal.kms_file import Cost, FileKms

CHEAP = Cost(passes=1, memory_kib=8 * 1024, lanes=1)


class StatefulKms:
    """Destruction is ordered and happens ``window`` later, but a key pending deletion already refuses, as AWS KMS does."""

    def __init__(self, clock, window=timedelta(0)):
        self.clock, self.window = clock, window
        self.keys, self.destroyed_at, self.down, self.calls = {}, {}, False, 0

    def _key(self, epoch):
        self.calls += 1
        if self.down:
            raise KmsUnavailable("kms.down", retry_after_s=5)
        if epoch not in self.keys or epoch in self.destroyed_at:
            raise KeyGone("kms.key_gone")
        return self.keys[epoch]

    def create_epoch(self):
        if self.down:
            raise KmsUnavailable("kms.down", retry_after_s=5)
        epoch = secrets.token_hex(4)
        self.keys[epoch] = new_key()
        return epoch

    def wrap(self, epoch, plaintext, aad):
        return seal_row(self._key(epoch), 0, plaintext, context(*(f"{k}={aad[k]}" for k in sorted(aad))))

    def unwrap(self, epoch, wrapped, aad):
        return open_row(self._key(epoch), wrapped, context(*(f"{k}={aad[k]}" for k in sorted(aad))))

    def destroy_epoch(self, epoch):
        self.destroyed_at.setdefault(epoch, self.clock.now() + self.window)

    def cancel_deletion(self, epoch):
        """What an adversary with the account could do, until the window is over."""
        if self.destroyed_at[epoch] > self.clock.now():
            del self.destroyed_at[epoch]


@pytest.fixture
def clock():
    return SetClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def kms(tmp_path):
    return FileKms(tmp_path / "kms")


@pytest.fixture
def store(kms, tmp_path, clock):
    return KeyStore(kms, tmp_path / "keys", clock)


@pytest.fixture
def stateful_kms(clock):
    return StatefulKms(clock)


@pytest.fixture
def slow_kms(clock):
    """A KMS that waits seven days before it destroys."""
    return StatefulKms(clock, window=timedelta(days=7))


@pytest.fixture
def cheap():
    """argon2id costs for tests only."""
    return CHEAP
