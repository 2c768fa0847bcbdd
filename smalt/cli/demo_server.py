"""The demonstration's server: a real ``smalt serve`` as a child process, and the operator's commands beside it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smalt.cli.demo_client import wait_until_ready
from smalt.kernel.errors import Unavailable
from smalt.server import reserve
from smalt.settings import Settings

STOP_S = 30
COMMAND_S = 60
LOG_LINES = 12
_PR_SET_PDEATHSIG = 1


class Server:
    """A server on loopback. Leaving the context stops it, and so does the end of this process."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.data_dir = settings.data_dir.absolute()
        reserved = reserve("127.0.0.1", settings.port)
        reserved.release()
        self.port = reserved.port
        self.log = log
        self.stopped_cleanly = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def ca(self) -> Path:
        """The installation's own authority; the server makes it at its first start."""
        return next(self.data_dir.glob("*/ca.pem"), self.data_dir / "tls" / "ca.pem")

    def __enter__(self) -> Self:
        arguments = ["serve", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "smalt", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=os.environ | {"SMALT_TRUST_CHECKS": "0"},  # a demonstration lasts minutes: nobody reads its claims
                start_new_session=True,  # Ctrl-C is for us: we stop it in order
                preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509  # one system call, no Python state touched
            )
        if not wait_until_ready(self.url, self.ca, lambda: self._process is not None and self._process.poll() is None):
            self.stop()
            raise self._not_started()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to stop and wait; end it when it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            self.stopped_cleanly = process.wait(STOP_S) in {0, -signal.SIGTERM}
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def command(self, *words: str) -> dict[str, Any]:
        """Run ``smalt … --json`` on the same data directory; the object it prints."""
        arguments = [*words, "--data-dir", str(self.data_dir), "--json"]
        environment = os.environ | {"SMALT_PORT": str(self.port)}
        ran = subprocess.run(
            [sys.executable, "-m", "smalt", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_S,
            check=False,
            env=environment,
        )
        try:
            said: dict[str, Any] = json.loads(ran.stdout)
        except json.JSONDecodeError:
            said = {"error": {"happened": ran.stderr.decode(errors="replace")[-500:]}}
        if "error" in said:
            failure = Unavailable("demo.command", "A command beside the server failed.", kept="Nothing was added.")
            failure.add_note(f"smalt {' '.join(words[:2])}: {said['error'].get('happened', '')}".strip())
            raise failure
        return said

    def _not_started(self) -> Unavailable:
        failure = Unavailable(
            "demo.server",
            "The server did not start.",
            kept="Nothing was added.",
            todo="`smalt doctor` tells what is missing. The server's last words stand above.",
        )
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-LOG_LINES:]
        failure.add_note("\n".join([*lines, str(self.log)]))
        return failure


def _dying_with(parent: int) -> Callable[[], None] | None:
    """Linux ends the server when this process dies in whatever way; elsewhere only an ordinary end does."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return arm
