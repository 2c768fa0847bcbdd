"""The local CA: a browser-like client accepts the leaf; a stolen CA key cannot vouch for anything else. No sockets."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from smalt.kernel.clock import SetClock, SystemClock
from smalt.kernel.errors import Conflict, Malformed
from smalt.seal import certificate as subject
from smalt.seal.certificate import ensure_certificate


def handshake(chain, key, ca, name):
    """A TLS handshake in memory, the client trusting ``ca`` only; raises what the client would see."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(chain, key)
    client_context = ssl.create_default_context(cafile=str(ca))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(5):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert()


def read(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


@pytest.fixture
def made(tmp_path):
    return ensure_certificate(tmp_path / "tls", [], SystemClock())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_ca_accepts_loopback(made, name):
    assert handshake(made.certificate, made.key, made.ca, name)["subject"]


def test_a_client_refuses_other_names(made):
    for name in ("example.org", "127.0.0.2", "localhost.example.org"):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(made.certificate, made.key, made.ca, name)


def test_given_names(tmp_path):
    names = ["Smalt.Example.ORG.", "[::1]", "10.1.2.3", "localhost"]
    made = ensure_certificate(tmp_path / "tls", names, SystemClock())
    for name in ("smalt.example.org", "10.1.2.3", "localhost", "::1"):
        assert handshake(made.certificate, made.key, made.ca, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(made.certificate, made.key, made.ca, "example.org")


@pytest.mark.parametrize("name", ["*.example.org", "", "a b", "http://x", "-x", "x" * 64, "ex_ample", "a..b", "é.org"])
def test_names_are_plain(tmp_path, name):
    with pytest.raises(Malformed):
        ensure_certificate(tmp_path / "tls", [name], SystemClock())


@pytest.mark.parametrize("stolen_for", ["bank.example", "10.0.0.1", "8.8.8.8", "2001:db8::1", "notlocalhost"])
def test_a_stolen_ca_signs_for_nothing_else(tmp_path, made, stolen_for):
    """The thief signs with the real CA key; a client that trusts the CA still refuses."""
    ca = read(made.ca)
    ca_key = serialization.load_pem_private_key((tmp_path / "tls" / "ca-key.pem").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        name = x509.IPAddress(ipaddress.ip_address(stolen_for))
    except ValueError:
        name = x509.DNSName(stolen_for)
    now = datetime.now(UTC)
    forged = (
        subject._builder(x509.Name([]), ca.subject, key.public_key(), now, now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(subject._usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    chain, key_file = tmp_path / "forged.pem", tmp_path / "forged-key.pem"
    chain.write_bytes(forged.public_bytes(serialization.Encoding.PEM) + made.ca.read_bytes())
    subject._write_key(key_file, key)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(chain, key_file, made.ca, stolen_for)


def test_constraints_of_the_ca(made):
    ca = read(made.ca)
    basic, named = extension(ca, x509.BasicConstraints), extension(ca, x509.NameConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert named.critical
    assert {str(name.value) for name in named.value.permitted_subtrees} == {"localhost", "127.0.0.1/32", "::1/128"}
    assert list(extension(ca, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    leaf = read(made.certificate)
    assert list(extension(leaf, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not extension(leaf, x509.BasicConstraints).value.ca
    assert not extension(leaf, x509.KeyUsage).value.key_cert_sign


def test_files(made, tmp_path):
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {0o600}
    for path in (made.key, tmp_path / "tls" / "ca-key.pem"):
        assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert made.fingerprint == ":".join(f"{byte:02X}" for byte in read(made.ca).fingerprint(hashes.SHA256()))


def test_an_open_directory_is_refused(tmp_path):
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls").chmod(0o750)
    with pytest.raises(Conflict):
        ensure_certificate(tmp_path / "tls", [], SystemClock())


def test_nothing_happens_while_it_is_good(tmp_path):
    clock = SetClock(datetime(2026, 1, 1, tzinfo=UTC))
    first = ensure_certificate(tmp_path / "tls", [], clock)
    assert (first.issued, first.ca_is_new) == (True, True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "tls").iterdir()}
    clock.advance(timedelta(days=59))
    again = ensure_certificate(tmp_path / "tls", ["localhost"], clock)
    assert (again.issued, again.ca_is_new, again.fingerprint) == (False, False, first.fingerprint)
    assert {path.name: path.read_bytes() for path in (tmp_path / "tls").iterdir()} == before


def test_renewal_keeps_the_ca_and_never_repeats_a_serial(tmp_path):
    clock = SetClock(datetime(2026, 1, 1, tzinfo=UTC))
    serials, fingerprints, expiries = set(), set(), []
    for _ in range(10):
        made = ensure_certificate(tmp_path / "tls", [], clock)
        assert made.issued
        serials |= {read(made.certificate).serial_number, read(made.ca).serial_number}
        fingerprints.add(made.fingerprint)
        expiries.append(made.expires_at)
        clock.advance(timedelta(days=61))
    assert len(fingerprints) == 1
    assert len(serials) == 11
    assert expiries == sorted(expiries)


def test_an_ending_ca_is_replaced(tmp_path):
    clock = SetClock(datetime(2026, 1, 1, tzinfo=UTC))
    first = ensure_certificate(tmp_path / "tls", [], clock)
    clock.advance(subject.CA_LIFE - timedelta(days=89))
    second = ensure_certificate(tmp_path / "tls", [], clock)
    assert second.ca_is_new
    assert second.fingerprint != first.fingerprint


def test_other_names_need_another_ca_only_when_it_may_not_vouch_for_them(tmp_path):
    clock = SetClock(datetime(2026, 1, 1, tzinfo=UTC))
    first = ensure_certificate(tmp_path / "tls", ["a.example"], clock)
    wider = ensure_certificate(tmp_path / "tls", ["a.example", "b.example"], clock)
    narrower = ensure_certificate(tmp_path / "tls", ["b.example"], clock)
    assert (wider.ca_is_new, narrower.ca_is_new, narrower.issued) == (True, False, True)
    assert first.fingerprint != wider.fingerprint == narrower.fingerprint


@pytest.mark.parametrize("name", ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"])
@pytest.mark.parametrize("damage", ["lost", "garbage", "another"])
def test_what_does_not_fit_together_is_made_anew(tmp_path, name, damage):
    ensure_certificate(tmp_path / "tls", [], SystemClock())
    ensure_certificate(tmp_path / "other", [], SystemClock())
    path = tmp_path / "tls" / name
    if damage == "lost":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"garbage")
    else:
        path.write_bytes((tmp_path / "other" / name).read_bytes())
    made = ensure_certificate(tmp_path / "tls", [], SystemClock())
    assert made.issued
    assert made.ca_is_new == name.startswith("ca")
    assert handshake(made.certificate, made.key, made.ca, "localhost")
