"""The promise of erasure: after termination no copy of anything opens, 30 days at the latest, while others read on."""

import shutil
import uuid
from datetime import timedelta

import pytest

from smalt.kernel.ids import TenantId
from smalt.kernel.sealed import Place
from smalt.seal.keyring import Keyring, WrappedKey
from smalt.seal.keystore import KeyStore, Policy
from smalt.seal.kms import KeyGone
from smalt.seal.kms_file import FileKms

DAY = timedelta(days=1)
PLACE = Place("turn", "question", uuid.UUID(int=7))
ONE, TWO, ENDING = (TenantId.new() for _ in range(3))


class Database:
    """What a database backup contains: wrapped data keys and sealed rows."""

    def __init__(self, keys=None, rows=None):
        self.keys = keys or {}
        self.rows = rows or {}

    def copy(self):
        return Database({t: list(k) for t, k in self.keys.items()}, {t: list(r) for t, r in self.rows.items()})

    def write(self, keyring, tenant, text):
        if tenant not in self.keys:
            version, wrapped, _ = keyring.new_dek(tenant)
            self.keys[tenant] = [WrappedKey(1, version, wrapped)]
        sealed = keyring.lend(tenant, self.keys[tenant]).seal(text, PLACE)
        self.rows.setdefault(tenant, []).append(sealed)

    def add_key(self, keyring, tenant):
        version, wrapped, _ = keyring.new_dek(tenant)
        self.keys[tenant].append(WrappedKey(len(self.keys[tenant]) + 1, version, wrapped))

    def rewrap(self, keyring, store, tenant):
        moved = [(k.key_no, *keyring.rewrap_dek(tenant, k.kek_version, k.wrapped)) for k in self.keys[tenant]]
        self.keys[tenant] = [WrappedKey(*one) for one in moved]
        store.rewrapped(tenant, store.kek(tenant)[0])

    def read(self, keyring, tenant):
        keys = keyring.lend(tenant, self.keys[tenant])
        return [keys.open(row, PLACE) for row in self.rows.get(tenant, [])]


@pytest.mark.parametrize("term_day", range(0, 22, 3))
def test_every_copy_is_dead_within_30_days(tmp_path, clock, term_day):
    """The adversary keeps every copy of the key store and of the database, and can still use the KMS."""
    kms = FileKms(tmp_path / "kms")
    store = KeyStore(kms, tmp_path / "keys", clock)
    database, dumps = Database(), []
    for tenant in (ONE, TWO, ENDING):
        store.create(tenant)
    for day in range(term_day + 31):
        keyring = Keyring(store)
        for tenant in (ONE, TWO, *([ENDING] if day <= term_day else [])):
            database.write(keyring, tenant, b"%d" % day)
        if day % 10 == 3:
            store.rotate(ONE)
            database.add_key(keyring, ONE)
        if day % 10 == 5:
            database.rewrap(keyring, store, ONE)
        shutil.copytree(tmp_path / "keys", tmp_path / f"copy-{day}")
        dumps.append(database.copy())
        if day == term_day:
            store.terminate(ENDING)
        store.tick()
        if day >= term_day:  # the living system refuses at once
            with pytest.raises(KeyGone):
                keyring.lend(ENDING, database.keys[ENDING])
        clock.advance(DAY)
    opened = 0
    for day, dump in enumerate(dumps):
        old = Keyring(KeyStore(kms, tmp_path / f"copy-{day}", clock))
        if ENDING in dump.keys:
            with pytest.raises(KeyGone):
                old.lend(ENDING, dump.keys[ENDING])
            opened += 1
        if len(dumps) - day > 35:  # older than any database backup is kept
            continue
        # … while every database backup restores for the living, with the current key store.
        assert dump.read(Keyring(store), ONE) == [b"%d" % n for n in range(day + 1)]
        assert dump.read(Keyring(store), TWO) == [b"%d" % n for n in range(day + 1)]
    assert opened == len(dumps)


def test_a_copy_of_the_store_still_opens_while_the_epoch_lives(tmp_path, clock, store, kms):
    """The check above would be empty if copies never opened; and disaster recovery needs them for the grace time."""
    store.create(ONE)
    kek = store.kek(ONE)
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    store.terminate(ONE)
    good_for = 0
    for day in range(40):
        store.tick()
        try:
            assert KeyStore(kms, tmp_path / "copy", clock).kek(ONE) == kek
        except KeyGone:
            break
        good_for = day
        clock.advance(DAY)
    assert store.policy.grace.days <= good_for < 30


def test_a_cloud_window_is_inside_the_promise(tmp_path, clock, slow_kms):
    """With a waiting time of 7 days even cancelling the deletion at the last moment does not reach past day 30."""
    week = timedelta(days=7)
    store = KeyStore(slow_kms, tmp_path / "keys", clock, Policy(window=week))
    store.create(ONE)
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    store.terminate(ONE)
    for _ in range(30):
        store.tick()
        clock.advance(DAY)
    for epoch in list(slow_kms.destroyed_at):
        slow_kms.cancel_deletion(epoch)
    with pytest.raises(KeyGone):
        KeyStore(slow_kms, tmp_path / "copy", clock, Policy(window=week)).kek(ONE)


def test_a_policy_that_breaks_the_promise_is_refused():
    with pytest.raises(ValueError, match="30 days"):
        Policy(rotate=timedelta(days=14), grace=timedelta(days=14), window=timedelta(days=7))
    assert Policy(window=timedelta(days=7)).longest_epoch_life() == timedelta(days=23)


def test_the_blind_index_dies_with_the_tenant(store):
    store.create(ONE)
    assert len(store.index_key(ONE)) == 32
    store.terminate(ONE)
    with pytest.raises(KeyGone):
        store.index_key(ONE)


def test_termination_is_final(store):
    store.create(ONE)
    store.terminate(ONE)
    store.terminate(ONE)
    for act in (store.create, store.rotate, store.kek, lambda t: store.rewrapped(t, 2)):
        with pytest.raises(KeyGone):
            act(ONE)


def test_terminating_leaves_no_wrapped_key(store, tmp_path):
    store.create(ONE)
    path = tmp_path / "keys" / "tenants" / f"{ONE.uuid}.json"
    assert b"wrapped" in path.read_bytes()
    store.terminate(ONE)
    assert b"wrapped" not in path.read_bytes()
