import re
import uuid
import zlib

import pytest

from smalt.kernel.errors import Malformed, Unauthenticated
from smalt.kernel.ids import SessionId, TenantId
from smalt.seal import passwords
from smalt.seal.tickets import Tickets
from smalt.seal.tokens import SessionSigner, digest, new_secret, same_digest, well_formed

KEY = bytes(range(32))
SESSION = SessionId(uuid.UUID(int=12345))


def test_the_form_of_a_secret():
    secret = new_secret("smalt_tok")
    assert re.fullmatch(r"smalt_tok_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}", secret)
    assert len({new_secret("smalt_tok") for _ in range(100)}) == 100


def test_a_fixed_secret_keeps_its_checksum():
    """Scanners are configured with this rule: it must not drift."""
    text = "smalt_tok_" + "A" * 43
    assert zlib.crc32(text.encode()) == 1 * 62**5 + 7 * 62**4 + 11 * 62**3 + 25 * 62**2 + 34 * 62 + 60  # "17BPYy"
    assert well_formed(text + "17BPYy", "smalt_tok")


def test_only_the_right_prefix_fits():
    secret = new_secret("smalt_tok")
    assert well_formed(secret, "smalt_tok")
    for prefix in ("smalt_inv", "smalt", "smalt_to", ""):
        assert not well_formed(secret, prefix)
    for text in ("", "smalt_tok_", secret.upper(), secret + "0", " " + secret, secret[:-1] + "\n", "é" * 60):
        assert not well_formed(text, "smalt_tok")


@pytest.mark.parametrize("prefix", ["", "A", "a", "a_b_c", "smalt-tok", "_a", "a" * 17])
def test_prefixes_are_plain(prefix):
    with pytest.raises(ValueError, match="prefix"):
        new_secret(prefix)


def test_digests_are_keyed_and_separated():
    one = digest("secret", KEY)
    assert len(one) == 32
    assert same_digest(one, digest("secret", KEY))
    others = [digest("secret", bytes(32)), digest("secret2", KEY), digest("secret", KEY, "session"), digest("", KEY)]
    assert len({one, *others}) == 5
    with pytest.raises(ValueError, match="32 bytes"):
        digest("secret", b"short")


def test_session_cookies():
    signer = SessionSigner(KEY)
    cookie = signer.issue(SESSION)
    assert re.fullmatch(r"[A-Za-z0-9_-]{108}", cookie)
    assert signer.read(cookie) == SESSION
    assert signer.issue(SESSION) != cookie


def test_invented_cookies_are_refused():
    signer = SessionSigner(KEY)
    cookie = signer.issue(SESSION)
    bad = [cookie[:-1], cookie + "A", "", "A" * 108, "é" * 108, "=" * 108, "\0" * 108]
    bad += [cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1 :] for at in range(108)]
    for text in bad:
        with pytest.raises(Unauthenticated):
            signer.read(text)
    with pytest.raises(Unauthenticated):
        SessionSigner(bytes(32)).read(cookie)


def test_a_cookie_has_one_spelling():
    """Base64 may leave unused bits in the last character: another spelling would be another digest."""
    signer = SessionSigner(KEY)
    cookie = signer.issue(SESSION)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            signer.read(cookie[:-1] + last)
            accepted.append(last)
        except Unauthenticated:
            pass
    assert accepted == [cookie[-1]]


@pytest.fixture
def light(monkeypatch):
    """argon2id at a cost that tests can afford; the production costs are checked apart."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def test_passwords(light):
    stored = passwords.hash_password("Ünïcode pässword")
    assert stored.startswith("$argon2id$")
    assert passwords.verify_password("Ünïcode pässword", stored)
    assert passwords.verify_password("U\u0308nïcode pa\u0308ssword", stored)  # typed on another system
    assert not passwords.verify_password("Unicode password", stored)
    assert passwords.hash_password("Ünïcode pässword") != stored


@pytest.mark.parametrize("password", ["", "x" * 1025, "é" * 513, "\ud800"])
def test_passwords_out_of_bounds(light, password):
    with pytest.raises(Malformed) as caught:
        passwords.hash_password(password)
    assert caught.value.code == "password.length"
    assert not passwords.verify_password(password, passwords.hash_password("x"))


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=64,t=1,p=1$broken", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_damaged_hash_matches_nothing(light, stored):
    assert not passwords.verify_password("x", stored)
    assert passwords.needs_rehash(stored)


def test_production_costs():
    stored = passwords.hash_password("x")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.verify_password("x", stored)
    assert not passwords.needs_rehash(stored)
    assert passwords.needs_rehash(stored.replace("t=3", "t=2"))


def test_nobody_costs_what_somebody_costs(monkeypatch):
    """The stand-in hash is well-formed and has today's costs: verifying it does the whole work."""
    assert not passwords.needs_rehash(passwords._NOBODY)
    seen = []
    real = passwords._HASHER.verify

    class Spy:
        def verify(self, stored, password):
            seen.append(stored)
            return real(stored, password)

    monkeypatch.setattr(passwords, "_HASHER", Spy())
    assert not passwords.verify_nobody("x")
    assert seen == [passwords._NOBODY]
    from argon2.exceptions import VerifyMismatchError

    with pytest.raises(VerifyMismatchError):
        real(passwords._NOBODY, b"x")


def test_a_current_ticket_is_the_same_for_half_its_life_and_never_shorter_than_that() -> None:
    tickets, one, other = Tickets(bytes(range(32)), 1), TenantId.new(), TenantId.new()
    assert tickets.current(one, 1_000_020, 60) == tickets.issue(one, 1_000_080)
    assert tickets.current(one, 1_000_049, 60) == tickets.issue(one, 1_000_080)
    assert tickets.current(other, 1_000_049, 60) == tickets.issue(other, 1_000_080)
    assert tickets.current(one, 1_000_050, 60) == tickets.issue(one, 1_000_110)
    assert tickets.current(one, 1_000_000, 60) == tickets.issue(one, 1_000_050), "a clock that is set back"
