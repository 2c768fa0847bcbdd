"""A taken port: the doctor says so, and one that was asked for by name is not replaced by another."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from smalt.cli import probes
from smalt.cli.probes import State
from smalt.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_doctor_sees_a_taken_and_a_free_port(taken):
    assert probes.port(Settings(port=taken)).state is State.WARN
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert probes.port(Settings(port=free)).state is State.OK


def test_the_document_reader_of_this_machine_is_asked():
    assert "locked away from" in probes.document_reader(Settings()).found


def test_a_port_that_was_asked_for_is_not_replaced(taken, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "smalt", "serve", "--port", str(taken), "--data-dir", str(tmp_path / "data")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 11, ran.stderr
    assert "[server.no_port]" in ran.stderr
    assert not (tmp_path / "data").exists()


def test_failures_of_serve_are_failures_of_the_closed_set(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "smalt", "doctor", "--json", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["error"]["code"] == "usage"
