"""The bundle of a running server, as a reviewer takes it: over HTTPS, and verified by the script inside it, and by the command."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.client import Install, Workspace
from tests.peers.running import needs_peers, run_peer


@pytest.fixture(scope="module")
def taken(install: Install, ours: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reviewer's folder with the bundle that was served, unpacked beside it."""
    ran = install.run("trust", "run", "enc.hsts", "trust.log", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    folder = tmp_path_factory.mktemp("reviewer")
    reply = install.client().get("/trust/bundle.zip")
    assert reply.headers["content-type"] == "application/zip"
    (folder / "bundle.zip").write_bytes(reply.content)
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        archive.extractall(folder)
    return folder


def by_script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "verify.py", "bundle.zip", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_script_inside_verifies_it(taken: Path) -> None:
    ran = by_script(taken)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said: dict[str, Any] = json.loads(by_script(taken, "--json", "--key", "keys.json").stdout)
    assert said["claims"]["enc.hsts"] == {"page": "verified", "now": "verified"}
    assert {line["result"] for line in said["lines"]} == {"holds", "note"}


def test_a_month_later_it_does_not_hold(taken: Path) -> None:
    later = str(json.loads((taken / "claims.json").read_bytes())["now"] + 30 * 86_400)
    ran = by_script(taken, "--now", later)
    assert ran.returncode == 10
    assert "enc.hsts was verified on the page, and is stale" in ran.stdout


def test_the_command_says_the_same_and_the_log_only_grows(install: Install, taken: Path) -> None:
    out, again = taken / "own.zip", taken / "again.zip"
    made = install.run("trust", "bundle", str(out), "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    key = json.loads(made.stdout)["log_key"]
    kept = str(taken / "log" / "checkpoint")
    assert install.run("trust", "verify", str(out), "--key", key).returncode == 0
    assert install.run("trust", "run", "trust.log", "--json").returncode == 0
    assert install.run("trust", "bundle", str(again)).returncode == 0
    seen = install.run("trust", "verify", str(again), "--key", key, "--previous-checkpoint", kept)
    assert seen.returncode == 0, seen.stdout
    assert "the log only grew" in seen.stdout
    raw = bytearray(again.read_bytes())
    raw[len(raw) // 2] ^= 1
    again.write_bytes(raw)
    assert install.run("trust", "verify", str(again), "--key", key).returncode == 12


@needs_peers
def test_independent_programs_accept_its_log_and_envelopes(taken: Path) -> None:
    assert run_peer("judge_note.py", taken)["problems"] == []
    tile = next((taken / "log" / "tile" / "entries").rglob("*.p/*")).read_bytes()
    envelopes = []
    while tile:
        length = int.from_bytes(tile[:2], "big")
        envelopes.append(tile[2 : 2 + length].decode())
        tile = tile[2 + length :]
    public = json.loads((taken / "keys.json").read_bytes())["checker_key"]
    judged = run_peer("judge_dsse.py", given=json.dumps({"public": public, "envelopes": envelopes}).encode())
    assert judged == [""] * len(envelopes)
    assert len(envelopes) > 3
