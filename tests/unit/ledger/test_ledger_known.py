"""Answers that others published: the trees of RFC 6962's reference tests, the paths of C2SP tlog-tiles, keys and PAE."""

from __future__ import annotations

import base64
import hashlib

import pytest

from smalt.kernel.errors import Missing, Untrusted
from smalt.ledger import tiles, tree
from smalt.ledger.envelope import BadEnvelope, canonical, disclose, key_id, statement_of
from smalt.ledger.note import COSIGNATURE, BadNote, Checkpoint, Note, NoteKey, Signature, cosign, sign
from smalt.seal.signing import SigningKey, verify

# The leaves and hashes that the reference implementations of RFC 6962 are tested with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [tree.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
INCLUSION = {  # (index, size): proof
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
CONSISTENCY = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def test_the_empty_tree():
    assert tree.root([]).hex() == hashlib.sha256(b"").hexdigest()
    assert tree.consistency(0, HASHES) == []
    assert tree.holds_consistency(0, 0, [], tree.root([]), tree.root([]))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots(size):
    assert tree.root(HASHES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("where", "proof"), INCLUSION.items())
def test_inclusion_proofs(where, proof):
    index, size = where
    assert [one.hex() for one in tree.inclusion(index, HASHES[:size])] == proof
    assert tree.holds_inclusion(
        HASHES[index], index, size, [bytes.fromhex(one) for one in proof], bytes.fromhex(ROOTS[size - 1])
    )


@pytest.mark.parametrize(("sizes", "proof"), CONSISTENCY.items())
def test_consistency_proofs(sizes, proof):
    old, size = sizes
    assert [one.hex() for one in tree.consistency(old, HASHES[:size])] == proof
    known = [bytes.fromhex(one) for one in proof]
    assert tree.holds_consistency(old, size, known, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_what_is_not_in_the_tree_has_no_proof(index, size):
    with pytest.raises(IndexError):
        tree.inclusion(index, HASHES[:size])


@pytest.mark.parametrize("old", [-1, 9])
def test_a_tree_that_cannot_be_older_has_no_proof(old):
    with pytest.raises(IndexError):
        tree.consistency(old, HASHES)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ((0, 0), "tile/0/000"), ((2, 255, 17), "tile/2/255.p/17"), ((0, 1234067), "tile/0/x001/x234/067"),
        (("entries", 1000, 1), "tile/entries/x001/000.p/1"), ((1, 999), "tile/1/999"),
    ],
)  # fmt: skip
def test_paths_of_tiles(place, path):
    assert tiles.path(*place) == path


def test_an_entry_has_at_most_65535_bytes():
    assert tiles.unpack_entries(tiles.pack_entries([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(ValueError, match="65,535"):
        tiles.pack_entries([b"x" * 65_536])


def test_a_verifier_key_as_go_writes_it():
    """The key of the Go checksum database, which everybody with Go has."""
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert str(NoteKey.parse(text)) == text
    assert NoteKey.parse(text).id.hex() == "033de0ae"


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+00000000+", "a+00000000+AAAA", "a b+1+2", "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
             "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn9"],
)  # fmt: skip
def test_what_is_no_key(text):
    with pytest.raises(BadNote):
        NoteKey.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "a\n1\n", "a\n\n— n AAAAAA==", "a\n\n— n AAAA\n", "a\n\n- n AAAAAAAA\n", "a\n\n— n  AAAAAAAA\n", "a\n\n— n A\n", "a\n\n\n", "a\n\n— n AAAAAAB=\n"],
)  # fmt: skip
def test_what_is_no_note(text):
    with pytest.raises(BadNote):
        Note.parse(text)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n1\n",
        f"log\n01\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"\n1\n{ROOT}\n",
        f"log\n1\n{ROOT}",
        f"log\n1\n{ROOT[:-4]}\n",
        f"log\n{'9' * 19}\n{ROOT}\n",
        f"log\n１\n{ROOT}\n",
    ],
)
def test_what_is_no_checkpoint(text):
    with pytest.raises(BadNote):
        Checkpoint.parse(text)


def test_extension_lines_are_allowed():
    assert Checkpoint.parse(f"log\n1\n{ROOT}\nmore\n") == Checkpoint("log", 1, bytes(32))


def test_lines_of_unknown_keys_are_kept_and_do_not_count():
    key, other = SigningKey.generate(), SigningKey.generate()
    log, witness = NoteKey("log", key.public), NoteKey("witness", other.public, COSIGNATURE)
    text = str(Checkpoint("log", 1, bytes(32)))
    note = Note(text, (Signature("who", b"1234", b"x" * 64), sign(text, log, key.sign)))
    assert Note.parse(str(note)) == note
    assert note.signed_by(log, verify)
    assert note.time_of(witness, verify) is None
    more = note.with_lines([cosign(text, witness, other.sign, 5), sign(text, log, key.sign)])
    assert len(more.signatures) == 3
    assert more.time_of(witness, verify) == 5


def test_statements_are_written_in_one_way():
    assert canonical({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})
    assert key_id(bytes(32)) == hashlib.sha256(bytes(32)).hexdigest()


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"_type":"x"}', b"[" * 100_000, b"\xff"])
def test_what_is_no_statement(payload):
    with pytest.raises(BadEnvelope):
        statement_of(payload)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"[" * 100_000, b"\xff", b'{"payload":"e30=","payloadType":"x","signatures":[]}']
)
def test_what_is_no_envelope(data):
    with pytest.raises(BadEnvelope):
        disclose(data, bytes(32), verify)


# -- keys


def test_a_key_signs_as_rfc_8032_does():
    """RFC 8032, section 7.1, tests 1 and 2."""
    first = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert first.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert first.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert verify(first.public, b"", first.sign(b""))
    assert not verify(first.public, b"x", first.sign(b""))


@pytest.mark.parametrize(
    ("public", "signature"), [(b"", b""), (bytes(31), bytes(64)), (b"\xff" * 32, bytes(64)), (bytes(32), bytes(63))]
)
def test_what_is_no_key_or_signature_does_not_verify(public, signature):
    assert not verify(public, b"", signature)


def test_a_key_in_its_file(tmp_path):
    path = tmp_path / "own" / "key"
    with pytest.raises(Missing):
        SigningKey.load(path)
    made = SigningKey.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(path).public == made.public
    path.write_bytes(b"short")
    with pytest.raises(Untrusted):
        SigningKey.load(path)


def test_a_key_is_not_shown_or_copied():
    import copy
    import pickle

    key = SigningKey(bytes(range(32)))
    assert bytes(range(32)).hex() not in repr(key)
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            way(key)
