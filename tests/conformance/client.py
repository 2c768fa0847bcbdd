"""A running Smalt and its clients, from outside: a process, HTTPS with its own CA trusted, the operator's commands.

Nothing here imports the product: what these classes can do, anybody with the address can. Other tests use them too:

    with Install(folder) as install:
        workspace = install.workspace("Quill & Sons")
        workspace.api.get("/api/v1/documents")
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long enough sentence"
TERMINAL = {"ready", "failed"}
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded before any fork, so that the child only makes the call


def _die_with_us() -> None:
    """A run of tests that is killed leaves no server behind (Linux)."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def fresh_folder() -> Path:
    """A short folder that an unprivileged account can pass through (pytest's own are closed, and long)."""
    folder = Path(tempfile.mkdtemp(prefix="smalt-c-"))
    folder.chmod(0o711)
    return folder


def until(found: Callable[[], Any], timeout_s: float = 60.0, every_s: float = 0.05) -> Any:
    """The first true result of ``found``; fails loudly after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        result = found()
        if result:
            return result
        time.sleep(every_s)
    raise AssertionError(f"did not happen in {timeout_s} s: {getattr(found, '__name__', 'it')}")


@dataclass
class Api:
    """One credential's way in. Every call returns the response as it came; nothing is retried."""

    http: httpx.Client

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.http.post(path, **({} if body is None else {"json": body}), **options)

    def patch(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return self.http.patch(path, json=body, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.http.delete(path, **options)

    def upload(self, name: str, data: bytes, *, key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"idempotency-key": key}
        return self.http.post("/api/v1/documents", files={"file": (name, data)}, headers=headers)

    def settled(self, document: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """The document once it is ready or failed."""

        def is_settled() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.get(f"/api/v1/documents/{document}").raise_for_status().json()
            return shown if shown["status"] in TERMINAL else None

        settled: dict[str, Any] = until(is_settled, timeout_s)
        return settled

    def add(self, name: str, data: bytes) -> dict[str, Any]:
        """Upload and wait until it was read or refused."""
        reply = self.upload(name, data)
        assert reply.status_code == 201, reply.text
        return self.settled(reply.json()["id"])

    def conversation(self, title: str | None = None) -> str:
        reply = self.post("/api/v1/conversations", {} if title is None else {"title": title})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def ask(self, conversation: str, question: str, **more: Any) -> httpx.Response:
        headers = more.pop("headers", None)
        body = {"content": question, **more}
        return self.post(f"/api/v1/conversations/{conversation}/messages", body, headers=headers)

    def stream(self, conversation: str, question: str, **more: Any) -> list[tuple[str, Any]]:
        """Every event of the turn, in order."""
        path = f"/api/v1/conversations/{conversation}/messages"
        headers = {"accept": "text/event-stream", **more.pop("headers", {})}
        with self.http.stream("POST", path, json={"content": question, **more}, headers=headers) as reply:
            if reply.status_code != 201:
                raise AssertionError(f"{reply.status_code}: {reply.read()!r}")
            return list(events_of(reply))


def events_of(reply: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Server-sent events of ``reply`` as (name, data), without the heartbeats."""
    name = ""
    for line in reply.iter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


@dataclass
class Workspace:
    """A tenant with its first owner: ``api`` by a token that may do all a token can, ``browser`` by a session."""

    tenant: str
    person: str
    email: str
    browser: Api
    api: Api
    token: str
    token_id: str
    install: Install = field(repr=False)

    def with_scopes(self, *scopes: str) -> tuple[Api, str]:
        """A client by a new token of these scopes, and the token's id."""
        made = self.browser.post("/api/v1/tokens", {"name": "narrow", "scopes": list(scopes)})
        assert made.status_code == 201, made.text
        return self.install.client(token=made.json()["secret"]), made.json()["id"]

    def signed_in(self) -> Api:
        """Another session of the same person."""
        browser = self.install.browser()
        reply = browser.http.post("/signin", data={"email": self.email, "password": PASSWORD})
        assert reply.status_code == 303, reply.text
        return browser


ALL_SCOPES = ("audit.read", "conversations", "documents.read", "documents.write", "usage.read")


class Install:
    """A server process of its own over ``folder/data``. ``preamble`` is Python that runs in it first: injected faults."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        preamble: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port() if port is None else port
        self.preamble = preamble
        self.environment = {**(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: list[httpx.Client] = []

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def out(self) -> Path:
        """What the server said to who started it."""
        return self.folder / "server.out"

    @property
    def log(self) -> Path:
        """Its standard error: the events."""
        return self.folder / "server.err"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.forget()

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SMALT_")}
        for name in ("SMALT_PG_BIN",):
            if name in os.environ:
                kept[name] = os.environ[name]
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        own = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "TMPDIR": str(temporary), "SMALT_TRUST_CHECKS": "0"}
        return {**kept, **own, **self.environment}

    def command(self, *arguments: str) -> list[str]:
        if not self.preamble:
            return [sys.executable, "-m", "smalt", *arguments]
        program = f"{self.preamble}\nfrom smalt.cli import main\nmain()"
        return [sys.executable, "-c", program, *arguments]

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process and return at once."""
        with self.out.open("ab") as out, self.log.open("ab") as err:
            return subprocess.Popen(
                self.command("serve", "--data-dir", str(self.data_dir), "--port", str(self.port)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self.environ(),
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=_die_with_us,  # noqa: PLW1509  # one system call, no Python state touched
            )

    def start(self) -> None:
        """Start it and return when it is ready."""
        self.process = self.launch()
        self.wait()

    def wait(self) -> None:
        """Return when it is ready."""
        assert self.process is not None
        try:
            until(self._is_ready, 90.0)
        except AssertionError:
            said = self.out.read_text("utf-8")[-1000:] + self.log.read_text("utf-8")[-2000:]
            raise AssertionError(f"the server did not start ({self.process.poll()}): {said}") from None

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError("the server ended")
        if not self.ca.exists():
            return False
        with contextlib.suppress(httpx.TransportError, OSError):
            return self.open_http().get("/readyz").status_code == 200
        return False

    def stop(self, timeout_s: float = 60.0) -> int | None:
        """SIGTERM, and its exit code; None when it was not running."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        process, self.process = self.process, None
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the server did not stop on SIGTERM") from None

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def forget(self) -> None:
        """Remove everything of it, the database that lies elsewhere too."""
        shutil.rmtree(self.postgres_home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def ca(self) -> Path:
        return self.data_dir / "tls" / "ca.pem"

    @property
    def postgres_home(self) -> Path:
        pointer = self.data_dir / "postgres.place"
        return Path(pointer.read_text("utf-8").strip()) if pointer.exists() else self.data_dir / "postgres"

    @property
    def postgres_pid(self) -> int:
        """The database's main process."""
        return int((self.postgres_home / "data" / "postmaster.pid").read_text("ascii").split()[0])

    def roots(self) -> list[Path]:
        """Every folder that the installation writes to, with its output."""
        sockets = Path((self.postgres_home / "socket.place").read_text("utf-8").strip())
        found = [self.folder, self.postgres_home, sockets]
        return [root for root in found if not any(other in root.parents for other in found)]

    def lines(self) -> list[dict[str, Any]]:
        """Every line of the log as an event; fails on a line that is none."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    # -- ways in

    def open_http(self, **options: Any) -> httpx.Client:
        """A client without a credential, over a connection that trusts this installation and nobody else."""
        context = ssl.create_default_context(cafile=str(self.ca))
        made = httpx.Client(
            base_url=self.url,
            verify=context,
            timeout=options.pop("timeout", 60.0),
            trust_env=False,
            **options,
        )
        self._clients.append(made)
        return made

    def client(self, token: str | None = None) -> Api:
        return Api(self.open_http(headers={} if token is None else {"authorization": f"Bearer {token}"}))

    def browser(self, **headers: str) -> Api:
        """Keeps cookies, says where its requests come from, follows no redirects."""
        return Api(self.open_http(headers={"sec-fetch-site": "same-origin", "user-agent": AGENT, **headers}))

    def operator(self, *arguments: str) -> dict[str, Any]:
        """What a command of the operator prints with ``--json``."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the operator, on this data directory."""
        return subprocess.run(
            [sys.executable, "-m", "smalt", *arguments],
            capture_output=True,
            text=True,
            env={**self.environ(), "SMALT_DATA_DIR": str(self.data_dir)},
            cwd=self.folder,
            timeout=120,
            check=False,
        )

    def workspace(self, name: str | None = None, owner: str = "Ada Quill", email: str | None = None) -> Workspace:
        """A new tenant whose owner has come in by the link and made a token of every scope."""
        name = f"Workspace {secrets.token_hex(3)}" if name is None else name
        email = f"{secrets.token_hex(4)}@example.com" if email is None else email
        made = self.operator("tenant", "create", name, "--owner-name", owner, "--owner-email", email)
        browser = self.browser()
        link = "/link/" + made["link"].rpartition("/")[2]
        reply = browser.http.post(link, data={"name": owner, "email": email, "password": PASSWORD})
        assert reply.status_code == 303, reply.text
        token = browser.post("/api/v1/tokens", {"name": "tests", "scopes": list(ALL_SCOPES)})
        assert token.status_code == 201, token.text
        secret = token.json()["secret"]
        return Workspace(
            tenant=made["tenant"],
            person=made["person"],
            email=email,
            browser=browser,
            api=self.client(token=secret),
            token=secret,
            token_id=token.json()["id"],
            install=self,
        )


def check_problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """``reply`` is the problem ``code``, in the one shape that every problem has; its members."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    members: dict[str, Any] = reply.json()
    assert list(members) == ["title", "status", "code", "happened", "kept", "todo", "facts", "request_id"]
    assert members["status"] == status
    assert members["code"] == code, members
    assert members["title"]
    assert members["happened"]
    assert members["request_id"] == reply.headers["x-request-id"]
    return members
