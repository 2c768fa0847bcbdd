"""The demonstration as a newcomer runs it: a real server, twice in a row, from a folder with spaces, on a taken port."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 180


@pytest.fixture
def folder(place):
    clone = place / "a clone with spaces"
    clone.mkdir(mode=0o711)
    yield clone
    pointer = clone / "build" / "demo" / "data" / "postgres.place"
    if pointer.exists():  # as root the database may lie where its account can reach it
        shutil.rmtree(pointer.read_text("utf-8").strip(), ignore_errors=True)


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SMALT_DATA_DIR": "unused"} | variables
    return subprocess.run(
        [sys.executable, "-m", "smalt", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_twice_in_a_row_beside_a_taken_port(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        for _ in range(2):
            ran = run(folder, "demo", "--json", SMALT_PORT=str(taken))
            assert ran.returncode == 0, ran.stdout + ran.stderr
            report = json.loads(ran.stdout)
            assert report["url"] != f"https://localhost:{taken}"
            check(report)
    assert not (folder / "unused").exists()


def check(report: dict) -> None:
    answers = [turn["answer"] for turn in report["turns"]]
    assert [document["status"] for document in report["documents"]] == ["ready", "ready"]
    assert "2,014" in answers[0]["text"]
    assert "211" in answers[1]["text"]
    assert "540" in answers[2]["text"]
    assert answers[2]["formula"]
    assert "345" in answers[3]["text"]
    assert answers[3]["citations"][0]["cell"]
    assert [answer["declined"] for answer in answers] == [False, False, False, False, True]
    for answer in answers[:3]:
        assert answer["citations"][0]["page"] is not None
        assert answer["citations"][0]["quote"]
    search = report["search"]
    assert search["found"] == {}
    assert search["unreadable"] == 0
    assert search["control_found"] == search["control_planted"] >= 40
    assert search["bytes"] > 10_000_000
    assert report["stopped_cleanly"]


def test_an_own_document_and_a_failure_that_says_why(folder):
    (folder / "notes (2025).md").write_text("# Notes\n\nRevenue was $12 million in 2025.\n", "utf-8")
    ran = run(folder, "demo", "--json", SMALT_DEMO_FILE="notes (2025).md", SMALT_DEMO_QUESTION="What was revenue?")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["documents"][0]["status"] == "ready"
    ran = run(folder, "demo", "--json", "--file", "none.pdf", "--question", "What was revenue?")
    assert ran.returncode == 5
    assert json.loads(ran.stdout)["error"]["code"] == "file.missing"
