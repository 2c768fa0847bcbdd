"""What the kernel says: which processes are the installation's, and which sockets they hold (Linux, proc(5)).

The programs of the installation are not asked. A process is the installation's when it listens on its port, is the
main process of its database, or descends from one of these; the checker and all that descends from it never is.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from smalt.trust.check import Unclear
from smalt.trust.target import Target

_PROC = Path("/proc")
_LISTEN = "0A"
_UNIX_ACCEPTS = 0x10000
_UNCONNECTED = "07"


@dataclass(frozen=True)
class Socket:
    """``kind``: tcp, udp, raw or unix. ``host`` is an address, or a unix socket's name. ``peer`` is empty without one."""

    kind: str
    host: str
    port: int
    peer: str
    peer_port: int
    listens: bool
    inode: int

    @property
    def loopback(self) -> bool:
        return _is_loopback(self.host)

    @property
    def peer_is_near(self) -> bool:
        return not self.peer or _is_loopback(self.peer)


def _is_loopback(host: str) -> bool:
    address = ipaddress.ip_address(host)
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def sockets() -> list[Socket]:
    """Every socket of this network name space."""
    if not (_PROC / "net" / "tcp").exists():
        raise Unclear("This system does not show its sockets as Linux does.")
    found: list[Socket] = []
    for table in ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6"):
        with contextlib.suppress(FileNotFoundError):
            lines = (_PROC / "net" / table).read_text("ascii").splitlines()[1:]
            found += [_inet(table.rstrip("6").replace("udplite", "udp"), line) for line in lines]
    return found + list(_unix())


def _inet(kind: str, line: str) -> Socket:
    parts = line.split()
    (host, port), (peer, peer_port) = _address(parts[1]), _address(parts[2])
    listens = parts[3] == _LISTEN if kind == "tcp" else peer_port == 0 and parts[3] == _UNCONNECTED
    unset = ipaddress.ip_address(peer).is_unspecified and peer_port == 0
    return Socket(kind, host, port, "" if unset else peer, peer_port, listens, int(parts[9]))


def _address(text: str) -> tuple[str, int]:
    """The kernel writes addresses in words of 32 bits, each in the machine's order."""
    host, _, port = text.partition(":")
    raw = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    return str(ipaddress.ip_address(raw)), int(port, 16)


def _unix() -> Iterator[Socket]:
    for line in (_PROC / "net" / "unix").read_text("utf-8", "surrogateescape").splitlines()[1:]:
        parts = line.split(maxsplit=7)
        name = parts[7] if len(parts) > 7 else ""
        yield Socket("unix", name, 0, "", 0, bool(int(parts[3], 16) & _UNIX_ACCEPTS), int(parts[6]))


def children() -> dict[int, list[int]]:
    """Process ids by their parent's."""
    found: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name stands in parentheses and may hold anything; the parent is the second word after it.
            parent = int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(int(entry.name))
    return found


def descent(roots: Iterable[int], *, without: Iterable[int] = ()) -> set[int]:
    """``roots`` and all that descend from them, without ``without`` and what descends from those."""
    tree, shut = children(), set(without)
    found: set[int] = set()
    waiting = [root for root in roots if root not in shut]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [child for child in tree.get(one, ()) if child not in shut]
    return found


def held(processes: Iterable[int]) -> set[int]:
    """Inodes of the sockets that ``processes`` hold open; `Unclear` where the kernel does not let us look."""
    found = set()
    for number in processes:
        try:
            links = list((_PROC / str(number) / "fd").iterdir())
        except FileNotFoundError:
            continue  # it has ended
        except PermissionError:
            raise Unclear("The checker may not see what a process of the installation holds open.") from None
        for link in links:
            with contextlib.suppress(OSError):
                name = str(link.readlink())
                if name.startswith("socket:["):
                    found.add(int(name[8:-1]))
    return found


def of_processes(processes: Iterable[int]) -> list[Socket]:
    """The sockets that ``processes`` hold."""
    inodes = held(processes)
    return [one for one in sockets() if one.inode in inodes]


def database_home(target: Target) -> Path:
    """Where the embedded database lies."""
    pointer = target.data_dir / "postgres.place"
    return Path(pointer.read_text("utf-8").strip()) if pointer.exists() else target.data_dir / "postgres"


def servers(target: Target) -> set[int]:
    """The processes that listen on the installation's port; `Unclear` when the kernel shows none."""
    inodes = {one.inode for one in sockets() if one.kind == "tcp" and one.listens and one.port == target.port}
    found = set()
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, Unclear):
            if inodes & held([int(entry.name)]):
                found.add(int(entry.name))
    found -= descent([os.getpid()])
    if not found:
        raise Unclear("The kernel shows no process that listens on the installation's port.")
    return found


def installation(target: Target) -> set[int]:
    """Every process of the installation, the database's included; the checker and its own are not."""
    roots = servers(target)
    with contextlib.suppress(OSError, ValueError, IndexError):
        roots.add(int((database_home(target) / "data" / "postmaster.pid").read_text("ascii").split()[0]))
    return descent(roots, without=[os.getpid()])


def told(target: Target) -> Mapping[str, str]:
    """What the operator told the server about its listener: ``host``, from its command line or its environment."""
    number = min(servers(target))
    try:
        words = (_PROC / str(number) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        given = (_PROC / str(number) / "environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        raise Unclear("The checker may not see how the server was started.") from None
    host = next((one.partition("=")[2] for one in given if one.startswith("SMALT_LISTEN_HOST=")), "") or "127.0.0.1"
    for at, word in enumerate(words):
        if word == "--listen" and at + 1 < len(words):
            host = words[at + 1]
        elif word.startswith("--listen="):
            host = word.partition("=")[2]
    return {"host": host}
