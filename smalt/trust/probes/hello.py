"""The first message of every TLS protocol, byte by byte, and what a server answers to it.

The local TLS library refuses to speak old protocols, so a probe through it would be green against a server that speaks
them. Nothing here is cryptography: a hello is offered, and whether a server goes on with it is read from its answer.

SSL 2.0 draft section 2.5; RFC 6101 (SSL 3.0); RFC 2246, 4346, 5246 (TLS 1.0 to 1.2) section 7.4.1; RFC 8446 section 4.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

SSL2, SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
OLD = MappingProxyType({"SSL 2.0": SSL2, "SSL 3.0": SSL3, "TLS 1.0": TLS10, "TLS 1.1": TLS11})
CURRENT = MappingProxyType({"TLS 1.2": TLS12, "TLS 1.3": TLS13})

_ANSWER_S = 5.0
_HANDSHAKE, _ALERT = 0x16, 0x15
_SERVER_HELLO = 0x02
_SSL2_SERVER_HELLO = 0x04
_SUPPORTED_VERSIONS = 43

_LEGACY = (
    0xC013, 0xC014, 0xC009, 0xC00A, 0xC012, 0xC011, 0xC007, 0x002F, 0x0035, 0x0033, 0x0039, 0x000A, 0x0016, 0x0005, 0x0004,
    0x0003, 0x0008, 0x0009, 0x0034, 0x003A, 0x0001, 0x0002,
)  # fmt: skip
_AEAD = (0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9)
_TLS13 = (0x1301, 0x1302, 0x1303)
WEAK = MappingProxyType(
    {
        "CBC": (0xC013, 0xC014, 0xC009, 0xC00A, 0xC023, 0xC024, 0xC027, 0xC028, 0x0033, 0x0039, 0x0067, 0x006B),
        "3DES": (0xC012, 0xC008, 0x0016, 0x000A),
        "RC4": (0xC011, 0xC007, 0x0005, 0x0004),
        "NULL": (0xC010, 0xC006, 0x003B, 0x0002, 0x0001),
        "export": (0x0003, 0x0006, 0x0008, 0x0009, 0x000B, 0x000E, 0x0011, 0x0014),
        "static RSA": (0x009C, 0x009D, 0xC09C, 0x003C, 0x003D, 0x002F, 0x0035),
        "anonymous": (0x0034, 0x003A, 0x006C, 0x006D, 0x00A6, 0x00A7, 0xC018, 0xC019),
    }
)  # fmt: skip
"""Suites that nobody should agree on at TLS 1.2, by what is wrong with them (RFC 9325 section 4.2, RFC 5469, RFC 7465)."""


@dataclass(frozen=True)
class Answer:
    """``kind``: accepted (it goes on with what was offered), refused (an alert, or it hangs up), silent, or other.

    ``version`` and ``suite`` are what it chose.
    """

    kind: str
    version: int = 0
    suite: int = 0

    @property
    def accepted(self) -> bool:
        return self.kind == "accepted"

    @property
    def refused(self) -> bool:
        return self.kind == "refused"


def offer(address: tuple[str, int], version: int, host: str, suites: Sequence[int] = ()) -> Answer:
    """Offer ``version``, and nothing else, to the server at ``address``. ``OSError`` when nobody listens there."""
    with socket.create_connection(address, _ANSWER_S) as line:
        try:
            line.sendall(hello(version, host, suites))
            return read(_first(line))
        except TimeoutError:
            return Answer("silent")
        except ConnectionError:
            return Answer("refused")


def _first(line: socket.socket) -> bytes:
    """The first record, or as much as comes of it."""
    got = b""
    while len(got) < 5 or (got[0] == _HANDSHAKE and len(got) < 5 + int.from_bytes(got[3:5], "big")):
        more = line.recv(4096)
        if not more:
            break
        got += more
    return got


def hello(version: int, host: str, suites: Sequence[int] = ()) -> bytes:
    """A client's hello that offers exactly ``version``."""
    if version == SSL2:
        return _ssl2_hello()
    chosen = suites or {TLS12: _AEAD, TLS13: _TLS13}.get(version, _LEGACY)
    body = min(version, TLS12).to_bytes(2, "big") + os.urandom(32)
    body += _sized(os.urandom(32) if version == TLS13 else b"", 1)
    body += _sized(b"".join(suite.to_bytes(2, "big") for suite in chosen), 2) + b"\x01\x00"
    if version != SSL3:  # it knows no extensions
        body += _sized(b"".join(_extensions(version, host)), 2)
    message = b"\x01" + _sized(body, 3)
    return bytes([_HANDSHAKE]) + min(version, TLS10).to_bytes(2, "big") + _sized(message, 2)


