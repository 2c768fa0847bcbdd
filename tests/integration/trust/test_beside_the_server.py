"""The checker beside a real server: it runs by itself, ends with the server, and the server cannot read its keys."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
from pathlib import Path

import pytest

from smalt.seal.apart import abi
from tests.conformance.client import Install, until

# Runs inside the server's process, in a thread that begins when the server answers: what an attacker in it could try.
INSIDE = """
import json, os, pathlib, subprocess, sys, threading, time
import smalt.server as server
greet, folder = server._greet, pathlib.Path(os.environ["TRIED"])

def attempt(act):
    try:
        act()
    except OSError as error:
        return error.errno
    return 0

def trial(own):
    while not (own / "checker.key").exists():
        time.sleep(0.1)
    keys = [own / name for name in ("log.key", "checker.key", "tenants.json")]
    while not keys[2].exists():
        time.sleep(0.1)
    code = "import sys; open(sys.argv[1], 'rb').read()"
    child = [subprocess.run([sys.executable, "-c", code, key], capture_output=True).returncode for key in keys]
    found = {
        "read": [attempt(key.read_bytes) for key in keys],
        "write": [attempt(lambda key=key: key.write_bytes(b"x" * 32)) for key in keys],
        "remove": [attempt(key.unlink) for key in keys],
        "child": child,
        "uid": os.geteuid(),
    }
    (folder / "tried").write_text(json.dumps(found))

def greeted(settings, *more):
    greet(settings, *more)
    threading.Thread(target=trial, args=(settings.data_dir / "checker",), daemon=True).start()

server._greet = greeted
"""


def children(pid: int) -> list[int]:
    """Every process below ``pid``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found += [int(entry.name), *children(int(entry.name))]
    return found


def clockwork_of(install: Install) -> int:
    assert install.process is not None
    [found] = [
        pid
        for pid in children(install.process.pid)
        if b"smalt.trust.clockwork" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found


def is_there(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


@pytest.mark.skipif(abi() < 2, reason="this kernel has no Landlock")
def test_it_runs_by_itself_and_the_server_cannot_read_its_keys(make_install) -> None:
    install = make_install(preamble=INSIDE)
    install.environment |= {"SMALT_TRUST_CHECKS": "1", "TRIED": str(install.folder / "tmp")}
    install.start()
    checkpoint = install.data_dir / "trust" / "log" / "checkpoint"
    until(checkpoint.exists, 120.0)
    tried = json.loads(
        until(lambda: (install.folder / "tmp" / "tried").exists() and (install.folder / "tmp" / "tried").read_text())
    )
    assert tried["read"] == tried["write"] == tried["remove"] == [errno.EACCES] * 3
    assert all(tried["child"])

    events = [line["event"] for line in install.lines()]
    shut = next(line for line in install.lines() if line["event"] == "checker_keys_shut")
    assert shut["shut"] is True
    assert events.index("checker_keys_shut") < events.index("server_started")

    workspace = install.workspace("Works On")  # uploads, blobs, the reader's child and the database all work
    document = workspace.api.add("note.txt", b"Revenue was $5 million in 2024.\n")
    assert document["status"] == "ready"
    answer = workspace.api.ask(workspace.api.conversation(), "What was revenue in 2024?")
    assert answer.status_code == 201
    assert workspace.api.delete(f"/api/v1/documents/{document['id']}").status_code in {200, 204}

    until(lambda: any(line["event"] == "checks_ran" for line in install.lines()), 120.0)
    clockwork = clockwork_of(install)
    assert install.stop() == 0
    assert not is_there(clockwork)
    assert install.lines()[-1]["event"] == "checker_stopped"


def test_it_ends_with_a_server_that_is_killed_and_leaves_a_whole_log(make_install) -> None:
    install = make_install(environment={"SMALT_TRUST_CHECKS": "1"})
    install.start()
    clockwork = clockwork_of(install)
    until(lambda: children(clockwork), 60.0)  # a run is under way
    below = [clockwork, *children(clockwork)]
    install.kill()
    until(lambda: not any(is_there(pid) for pid in below), 60.0)
    install.start()
    until((install.data_dir / "trust" / "log" / "checkpoint").exists, 120.0)
    status = install.operator("trust", "status")
    assert status["log_size"] > 0
    assert install.stop() == 0


def test_without_checks_the_server_is_shut_out_all_the_same(make_install) -> None:
    install = make_install(environment={"SMALT_TRUST_CHECKS": "0"})
    install.start()
    assert install.process is not None
    named = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(install.process.pid)]
    assert not any(b"clockwork" in one for one in named)
    shut = next(line for line in install.lines() if line["event"] == "checker_keys_shut")
    assert shut["shut"] is (abi() >= 2)
    assert os.path.isdir(install.data_dir / "checker")  # noqa: PTH112


def test_a_checker_that_ends_by_itself_is_reported(make_install) -> None:
    install = make_install(environment={"SMALT_TRUST_CHECKS": "1"})
    install.start()
    os.kill(clockwork_of(install), signal.SIGKILL)
    until(lambda: any(line["event"] == "checker_ended" for line in install.lines()), 30.0)
    assert install.client().get("/readyz").status_code == 200
    assert install.stop() == 0
