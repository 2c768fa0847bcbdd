"""The keyring: short memory, bounded, forgetting at once what changed; and the key set it lends."""

import copy
import pickle
import threading
import uuid

import pytest

from smalt.kernel.errors import Untrusted
from smalt.kernel.ids import TenantId
from smalt.kernel.sealed import Place, Sealed, envelope_of
from smalt.seal.keyring import Keyring, UnknownKeyNumber, WrappedKey
from smalt.seal.keystore import KeyStore
from smalt.seal.kms import KeyGone
from smalt.seal.lent import TenantKeys
from smalt.seal.stream import HEADER_BYTES

PLACE = Place("turn", "question", uuid.UUID(int=1))
ONE, TWO = TenantId.new(), TenantId.new()


class Watch:
    at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def counted(tmp_path, clock, stateful_kms):
    return KeyStore(stateful_kms, tmp_path / "counted", clock)


def rows_of(keyring, tenant, number=1):
    rows = []
    for key_no in range(1, number + 1):
        version, wrapped, _ = keyring.new_dek(tenant)
        rows.append(WrappedKey(key_no, version, wrapped))
    return rows


def test_new_and_open(store):
    store.create(ONE)
    keyring = Keyring(store)
    version, wrapped, dek = keyring.new_dek(ONE)
    assert (version, len(dek)) == (1, 32)
    assert dek not in wrapped
    assert keyring.open_dek(ONE, 1, version, wrapped) == dek
    assert Keyring(store).open_dek(ONE, 1, version, wrapped) == dek


def test_a_wrapped_key_belongs_to_tenant_and_version(store):
    store.create(ONE)
    store.create(TWO)
    keyring = Keyring(store)
    version, wrapped, _ = keyring.new_dek(ONE)
    store.rotate(ONE)
    for tenant, claimed, code in ((TWO, version, "seal.key_or_place"), (ONE, 2, "key.version_mismatch")):
        with pytest.raises(Untrusted) as caught:
            keyring.open_dek(tenant, 1, claimed, wrapped)
        assert caught.value.code == code
    for at in range(0, len(wrapped), 7):
        bent = bytearray(wrapped)
        bent[at] ^= 1
        with pytest.raises(Untrusted):
            keyring.open_dek(ONE, 1, version, bytes(bent))


def test_rewrapping_keeps_the_data_key(store):
    store.create(ONE)
    keyring = Keyring(store)
    version, wrapped, dek = keyring.new_dek(ONE)
    store.rotate(ONE)
    moved = keyring.rewrap_dek(ONE, version, wrapped)
    assert moved[0] == 2
    assert keyring.open_dek(ONE, 1, *moved) == dek


def test_the_kms_is_asked_once_while_the_memory_lasts(counted, stateful_kms):
    watch = Watch()
    counted.create(ONE)
    keyring = Keyring(counted, life_s=300, monotonic=watch)
    rows = rows_of(keyring, ONE, 3)
    keyring.lend(ONE, rows)
    asked = stateful_kms.calls
    for _ in range(5):
        keyring.lend(ONE, rows)
        assert keyring.cached(ONE) is not None
    assert stateful_kms.calls == asked
    watch.at = 300.0
    assert keyring.cached(ONE) is None
    keyring.lend(ONE, rows)
    assert stateful_kms.calls > asked


def test_use_does_not_lengthen_the_memory(counted):
    watch = Watch()
    counted.create(ONE)
    keyring = Keyring(counted, life_s=300, monotonic=watch)
    rows = rows_of(keyring, ONE)
    keyring.lend(ONE, rows)
    for second in range(0, 299, 50):
        watch.at = float(second)
        keyring.lend(ONE, rows)
    watch.at = 301.0
    assert keyring.cached(ONE) is None


def test_termination_by_another_process_is_seen_at_once(store, kms, tmp_path, clock):
    store.create(ONE)
    keyring = Keyring(store)
    rows = rows_of(keyring, ONE)
    keyring.lend(ONE, rows)
    KeyStore(kms, tmp_path / "keys", clock).terminate(ONE)
    assert keyring.cached(ONE) is None
    with pytest.raises(KeyGone):
        keyring.lend(ONE, rows)
    with pytest.raises(KeyGone):
        keyring.open_dek(ONE, 1, rows[0].kek_version, rows[0].wrapped)


def test_the_memory_is_bounded(store):
    keyring = Keyring(store, max_tenants=2)
    tenants = [TenantId.new() for _ in range(4)]
    for tenant in tenants:
        store.create(tenant)
        keyring.lend(tenant, rows_of(keyring, tenant))
    assert [keyring.cached(tenant) is not None for tenant in tenants] == [False, False, True, True]


def test_forgetting(store):
    keyring = Keyring(store)
    for tenant in (ONE, TWO):
        store.create(tenant)
        keyring.lend(tenant, rows_of(keyring, tenant))
    keyring.forget(ONE)
    assert keyring.cached(ONE) is None
    assert keyring.cached(TWO) is not None
    keyring.forget_all()
    assert keyring.cached(TWO) is None


def test_a_single_opened_key_is_no_key_set(store):
    store.create(ONE)
    keyring = Keyring(store)
    (row,) = rows_of(keyring, ONE)
    keyring.open_dek(ONE, 1, row.kek_version, row.wrapped)
    assert keyring.cached(ONE) is None


