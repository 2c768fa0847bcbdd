"""The script in a bundle, alone with `cryptography`, and the product say the same of the same bundles."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from smalt.cli.trust import verify as command
from smalt.trust import bundle
from smalt.trust.record import stamp
from tests.unit.trust.bundles import DAY, changed, members_of, usual
from tests.unit.trust.logs import NOW

THEN = stamp(NOW + 60)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return usual(tmp_path_factory.mktemp("site"))


@pytest.fixture
def folder(site, tmp_path):
    """A reader's folder: the bundle, a few that were tampered with, and the script, unpacked."""
    made = site.bundle()
    (tmp_path / "bundle.zip").write_bytes(made)
    (tmp_path / "cut.zip").write_bytes(made[:-1])
    (tmp_path / "other.zip").write_bytes(
        changed(made, lambda m: m.update({"claims.json": m["claims.json"].replace(b"holds.", b"stands")}))
    )
    (tmp_path / "verify.py").write_bytes(members_of(made)["verify.py"])
    (tmp_path / "key").write_text(str(site.keeper.keys.log) + "\n")
    (tmp_path / "keys.json").write_bytes(members_of(made)["keys.json"])
    (tmp_path / "checkpoint").write_bytes(members_of(made)["log/checkpoint"])
    return tmp_path


BLOCK = """
import sys

class Nowhere:
    def find_spec(name, *_):
        if name.partition(".")[0] == "smalt":
            raise ImportError(name)

sys.meta_path.insert(0, Nowhere)
sys.argv = sys.argv[1:]
exec(compile(open("verify.py").read(), "verify.py", "exec"))
"""


def by_script(folder, *arguments):
    """Isolated (-I), and where no `smalt` can be imported from the disk."""
    command = [sys.executable, "-I", "-c", BLOCK, "verify.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def by_product(folder, *arguments, monkeypatch):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(command, list(arguments))


CASES = [
    (["bundle.zip", "--now", THEN], 0),
    (["bundle.zip", "--now", str(NOW + 60), "--key", "key"], 0),
    (["bundle.zip", "--now", THEN, "--key", "keys.json", "--previous-checkpoint", "checkpoint"], 0),
    (["bundle.zip", "--now", stamp(NOW + 30 * DAY)], 10),
    (["bundle.zip", "--now", stamp(NOW - 30 * DAY)], 12),
    (["bundle.zip", "--now", THEN, "--witness", "key"], 12),
    (["cut.zip", "--now", THEN], 12),
    (["other.zip", "--now", THEN], 12),
    (["bundle.zip", "--now", "tomorrow"], 2),
    (["bundle.zip", "--key", "nonsense"], 2),
    (["bundle.zip", "--key", "bundle.zip"], 2),
    (["bundle.zip", "--previous-checkpoint", "key"], 2),
    (["nothing.zip"], 2),
]


@pytest.mark.parametrize(
    ("arguments", "code"), CASES, ids=lambda value: "_".join(value) if isinstance(value, list) else ""
)
def test_both_say_the_same(folder, monkeypatch, arguments, code):
    alone, ours = by_script(folder, *arguments), by_product(folder, *arguments, monkeypatch=monkeypatch)
    assert (alone.returncode, ours.exit_code) == (code, code), alone.stderr + ours.output
    if code != 2:
        assert alone.stdout == ours.output
        assert "What this does not prove:" in alone.stdout
        plain = by_script(folder, *arguments, "--json")
        assert json.loads(plain.stdout) == json.loads(
            by_product(folder, *arguments, "--json", monkeypatch=monkeypatch).output
        )
        assert json.loads(plain.stdout)["exit_code"] == code


def test_the_script_runs_as_a_reader_runs_it(folder):
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", "bundle.zip", "--now", THEN],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Everything verifies" in ran.stdout


def test_the_script_holds_the_very_sources():
    script = bundle.script().decode()
    folder = bundle.README.parents[1]
    for name in bundle.MODULES:
        assert (folder / f"{name.replace('.', '/')}.py").read_text("utf-8") in script


def test_the_sources_that_are_carried_import_each_other_and_the_standard_library_only():
    code = (
        "import sys; before = set(sys.modules); import smalt.trust.alone; "
        "print(*sorted(n for n in set(sys.modules) - before if not n.split('.')[0].startswith('_') and n.split('.')[0] not in sys.stdlib_module_names))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) <= {f"smalt.{name}" for name in bundle.MODULES} | {
        "smalt",
        "smalt.ledger",
        "smalt.trust",
        "smalt.trust.verifier",
    }
