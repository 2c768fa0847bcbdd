"""Connections on which nothing happens are hung up: they take a place that somebody else may need.

The server itself only bounds how long a request's head takes once it has begun. A client that connects and says nothing,
or whose body stopped in the middle, would stay for ever, and strangers could take all places that way. The kernel knows
best when something last came or went on a connection (TCP_INFO), whatever the server thinks of it. Streams have their
heartbeats. Linux only; elsewhere nothing is hung up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from smalt.telemetry.events import Event, emit

CONNECTIONS_MAX = 2048
PATIENCE_S = 300.0
CROWDED_PATIENCE_S = 20.0
"""When more than half of the places are taken. Longer than any heartbeat of ours, shorter than it takes to fill up."""
LOOK_EVERY_S = 5.0

_FDS = Path("/proc/self/fd")
_TIMES = struct.Struct("=III")  # ms since data was sent, since an acknowledgement was, since data was received
_TIMES_AT = 44  # of struct tcp_info in linux/tcp.h: 8 single bytes, then nine words
_INFO_BYTES = _TIMES_AT + _TIMES.size


class IdleHungUp(Event):
    """``open``: how many connections there were."""

    hung_up: int
    open: int


async def hang_up_on_idle(port: int) -> None:
    """Look after the connections to ``port`` of this process until cancelled."""
    while _can_look():
        await asyncio.sleep(LOOK_EVERY_S)
        await asyncio.to_thread(look, port)


def _can_look() -> bool:
    return _FDS.is_dir() and hasattr(socket, "TCP_INFO")


def look(port: int) -> int:
    """Hang up on whoever has been idle for too long; how many those were."""
    idle_s = [(connection, _idle_s(connection)) for connection in _connections(port)]
    patience_s = CROWDED_PATIENCE_S if len(idle_s) > CONNECTIONS_MAX // 2 else PATIENCE_S
    late = [connection for connection, idle in idle_s if idle > patience_s]
    for connection in late:
        with contextlib.suppress(OSError):  # it hung up by itself
            connection.shutdown(socket.SHUT_RDWR)
    for connection, _ in idle_s:
        connection.close()  # our second handle; the server closes its own
    if late:
        emit(IdleHungUp(hung_up=len(late), open=len(idle_s)))
    return len(late)


def _connections(port: int) -> Iterator[socket.socket]:
    """A second handle on every connection that was made to ``port``."""
    for entry in _FDS.iterdir():
        try:
            if not str(entry.readlink()).startswith("socket:"):
                continue
            connection = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:  # closed meanwhile
            continue
        if _is_ours(connection, port):
            yield connection
        else:
            connection.close()


def _is_ours(connection: socket.socket, port: int) -> bool:
    if connection.family not in {socket.AF_INET, socket.AF_INET6} or connection.type != socket.SOCK_STREAM:
        return False
    try:
        connection.getpeername()  # fails for one that only listens
        return int(connection.getsockname()[1]) == port
    except OSError:
        return False


def _idle_s(connection: socket.socket) -> float:
    """Seconds since anything came in or went out."""
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except OSError:
        return 0.0
    sent_ms, _, received_ms = _TIMES.unpack_from(info, _TIMES_AT)
    return float(min(sent_ms, received_ms)) / 1000
