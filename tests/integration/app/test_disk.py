"""A full disk under a running server: said clearly by every way in, nothing half stored, over when there is room.

The disk is a small file system of the server's own, which takes the right to mount: root's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import files
from tests.conformance.client import Install, check_problem, fresh_folder, until

MIB = 1 << 20
SIZE_MIB = 224


class OnSmallDisk(Install):
    """Its data directory is a file system that only this server's process and its children see."""

    def _mounted(self) -> str:
        return f'mount -t tmpfs -o size={SIZE_MIB}m,mode=711 tmpfs "{self.folder}/data"'

    def command(self, *arguments: str) -> list[str]:
        program = f'{self._mounted()} && exec "$@"'
        return ["unshare", "-m", "sh", "-c", program, "sh", *super().command(*arguments)]

    def inside(self, *command: str) -> list[str]:
        assert self.process is not None
        return ["nsenter", "-t", str(self.process.pid), "-m", *command]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.inside(sys.executable, "-m", "smalt", *arguments),
            capture_output=True,
            text=True,
            env={**self.environ(), "SMALT_DATA_DIR": str(self.folder / "data")},
            timeout=120,
            check=False,
        )

    @property
    def seen_from_outside(self) -> Path:
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.folder}/data")

    @property
    def ca(self) -> Path:
        return self.seen_from_outside / "tls" / "ca.pem"

    def free_bytes(self) -> int:
        found = os.statvfs(self.seen_from_outside)
        return found.f_bavail * found.f_frsize


@pytest.fixture
def install() -> Iterator[OnSmallDisk]:
    made = OnSmallDisk(fresh_folder())
    made.data_dir.mkdir(mode=0o711)
    attempt = ["unshare", "-m", "sh", "-c", made._mounted()]
    if os.geteuid() != 0 or subprocess.run(attempt, capture_output=True, check=False).returncode:
        made.forget()
        pytest.skip("needs root with the right to mount: only so can a test have a full disk of its own")
    try:
        made.start()
        yield made
    finally:
        made.stop()
        made.forget()


def test_a_full_disk_is_said_and_survived(install: OnSmallDisk) -> None:
    workspace = install.workspace()
    api = workspace.api
    kept = api.add("report.pdf", files.pdf())
    assert kept["status"] == "ready"
    question = {"document_ids": [kept["id"]]}
    conversation = api.conversation()
    first = api.ask(conversation, "What was operating income in 2024?", **question).json()
    assert first["state"] == "answered"

    stored: list[str] = []
    for size in (12 * MIB, MIB, MIB // 16):
        while (reply := api.upload("noise.bin", files.noise(size))).status_code == 201:
            stored.append(reply.json()["id"])
            assert len(stored) < 400
        check_problem(reply, 503, "disk.full")
    assert int(reply.headers["retry-after"]) > 0
    check_problem(api.get("/readyz"), 503, "disk.full")
    assert api.get("/healthz").status_code == 200

    # Nothing of the refused ones stays, and what is there can be read.
    assert install.free_bytes() < MIB
    assert {item["id"] for item in api.get("/api/v1/documents", params={"limit": 200}).json()["items"]} <= {
        *stored,
        kept["id"],
    }
    said = [api.ask(conversation, "What was operating income in 2023?", **question) for _ in range(3)]
    for turn in said:
        assert turn.status_code == 201 or check_problem(turn, 503, turn.json()["code"])

    for document in stored:
        until(lambda one=document: api.delete(f"/api/v1/documents/{one}").status_code in {204, 404})
    until(lambda: api.get("/readyz").status_code == 200)
    assert api.add("afterwards.csv", files.table_csv())["status"] == "ready"
    assert api.get(f"/api/v1/conversations/{conversation}").json()["messages"][0] == first
    assert api.ask(conversation, "What was operating income in 2024?", **question).json()["state"] == "answered"
    install.lines()
