"""What the network sees: who is listened to, and where anything goes."""

from __future__ import annotations

import ast
import contextlib
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import smalt
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.probes import kernel, trap, work
from smalt.trust.target import Target

_SAMPLE_S = 0.05
_AFTER_S = 0.5
_LOOKS_LEAST = 6
_CONTROL_S = 10.0
_HTTP_CLIENTS = frozenset({"httpx", "requests", "aiohttp", "urllib3", "http.client", "urllib.request", "websockets"})


@dataclass(frozen=True)
class Declared:
    """What the installation may listen on: one TCP address, the database's socket, and a name that is only claimed."""

    host: str
    port: int
    database: str

    def admits(self, one: kernel.Socket) -> bool:
        if one.kind == "tcp":
            return (one.host, one.port) == (self.host, self.port)
        return one.kind == "unix" and one.host == self.database

    @classmethod
    def of(cls, target: Target) -> Declared:
        folder = ""
        with contextlib.suppress(OSError):
            folder = (kernel.database_home(target) / "socket.place").read_text("utf-8").strip()
        host = socket.getaddrinfo(kernel.told(target)["host"], None)[0][4][0]
        return cls(str(host), target.port, f"{folder}/.s.PGSQL.5432")


def undeclared(listening: Iterable[kernel.Socket], declared: Declared) -> list[str]:
    """What listens and is not declared, in public words: kinds and ports, no paths."""
    found = [one for one in listening if one.listens and not declared.admits(one)]
    return sorted(f"{one.kind} {one.port}" if one.kind != "unix" else "unix socket" for one in found)


@check("net.listeners", every="hour", deadline_s=60)
def listeners(target: Target, found: Findings) -> None:
    """Reads from the kernel which sockets the processes of the server and of its database listen on (TCP and UDP, both
    families, raw, unix), and compares them with the one address and the one database socket that are declared. Unless the
    operator told it otherwise, the address must be one of this machine's loopback.

    Control: TCP, UDP and unix listeners that the check opens itself are found undeclared by the same code.
    """
    processes, declared = kernel.installation(target), Declared.of(target)
    listening = [one for one in kernel.of_processes(processes) if one.listens]
    more = undeclared(listening, declared)
    found.facts.update({"processes": len(processes), "listeners": len(listening), "undeclared": more})
    found.probe("the declared listener is there", any(one.kind == "tcp" and declared.admits(one) for one in listening))
    found.probe("nothing undeclared is listened on", not more)
    told = kernel.told(target)["host"]
    near = all(one.loopback for one in listening if one.kind == "tcp")
    found.probe("only loopback is listened on, unless the operator said otherwise", near or told != "127.0.0.1")
    with opened() as kinds:
        seen = undeclared(kernel.of_processes([os.getpid()]), declared)
        for kind in kinds:
            found.control(f"a listener of the check's own is seen: {kind}", kind in seen)


@contextlib.contextmanager
def opened() -> Iterator[list[str]]:
    """Listeners of this process, as `undeclared` words them."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="smalt-check-"))
        kinds = []
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with contextlib.suppress(OSError):  # this machine may have no IPv6
                for kind, what in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
                    one = stack.enter_context(socket.socket(family, kind))
                    one.bind((host, 0))
                    if what == "tcp":
                        one.listen(1)
                    kinds.append(f"{what} {one.getsockname()[1]}")
        one = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        one.bind(f"{folder}/s")
        one.listen(1)
        yield [*kinds, "unix socket"]


@dataclass
class Watch:
    """Looks again and again, in the context, where the processes of ``roots`` are connected to.

    ``inbound``: ports on which they are called, whoever calls; ``allowed``: what they may call.
    """

    roots: set[int]
    without: frozenset[int]
    inbound: frozenset[int]
    allowed: frozenset[tuple[str, int]]
    looks: int = 0
    connections: set[int] = field(default_factory=set)
    strays: set[str] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)
    _failed: Exception | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def _look(self) -> None:
        try:
            while not self._ended.wait(_SAMPLE_S):
                for one in kernel.of_processes(kernel.descent(self.roots, without=self.without)):
                    self._judge(one)
                self.looks += 1
        except Exception as error:  # noqa: BLE001  # told by who ends the watch
            self._failed = error

    def _judge(self, one: kernel.Socket) -> None:
        if one.kind == "unix" or (one.kind == "tcp" and (one.listens or not one.peer)):
            return
        self.connections.add(one.inode)
        if one.kind == "tcp" and (one.port in self.inbound or (one.peer, one.peer_port) in self.allowed):
            return
        where = "this machine" if one.peer_is_near else "another machine"
        self.strays.add(f"{one.kind} to {where}, port {one.peer_port}")


@check("net.egress", every="hour", deadline_s=120)
def egress(target: Target, found: Findings) -> None:
    """While a document is read and a question is asked, looks some twenty times a second at every socket of the server's
    processes, the reader's and the database's: none may lead anywhere but to who called, and no registered host exists today.

    Control: a connection and a datagram socket of the check's own, to a trap on loopback, are seen by the same code.
    What lasts less than a look can be missed; which modules can speak HTTP to others stands in the evidence.
    """
    own = frozenset({("127.0.0.1", target.port), ("::1", target.port)})
    roots = kernel.installation(target)
    with Watch(roots, frozenset({os.getpid()}), frozenset({target.port}), own) as watch, work.done(target):
        time.sleep(_AFTER_S)
    found.facts["looks"] = watch.looks
    found.facts["connections"] = len(watch.connections)
    found.facts["strays"] = sorted(watch.strays)
    found.facts["modules that import an HTTP client"] = speakers()
    if watch.looks < _LOOKS_LEAST:
        raise Unclear("The machine was too busy to look often enough.")
    found.control("the connection of who asked is seen", watch.connections)
    found.probe("nothing leads anywhere but to who called", not watch.strays)
    with (
        trap.Trap(host=trap.elsewhere()) as far,
        Watch({os.getpid()}, frozenset(), frozenset(), own) as control,
        socket.create_connection(far.address),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
    ):
        datagram.connect((far.host, 9))
        deadline = time.monotonic() + _CONTROL_S
        while len(control.strays) < 2 and time.monotonic() < deadline:
            time.sleep(_SAMPLE_S)
    found.control("a connection elsewhere is seen", f"tcp to this machine, port {far.port}" in control.strays)
    found.control("a datagram socket is seen", "udp to this machine, port 9" in control.strays)


def speakers() -> list[str]:
    """The modules of the product, without the commands and the checks, whose source imports an HTTP client."""
    root = Path(smalt.__file__).parent
    found = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root.parent).with_suffix("").as_posix().replace("/", ".")
        if name.startswith(("smalt.cli.", "smalt.trust.")):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(one == client or one.startswith(f"{client}.") for one in names for client in _HTTP_CLIENTS):
                found.append(name)
                break
    return found
