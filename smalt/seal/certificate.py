"""TLS without an outside authority: a local CA for this installation, and the server certificate below it.

    ca.pem  ca-key.pem          trust ca.pem once; its key can vouch for the listed names only
    server.pem  server-key.pem  what the server presents (leaf, then CA), renewed by itself

A person is asked to trust the CA, so it is made worthless to a thief: critical name constraints (RFC 5280 section
4.2.1.10) admit only this installation's DNS names and addresses, the path length is 0 and the extended key usage is
server authentication. With localhost only, a stolen CA key signs for loopback only. A DNS constraint also admits
names below it (x.localhost); that is how the standard defines it.

Keys are ECDSA P-256 in PKCS#8; serial numbers are 159 random bits, so none is used twice. Files have mode 0600 in a
directory of mode 0700. Whatever does not fit together (a crash between two files, a lost key) is made anew.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Malformed
from smalt.seal.files import exclusive, private_directory, sweep, write_durably

ALWAYS = ("localhost", "127.0.0.1", "::1")
CA_LIFE = timedelta(days=5 * 365)
LEAF_LIFE = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
_BACKDATE = timedelta(minutes=5)  # browsers on machines whose clock is a little behind

_DNS = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_SERVER_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """``fingerprint`` is SHA-256 of the CA, as browsers print it. ``ca_is_new``: it must be trusted (again)."""

    ca: Path
    certificate: Path
    key: Path
    fingerprint: str
    expires_at: datetime
    issued: bool
    ca_is_new: bool


@dataclass(frozen=True, slots=True)
class _Names:
    dns: frozenset[str]
    addresses: frozenset[_Address]

    def general(self) -> list[x509.GeneralName]:
        return [
            *(x509.DNSName(name) for name in sorted(self.dns)),
            *(x509.IPAddress(address) for address in sorted(self.addresses, key=lambda one: (one.version, int(one)))),
        ]

    def subtrees(self) -> list[x509.GeneralName]:
        networks = [ipaddress.ip_network(one) for one in self.addresses]  # one address each: /32 or /128
        return [
            *(x509.DNSName(name) for name in sorted(self.dns)),
            *(x509.IPAddress(one) for one in sorted(networks, key=lambda one: (one.version, str(one)))),
        ]


def ensure_certificate(directory: Path, names: Sequence[str], clock: Clock) -> LocalCertificate:
    """The certificate for ``names`` and loopback, made or renewed when needed. Call daily and at start.

    Names are host names (no wildcards) or addresses, IPv6 with or without brackets; `Malformed` for anything else.
    """
    wanted = _parse_names([*ALWAYS, *names])
    private_directory(directory)
    with exclusive(directory / "lock"):
        sweep(directory)
        now = clock.now()
        loaded = _load_ca(directory, wanted, now)
        ca, ca_key = loaded or _make_ca(directory, wanted, now)
        leaf = _load_leaf(directory, ca, wanted, now)
        issued = leaf is None
        if leaf is None:
            leaf = _make_leaf(directory, (ca, ca_key), wanted, now)
    return LocalCertificate(
        ca=directory / "ca.pem",
        certificate=directory / "server.pem",
        key=directory / "server-key.pem",
        fingerprint=fingerprint(ca),
        expires_at=leaf.not_valid_after_utc,
        issued=issued,
        ca_is_new=loaded is None,
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate as pairs: ``AB:CD:…``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _parse_names(names: Sequence[str]) -> _Names:
    dns, addresses = set[str](), set[_Address]()
    for given in names:
        name = given.strip().lower().removeprefix("[").removesuffix("]").rstrip(".")
        try:
            addresses.add(ipaddress.ip_address(name))
        except ValueError:
            if len(name) > 253 or _DNS.fullmatch(name) is None:
                raise Malformed(
                    "certificate.name", "A certificate name is neither a host name nor an address."
                ) from None
            dns.add(name)
    return _Names(frozenset(dns), frozenset(addresses))


def _make_ca(directory: Path, names: _Names, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Smalt"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Smalt local CA {identifier.digest[:4].hex()}"),
        ]
    )
    certificate = (
        _builder(subject, subject, key.public_key(), now, now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(names.subtrees(), None), critical=True)
        .add_extension(_SERVER_AUTH, critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(directory / "ca-key.pem", key)
    # CRASH POINT: key and certificate do not match; the next start makes both anew.
    write_durably(directory / "ca.pem", _pem(certificate))
    return certificate, key


def _make_leaf(
    directory: Path,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    names: _Names,
    now: datetime,
) -> x509.Certificate:
    ca, ca_key = issuer
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    ca_identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(subject, ca.subject, key.public_key(), now, min(now + LEAF_LIFE, ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(_SERVER_AUTH, critical=False)
        .add_extension(x509.SubjectAlternativeName(names.general()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_identifier), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write_key(directory / "server-key.pem", key)
    # CRASH POINT: as above, for the leaf.
    write_durably(directory / "server.pem", _pem(certificate) + _pem(ca))
    return certificate


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(until)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _load_ca(
    directory: Path, names: _Names, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """The stored CA, when it is whole, may vouch for all ``names`` and outlives the next leaf."""
    found = _load_pair(directory / "ca.pem", directory / "ca-key.pem")
    if found is None or found[0].not_valid_after_utc < now + LEAF_LIFE:
        return None
    try:
        constraints = found[0].extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None
    admitted = constraints.permitted_subtrees or []
    return found if all(name in admitted for name in names.subtrees()) else None


def _load_leaf(directory: Path, ca: x509.Certificate, names: _Names, now: datetime) -> x509.Certificate | None:
    """The stored leaf, when it is whole, from this CA, for exactly these names and not near its end."""
    found = _load_pair(directory / "server.pem", directory / "server-key.pem")
    if found is None or found[0].not_valid_after_utc < now + RENEW_BEFORE:
        return None
    try:
        found[0].verify_directly_issued_by(ca)
        alternative = found[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return None
    return found[0] if list(alternative) == names.general() else None


def _load_pair(certificate: Path, key: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    try:
        loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    matching = isinstance(private, ec.EllipticCurvePrivateKey) and private.public_key() == loaded.public_key()
    return (loaded, private) if matching and isinstance(private, ec.EllipticCurvePrivateKey) else None


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    write_durably(
        path,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def expiry_of(pem: bytes) -> datetime:
    """When the first certificate of a PEM file ends, in UTC. ValueError when there is none."""
    return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc
