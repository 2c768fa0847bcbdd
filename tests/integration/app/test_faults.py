"""What can go wrong around a running server, made to go wrong: each ends in a clear error, and nothing acknowledged
is lost. The tests share one server and run in this order: some of them end it and start it again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conformance import files
from tests.conformance.client import Install, Workspace, check_problem, events_of, free_port, fresh_folder, until

MIB = 1 << 20
GIB = 1 << 30
UPLOAD_MAX = 200 * MIB
SLOW_ENGINE = textwrap.dedent(
    """
    import asyncio, re
    import smalt.chat.engines as engines
    inner = engines.LocalEngine.reply
    async def reply(self, prompt):
        wait = re.search("wait ([0-9]+)", prompt.question)
        if wait:
            for _ in range(int(wait[1]) * 4):
                yield "… "
                await asyncio.sleep(0.25)
        async for piece in inner(self, prompt):
            yield piece
    engines.LocalEngine.reply = reply
    import smalt.web.idle as idle
    idle.CONNECTIONS_MAX, idle.CROWDED_PATIENCE_S = 200, 8
    """
)


@pytest.fixture(scope="module")
def install() -> Iterator[Install]:
    running = Install(fresh_folder(), preamble=SLOW_ENGINE)
    with running:
        yield running


@pytest.fixture(scope="module")
def workspace(install: Install) -> Workspace:
    return install.workspace()


@pytest.fixture(scope="module")
def stalled(install: Install, workspace: Workspace) -> Iterator[list[tuple[ssl.SSLSocket, float]]]:
    """Clients that began a request and say no more, with the time since when."""
    opened = []
    for number in range(40):
        line = _secure(install)
        if number % 2:
            line.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow")
        else:
            head = (
                f"POST /api/v1/conversations HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {workspace.token}\r\n"
            )
            line.sendall(f'{head}content-type: application/json\r\ncontent-length: 500\r\n\r\n{{"title'.encode())
        opened.append((line, time.monotonic()))
    yield opened
    for line, _ in opened:
        line.close()


def _secure(install: Install) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(install.ca))
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(socket.create_connection(("127.0.0.1", install.port), 90), server_hostname="localhost")


def _reply(line: ssl.SSLSocket) -> bytes:
    """Everything until the server hangs up."""
    found = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := line.recv(65536):
            found += piece
    return found


def _stored(install: Install) -> set[str]:
    """Every file below the blobs, and what arrives there."""
    blobs = install.data_dir / "blobs"
    return {str(path.relative_to(blobs)) for path in blobs.rglob("*") if path.is_file()}


def _multipart(name: str, chunks: Iterator[bytes]) -> tuple[dict[str, str], Iterator[bytes]]:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head.encode()
        yield from chunks
        yield f"\r\n--{boundary}--\r\n".encode()

    return {"content-type": f"multipart/form-data; boundary={boundary}"}, body()


# -- files


BAD: list[tuple[str, Callable[[], bytes], str]] = [
    ("encrypted.pdf", files.encrypted_pdf, "document.encrypted"),
    ("encrypted.xlsx", files.encrypted_xlsx, "document.encrypted"),
    ("truncated.pdf", lambda: files.pdf()[:-300], "document.truncated"),
    ("truncated.xlsx", lambda: files.xlsx()[:-300], "document.truncated"),
    ("blank.txt", lambda: b" \n" * 2000, "document.empty"),
    ("pages.pdf", lambda: files.pdf(pages=2001), "document.too_many_pages"),
    ("picture.pdf", files.picture, "document.unsupported"),
    ("program.csv", lambda: files.noise(5000), "document.unsupported"),
    ("page.txt", lambda: b"<!doctype html><html><script>x</script></html>", "document.unsupported"),
    ("bomb.xlsx", files.bomb, "document.bomb"),
    ("macro.xlsm", lambda: files.xlsx(macro=True), "document.macros"),
    ("macro.xlsx", lambda: files.xlsx(macro=True), "document.macros"),
]


@pytest.mark.usefixtures("stalled")
@pytest.mark.parametrize(("name", "make", "code"), BAD, ids=[bad[0] for bad in BAD])
def test_a_file_that_cannot_be_read_says_why(
    workspace: Workspace, name: str, make: Callable[[], bytes], code: str
) -> None:
    failed = workspace.api.add(name, make())
    assert failed["status"] == "failed", failed
    assert failed["failure"]["code"] == code
    assert all(failed["failure"][part] for part in ("happened", "kept", "todo"))
    asked = workspace.api.ask(workspace.api.conversation(), "What was revenue?", document_ids=[failed["id"]])
    check_problem(asked, 409, "document.failed")
    check_problem(workspace.api.get(f"/api/v1/documents/{failed['id']}/pages/0"), 404, "document.not_read")
    assert workspace.api.delete(f"/api/v1/documents/{failed['id']}").status_code == 204


def test_content_decides_and_not_the_name(workspace: Workspace) -> None:
    for name, data, kind in (
        ("workbook.pdf", files.xlsx(), "xlsx"),
        ("report.xlsx", files.pdf(), "pdf"),
        ("corner.xlsx", files.xlsx(far="XFD1048576"), "xlsx"),
    ):
        read = workspace.api.add(name, data)
        assert (read["status"], read["kind"]) == ("ready", kind), read
        workspace.api.delete(f"/api/v1/documents/{read['id']}")


def test_an_empty_upload_is_refused(workspace: Workspace) -> None:
    check_problem(workspace.api.upload("empty.pdf", b""), 422, "document.empty")
    check_problem(workspace.api.http.post("/api/v1/documents", files={"file": ("", b"x")}), 422, "upload.malformed")
    check_problem(
        workspace.api.http.post("/api/v1/documents", files={"other": ("a.txt", b"x")}), 422, "upload.malformed"
    )


# -- sizes


def test_ten_gigabytes_announced_are_refused_before_they_are_sent(install: Install, workspace: Workspace) -> None:
    before = _stored(install)
    line = _secure(install)
    line.sendall(
        f"POST /api/v1/documents HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {workspace.token}\r\n"
        f"content-type: multipart/form-data; boundary=b\r\ncontent-length: {10 * GIB}\r\n\r\n".encode()
    )
    said = _reply(line)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b'"body.too_large"' in said
    assert b'"limit_bytes"' in said
    assert _stored(install) == before


def test_ten_gigabytes_without_a_length_are_cut_off_at_the_limit(install: Install, workspace: Workspace) -> None:
    before, sent = _stored(install), 0
    block = files.noise(MIB)

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(10 * GIB // MIB):
            sent += len(block)
            yield block

    health: list[int] = []
    over = threading.Event()

    def others() -> None:
        api = install.client(token=workspace.token)
        while not over.is_set():
            health.append(api.get("/api/v1/documents").status_code)

    watcher = threading.Thread(target=others)
    watcher.start()
    headers, body = _multipart("endless.csv", endless())
    try:
        reply = workspace.api.http.post("/api/v1/documents", content=body, headers=headers)
    finally:
        over.set()
        watcher.join()
    check_problem(reply, 413, reply.json()["code"])
    assert reply.json()["code"] in {"body.too_large", "upload.too_large"}
    assert sent < UPLOAD_MAX + 32 * MIB
    assert set(health) == {200}
    assert _stored(install) == before
    assert "endless.csv" not in [item["name"] for item in workspace.api.get("/api/v1/documents").json()["items"]]


def test_a_document_deleted_while_it_is_read_leaves_nothing(install: Install, workspace: Workspace) -> None:
    before = _stored(install)
    made = workspace.api.upload("long.pdf", files.pdf(pages=900, prose=["A line of prose."] * 30)).json()
    path = f"/api/v1/documents/{made['id']}"
    until(lambda: workspace.api.get(path).json()["status"] == "reading")
    assert workspace.api.delete(path).status_code == 204
    check_problem(workspace.api.get(path), 404, "document.unknown")
    read = {"event": "document_read", "document": made["id"]}
    until(lambda: any(read.items() <= line.items() for line in install.lines()))
    assert not any(made["id"][4:] in name for name in _stored(install) - before)


# -- neighbours


def test_a_second_server_on_the_same_directory_is_refused(install: Install, workspace: Workspace) -> None:
    second = install.run("serve", "--data-dir", str(install.data_dir), "--port", str(free_port()))
    assert second.returncode == 6, second.stderr
    assert "data_dir.in_use" in second.stderr
    assert "Traceback" not in second.stderr
    assert workspace.api.get("/api/v1/documents").status_code == 200
    taken = install.run("serve", "--data-dir", str(install.folder / "other"), "--port", str(install.port))
    assert taken.returncode == 11, taken.stderr
    assert "server.no_port" in taken.stderr


def test_slow_clients_hold_up_nobody(
    install: Install, workspace: Workspace, stalled: list[tuple[ssl.SSLSocket, float]]
) -> None:
    assert workspace.api.get("/api/v1/documents").status_code == 200
    # A slow reader too: an answer that nobody takes.
    reader = _secure(install)
    for _ in range(50):
        reader.sendall(b"GET /signin HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert workspace.api.get("/api/v1/documents").status_code == 200
    reader.close()
    for number, (line, _) in enumerate(stalled):
        line.settimeout(60)
        said = line.recv(65536)
        while number % 2 == 0 and b"request_id" not in said:
            said += line.recv(65536)
        if number % 2 == 0:
            assert said.startswith(b"HTTP/1.1 408 "), said[:100]
            assert b'"body.slow"' in said
        else:
            assert said == b""


def _is_hung_up_on(line: socket.socket) -> bool:
    line.settimeout(0.005)
    try:
        return line.recv(100) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_who_says_nothing_is_hung_up_on(install: Install, workspace: Workspace) -> None:
    """With the patience that the preamble sets, strangers who only connect do not keep their places."""
    # The silent ones alone make a crowd: a bare one may also be dropped for not shaking hands.
    silent = [_secure(install) for _ in range(110)]
    bare = [socket.create_connection(("127.0.0.1", install.port)) for _ in range(20)]
    assert workspace.api.get("/api/v1/documents").status_code == 200
    # Hung up on until there is no crowd any more: half of the places are free again.
    until(lambda: sum(map(_is_hung_up_on, (*silent, *bare))) >= len(silent) + len(bare) - 100)
    # Streams are not idle: they have their heartbeats.
    thread, heard = _asked(workspace, "wait 2")
    thread.join()
    assert heard[-1][0] == "answer"


# -- the database


def _is_other(install: Install, killed: int) -> bool:
    with contextlib.suppress(OSError, IndexError, ValueError):  # the file is being written
        return install.postgres_pid != killed
    return False


def test_a_killed_database_comes_back_with_everything(install: Install, workspace: Workspace) -> None:
    kept: list[str] = []
    refused: list[httpx.Response] = []
    over = threading.Event()

    def work(_: int) -> None:
        api = install.client(token=workspace.token)
        while not over.is_set():
            title = str(uuid.uuid4())
            reply = api.post("/api/v1/conversations", {"title": title})
            kept.append(reply.json()["id"]) if reply.status_code == 201 else refused.append(reply)

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work, number) for number in range(3)]
        try:
            until(lambda: len(kept) > 20)
            killed = install.postgres_pid
            os.kill(killed, signal.SIGKILL)
            until(lambda: refused or _is_other(install, killed))  # it may be back before anybody notices
            assert workspace.api.get("/healthz").status_code == 200
            so_far = len(kept)
            until(lambda: len(kept) > so_far + 20)
        finally:
            over.set()
        for each in working:
            each.result()
    until(lambda: workspace.api.get("/readyz").status_code == 200)
    for reply in refused:
        problem = check_problem(reply, 503, reply.json()["code"])
        assert problem["code"].startswith("database."), problem
        assert int(reply.headers["retry-after"]) > 0
    for identity in kept:
        assert workspace.api.get(f"/api/v1/conversations/{identity}").status_code == 200
    # Reading goes on as well.
    assert workspace.api.add("afterwards.csv", files.table_csv())["status"] == "ready"


# -- the end of the process


def _asked(workspace: Workspace, question: str) -> tuple[threading.Thread, list[tuple[str, Any]]]:
    """The question's stream, heard in the background; returns once the turn has begun."""
    heard: list[tuple[str, Any]] = []
    api = workspace.install.client(token=workspace.token)
    conversation = api.conversation()

    def listen() -> None:
        path = f"/api/v1/conversations/{conversation}/messages"
        with (
            contextlib.suppress(httpx.TransportError),
            api.http.stream("POST", path, json={"content": question}, headers={"accept": "text/event-stream"}) as reply,
        ):
            heard.extend(("", None) for _ in ())
            for event in events_of(reply):
                heard.append(event)  # one by one, as they come

    thread = threading.Thread(target=listen)
    thread.start()
    until(lambda: heard)
    return thread, heard


def _turn(workspace: Workspace, heard: list[tuple[str, Any]]) -> dict[str, Any]:
    begun = heard[0][1]
    path = f"/api/v1/conversations/{begun['conversation_id']}/messages/{begun['id']}"
    found: dict[str, Any] = workspace.install.client(token=workspace.token).get(path).json()
    return found


def test_a_token_revoked_during_an_answer_hears_no_more(workspace: Workspace) -> None:
    api, token = workspace.with_scopes("conversations")
    conversation = api.conversation()
    heard: list[tuple[str, Any]] = []
    path = f"/api/v1/conversations/{conversation}/messages"
    with api.http.stream("POST", path, json={"content": "wait 4"}, headers={"accept": "text/event-stream"}) as reply:
        for event in events_of(reply):
            if not heard:
                assert workspace.browser.delete(f"/api/v1/tokens/{token}").status_code == 204
            heard.append(event)
    assert (heard[-1][0], heard[-1][1].get("code")) == ("problem", "token.unknown")
    assert "answer" not in [name for name, _ in heard]
    # The question was asked before that, so its owner gets the answer.
    until(lambda: _turn(workspace, heard)["state"] != "working")


def test_a_cancelled_turn_stops(workspace: Workspace) -> None:
    thread, heard = _asked(workspace, "wait 20")
    turn = _turn(workspace, heard)
    assert turn["state"] == "working"
    path = f"/api/v1/conversations/{turn['conversation_id']}/messages/{turn['id']}/cancel"
    assert workspace.api.post(path).status_code == 202
    thread.join(10)
    assert not thread.is_alive()
    assert heard[-1][0] == "answer"
    assert heard[-1][1]["state"] == _turn(workspace, heard)["state"] == "cancelled"


