"""What a real server costs: start-up, reading, the first token, the whole answer, memory.

    python bench/serving.py FOLDER [--json] [--questions 80]

FOLDER holds PDF filings and, if there is one, ``questions.jsonl`` with their questions. The server is ``smalt serve`` as
anyone starts it, over TLS, with its embedded PostgreSQL; memory is PSS (shared pages divided among who shares them),
summed over the server, PostgreSQL and their children.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from smalt.cli.demo_client import Client
from smalt.cli.demo_server import Server
from smalt.cli.options import settings_with

PLAIN = (
    "What was total revenue in 2024?",
    "What was net income in 2024?",
    "What was capex in 2024?",
    "What was free cash flow in 2024?",
    "What were total assets at the end of 2024?",
)
SETTLE_S = 8.0


@dataclass
class Served:
    """Times in seconds or milliseconds as named; memory in MiB."""

    cold_start_s: float = 0.0
    warm_start_s: float = 0.0
    idle_mib: float = 0.0
    documents: int = 0
    pages: int = 0
    ready_s: float = 0.0
    largest_pages: int = 0
    largest_ready_s: float = 0.0
    questions: int = 0
    first_token_p50_ms: float = 0.0
    first_token_p95_ms: float = 0.0
    answer_p50_ms: float = 0.0
    answer_p95_ms: float = 0.0
    busy_mib: float = 0.0
    after_mib: float = 0.0


def measure(folder: Path, questions: int) -> Served:
    """One server, started twice on the same directory: cold, then warm."""
    place = Path(tempfile.mkdtemp(prefix="smalt-bench-"))
    place.chmod(0o711)
    served = Served()
    try:
        with _started(place) as (server, took_s):
            served.cold_start_s = took_s
            token = _token(server)
        with _started(place) as (server, took_s):
            served.warm_start_s = took_s
            time.sleep(SETTLE_S)
            served.idle_mib = memory_mib(server)
            with Client(server.url, server.ca, token) as client:
                _read(client, folder, served)
                _ask(server, token, client, _questions(folder, questions), served)
            time.sleep(SETTLE_S)
            served.after_mib = memory_mib(server)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return served


@contextmanager
def _started(place: Path) -> Iterator[tuple[Server, float]]:
    server = Server(settings_with(data_dir=place / "data"), place / "server.log")
    began = time.perf_counter()
    with server:
        yield server, round(time.perf_counter() - began, 2)


def _token(server: Server) -> str:
    made = server.command("tenant", "create", "Bench", "--owner-name", "B", "--owner-email", "b@example.com")
    return str(server.command("token", "create", "--tenant", made["tenant"])["secret"])


def _read(client: Client, folder: Path, served: Served) -> None:
    """Every filing, one after the other, from the upload's first byte to "ready"."""
    for path in sorted(folder.glob("*.pdf")):
        began = time.perf_counter()
        found = client.wait(client.add(path.name, path.read_bytes()), lambda _status, _percent: None)
        took_s = time.perf_counter() - began
        pages = int(found["pages"])
        served.documents, served.pages = served.documents + 1, served.pages + pages
        served.ready_s += took_s
        if pages > served.largest_pages:
            served.largest_pages, served.largest_ready_s = pages, round(took_s, 2)
    served.ready_s = round(served.ready_s, 2)


def _questions(folder: Path, most: int) -> list[str]:
    file = folder / "questions.jsonl"
    if not file.is_file():
        return [*PLAIN] * (most // len(PLAIN))
    lines = [json.loads(line)["question"] for line in file.read_text("utf-8").splitlines() if line.strip()]
    step = max(1, len(lines) // most)
    return lines[::step][:most]


def _ask(server: Server, token: str, client: Client, questions: Sequence[str], served: Served) -> None:
    """Each question of all documents at once, streamed. The first one opens the index segments and is left out."""
    first: list[float] = []
    whole: list[float] = []
    conversation = client.converse("bench")
    import ssl

    trust = ssl.create_default_context(cafile=str(server.ca))
    with httpx.Client(base_url=server.url, verify=trust, trust_env=False, timeout=60) as http:
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        for number, question in enumerate([questions[0], *questions]):
            began = time.perf_counter()
            token_at = None
            path = f"/api/v1/conversations/{conversation}/messages"
            with http.stream("POST", path, json={"content": question}, headers=headers) as reply:
                for line in reply.iter_lines():
                    if token_at is None and line == "event: delta":
                        token_at = time.perf_counter()
            if number == 0:
                continue
            ended = time.perf_counter()
            first.append(((token_at or ended) - began) * 1000)
            whole.append((ended - began) * 1000)
            if number == len(questions) // 2:
                served.busy_mib = memory_mib(server)
    served.questions = len(whole)
    served.first_token_p50_ms, served.first_token_p95_ms = _p50_p95(first)
    served.answer_p50_ms, served.answer_p95_ms = _p50_p95(whole)


def _p50_p95(values: Sequence[float]) -> tuple[float, float]:
    return round(statistics.median(values), 1), round(statistics.quantiles(values, n=20)[-1], 1)


def memory_mib(server: Server) -> float:
    """PSS of the server's process, all its descendants, and the PostgreSQL that it runs under another account."""
    process = server._process  # noqa: SLF001  # the bench looks at what the demonstration started
    if process is None:
        return 0.0
    return round(sum(_pss_kib(pid) for pid in _tree(process.pid)) / 1024, 1)


def _tree(root: int) -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = {root}
    while True:
        more = {pid for pid, parent in pairs if parent in found} - found
        if not more:
            return found
        found |= more


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--questions", type=int, default=80)
    asked = parser.parse_args()
    if os.name != "posix":
        return 2
    found: dict[str, Any] = asdict(measure(asked.folder, asked.questions))
    for name, value in found.items():
        sys.stdout.write("" if asked.json else f"{name:24} {value}\n")
    if asked.json:
        sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
