"""What is typed after ``make demo`` arrives as it was typed, from a folder with spaces, and nothing of it is executed."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def clone(tmp_path):
    """A clone whose Python prints what it was given instead of running Smalt."""
    folder = tmp_path / "a clone with spaces"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "tools" / "python.sh").write_text("exit 0\n")
    python = folder / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nprintf "%s|%s|%s" "$SMALT_DEMO_FILE" "$SMALT_DEMO_QUESTION" "$*"\n')
    python.chmod(0o755)
    return folder


def run(clone, *words):
    return subprocess.run(
        ["make", "-C", str(clone), "--no-print-directory", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "question",
    [
        "What was revenue in 2024?",
        "What is \"net income\" & 'capex'; really?",
        "Is it $5 or $(shell touch made) or `touch made` or $$HOME?",
        "50% # of what \\ exactly",
    ],
)
def test_words_arrive_as_typed(clone, question):
    ran = run(clone, "demo", "FILE=my reports/10-K (2024).pdf", f"QUESTION={question}")
    assert ran.stdout == f"my reports/10-K (2024).pdf|{question}|-m smalt demo", ran.stderr
    assert not (clone / "made").exists()


def test_without_words_nothing_is_passed(clone):
    assert run(clone, "demo").stdout == "||-m smalt demo"


def test_help_names_every_target(clone):
    targets = {
        line.split(":")[1].strip()
        for line in (clone / "Makefile").read_text().splitlines()
        if line.startswith(".PHONY")
    }
    said = run(clone).stdout
    for target in " ".join(targets).split():
        assert target == "help" or f"make {target}" in said