def test_closing_the_stream_loses_no_answer(workspace: Workspace) -> None:
    api = workspace.install.client(token=workspace.token)
    path = f"/api/v1/conversations/{api.conversation()}/messages"
    with api.http.stream("POST", path, json={"content": "wait 2"}, headers={"accept": "text/event-stream"}) as reply:
        begun = next(events_of(reply))
    until(lambda: _turn(workspace, [begun])["state"] == "declined")


def test_sigterm_lets_answers_end(install: Install, workspace: Workspace) -> None:
    short, heard_short = _asked(workspace, "wait 2")
    long, heard_long = _asked(workspace, "wait 60")
    assert install.process is not None
    install.process.send_signal(signal.SIGTERM)
    short.join(30)
    long.join(30)
    assert install.process.wait(60) == 0
    assert heard_short[-1][0] == "answer"
    install.start()
    assert _turn(workspace, heard_short)["state"] == "declined"
    assert _turn(workspace, heard_long)["state"] == "cancelled", "cut off instead of settled"


def test_a_killed_server_leaves_nothing_half_done(install: Install, workspace: Workspace) -> None:
    token, before = workspace.token, _stored(install)
    api = install.client(token=token)
    acknowledged = api.upload("long.pdf", files.pdf(pages=900, prose=["A line of prose."] * 30)).json()["id"]
    until(lambda: api.get(f"/api/v1/documents/{acknowledged}").json()["status"] == "reading")
    answering, heard = _asked(workspace, "wait 60")
    under_way, ended, key = threading.Event(), threading.Event(), str(uuid.uuid4())

    def half() -> Iterator[bytes]:
        for _ in range(5):
            yield b"a line of text\n" * 70_000
        under_way.set()
        ended.wait(60)

    def send() -> None:
        headers, body = _multipart("half.txt", half())
        with contextlib.suppress(httpx.TransportError):
            sender.http.post("/api/v1/documents", content=body, headers={**headers, "idempotency-key": key})

    sender = install.client(token=token)
    uploading = threading.Thread(target=send)
    uploading.start()
    assert under_way.wait(30)
    listed = until(lambda: [d for d in api.get("/api/v1/documents").json()["items"] if d["name"] == "half.txt"])
    assert listed[0]["status"] == "uploading"
    again = install.client(token=token).upload("half.txt", b"text", key=key)
    check_problem(again, 409, "idempotency.under_way")

    install.kill()
    ended.set()
    uploading.join(30)
    answering.join(30)
    install.start()

    api = install.client(token=token)
    until(lambda: _turn(workspace, heard)["state"] == "failed")
    until(lambda: api.get(f"/api/v1/documents/{listed[0]['id']}").status_code == 404)
    assert api.settled(acknowledged)["status"] == "ready"
    assert not any(".arriving" in name or listed[0]["id"][4:] in name for name in _stored(install) - before)
    assert api.upload("half.txt", b"text", key=key).status_code == 201


def test_the_log_is_events_to_the_last_line(install: Install) -> None:
    lines = install.lines()
    assert lines
    assert all(line["at"] and line["event"] for line in lines)
    unforeseen = [
        line for line in lines if line["event"] == "exception_raised" and line.get("where") in {"guard", "process"}
    ]
    assert unforeseen == []
