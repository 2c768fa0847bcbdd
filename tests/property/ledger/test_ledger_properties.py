"""The log's formats under any input: what is true verifies, nothing else does, and nothing raises but the declared error."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from smalt.ledger import tiles, tree
from smalt.ledger.envelope import BadEnvelope, canonical, disclose, enclose
from smalt.ledger.note import COSIGNATURE, ED25519, BadNote, Checkpoint, Note, NoteKey, cosign, sign
from smalt.seal.signing import SigningKey, verify

KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(range(1, 33)))
hashes = st.binary(min_size=32, max_size=32)
names = st.from_regex(r"[a-z0-9.]{1,20}(/[a-z0-9]{1,8}){0,3}", fullmatch=True)


def leaves(size: int) -> list[bytes]:
    return [tree.leaf_hash(str(number).encode()) for number in range(size)]


def recursive_root(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(entries) == 1:
        return entries[0]
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return tree.node_hash(recursive_root(entries[:k]), recursive_root(entries[k:]))


@given(st.integers(1, 300))
def test_the_root_is_that_of_the_recursive_definition(size):
    assert tree.root(leaves(size)) == recursive_root(leaves(size))


@given(st.integers(1, 300), st.data())
def test_inclusion(size, data):
    index = data.draw(st.integers(0, size - 1))
    all_leaves = leaves(size)
    proof, root = tree.inclusion(index, all_leaves), tree.root(all_leaves)
    assert tree.holds_inclusion(all_leaves[index], index, size, proof, root)
    assert len(proof) <= size.bit_length()
    for other in {0, size - 1, index + 1, size} - {index}:
        assert not tree.holds_inclusion(all_leaves[index], other, size, proof, root)
    assert not tree.holds_inclusion(tree.leaf_hash(b"other"), index, size, proof, root)
    assert not tree.holds_inclusion(all_leaves[index], index, size, [*proof, root], root)
    assert not proof or not tree.holds_inclusion(all_leaves[index], index, size, proof[:-1], root)


@given(st.integers(2, 300), st.data())
def test_inclusion_with_one_bit_flipped(size, data):
    index = data.draw(st.integers(0, size - 1))
    all_leaves = leaves(size)
    proof, root = tree.inclusion(index, all_leaves), tree.root(all_leaves)
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    proof[place] = (int.from_bytes(proof[place]) ^ 1 << bit).to_bytes(32)
    assert not tree.holds_inclusion(all_leaves[index], index, size, proof, root)


@given(st.integers(0, 300), st.data())
def test_consistency(size, data):
    old = data.draw(st.integers(0, size))
    all_leaves = leaves(size)
    proof, before, after = tree.consistency(old, all_leaves), tree.root(all_leaves[:old]), tree.root(all_leaves)
    assert tree.holds_consistency(old, size, proof, before, after)
    assert not tree.holds_consistency(old, size, [*proof, after], before, after)
    if proof:
        bit = data.draw(st.integers(0, 255))
        broken = list(proof)
        place = data.draw(st.integers(0, len(proof) - 1))
        broken[place] = (int.from_bytes(broken[place]) ^ 1 << bit).to_bytes(32)
        assert not tree.holds_consistency(old, size, broken, before, after)
        assert not tree.holds_consistency(old, size, proof[:-1], before, after)


@given(st.integers(2, 200), st.data())
def test_a_fork_is_never_consistent(size, data):
    """Another leaf in the part that was there before: no proof of ours shows the old root in the new tree."""
    old = data.draw(st.integers(1, size - 1))
    forked = leaves(size)
    forked[data.draw(st.integers(0, old - 1))] = tree.leaf_hash(b"another")
    before = tree.root(leaves(old))
    assert not tree.holds_consistency(old, size, tree.consistency(old, forked), before, tree.root(forked))


@given(st.integers(-3, 400), st.integers(-3, 400), st.lists(hashes, max_size=12), hashes, hashes)
def test_any_proof_is_answered_with_false(first, second, proof, one, two):
    assert not tree.holds_inclusion(one, first, second, proof, two) or (first, second, proof) == (0, 1, [])
    assert not tree.holds_consistency(first, second, proof, one, two) or (one == two and first == second)


# -- tiles


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entry_tiles_are_read_as_they_were_written(entries):
    assert tiles.unpack_entries(tiles.pack_entries(entries)) == entries


@given(st.binary(max_size=400))
def test_any_tile_is_read_or_refused(data):
    with contextlib.suppress(ValueError):
        assert tiles.pack_entries(tiles.unpack_entries(data)) == data
    with contextlib.suppress(ValueError):
        assert b"".join(tiles.unpack_hashes(data)) == data


@given(st.lists(st.integers(1, 400), min_size=1, max_size=4))
@settings(max_examples=25)
def test_tiles_of_a_log_that_grows_in_any_steps_give_the_root_at_the_end(steps):
    """Only full tiles are stored for ever; from those of every level, and the partial ones, the root follows."""
    stored: dict[str, bytes] = {}
    size = 0
    for step in steps:
        stored.update(tiles.grown(size, leaves(size + step)))
        size += step
    whole = leaves(size)
    level, expected = 0, whole
    while expected:
        found: list[bytes] = []
        for number in range((len(expected) + 255) // 256):
            width = min(256, len(expected) - 256 * number)
            found += tiles.unpack_hashes(stored[tiles.path(level, number, width)])
        assert found == expected
        expected = [tree.root(expected[at : at + 256]) for at in range(0, len(expected) - 255, 256)]
        level += 1
    assert [width for *_, width in tiles.entry_tiles(size)] == [256] * (size // 256) + (
        [size % 256] if size % 256 else []
    )


# -- notes and checkpoints


@given(names, hashes, st.integers(0, 10**17))
def test_a_signed_checkpoint_is_read_and_every_changed_byte_seen(origin, root, size):
    key = NoteKey(origin, KEY.public)
    stated = Checkpoint(origin, size, root)
    note = Note(str(stated), (sign(str(stated), key, KEY.sign),))
    read = Note.parse(str(note))
    assert read == note
    assert Checkpoint.parse(read.text) == stated
    assert read.signed_by(key, verify)
    assert not read.signed_by(NoteKey(origin, OTHER.public), verify)
    assert not read.signed_by(NoteKey(f"{origin}x", KEY.public), verify)
    assert NoteKey.parse(str(key)) == key


@given(st.data())
def test_no_flipped_byte_of_a_note_verifies(data):
    key = NoteKey("log.example/1", KEY.public)
    text = str(Checkpoint("log.example/1", 7, bytes(32)))
    raw = bytearray(str(Note(text, (sign(text, key, KEY.sign),))).encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(BadNote, UnicodeDecodeError):
        read = Note.parse(raw.decode())
        assert not read.signed_by(key, verify)


@given(
    st.one_of(
        st.text(max_size=300),
        st.from_regex(r"[a-z]+\n[0-9]+\n[A-Za-z0-9+/=]*\n\n(— [a-z]+ [A-Za-z0-9+/=]+\n)+", fullmatch=True),
    )
)
def test_any_text_is_a_note_or_refused(text):
    with contextlib.suppress(BadNote):
        assert str(Note.parse(text)) == text
    with contextlib.suppress(BadNote):
        assert str(Checkpoint.parse(text)) in text or len(text.split("\n")) > 4
    with contextlib.suppress(BadNote):
        assert str(NoteKey.parse(text)) == text.strip()


@given(names, st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_cosignature_holds_for_its_time_only(name, at, later):
    key, text = NoteKey(name, KEY.public, COSIGNATURE), str(Checkpoint("log", 1, bytes(32)))
    line = cosign(text, key, KEY.sign, at)
    assert Note(text, (line,)).time_of(key, verify) == at
    forged = line.__class__(line.name, line.key_id, later.to_bytes(8) + line.signature[8:])
    assert Note(text, (forged,)).time_of(key, verify) == (at if later == at else None)
    assert Note(text, (line,)).time_of(NoteKey(name, KEY.public, ED25519), verify) is None


# -- envelopes

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=10), values, max_size=4))
def test_a_statement_comes_back_as_it_was_signed(predicate):
    made = {"_type": "https://in-toto.io/Statement/v1", "predicate": predicate}
    envelope = enclose(made, KEY.public, KEY.sign)
    assert disclose(envelope, KEY.public, verify) == made
    with contextlib.suppress(BadEnvelope):
        disclose(envelope, OTHER.public, verify)
        raise AssertionError("another key opened it")


@given(st.data())
def test_no_flipped_byte_of_an_envelope_says_something_else(data):
    made = {"_type": "https://in-toto.io/Statement/v1", "predicate": {"n": 1}}
    raw = bytearray(enclose(made, KEY.public, KEY.sign))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(BadEnvelope):
        disclose(bytes(raw), KEY.public, verify)
        raise AssertionError("it was read")


@given(
    st.one_of(
        st.binary(max_size=200),
        values.map(lambda value: canonical({"payload": value, "payloadType": value, "signatures": [value]})),
        values.map(canonical),
    )
)
def test_any_bytes_are_an_envelope_or_refused(data):
    with contextlib.suppress(BadEnvelope):
        disclose(data, KEY.public, verify)
        raise AssertionError("it was read")
