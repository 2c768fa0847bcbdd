"""Servers on loopback that the checks set up themselves: to be seen doing what must not be seen elsewhere, or to be hit."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Self

Respond = Callable[[bytes], bytes]
"""From the first bytes of a client to what is answered; empty hangs up."""


def elsewhere() -> str:
    """An address on loopback that nobody else uses at this moment: the whole of 127.0.0.0/8 is this machine."""
    one, two, three = (1 + secrets.randbelow(250) for _ in range(3))
    return f"127.{one}.{two}.{three}"


class Trap:
    """Listens in the context and keeps the first bytes of everybody who came."""

    def __init__(
        self,
        respond: Respond = lambda _got: b"",
        *,
        host: str = "127.0.0.1",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._respond = respond
        self._context = context
        self._server = socket.create_server((host, 0))
        self._server.settimeout(0.2)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.host = host
        self.port = int(self._server.getsockname()[1])
        self.hits: list[bytes] = []

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                line, _ = self._server.accept()
                line.settimeout(2.0)
                with line if self._context is None else self._context.wrap_socket(line, server_side=True) as spoken:
                    got = b""
                    with contextlib.suppress(OSError):
                        got = spoken.recv(4096)
                    self.hits.append(got)
                    with contextlib.suppress(OSError):
                        spoken.sendall(self._respond(got))
