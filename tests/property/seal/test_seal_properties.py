"""What must hold for every message, key and place: round trip, and refusal of everything that was not sealed so."""

import itertools
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smalt.kernel.errors import Untrusted
from smalt.kernel.ids import TenantId
from smalt.kernel.sealed import Place, Sealed, envelope_of
from smalt.seal.derivation import context
from smalt.seal.envelope import ROW_OVERHEAD_BYTES, key_no_of, open_range, open_row, open_stream, seal_row, seal_stream
from smalt.seal.lent import TenantKeys, UnknownKeyNumber
from smalt.seal.stream import HEADER_BYTES
from smalt.seal.tickets import Tickets
from smalt.seal.tokens import new_secret, well_formed

KEYS = st.binary(min_size=32, max_size=32)
KEY_NOS = st.integers(0, 2**32 - 1)
PARTS = st.lists(st.binary(max_size=8), max_size=5)
TENANTS = st.uuids().map(TenantId)
WORDS = st.text(max_size=6)
PLACES = st.builds(Place, table=WORDS, column=WORDS, row=st.uuids(), part=WORDS)
LOG2 = 6
SEGMENT = 1 << LOG2


def forall(*strategies):
    """`given` without a deadline: the machine may be busy."""
    return lambda test: settings(deadline=None, max_examples=60)(given(*strategies)(test))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def opened(dek: bytes, sealed: bytes, place: bytes) -> bytes:
    return b"".join(open_stream(dek, [sealed], place))


def sealed_stream(dek: bytes, message: bytes, place: bytes = b"place") -> bytes:
    return b"".join(seal_stream(dek, 1, [message], place, LOG2))


@forall(KEYS, KEY_NOS, st.binary(max_size=300), PARTS)
def test_row_round_trip(dek, key_no, message, parts):
    sealed = seal_row(dek, key_no, message, context(*parts))
    assert open_row(dek, sealed, context(*parts)) == message
    assert key_no_of(sealed) == key_no
    assert len(sealed) == len(message) + ROW_OVERHEAD_BYTES


@forall(KEYS, st.binary(max_size=64), st.data())
def test_row_refuses_any_flipped_bit(dek, message, data):
    sealed = bytearray(seal_row(dek, 1, message, b"place"))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Untrusted):
        open_row(dek, bytes(sealed), b"place")


@forall(KEYS, st.binary(max_size=64), st.data())
def test_row_refuses_any_other_length(dek, message, data):
    sealed = seal_row(dek, 1, message, b"place")
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    with pytest.raises(Untrusted):
        open_row(dek, cut, b"place")
    with pytest.raises(Untrusted):
        open_row(dek, sealed + data.draw(st.binary(min_size=1, max_size=20)), b"place")


@forall(KEYS, KEYS, PARTS, PARTS)
def test_row_refuses_another_key_or_context(dek, other, parts, elsewhere):
    sealed = seal_row(dek, 1, b"message", context(*parts))
    if other != dek:
        with pytest.raises(Untrusted):
            open_row(other, sealed, context(*parts))
    if elsewhere != parts:
        with pytest.raises(Untrusted):
            open_row(dek, sealed, context(*elsewhere))


@forall(PARTS, PARTS)
def test_context_is_injective(one, other):
    assert (context(*one) == context(*other)) == (one == other)


@forall(KEYS, TENANTS, PLACES, TENANTS, PLACES)
def test_sealed_content_opens_only_at_its_place(dek, tenant, place, other_tenant, other_place):
    here = TenantKeys(tenant, {1: dek}, 1, bytes(32))
    sealed = here.seal(b"content", place)
    assert here.open(sealed, place) == b"content"
    # The worst case: the other tenant somehow holds the very same key.
    for keys, at in ((TenantKeys(other_tenant, {1: dek}, 1, bytes(32)), place), (here, other_place)):
        if keys.tenant == tenant and at == place:
            continue
        with pytest.raises(Untrusted):
            keys.open(sealed, at)


@forall(KEYS, TENANTS, PLACES, st.sampled_from(["table", "column", "row", "part"]))
def test_each_part_of_the_place_counts(dek, tenant, place, which):
    keys = TenantKeys(tenant, {1: dek}, 1, bytes(32))
    changed = {name: getattr(place, name) for name in ("table", "column", "row", "part")}
    changed[which] = uuid.UUID(int=place.row.int ^ 1) if which == "row" else changed[which] + "x"
    with pytest.raises(Untrusted):
        keys.open(keys.seal(b"content", place), Place(**changed))
    sealer = keys.sealer(place)
    blob = [sealer.update(b"content"), sealer.finish()]
    with pytest.raises(Untrusted):
        list(keys.opener(Place(**changed), blob))


@forall(KEYS, PLACES)
def test_unknown_key_number_is_told_apart(dek, place):
    tenant = TenantId.new()
    sealed = TenantKeys(tenant, {2: dek}, 2, bytes(32)).seal(b"content", place)
    with pytest.raises(UnknownKeyNumber):
        TenantKeys(tenant, {1: dek}, 1, bytes(32)).open(sealed, place)


