"""Runs a script of this folder with the independent verifiers (`.venv-peers`), as a program of its own.

    from tests.peers.running import needs_peers, run_peer

    @needs_peers
    def test_it():
        assert run_peer("judge_cyclonedx.py", path) == {"problems": []}

A script takes its arguments from the command line and prints one JSON value. It imports nothing of ours, and nothing of
ours imports what it does: some verifiers are under the GPL (docs/dependencies.md).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
TIMEOUT_S = 300

needs_peers = pytest.mark.skipif(
    not PYTHON.exists(), reason="THE INDEPENDENT VERIFIERS ARE NOT INSTALLED: python tools/install.py peers"
)


def run_peer(script: str, *arguments: object, given: bytes = b"") -> Any:
    """The JSON value that ``script`` prints; `AssertionError` with its last words when it fails. ``given`` is its input."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    done = subprocess.run(
        [str(PYTHON), "-I", str(Path(__file__).with_name(script)), *(str(one) for one in arguments)],
        input=given,
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
        env=kept,
    )
    assert done.returncode == 0, (
        f"{script} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"
    )
    return json.loads(done.stdout)
