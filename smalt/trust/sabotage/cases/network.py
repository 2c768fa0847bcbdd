"""How the network side is broken: listeners that nobody declared, connections that nobody needs."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case
from smalt.trust.sabotage.cases.transport import DATABASE_ON_TCP

_NOTHING_MORE = "nothing undeclared"
_NOWHERE_ELSE = "nothing leads anywhere"

_CONNECTED = """
import socket, threading, time
from smalt.trust.probes.trap import Trap, elsewhere
far = Trap(lambda got: b"", host=elsewhere())
far.__enter__()
def call():
    while True:
        with socket.create_connection(far.address):
            time.sleep(1)
threading.Thread(target=call, daemon=True).start()
"""


@case("net.listeners", "one more TCP listener", sees=_NOTHING_MORE)
def _() -> Break:
    return Break(preamble="import socket; more = socket.create_server(('127.0.0.1', 0))")


@case("net.listeners", "one more TCP listener, by IPv6", sees=_NOTHING_MORE)
def _() -> Break:
    return Break(preamble="import socket; more = socket.create_server(('::1', 0), family=socket.AF_INET6)")


@case("net.listeners", "a UDP socket", sees=_NOTHING_MORE)
def _() -> Break:
    return Break(preamble="import socket; more = socket.socket(type=socket.SOCK_DGRAM); more.bind(('127.0.0.1', 0))")


@case("net.listeners", "one more unix socket", sees=_NOTHING_MORE)
def _() -> Break:
    return Break(preamble="import socket; more = socket.socket(socket.AF_UNIX); more.bind('more'); more.listen()")


@case("net.listeners", "a listener in a process of its own", sees=_NOTHING_MORE)
def _() -> Break:
    program = "import socket, time; more = socket.create_server(('127.0.0.1', 0)); time.sleep(600)"
    return Break(preamble=f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {program!r}])")


@case("net.listeners", "the server listens on every address untold", sees="only loopback")
def _() -> Break:
    return Break(
        preamble="import smalt.server as s; make = s.Reserved\n"
        "def wide(host, *rest): return make('0.0.0.0', *rest)\n"
        "s.Reserved = wide"
    )


@case("net.listeners", "the database listens on the network", sees=_NOTHING_MORE)
def _() -> Break:
    return Break(preamble=DATABASE_ON_TCP)


@case("net.listeners", "a socket that only calls out", harmless=True)
def _() -> Break:
    return Break(preamble="import socket; more = socket.socket()")


@case("net.egress", "the server calls another address", sees=_NOWHERE_ELSE)
def _() -> Break:
    return Break(preamble=_CONNECTED)


@case("net.egress", "the server calls home while it answers", sees=_NOWHERE_ELSE)
def _() -> Break:
    return Break(
        preamble="""
import socket
import smalt.chat.ask as a
from smalt.trust.probes.trap import Trap, elsewhere
far = Trap(lambda got: b"", host=elsewhere())
far.__enter__()
kept, ask = [], a.Asker.ask
async def broken(*rest, **more):
    kept.append(socket.create_connection(far.address))
    return await ask(*rest, **more)
a.Asker.ask = broken
"""
    )


@case("net.egress", "the server looks a name up by UDP", sees=_NOWHERE_ELSE)
def _() -> Break:
    return Break(
        preamble="import socket; asked = socket.socket(type=socket.SOCK_DGRAM); asked.connect(('127.0.0.53', 53))"
    )
