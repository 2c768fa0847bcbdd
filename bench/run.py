"""Measure everything and write ``bench/RESULTS.md``: `make bench`.

    python bench/run.py [--data FOLDER] [--out bench/RESULTS.md]

FOLDER is laid out like the development data (``filings/``, ``ledger/``, …). Without it the samples are served and the
suites of answers are left out, and the results say so. Each part runs in a process of its own, one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SUITES = (("filings", "filings"), ("rows", "filings"), ("ledger", "ledger"), ("tenq", "tenq_qa"))


def run(*words: object) -> str:
    """Standard output of one part; its standard error passes through."""
    began = time.monotonic()
    sys.stderr.write(f"… {' '.join(str(word) for word in words[:2])}\n")
    ran = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=HERE.parent,
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    sys.stderr.write(f"  {time.monotonic() - began:.0f} s\n")
    return ran.stdout


def machine() -> Iterator[str]:
    """The machine, without its name."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield f"- {datetime.now(UTC).date().isoformat()}, {os.cpu_count()} cores ({model}), {pages / 2**30:.0f} GiB"
    yield f"- {platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield f"- load average before: {', '.join(f'{one:.1f}' for one in os.getloadavg())}"


def table(rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    head, *body = rows
    yield "| " + " | ".join(map(str, head)) + " |"
    yield "|" + " --- |" * len(head)
    for row in body:
        yield "| " + " | ".join(map(str, row)) + " |"
    yield ""


def isolation() -> Iterator[str]:
    found: dict[str, Any] = json.loads(run("bench/isolation.py", "--json"))
    yield "## Isolation and sealing: the same work with and without\n"
    yield "`python bench/isolation.py`\n"
    yield from table([("measure", "value"), *found.items()])


def pdf(folder: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "pdf.json"
        run("bench/pdf_speed.py", folder, "--json", out)
        found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    yield "## Reading PDF, against pdfplumber in the same run\n"
    yield "`python bench/pdf_speed.py FOLDER`\n"
    yield from table([("measure", "value"), *((name, value) for name, value in found.items() if name != "files")])


def serving(folder: Path) -> Iterator[str]:
    found: dict[str, Any] = json.loads(run("bench/serving.py", folder, "--json"))
    yield "## A real server: `smalt serve` over TLS with its embedded PostgreSQL\n"
    yield "`python bench/serving.py FOLDER`. Memory is PSS over all processes.\n"
    yield from table([("measure", "value"), *found.items()])


def trust() -> Iterator[str]:
    found: dict[str, Any] = json.loads(run("bench/trust.py", "--json"))
    yield "## The Trust Center: sets of checks, page, bundle, verification\n"
    yield "`python bench/trust.py`. The hourly set must take less than 120 s.\n"
    yield from table([("measure", "value"), *found.items()])


def answers(data: Path) -> Iterator[str]:
    yield "## Answers, scored by the data's own scorer\n"
    yield "`python bench/predict.py SUITE FOLDER OUT` and `score.py`.\n"
    scorer = data / "score.py"
    with tempfile.TemporaryDirectory() as place:
        for suite, folder in SUITES:
            out = Path(place) / f"{suite}.jsonl"
            run("bench/predict.py", suite, data / folder, out)
            found = json.loads(run(scorer, suite, data / folder, out))
            rows = found.items() if all(isinstance(row, dict) for row in found.values()) else [(suite, found)]
            names = list(next(iter(dict(rows).values())))
            yield f"### {suite}\n"
            yield from table([("kind", *names), *((kind, *row.values()) for kind, row in rows)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = os.environ.get("SMALT_SHARED_DATA", str(HERE.parent.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(known))
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    asked = parser.parse_args()
    lines = ["# Results", "", "Written by `make bench`; measured, never typed.", "", *machine(), ""]
    with tempfile.TemporaryDirectory() as place:
        folder = asked.data / "filings"
        if not folder.is_dir():
            lines += ["The development data is not there: the generated sample stands in for filings.", ""]
            folder = Path(place)
            from smalt.cli.sample.report import pdf as sample

            (folder / "sample.pdf").write_bytes(sample("bench"))
        lines += [*isolation(), *pdf(folder), *serving(folder), *trust()]
        if (asked.data / "score.py").is_file():
            lines += answers(asked.data)
    asked.out.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    sys.stdout.write(asked.out.read_text("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