def test_rotation_of_data_keys(store):
    """Old rows open, new rows carry the new number; a process that has not heard of it is told apart from damage."""
    store.create(ONE)
    keyring, other = Keyring(store), Keyring(store)
    rows = rows_of(keyring, ONE, 2)
    old = keyring.lend(ONE, rows[:1]).seal(b"old", PLACE)
    other.lend(ONE, rows[:1])
    keys = keyring.lend(ONE, rows)
    new = keys.seal(b"new", PLACE)
    assert keys.current_key_no == 2
    assert (keys.open(old, PLACE), keys.open(new, PLACE)) == (b"old", b"new")
    with pytest.raises(UnknownKeyNumber):
        other.cached(ONE).open(new, PLACE)
    assert other.lend(ONE, rows).open(new, PLACE) == b"new"
    retired = keyring.lend(ONE, [rows[0], WrappedKey(2, rows[1].kek_version, rows[1].wrapped, retired=True)])
    assert retired.current_key_no == 1
    assert retired.open(new, PLACE) == b"new"


def test_no_usable_key_is_an_error(store):
    store.create(ONE)
    with pytest.raises(Untrusted):
        Keyring(store).lend(ONE, [])


def test_keys_given_back_do_nothing(store):
    store.create(ONE)
    keyring = Keyring(store)
    rows = rows_of(keyring, ONE)
    keys, still = keyring.lend(ONE, rows), keyring.lend(ONE, rows)
    sealed = keys.seal(b"x", PLACE)
    keys.close()
    acts = (
        lambda: keys.seal(b"x", PLACE),
        lambda: keys.open(sealed, PLACE),
        lambda: keys.sealer(PLACE),
        lambda: keys.blind("a", "b"),
    )
    for act in acts:
        with pytest.raises(RuntimeError):
            act()
    assert still.open(sealed, PLACE) == b"x"


def test_one_keyring_for_many_threads(store):
    tenants = [TenantId.new() for _ in range(4)]
    keyring = Keyring(store, max_tenants=2)
    rows = {}
    for tenant in tenants:
        store.create(tenant)
        rows[tenant] = rows_of(keyring, tenant, 2)
    failures = []

    def work():
        try:
            for turn in range(40):
                tenant = tenants[turn % 4]
                keys = keyring.lend(tenant, rows[tenant])
                assert keys.open(keys.seal(b"%d" % turn, PLACE), PLACE) == b"%d" % turn
                keyring.cached(tenant)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


async def test_blobs_through_the_key_set(store):
    store.create(ONE)
    keyring = Keyring(store)
    keys = keyring.lend(ONE, rows_of(keyring, ONE))
    place = Place("document", "blob", uuid.UUID(int=9), "original")
    message = bytes(range(256)) * 10_000
    sealer = keys.sealer(place)
    sealed = [sealer.update(message[at : at + 100_000]) for at in range(0, len(message), 100_000)] + [sealer.finish()]
    with pytest.raises(RuntimeError):
        sealer.update(b"more")
    assert b"".join(keys.opener(place, sealed)) == message

    async def source(pieces):
        for piece in pieces:
            yield piece

    assert b"".join([piece async for piece in keys.opener_async(place, source(sealed))]) == message
    with pytest.raises(Untrusted):
        [piece async for piece in keys.opener_async(place, source(sealed[:-1]))]
    whole = b"".join(sealed)
    reader = keys.reader(place, whole[:HEADER_BYTES], len(whole))
    with pytest.raises(RuntimeError):
        reader.open(0, 1, b"")
    start, stop = reader.tail_span()
    reader.check_tail(whole[start:stop])
    assert reader.size_bytes == len(message)
    start, stop = reader.span(1_500_000, 1_500_010)
    assert reader.open(1_500_000, 1_500_010, whole[start:stop]) == message[1_500_000:1_500_010]


def test_a_lent_key_set_cannot_be_copied_or_printed():
    key = bytes(range(32))
    keys = TenantKeys(ONE, {1: key}, 1, key)
    assert repr(keys) == str(keys) == "TenantKeys(…)"
    for act in (lambda: pickle.dumps(keys), lambda: copy.copy(keys), lambda: copy.deepcopy(keys)):
        with pytest.raises(TypeError):
            act()


def test_an_envelope_of_unknown_form(store):
    keys = TenantKeys(ONE, {1: bytes(32)}, 1, bytes(32))
    sealed = keys.seal(b"text", PLACE)
    for bent in (b"", b"\x03" + envelope_of(sealed)[1:], b"\x02" + envelope_of(sealed)[1:]):
        with pytest.raises(Untrusted):
            keys.open(Sealed(bent), PLACE)


def test_many_rows_of_a_column(store):
    store.create(ONE)
    keyring = Keyring(store)
    rows = rows_of(keyring, ONE, 2)
    ids = [uuid.uuid4() for _ in range(6)]
    older, newer = keyring.lend(ONE, rows[:1]), keyring.lend(ONE, rows)
    sealed = [
        (row, (older if number % 2 else newer).seal(b"%d" % number, Place("turn", "answer", row)))
        for number, row in enumerate(ids)
    ]
    assert newer.open_column("turn", "answer", sealed) == [b"%d" % number for number in range(6)]
    for table, column, these in (
        ("turn", "question", sealed),
        ("t", "urnanswer", sealed),
        ("turn", "answer", [(ids[1], sealed[0][1])]),
    ):
        with pytest.raises(Untrusted):
            newer.open_column(table, column, these)
