"""The shape of the project: short files and functions, nothing of this machine or of a package registry in them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 400
FUNCTION_LINES = 60

# Reviewed: each is one table or one algorithm that reads better whole. Path, or path::function, and why.
EXCEPTIONS: dict[str, str] = {}

REGISTRIES = re.compile(r"pyp[i]\.org|pythonh[o]sted|registry\.npm[j]s|deb\.debia[n]|security\.debia[n]")
MACHINE_PATHS = re.compile(r"(^|[^a-zA-Z0-9_.])/(wor[k]|far[m]|tmp/bash_job[s])/")


def tracked(*endings: str) -> list[Path]:
    """The files git knows, or every file where there is no git (a source archive)."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        skipped = {".venv", ".venv-peers", "build", ".git", ".smalt", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not skipped & set(path.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file() and (not endings or path.suffix in endings)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sources() -> list[Path]:
    return [path for path in tracked(".py") if name_of(path).split("/")[0] in {"smalt", "bench", "tools"}]


def long_files() -> dict[str, int]:
    code = [*sources(), *(path for path in tracked(".js", ".sql") if not name_of(path).startswith("tests/"))]
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in code}
    return {name: length for name, length in lengths.items() if length > FILE_LINES}


def long_functions() -> dict[str, int]:
    found = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    found[f"{name_of(path)}::{node.name}"] = length
    return found


def test_files_and_functions_are_short():
    assert {**long_files(), **long_functions()}.keys() - EXCEPTIONS.keys() == set()


def test_no_exception_outlives_its_reason():
    assert EXCEPTIONS.keys() - {**long_files(), **long_functions()}.keys() == set()


@pytest.mark.parametrize(("pattern", "what"), [(REGISTRIES, "a package registry"), (MACHINE_PATHS, "this machine")])
def test_nothing_names(pattern, what):
    named = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        named += [f"{name_of(path)}:{at}" for at, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    assert named == [], f"these lines name {what}"


def test_every_test_file_has_a_name_of_its_own() -> None:
    """pytest imports test files by their base names: of two with one name the second is an error."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
