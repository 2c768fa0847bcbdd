"""The published vectors, both ways: the product makes and opens them, and so does a program that shares nothing with it."""

import hashlib
import importlib.util
import json
import uuid
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smalt.kernel.errors import Untrusted
from smalt.kernel.ids import TenantId
from smalt.seal import envelope as product
from smalt.seal.derivation import DataKey
from smalt.seal.lent import TenantKeys
from smalt.seal.stream import StreamSealer
from smalt.seal.tickets import Tickets

HERE = Path(__file__).parent


def load(kind: str) -> list[dict]:
    document = json.loads((HERE / f"{kind}.json").read_text())
    assert document["kind"] == kind
    return document["vectors"]


def cases(*kinds: str) -> list:
    return [pytest.param(kind, vector, id=f"{kind}: {vector['name']}") for kind in kinds for vector in load(kind)]


def raw(vector: dict, name: str) -> bytes:
    return bytes.fromhex(vector[name])


@pytest.fixture(scope="module")
def independent():
    spec = importlib.util.spec_from_file_location("smalt_independent_reader", HERE / "independent.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("kind", "vector"), cases("row", "stream"))
def test_product_opens_or_refuses(kind, vector):
    place = product.context(*(bytes.fromhex(part) for part in vector["context"]))

    def opened() -> bytes:
        if kind == "row":
            return product.open_row(raw(vector, "dek"), raw(vector, "envelope"), place)
        return b"".join(product.open_stream(raw(vector, "dek"), [raw(vector, "envelope")], place))

    if vector["plaintext"] is None:
        with pytest.raises(Untrusted):
            opened()
    else:
        assert opened() == raw(vector, "plaintext")
        assert product.key_no_of(raw(vector, "envelope")) == vector["key_no"]


@pytest.mark.parametrize("vector", [v for v in load("row") if v["plaintext"] is not None], ids=lambda v: v["name"])
def test_product_makes_the_rows(vector):
    place = product.context(*(bytes.fromhex(part) for part in vector["context"]))
    sealed = product._seal_row_with_salt(
        raw(vector, "dek"), vector["key_no"], raw(vector, "plaintext"), place, raw(vector, "salt")
    )
    assert sealed == raw(vector, "envelope")


@pytest.mark.parametrize("vector", [v for v in load("stream") if v["plaintext"] is not None], ids=lambda v: v["name"])
def test_product_makes_the_streams(vector):
    place = product.context(*(bytes.fromhex(part) for part in vector["context"]))
    sealer = StreamSealer(raw(vector, "dek"), vector["key_no"], place, vector["log2_segment"])
    sealer._begin_with_salt(raw(vector, "dek"), vector["key_no"], place, vector["log2_segment"], raw(vector, "salt"))
    assert sealer.update(raw(vector, "plaintext")) + sealer.finish() == raw(vector, "envelope")


@pytest.mark.parametrize("vector", load("ticket"), ids=lambda v: v["name"])
def test_product_issues_the_tickets(vector):
    tenant = TenantId(uuid.UUID(bytes=raw(vector, "tenant")))
    assert Tickets(raw(vector, "key"), vector["key_id"]).issue(tenant, vector["expires_at"]) == vector["ticket"]
    assert len(vector["ticket"]) == 120


@pytest.mark.parametrize("vector", load("blind"), ids=lambda v: v["name"])
def test_product_makes_the_blind_indexes(vector):
    keys = TenantKeys(TenantId(uuid.UUID(bytes=raw(vector, "tenant"))), {1: bytes(32)}, 1, raw(vector, "index_key"))
    assert keys.blind(vector["index"], vector["value"]) == raw(vector, "blind")


@pytest.mark.parametrize(("kind", "vector"), cases("row", "stream", "ticket", "blind"))
def test_independent_program_agrees(independent, kind, vector):
    assert independent.check(kind, vector)


def test_independent_program_knows_the_standards(independent):
    """FIPS 197 appendix C.3 and test case 14 of the GCM specification (McGrew and Viega, appendix B)."""
    keys = independent.expand_key(bytes(range(32)))
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert independent.encrypt_block(keys, block).hex() == "8ea2b7ca516745bfeafc49904b496089"
    sealed = independent.gcm_seal(bytes(32), bytes(12), bytes(16))
    assert sealed.hex() == "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919"


def test_both_read_each_other(independent):
    dek, parts = b"k" * 32, [b"smalt/v1", b"x"]
    place = product.context(*parts)
    assert independent.row_open(dek, product.seal_row(dek, 9, b"from the product", place), place) == b"from the product"
    stream = b"".join(product.seal_stream(dek, 9, [b"from ", b"the product" * 20], place, 6))
    assert independent.stream_open(dek, stream, place) == b"from " + b"the product" * 20
    assert independent.context(parts) == place


def test_derivation_is_the_librarys_hkdf():
    """The written-out Expand of the product against the library's whole HKDF."""
    dek, head, salt, place = bytes(range(32)), b"\1\0\0\0\7", bytes(range(100, 132)), b"any context"
    info = head + salt + hashlib.sha256(place).digest()
    whole = HKDF(SHA256(), 64, b"smalt/env/v1", info).derive(dek)
    assert b"".join(DataKey(dek).derive(head + salt, place)) == whole


def test_the_published_example_is_a_vector():
    text = (HERE.parents[1] / "docs/security/envelope.md").read_text()
    example, name = {}, ""
    for line in text[text.index("A first row to start from") :].splitlines():
        words = line.split()
        if line.startswith("    ") and words:
            name = words[0] if len(words) == 2 else name
            example[name] = example.get(name, b"") + bytes.fromhex(words[-1])
    (vector,) = [v for v in load("row") if v["name"] == "text"]
    assert example["DEK"] == raw(vector, "dek")
    assert example["context"] == product.context(*(bytes.fromhex(part) for part in vector["context"]))
    assert example["plaintext"] == raw(vector, "plaintext")
    assert example["envelope"] == raw(vector, "envelope")
    assert product.open_row(example["DEK"], example["envelope"], example["context"]) == example["plaintext"]
