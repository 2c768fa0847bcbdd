"""What the Trust Center costs: the sets of checks, the public page, the bundle and its verification.

    python bench/trust.py [--json] [--entries 20000]

A server as people start it, with a tenant, its documents and the checks' own synthetic tenants. The page is measured
twice: as it is then, and over a log of so many results, as after years of hourly runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from smalt.cli.demo_client import Client
from smalt.cli.demo_server import Server
from smalt.cli.options import settings_with
from smalt.cli.sample.report import pdf

PAGES = 60


@dataclass
class Cost:
    """Times in seconds or milliseconds as named. ``hourly_s`` must be under 120."""

    hourly_checks: int = 0
    hourly_not_passed: str = ""
    hourly_s: float = 0.0
    all_checks: int = 0
    all_not_passed: str = ""
    all_s: float = 0.0
    claims_holding: str = ""
    page_p50_ms: float = 0.0
    page_p95_ms: float = 0.0
    bundle_kb: int = 0
    bundle_s: float = 0.0
    verify_s: float = 0.0
    verify_exit: int = -1
    log_entries: int = 0
    long_page_p50_ms: float = 0.0
    long_page_p95_ms: float = 0.0
    long_first_ms: float = 0.0


def measure(entries: int) -> Cost:
    place = Path(tempfile.mkdtemp(prefix="smalt-bench-"))
    place.chmod(0o711)
    cost = Cost()
    try:
        with Server(settings_with(data_dir=place / "data"), place / "server.log") as server:
            _use(server)
            cost.hourly_checks, cost.hourly_not_passed, cost.hourly_s = _checked(server)
            cost.all_checks, cost.all_not_passed, cost.all_s = _checked(server, "--nightly")
            cost.page_p50_ms, cost.page_p95_ms, _ = _page(server)
            _bundle(server, place, cost)
            shown = _get(server, "/trust/claims.json").json()
            cost.claims_holding = json.dumps(shown["counts"])
            _lengthen(place / "data", entries)
            cost.log_entries = int(_get(server, "/trust/log/checkpoint").text.split("\n")[1])
            cost.long_page_p50_ms, cost.long_page_p95_ms, cost.long_first_ms = _page(server)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return cost


def _use(server: Server) -> None:
    """A customer with a document and a question, so that there is something to leak."""
    made = server.command("tenant", "create", "Bench", "--owner-name", "B", "--owner-email", "b@example.com")
    token = str(server.command("token", "create", "--tenant", made["tenant"])["secret"])
    with Client(server.url, server.ca, token) as client:
        client.wait(client.add("report.pdf", pdf("bench")), lambda _status, _percent: None)
        client.ask(client.converse("Bench"), "What was free cash flow in 2025?")


def _checked(server: Server, *words: str) -> tuple[int, str, float]:
    began = time.perf_counter()
    ran = _smalt(server, "trust", "run", *words, "--json")
    took_s = time.perf_counter() - began
    results = json.loads(ran.stdout)["results"]
    wrong = [f"{one['check']} {one['outcome']}" for one in results if one["outcome"] != "passed"]
    return len(results), ", ".join(wrong) or "none", round(took_s, 1)


def _smalt(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smalt", *words, "--data-dir", str(server.data_dir)],
        capture_output=True,
        text=True,
        check=False,
    )


def _get(server: Server, path: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", verify=str(server.ca), timeout=60, trust_env=False).raise_for_status()


def _page(server: Server) -> tuple[float, float, float]:
    """Median, 95th percentile and the first answer, in milliseconds."""
    with httpx.Client(verify=str(server.ca), timeout=60, trust_env=False) as client:
        taken = []
        for _ in range(PAGES):
            began = time.perf_counter()
            client.get(f"{server.url}/trust").raise_for_status()
            taken.append((time.perf_counter() - began) * 1000)
    return (
        round(statistics.median(taken[1:]), 1),
        round(statistics.quantiles(taken[1:], n=20)[-1], 1),
        round(taken[0], 1),
    )


def _bundle(server: Server, place: Path, cost: Cost) -> None:
    out = place / "bundle.zip"
    began = time.perf_counter()
    out.write_bytes(_get(server, "/trust/bundle.zip").content)
    cost.bundle_s, cost.bundle_kb = round(time.perf_counter() - began, 2), out.stat().st_size // 1024
    began = time.perf_counter()
    verified = subprocess.run(
        [sys.executable, "-m", "smalt", "trust", "verify", str(out)], capture_output=True, check=False
    )
    cost.verify_s, cost.verify_exit = round(time.perf_counter() - began, 2), verified.returncode


def _lengthen(data_dir: Path, entries: int) -> None:
    """Repeat the newest results as later runs would have left them, with the installation's own keys."""
    from smalt.kernel.clock import SystemClock
    from smalt.ledger.envelope import disclose
    from smalt.seal.signing import verify
    from smalt.trust.journal import Journal
    from smalt.trust.keeper import TRUST, Keeper
    from smalt.trust.record import TEST_RESULT

    keeper = Keeper.open(data_dir, SystemClock(), "localhost")
    journal = Journal(data_dir / TRUST)
    public = journal.keys().checker
    made = [disclose(entry, public, verify) for entry in journal.entries()]
    results = [one for one in made if one["predicateType"] == TEST_RESULT]
    more: list[dict[str, Any]] = []
    while len(more) < entries:
        number = len(more)
        one = results[number % len(results)]
        more.append({**one, "predicate": {**one["predicate"], "run": f"run_{number:016x}"}})
    with keeper.writing() as pen:
        pen.add(more[:entries])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--entries", type=int, default=20_000)
    asked = parser.parse_args()
    cost = asdict(measure(asked.entries))
    if asked.json:
        sys.stdout.write(json.dumps(cost) + "\n")
    else:
        for name, value in cost.items():
            sys.stdout.write(f"{name:22} {value}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