@forall(
    KEYS, KEY_NOS, st.binary(max_size=400), st.lists(st.integers(0, 500), max_size=6), st.lists(st.integers(0, 1000))
)
def test_stream_round_trip_in_any_pieces(dek, key_no, message, cuts, sealed_cuts):
    sealed = b"".join(seal_stream(dek, key_no, pieces(message, cuts), b"place", LOG2))
    assert b"".join(open_stream(dek, pieces(sealed, sealed_cuts), b"place")) == message
    assert key_no_of(sealed) == key_no
    # One segmentation only: the length follows from the message, however it arrived.
    segments = max(1, -(-len(message) // SEGMENT))
    assert len(sealed) == HEADER_BYTES + len(message) + 16 * segments


@forall(KEYS, st.binary(max_size=200), st.data())
def test_stream_refuses_any_flipped_bit(dek, message, data):
    sealed = bytearray(sealed_stream(dek, message))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Untrusted):
        opened(dek, bytes(sealed), b"place")


@forall(KEYS, st.binary(max_size=300), st.data())
def test_stream_refuses_any_other_length(dek, message, data):
    sealed = sealed_stream(dek, message)
    with pytest.raises(Untrusted):
        opened(dek, sealed[: data.draw(st.integers(0, len(sealed) - 1))], b"place")
    with pytest.raises(Untrusted):
        opened(dek, sealed + data.draw(st.binary(min_size=1, max_size=100)), b"place")


@forall(KEYS, st.integers(1, 6), st.data())
def test_stream_refuses_any_other_order_of_segments(dek, whole, data):
    sealed = sealed_stream(dek, bytes(whole * SEGMENT + 5))
    size = SEGMENT + 16
    segments = [sealed[at : at + size] for at in range(HEADER_BYTES, len(sealed), size)]
    order = data.draw(st.lists(st.integers(0, whole), max_size=whole + 3))
    if order == list(range(whole + 1)):
        return
    with pytest.raises(Untrusted):
        opened(dek, sealed[:HEADER_BYTES] + b"".join(segments[i] for i in order), b"place")


@forall(KEYS, st.integers(0, 3))
def test_segments_of_another_stream_do_not_fit(dek, at):
    """Same key, same place, same message: still another salt."""
    one, other = (sealed_stream(dek, bytes(4 * SEGMENT)) for _ in range(2))
    start = HEADER_BYTES + at * (SEGMENT + 16)
    with pytest.raises(Untrusted):
        opened(dek, one[:start] + other[start : start + SEGMENT + 16] + one[start + SEGMENT + 16 :], b"place")


@forall(KEYS, st.binary(max_size=400), st.data())
def test_random_access_reads_what_a_slice_reads(dek, message, data):
    sealed = sealed_stream(dek, message)
    start = data.draw(st.integers(0, len(message)))
    stop = data.draw(st.integers(start, len(message)))
    reads: list[int] = []

    def read(a: int, b: int) -> bytes:
        reads.append(b - a)
        return sealed[a:b]

    got = open_range(dek, b"place", read, sealed_bytes=len(sealed), start=start, stop=stop)
    assert got == message[start:stop]
    assert sum(reads) <= HEADER_BYTES + (SEGMENT + 16) * (3 + (stop - start) // SEGMENT)


@forall(KEYS, st.integers(1, 5), st.integers(0, 4))
def test_random_access_sees_a_stream_cut_at_a_segment(dek, kept, extra):
    sealed = sealed_stream(dek, bytes((kept + extra + 1) * SEGMENT))
    cut = sealed[: HEADER_BYTES + kept * (SEGMENT + 16)]
    with pytest.raises(Untrusted):
        open_range(dek, b"place", lambda a, b: cut[a:b], sealed_bytes=len(cut), start=0, stop=1)


@forall(KEYS, TENANTS, TENANTS, WORDS, WORDS, WORDS, WORDS)
def test_blind_index_separates_tenant_index_and_value(key, tenant, other, index, value, index2, value2):
    one = TenantKeys(tenant, {1: key}, 1, key).blind(index, value)
    two = TenantKeys(other, {1: key}, 1, key).blind(index2, value2)
    assert (one == two) == ((tenant, index, value) == (other, index2, value2))


@forall(KEYS, TENANTS, st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_ticket_has_one_form(key, tenant, expires_at, key_id):
    text = Tickets(key, key_id).issue(tenant, expires_at)
    assert len(text) == 120
    assert text == text.lower()
    assert bytes.fromhex(text)[:16] == tenant.uuid.bytes


@forall(st.from_regex(r"[a-z][a-z0-9]{1,15}(_[a-z0-9]{1,15})?", fullmatch=True), st.data())
def test_a_typing_error_in_a_token_is_seen(prefix, data):
    secret = new_secret(prefix)
    assert well_formed(secret, prefix)
    at = data.draw(st.integers(0, len(secret) - 1))
    typed = data.draw(st.sampled_from("abcXYZ019-_ é"))
    if typed != secret[at]:
        assert not well_formed(secret[:at] + typed + secret[at + 1 :], prefix)
    assert not well_formed(secret[:-1], prefix)


@forall(st.binary(max_size=120))
def test_nothing_but_an_envelope_opens(noise):
    keys = TenantKeys(TenantId.new(), {1: bytes(32)}, 1, bytes(32))
    place = Place("turn", "question", uuid.uuid4())
    with pytest.raises(Untrusted):
        keys.open(Sealed(noise), place)
    with pytest.raises(Untrusted):
        list(keys.opener(place, [noise]))
    assert envelope_of(Sealed(noise)) == noise
