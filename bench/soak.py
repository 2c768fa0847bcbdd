"""Ask for a long time and watch: memory, failures, times. `make soak`, by default ten minutes.

    python bench/soak.py [--minutes 10]

Runs on the generated samples against a real server on loopback. Exit 1 when a request failed or memory kept growing.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path

from serving import PLAIN, memory_mib

from smalt.cli.demo_client import Client
from smalt.cli.demo_server import Server
from smalt.cli.options import settings_with
from smalt.cli.sample.report import pdf
from smalt.kernel.errors import Failure

GROWTH_MAX = 1.3
"""How much more memory than after a fifth of the time counts as growing."""
REPORT_EVERY_S = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    seconds = parser.parse_args().minutes * 60
    failed = asked = 0
    early = late = 0.0
    with tempfile.TemporaryDirectory(prefix="smalt-soak-") as place:
        Path(place).chmod(0o711)
        with Server(settings_with(data_dir=Path(place) / "data"), Path(place) / "server.log") as server:
            made = server.command("tenant", "create", "Soak", "--owner-name", "S", "--owner-email", "s@example.com")
            token = server.command("token", "create", "--tenant", made["tenant"])
            with Client(server.url, server.ca, token["secret"]) as client:
                client.wait(client.add("report.pdf", pdf("soak")), lambda _status, _percent: None)
                began = reported = time.monotonic()
                conversation = client.converse("soak")
                for question in itertools.cycle(PLAIN):
                    now = time.monotonic()
                    if now - began > seconds:
                        break
                    if asked % 200 == 199:
                        conversation = client.converse("soak")
                    try:
                        client.ask(conversation, question)
                    except Failure:
                        failed += 1
                    asked += 1
                    if now - reported > REPORT_EVERY_S:
                        reported, late = now, memory_mib(server)
                        early = early or (late if now - began > seconds / 5 else 0.0)
                        print(f"{now - began:6.0f} s  {asked} asked  {failed} failed  {late} MiB", flush=True)
    print(f"{asked} asked, {failed} failed, {early} MiB early, {late} MiB at the end")
    return 1 if failed or (early and late > early * GROWTH_MAX) else 0


if __name__ == "__main__":
    sys.exit(main())
