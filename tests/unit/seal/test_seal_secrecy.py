"""Keys stay where they are: not in text forms, failures or files; and the test-only salts stay with the tests."""

import ast
import logging
import traceback
import uuid
from pathlib import Path

import pytest

import smalt.seal
from smalt.kernel.errors import Failure
from smalt.kernel.ids import TenantId
from smalt.kernel.sealed import Place
from smalt.seal.keyring import Keyring, WrappedKey
from smalt.seal.kms_file import FileKms
from smalt.seal.stream import StreamOpener, StreamSealer
from smalt.seal.tickets import Tickets
from smalt.seal.tokens import SessionSigner

SOURCE = Path(smalt.seal.__file__).parent


def names(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.name


def test_nobody_seals_with_a_chosen_salt():
    """The one way to a chosen salt is a private function that its own module alone calls, with fresh randomness."""
    for path in SOURCE.parent.rglob("*.py"):
        if path == SOURCE / "envelope.py":
            assert list(names(path)).count("_seal_row_with_salt") == 1
            assert "context, os.urandom(SALT_BYTES))" in path.read_text()
        else:
            assert "_seal_row_with_salt" not in set(names(path)), path
        if path == SOURCE / "stream.py":
            assert path.read_text().count("._begin_with_salt(") == 1
            assert "log2_segment, os.urandom(SALT_BYTES))" in path.read_text()
        else:
            assert "_begin_with_salt" not in set(names(path)), path


def test_two_sealings_never_share_a_salt():
    from smalt.seal.envelope import seal_row, seal_stream

    rows = {seal_row(bytes(32), 1, b"same", b"same")[5:37] for _ in range(200)}
    streams = {b"".join(seal_stream(bytes(32), 1, [b"same"], b"same"))[6:38] for _ in range(200)}
    assert len(rows | streams) == 400


def test_text_forms_hold_no_key(store, tmp_path, cheap):
    key = bytes(range(65, 97))
    tenant = TenantId.new()
    store.create(tenant)
    keyring = Keyring(store)
    version, wrapped, dek = keyring.new_dek(tenant)
    keys = keyring.lend(tenant, [WrappedKey(1, version, wrapped)])
    things = [
        keys,
        keyring,
        store,
        FileKms(tmp_path / "other", "passphrase", cost=cheap),
        Tickets(key, 1),
        SessionSigner(key),
        StreamSealer(key, 1, b""),
        StreamOpener(lambda _: key, b""),
        next(iter(keyring._opened.values())),
    ]
    for thing in things:
        for text in (repr(thing), str(thing), f"{thing}"):
            assert_clean(text, key, dek, store.kek(tenant)[1])
            assert "passphrase" not in text


def assert_clean(text, *keys):
    for key in keys:
        for form in (key.hex(), repr(key), str(key), repr(key)[2:12], key.decode("latin-1")):
            assert form not in text


def test_failures_hold_no_key_and_no_content(store, caplog):
    caplog.set_level(logging.DEBUG)
    tenant, place = TenantId.new(), Place("turn", "question", uuid.uuid4())
    store.create(tenant)
    keyring = Keyring(store)
    version, wrapped, dek = keyring.new_dek(tenant)
    keys = keyring.lend(tenant, [WrappedKey(1, version, wrapped)])
    sealed = keys.seal(b"net income of 4711", place)
    elsewhere = Place("turn", "answer", place.row)
    acts = [
        lambda: keys.open(sealed, elsewhere),
        lambda: keyring.open_dek(tenant, 1, version, wrapped[:-1] + b"\0"),
        lambda: keyring.open_dek(TenantId.new(), 1, version, wrapped),
        lambda: list(keys.opener(place, [b"\2" + bytes(200)])),
        lambda: store.kek(tenant, 5),
    ]
    for act in acts:
        with pytest.raises(Failure) as caught:
            act()
        failure = caught.value
        text = "".join(traceback.format_exception(failure)) + repr(failure) + repr(vars(failure))
        assert_clean(text, dek, store.kek(tenant)[1])
        assert "4711" not in text.replace(str(place.row), "")
        assert failure.happened
    assert caplog.text == ""
