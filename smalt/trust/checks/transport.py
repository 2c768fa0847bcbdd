"""What travels: TLS on every listener, nothing in clear, HSTS on every kind of response."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import stat
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx

from smalt.kernel.clock import SetClock
from smalt.seal.certificate import ensure_certificate
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.probes import hello, kernel, kinds
from smalt.trust.probes.trap import Trap
from smalt.trust.target import Target

YEAR_S = 31_536_000
CERTIFICATE_LEFT_S = 7 * 86_400
_CLEAR_S = 5.0
_ASKED_IN_CLEAR = {
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/1.0": b"HEAD / HTTP/1.0\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "PostgreSQL": b"\x00\x00\x00\x08\x00\x03\x00\x00",
}


@check("web.hsts", every="hour", deadline_s=120)
def hsts(target: Target, found: Findings) -> None:
    """Fetches one response of every kind (pages, data, files, pictures, streams, redirects, refusals of every sort; 200 to 431)
    and looks for HSTS on each. What is not HTTP, the parser refuses before the application sees it: that answer must be empty.

    Control: a server of the check's own that answers without the header, or with a short life, is seen.
    """
    responses = kinds.gathered(target)
    found.facts["responses"] = len(responses)
    found.facts["statuses"] = sorted({one.status for one in responses})
    for one in responses:
        said = one.get("strict-transport-security")
        found.probe(f"{one.status} {one.name}", len(said) == 1 and lasts_a_year(said[0]))
    found.probe("what is not HTTP is refused without a word", _refused_without_a_word(target))
    for what, said_in_trap in {"nothing": b"", "a short life": b"Strict-Transport-Security: max-age=60\r\n"}.items():
        with Trap(partial(_say, b"HTTP/1.1 200 OK\r\n" + said_in_trap + b"Content-Length: 0\r\n\r\n")) as trap:
            header = httpx.get(f"http://{trap.host}:{trap.port}/", trust_env=False).headers
        found.control(f"a server that says {what} is seen", not lasts_a_year(header.get("strict-transport-security")))


def _refused_without_a_word(target: Target) -> bool:
    """Whether bytes that are no request are refused with an empty body, and no redirect."""
    got = b""
    with (
        socket.create_connection((target.host, target.port), _CLEAR_S) as line,
        target.trust.wrap_socket(line, server_hostname=target.host) as safe,
    ):
        safe.sendall(b"NOT HTTP\r\n\r\n")
        with contextlib.suppress(OSError):
            while more := safe.recv(4096):
                got += more
    head, _, body = got.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 400") and not body and b"location" not in head.lower()


def lasts_a_year(header: str | None) -> bool:
    """Whether the header asks for at least a year (RFC 6797, section 6.1)."""
    age = re.search(r"(?:^|;)\s*max-age=\"?(\d{1,12})", header or "", re.IGNORECASE)
    return age is not None and int(age[1]) >= YEAR_S


@check("tls.versions", every="hour", deadline_s=90)
def versions(target: Target, found: Findings) -> None:
    """Offers every listener that the kernel shows for the installation's processes SSL 2.0 and 3.0, TLS 1.0 and 1.1 and seven
    kinds of weak suites, with messages written byte by byte: each must be refused, TLS 1.2 and 1.3 accepted. Verifies the
    certificate, its name and its end.

    Control: a server of the check's own that accepts what it is offered is seen accepting by the same code, and an expired
    certificate and a foreign name are refused by it.
    """
    listeners = _listeners(target)
    found.facts["listeners"] = len(listeners)
    for number, address in enumerate(listeners, 1):
        at = f"listener {number}"
        for name, version in hello.OLD.items():
            found.probe(f"{at}: {name} is refused", hello.offer(address, version, target.host).refused)
        for name, version in hello.CURRENT.items():
            answer = hello.offer(address, version, target.host)
            found.probe(f"{at}: {name} is accepted", answer.accepted and answer.version == version)
        for name, suites in hello.WEAK.items():
            answer = hello.offer(address, hello.TLS12, target.host, suites)
            found.probe(f"{at}: no {name} suite is agreed on", answer.refused)
        left_s = certificate_left_s(address, target.host, target.trust)
        found.probe(f"{at}: the certificate holds, for its name, for 7 days more", left_s > CERTIFICATE_LEFT_S)
    with Trap(hello.agree) as trap:
        for name, version in hello.OLD.items():
            answer = hello.offer(trap.address, version, target.host)
            found.control(f"a server that accepts {name} is seen", answer.accepted and answer.version == version)
        for name, suites in hello.WEAK.items():
            answer = hello.offer(trap.address, hello.TLS12, target.host, suites)
            found.control(f"a server that agrees on {name} is seen", answer.accepted and answer.suite in suites)
    _certificate_controls(target, found, listeners[0])


def _listeners(target: Target) -> list[tuple[str, int]]:
    """Where to connect to, for every TCP listener of the installation."""
    listening = [one for one in kernel.of_processes(kernel.installation(target)) if one.kind == "tcp" and one.listens]
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # connected to, not bound
    found = sorted({(near.get(one.host, one.host), one.port) for one in listening})
    if not found:
        raise Unclear("The kernel shows no listener of the installation.")
    return found


def certificate_left_s(address: tuple[str, int], host: str, trust: ssl.SSLContext) -> float:
    """How long the certificate at ``address`` is still good for ``host``; negative when it is not."""
    try:
        with socket.create_connection(address, 5) as line, trust.wrap_socket(line, server_hostname=host) as safe:
            ends = ssl.cert_time_to_seconds(str((safe.getpeercert() or {})["notAfter"]))
    except (ssl.SSLError, ConnectionError, TimeoutError):
        return -1.0
    return ends - time.time()


def _certificate_controls(target: Target, found: Findings, address: tuple[str, int]) -> None:
    left_s = certificate_left_s(address, "somebody-else.invalid", target.trust)
    found.control("a certificate for another name is seen", left_s < 0)
    with tempfile.TemporaryDirectory(prefix="smalt-check-") as folder:
        made = ensure_certificate(Path(folder) / "tls", [], SetClock(datetime.now(UTC) - timedelta(days=365)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.certificate, made.key)
        trust = ssl.create_default_context(cafile=str(made.ca))
        with Trap(context=context) as trap:
            found.control("an expired certificate is seen", certificate_left_s(trap.address, "localhost", trust) < 0)


@check("tls.cleartext", every="hour", deadline_s=90)
def cleartext(target: Target, found: Findings) -> None:
    """Speaks HTTP and the database's protocol in clear to every listener that the kernel shows for the installation's
    processes: none may answer with more than a TLS alert. The database's own socket must lie in a folder that is closed to
    other accounts.

    Control: servers of the check's own that answer and that redirect in clear are seen by the same code, and so is an open
    folder.
    """
    listeners = _listeners(target)
    found.facts["listeners"] = len(listeners)
    for number, address in enumerate(listeners, 1):
        for name, asked in _ASKED_IN_CLEAR.items():
            found.probe(f"listener {number}: {name} in clear gets no answer", not _said_in_clear(address, asked))
    if not target.app_conninfo.startswith("postgres"):
        sockets = _unix_folders(target)
        found.facts["unix sockets"] = len(sockets)
        found.probe("the database's socket was found", sockets)
        for number, folder in enumerate(sockets, 1):
            found.probe(f"unix socket {number}: its folder is closed to other accounts", closed(folder))
    answers = {"an answer": b"HTTP/1.1 200 OK\r\n\r\nhello", "a redirect": b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n"}
    for name, answer in answers.items():
        with Trap(partial(_say, answer)) as trap:
            seen = _said_in_clear(trap.address, _ASKED_IN_CLEAR["HTTP/1.1"])
            found.control(f"{name} in clear is seen", seen)
    with tempfile.TemporaryDirectory(prefix="smalt-check-") as name:
        Path(name).chmod(0o755)
        found.control("an open folder is seen", not closed(Path(name)))


def _say(answer: bytes, _got: bytes) -> bytes:
    return answer


def _said_in_clear(address: tuple[str, int], asked: bytes) -> bool:
    """Whether ``asked`` gets anything but a TLS alert or the end of the connection."""
    got = b""
    with socket.create_connection(address, _CLEAR_S) as line:
        try:
            line.sendall(asked)
            got = line.recv(4096)
        except (ConnectionError, TimeoutError):
            return False
    return bool(got) and not hello.read(got).refused


def _unix_folders(target: Target) -> list[Path]:
    """The folders of the unix sockets with names that the installation listens on."""
    listening = [one for one in kernel.of_processes(kernel.installation(target)) if one.kind == "unix" and one.listens]
    return sorted({Path(one.host).parent for one in listening if one.host.startswith("/")})


def closed(folder: Path) -> bool:
    """Whether only its owner may enter ``folder``."""
    return stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
