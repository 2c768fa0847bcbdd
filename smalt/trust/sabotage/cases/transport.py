"""How TLS and HSTS are broken."""

from __future__ import annotations

from smalt.trust.probes import kernel
from smalt.trust.sabotage.case import Break, case
from smalt.trust.sabotage.throwaway import Throwaway

_WITHOUT = (
    "import smalt.web.headers as h; h.SECURITY_HEADERS = tuple(one for one in h.SECURITY_HEADERS if one[0] != {name!r})"
)
_INSTEAD = """
import smalt.web.headers as h
h.SECURITY_HEADERS = tuple((name, {value!r} if name == {name!r} else value) for name, value in h.SECURITY_HEADERS)
"""
_HSTS = b"strict-transport-security"

_SECOND_LISTENER = """
import ssl, sys, threading, time
from pathlib import Path
def serve():
    folder = Path(sys.argv[sys.argv.index("--data-dir") + 1]) / "tls"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    {weakness}
    import socket
    server = socket.create_server(("127.0.0.1", 0))
    while True:
        line, _ = server.accept()
        try:
            with context.wrap_socket(line, server_side=True) as spoken:
                spoken.recv(100)
        except OSError:
            pass
threading.Thread(target=serve, daemon=True).start()
"""
LISTENER_IN_CLEAR = """
import http.server, threading
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.send_header("location", "https://localhost/")
        self.end_headers()
    def log_message(self, *_): pass
made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
threading.Thread(target=made.serve_forever, daemon=True).start()
"""
DATABASE_ON_TCP = """
import smalt.store.postgres as p
from smalt.trust.probes.trap import elsewhere
write = p.write_config
def broken(config, sockets, major, names, settings):
    return write(config, sockets, major, names, {**settings, "listen_addresses": f"'{elsewhere()}'"})
p.write_config = broken
"""


@case("web.hsts", "the header is dropped")
def _() -> Break:
    return Break(preamble=_WITHOUT.format(name=_HSTS))


@case("web.hsts", "its life is zero")
def _() -> Break:
    return Break(preamble=_INSTEAD.format(name=_HSTS, value=b"max-age=0"))


@case("web.hsts", "one harmless header more", harmless=True)
def _() -> Break:
    return Break(preamble="import smalt.web.headers as h; h.SECURITY_HEADERS += ((b'x-harmless', b'1'),)")


@case("tls.versions", "a second listener speaks TLS 1.0", sees="TLS 1.0 is refused")
def _() -> Break:
    weakness = "context.minimum_version = ssl.TLSVersion.TLSv1; context.set_ciphers('ALL:@SECLEVEL=0')"
    return Break(preamble=_SECOND_LISTENER.format(weakness=weakness))


@case("tls.versions", "a second listener agrees on CBC suites", sees="no CBC suite")
def _() -> Break:
    weakness = "context.set_ciphers('ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA')"
    return Break(preamble=_SECOND_LISTENER.format(weakness=weakness))


@case("tls.versions", "a second listener agrees on whatever it is offered", sees="SSL 2.0 is refused")
def _() -> Break:
    return Break(
        preamble="from smalt.trust.probes import hello, trap\nopened = trap.Trap(hello.agree)\nopened.__enter__()"
    )


@case("tls.versions", "TLS 1.2 is the newest that is spoken", sees="TLS 1.3 is accepted")
def _() -> Break:
    weakness = "context.maximum_version = ssl.TLSVersion.TLSv1_2; context.set_ciphers('ECDHE-ECDSA-AES128-GCM-SHA256')"
    return Break(preamble=_SECOND_LISTENER.format(weakness=weakness))


@case("tls.versions", "the certificate ends in five days", sees="the certificate holds")
def _() -> Break:
    return Break(
        preamble="""
from datetime import UTC, datetime, timedelta
import smalt.server as s
from smalt.kernel.clock import SetClock
make = s.ensure_certificate
def late(folder, names, clock):
    (folder / "server.pem").unlink()
    return make(folder, names, SetClock(datetime.now(UTC) - timedelta(days=85)))
s.ensure_certificate = late
"""
    )


@case("tls.versions", "a second listener that is as good as the first", harmless=True)
def _() -> Break:
    weakness = "context.set_ciphers('ECDHE-ECDSA-AES128-GCM-SHA256'); context.minimum_version = ssl.TLSVersion.TLSv1_2"
    return Break(preamble=_SECOND_LISTENER.format(weakness=weakness))


@case("tls.cleartext", "a second listener answers in clear", sees="HTTP/1.1 in clear")
def _() -> Break:
    return Break(preamble=LISTENER_IN_CLEAR.format(status=200))


@case("tls.cleartext", "a second listener redirects in clear", sees="HTTP/1.1 in clear")
def _() -> Break:
    return Break(preamble=LISTENER_IN_CLEAR.format(status=301))


@case("tls.cleartext", "the folder of the database's socket is open to all", sees="closed to other accounts")
def _() -> Break:
    def act(broken: Throwaway) -> None:
        (kernel.database_home(broken.target) / "socket").chmod(0o755)

    return Break(act=act)


@case("tls.cleartext", "the database listens on the network", sees="PostgreSQL in clear")
def _() -> Break:
    return Break(preamble=DATABASE_ON_TCP)