def _extensions(version: int, host: str) -> Iterable[bytes]:
    def one(kind: int, body: bytes) -> bytes:
        return kind.to_bytes(2, "big") + _sized(body, 2)

    if not host.replace(".", "").isdigit() and ":" not in host:  # RFC 6066 section 3: no addresses
        yield one(0, _sized(b"\x00" + _sized(host.encode("ascii"), 2), 2))
    yield one(10, _sized(bytes.fromhex("001d001700180019"), 2))  # x25519 and the NIST curves
    yield one(11, _sized(b"\x00", 1))
    if version >= TLS12:
        yield one(13, _sized(bytes.fromhex("0403050306030807080408050806040105010601"), 2))
    if version == TLS13:
        yield one(_SUPPORTED_VERSIONS, _sized(TLS13.to_bytes(2, "big"), 1))
        # Any 32 bytes are a public key of X25519 (RFC 7748); the handshake is not gone on with.
        yield one(51, _sized(b"\x00\x1d" + _sized(os.urandom(32), 2), 2))
    else:
        yield one(0xFF01, b"\x00")


def _ssl2_hello() -> bytes:
    specs = bytes.fromhex("0100800200800300800400800500800600400700c0")
    body = b"\x01" + SSL2.to_bytes(2, "big") + len(specs).to_bytes(2, "big") + b"\x00\x00\x00\x10" + specs
    body += os.urandom(16)
    return (0x8000 | len(body)).to_bytes(2, "big") + body


def _sized(body: bytes, width: int) -> bytes:
    return len(body).to_bytes(width, "big") + body


def read(got: bytes) -> Answer:
    """What a server's first bytes mean."""
    if not got or (got[0] == _ALERT and len(got) >= 2 and got[1] == 3):
        return Answer("refused")
    if got[0] & 0x80 and len(got) >= 3 and got[2] == _SSL2_SERVER_HELLO:
        return Answer("accepted", SSL2)
    if got[0] == _HANDSHAKE and len(got) > 5 and got[5] == _SERVER_HELLO:
        with contextlib.suppress(IndexError):
            return _server_hello(got[9:])
    return Answer("other")


def _server_hello(body: bytes) -> Answer:
    version, at = int.from_bytes(body[:2], "big"), 34
    at += 1 + body[at]
    suite = int.from_bytes(body[at : at + 2], "big")
    rest = body[at + 5 :]
    while len(rest) >= 4:
        kind, size = int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")
        if kind == _SUPPORTED_VERSIONS and size == 2:
            version = int.from_bytes(rest[4:6], "big")
        rest = rest[4 + size :]
    return Answer("accepted", version, suite)


def agree(got: bytes) -> bytes:
    """The answer of a server that accepts whatever ``got``, a client's hello, offers: for traps, nobody is served by it."""
    if got and got[0] & 0x80:
        body = bytes([_SSL2_SERVER_HELLO, 0, 1]) + SSL2.to_bytes(2, "big") + bytes(6) + os.urandom(16)
        return (0x8000 | len(body)).to_bytes(2, "big") + body
    version, at = got[9:11], 43
    session = got[at + 1 : at + 1 + got[at]]
    at += 1 + got[at] + 2
    body = version + os.urandom(32) + _sized(session, 1) + got[at : at + 2] + b"\x00"
    message = bytes([_SERVER_HELLO]) + _sized(body, 3)
    return bytes([_HANDSHAKE]) + version + _sized(message, 2)
