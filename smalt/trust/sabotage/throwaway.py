"""Throw-away installations: copies of one healthy template, each broken in one way and then removed.

There is no way to point this at an installation that somebody uses: every folder is made here, by `tempfile`, and none
is taken as an argument; settings of the environment that lead to other data are not passed on.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from smalt.kernel.clock import SystemClock
from smalt.kernel.errors import Unavailable
from smalt.store.drill import administer
from smalt.store.outbox import Outbox
from smalt.store.postgres import conninfo_of_running
from smalt.trust import provision, stated_registers, statements
from smalt.trust.anchor import anchor
from smalt.trust.keeper import Keeper
from smalt.trust.record import DEPLOYMENT, INCIDENT
from smalt.trust.registry import load
from smalt.trust.runner import new_run
from smalt.trust.sabotage.case import Break
from smalt.trust.target import Target, Tenant

PREFIX = "smalt-throwaway-"
START_S = 90.0
COMMAND_S = 90.0
_PR_SET_PDEATHSIG = 1
_NOBODY = Tenant("", "", "", "", "")


def sweep() -> int:
    """Remove the folders of runs that were killed; how many there were."""
    found = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
            found += 1
    return found


class Throwaway:
    """A server of its own over a folder of its own, in the context only. ``template``: what to begin with."""

    def __init__(self, broken: Break, template: Template | None = None) -> None:
        # The account that PostgreSQL is lent to passes through the folder, and lists nothing in it.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.folder.chmod(0o711)
        self.data_dir = self.folder / "data"
        self.broken = broken
        self.process: subprocess.Popen[bytes] | None = None
        self.tenants = (_NOBODY, _NOBODY)
        self._template = template
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            self.port = int(holder.getsockname()[1])

    def __enter__(self) -> Self:
        try:
            if self._template is not None:
                # With owners and modes: the cluster belongs to the account that PostgreSQL runs as.
                subprocess.run(["cp", "-a", str(self._template.data_dir), str(self.data_dir)], check=True)
                self.tenants = self._template.tenants
            self.start()
            if self.broken.sql:
                self.sql(self.broken.sql)
            if self.broken.act is not None:
                self.broken.act(self)
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def target(self) -> Target:
        """What checks are pointed at."""
        ca = self.data_dir / "tls" / "ca.pem"
        app, admin = (conninfo_of_running(self.data_dir, role) for role in ("smalt_app", "postgres"))
        return Target(
            url=self.url, ca=ca, data_dir=self.data_dir, app_conninfo=app, admin_conninfo=admin,
            tenants=self.tenants, run=new_run(),
        )  # fmt: skip

    def sql(self, statements: str) -> None:
        """Run ``statements`` as the database's administrator."""
        administer(conninfo_of_running(self.data_dir, "postgres"), self.folder, statements)

    def start(self) -> None:
        """Start the server and return when it is ready; `Unavailable` when it does not become so."""
        program = ["-m", "smalt"]
        if self.broken.preamble:
            program = ["-c", f"{self.broken.preamble}\nfrom smalt.cli import main\nmain()"]
        with (self.folder / "server.out").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, *program, "serve", "--data-dir", str(self.data_dir), "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self._environment(self.broken.environment),
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for us: we end it
                preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509  # one system call, no Python state touched
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._ready():
                return
            time.sleep(0.05)
        raise Unavailable("sabotage.not_started", "The throw-away server did not start.", kept="Nothing was left.")

    def _ready(self) -> bool:
        ca = self.data_dir / "tls" / "ca.pem"
        if not ca.exists():
            return False
        with contextlib.suppress(httpx.TransportError, OSError):
            nobody = Target(self.url, ca, self.data_dir, "", None, self.tenants, "")
            with nobody.client() as stranger:
                return stranger.get("/readyz").status_code == httpx.codes.OK
        return False

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Ours, without any setting that leads to other data, with temporary files inside the folder."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SMALT_")}
        kept |= {"SMALT_PG_BIN": os.environ["SMALT_PG_BIN"]} if "SMALT_PG_BIN" in os.environ else {}
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return kept | {"TMPDIR": str(temporary), "SMALT_TRUST_CHECKS": "0"} | dict(more)

    def operator(self, *words: str) -> dict[str, Any]:
        """What ``smalt … --json`` prints on this data directory."""
        ran = subprocess.run(
            [sys.executable, "-m", "smalt", *words, "--data-dir", str(self.data_dir), "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_S,
            check=False,
            env=self._environment({}),
            cwd=self.folder,
        )
        try:
            said: dict[str, Any] = json.loads(ran.stdout)
        except json.JSONDecodeError:
            said = {"error": {}}
        if "error" in said:
            raise Unavailable("sabotage.command", "A command beside the throw-away server failed.")
        return said

    def stop(self) -> None:
        """End the server in order, so that what it wrote is whole."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(COMMAND_S)
            process.kill()
            process.wait()

    def remove(self) -> None:
        """End everything of it at once, without order: nothing of it is needed any more. Then remove its folder."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            _end_all_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def _end_all_below(folder: Path) -> None:
    """End the processes whose working directory lies in ``folder``: the database's, readers, what a case started."""
    for _ in range(200):
        left = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if folder in (entry / "cwd").readlink().parents or (entry / "cwd").readlink() == folder:
                    left.append(int(entry.name))
        if not left:
            return
        for number in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.02)


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


def _state(keeper: Keeper) -> None:
    """What an operator states before the checks can pass: whom to write to, and a drill."""
    now = int(keeper.clock.now().timestamp())
    contacts = {"security": "security@throwaway.example"}
    stated = statements.deployed(load(), [], now, organisation="Throw-away", contacts=contacts)
    drill = stated_registers.drill(now, text="A drill of a throw-away installation.")
    with keeper.writing() as pen:
        pen.state(DEPLOYMENT, stated.predicate)
        pen.state(INCIDENT, drill.predicate)


class Template:
    """A healthy installation with the two synthetic tenants, stopped: what every throw-away is a copy of."""

    def __init__(self) -> None:
        self._made = Throwaway(Break())

    @property
    def data_dir(self) -> Path:
        return self._made.data_dir

    @property
    def tenants(self) -> tuple[Tenant, Tenant]:
        return self._made.tenants

    def __enter__(self) -> Self:
        made = self._made.__enter__()
        try:

            def create(name: str, email: str) -> provision.Made:
                said = made.operator("tenant", "create", name, "--owner-name", "Probe", "--owner-email", email)
                return provision.Made(said["tenant"], said["person"], said["link"])

            def browser() -> httpx.Client:
                return made.target.client(headers={"origin": made.url, "sec-fetch-site": "same-origin"})

            keeper = Keeper.open(made.data_dir, SystemClock())
            # A contact, so that what follows from a deployment statement is there to be looked at.
            made.operator("trust", "deployment", "state", "--contact-security", "security@synthetic.invalid", "--yes")
            made.tenants = provision.tenants(keeper, create, browser)
            anchor(keeper, Outbox(conninfo_of_running(made.data_dir, "smalt_checker")), new_run())
            _state(keeper)
            made.stop()
        except BaseException:
            made.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._made.remove()
