"""The file KMS: passphrase, destruction, modes, damage."""

import json

import pytest

from smalt.kernel.errors import Conflict, Untrusted
from smalt.seal import kms_file
from smalt.seal.kms import KeyGone
from smalt.seal.kms_file import COST, Cost, FileKms

KEY = bytes(range(32))
AAD = {"purpose": "test", "tenant": "one"}


def test_round_trip_and_restart(tmp_path):
    kms = FileKms(tmp_path / "kms")
    epoch = kms.create_epoch()
    wrapped = kms.wrap(epoch, KEY, AAD)
    assert FileKms(tmp_path / "kms").unwrap(epoch, wrapped, dict(reversed(AAD.items()))) == KEY


def test_round_trip_with_passphrase(tmp_path, cheap):
    kms = FileKms(tmp_path / "kms", "correct horse", cost=cheap)
    epoch = kms.create_epoch()
    wrapped = kms.wrap(epoch, KEY, AAD)
    assert FileKms(tmp_path / "kms", "correct horse").unwrap(epoch, wrapped, AAD) == KEY


@pytest.mark.parametrize(
    ("made_with", "opened_with", "code"),
    [
        ("right", "wrong", "kms.passphrase_wrong"),
        ("right", "", "kms.passphrase_wrong"),
        ("right", None, "kms.passphrase_needed"),
        (None, "any", "kms.passphrase_unexpected"),
    ],
)
def test_a_passphrase_that_does_not_fit_is_named(tmp_path, cheap, made_with, opened_with, code):
    FileKms(tmp_path / "kms", made_with, cost=cheap).create_epoch()
    with pytest.raises(Conflict) as caught:
        FileKms(tmp_path / "kms", opened_with)
    assert caught.value.code == code
    assert caught.value.todo
    for text in (str(caught.value), repr(caught.value), caught.value.happened, caught.value.todo):
        assert "right" not in text


def test_with_a_passphrase_no_root_key_lies_in_clear(tmp_path, cheap, monkeypatch):
    keys = []
    real = kms_file.new_key
    monkeypatch.setattr(kms_file, "new_key", lambda: keys.append(real()) or keys[-1])
    FileKms(tmp_path / "kms", "secret words", cost=cheap).create_epoch()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "kms").iterdir())
    assert len(keys) == 1
    assert keys[0] not in stored
    assert b"secret words" not in stored


def test_wrapping_is_bound_to_epoch_and_purpose(tmp_path):
    kms = FileKms(tmp_path / "kms")
    one, two = kms.create_epoch(), kms.create_epoch()
    wrapped = kms.wrap(one, KEY, AAD)
    for epoch, aad in (
        (two, AAD),
        (one, {**AAD, "tenant": "two"}),
        (one, {"purpose": "test"}),
        (one, {**AAD, "x": ""}),
    ):
        with pytest.raises(Untrusted):
            kms.unwrap(epoch, wrapped, aad)


def test_epoch_files_cannot_be_exchanged(tmp_path, cheap):
    """With a passphrase each file is bound to its name."""
    kms = FileKms(tmp_path / "kms", "words", cost=cheap)
    one, two = kms.create_epoch(), kms.create_epoch()
    (tmp_path / "kms" / two).write_bytes((tmp_path / "kms" / one).read_bytes())
    with pytest.raises(Untrusted):
        kms.wrap(two, KEY, AAD)


def test_destruction_is_final_in_every_process(tmp_path):
    kms, other = FileKms(tmp_path / "kms"), FileKms(tmp_path / "kms")
    epoch = kms.create_epoch()
    wrapped = kms.wrap(epoch, KEY, AAD)
    assert other.unwrap(epoch, wrapped, AAD) == KEY
    kms.destroy_epoch(epoch)
    kms.destroy_epoch(epoch)
    for process in (kms, other):
        with pytest.raises(KeyGone):
            process.unwrap(epoch, wrapped, AAD)
        with pytest.raises(KeyGone):
            process.wrap(epoch, KEY, AAD)


def test_destruction_overwrites_first(tmp_path):
    kms = FileKms(tmp_path / "kms")
    epoch = kms.create_epoch()
    key = (tmp_path / "kms" / epoch).read_bytes()
    (tmp_path / "witness").hardlink_to(tmp_path / "kms" / epoch)
    kms.destroy_epoch(epoch)
    assert (tmp_path / "witness").read_bytes() != key
    assert len((tmp_path / "witness").read_bytes()) == len(key)


@pytest.mark.parametrize(
    "name", ["../keys/x", "/etc/passwd", "ep-short", "protection.json", "", "ep-00000000000000000"]
)
def test_names_do_not_lead_elsewhere(tmp_path, name):
    kms = FileKms(tmp_path / "kms")
    for act in (lambda: kms.destroy_epoch(name), lambda: kms.wrap(name, KEY, AAD)):
        with pytest.raises(Untrusted):
            act()


def test_damage_is_seen(tmp_path, cheap):
    kms = FileKms(tmp_path / "kms")
    epoch = kms.create_epoch()
    (tmp_path / "kms" / epoch).write_bytes(b"short")
    with pytest.raises(Untrusted):
        kms.wrap(epoch, KEY, AAD)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"kind": "other"},
        {"memory_kib": 64},  # an attacker's cheaper guesses
        {"passes": 0},
        {"memory_kib": 2**40},
        {"salt": "zz"},
        {"salt": ""},
        {"lanes": "many"},
        {"check": None},
    ],
)
def test_a_damaged_protection_file_is_refused(tmp_path, cheap, change):
    FileKms(tmp_path / "kms", "words", cost=cheap)
    path = tmp_path / "kms" / "protection.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(Untrusted):
        FileKms(tmp_path / "kms", "words")


@pytest.mark.parametrize("text", ["", "[]", "null", "{"])
def test_a_protection_file_that_is_no_such_file_is_refused(tmp_path, text):
    FileKms(tmp_path / "kms").create_epoch()
    (tmp_path / "kms" / "protection.json").write_text(text)
    with pytest.raises(Untrusted):
        FileKms(tmp_path / "kms")


def test_a_lost_protection_file_is_not_replaced(tmp_path, cheap):
    FileKms(tmp_path / "kms", "words", cost=cheap).create_epoch()
    (tmp_path / "kms" / "protection.json").unlink()
    with pytest.raises(Untrusted):
        FileKms(tmp_path / "kms")


def test_files_are_private(tmp_path, cheap):
    FileKms(tmp_path / "kms", "words", cost=cheap).create_epoch()
    assert (tmp_path / "kms").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "kms").iterdir()} == {0o600}


def test_production_costs_stand():
    assert COST.bounded()
    assert COST.memory_kib >= 64 * 1024
    assert COST.passes >= 3
    assert not Cost(1, 1024, 1).bounded()
