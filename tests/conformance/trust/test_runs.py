"""A run by hand: it takes turns with another, and leaves no result when it is interrupted."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import Install, fresh_folder, until
from tests.conformance.trust.test_challenge import entries_of


def results(install: Install) -> int:
    return sum("result" in one["predicate"] for one in entries_of(install))


def start(install: Install, *claims: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "smalt", "trust", "run", *claims],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**install.environ(), "SMALT_DATA_DIR": str(install.data_dir)},
        cwd=install.folder,
    )


@pytest.fixture(scope="module")
def install() -> Iterator[Install]:
    """A server of its own: others post so many challenges that one address has to wait."""
    with Install(fresh_folder()) as running:
        yield running


def test_an_interrupted_run_leaves_no_result_and_says_so(install: Install) -> None:
    assert install.run("trust", "run", "trust.keys", "--json").returncode == 0
    for number in (signal.SIGINT, signal.SIGTERM):
        before, nonce = results(install), f"{number:032x}"
        assert install.client().post("/trust/challenge", {"nonce": nonce}).status_code == 202
        run = start(install)
        assert run.stderr is not None
        run.stderr.readline()  # the first check has ended
        run.send_signal(number)
        said = run.stderr.read()
        assert run.wait(30) == 130
        assert "No result of this run is in the log" in said
        assert results(install) == before
        assert install.client().get(f"/trust/challenge/{nonce}").json()["state"] == "waiting"
    assert install.run("trust", "run", "trust.keys", "--json").returncode == 0


def test_it_waits_for_another_run(install: Install) -> None:
    before = results(install)
    lock = os.open(install.data_dir / "checker" / "run.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    run = start(install, "trust.keys")
    until(lambda: _is_at_the_door(run.pid))
    assert results(install) == before
    os.close(lock)
    assert run.wait(60) == 0
    assert results(install) == before + 1


def _is_at_the_door(pid: int) -> bool:
    """Whether the run has the lock's file open."""
    try:
        opened = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return any(path.endswith("run.lock") for path in opened)


def test_the_exit_code_tells(install: Install) -> None:
    ran = install.run("trust", "run", "no.claim", "--json")
    assert ran.returncode == 5
    assert json.loads(ran.stdout)["error"]["code"] == "trust.no_claim"
