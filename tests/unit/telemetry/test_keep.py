"""The log of a process is kept in files of its own, bounded, whatever its output is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from smalt.telemetry.keep import OLDER, LogFile

PROGRAM = """
import sys
from pathlib import Path
from smalt.telemetry.events import Event, emit
from smalt.telemetry.keep import kept
class Happened(Event):
    number: int
with kept(Path(sys.argv[1]), "server") as keeping:
    print("greeting", flush=True)
    keeping.hush()
    emit(Happened(number=1))
    print("stray words", flush=True)
    print("stray error", file=sys.stderr, flush=True)
emit(Happened(number=2))
print("goodbye")
"""


def run(folder: Path, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], text=True, check=True, **how)  # type: ignore[call-overload, no-any-return]


def test_a_pipe_gets_the_same_events_and_nothing_that_cannot_be_read_again(tmp_path: Path) -> None:
    done = run(tmp_path / "logs", capture_output=True)
    log = (tmp_path / "logs" / "server.log").read_text()
    assert json.loads(log)["number"] == 1
    assert done.stderr.splitlines()[0] == log.strip()
    assert (tmp_path / "logs" / "server.stray.log").read_text() == "stray words\nstray error\n"
    assert done.stdout == "greeting\ngoodbye\n"
    assert json.loads(done.stderr.splitlines()[1])["number"] == 2  # everything was put back


def test_a_file_that_the_operator_chose_stays_the_output(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        run(tmp_path / "logs", stdout=out, stderr=out)
    assert "stray words" in (tmp_path / "out").read_text()
    assert (tmp_path / "logs" / "server.stray.log").read_text() == ""
    assert json.loads((tmp_path / "logs" / "server.log").read_text())["number"] == 1


def test_a_folder_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    done = run(tmp_path / "logs", capture_output=True)
    assert "stray words" in done.stdout


def test_files_are_bounded_and_closed_to_others(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "server", max_bytes=100)
    for number in range(100):
        log.write(f"{number:020}\n")
    log.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(["server.log", *(f"server.{age}.log" for age in range(1, OLDER + 1))])
    assert log.path().read_text().splitlines()[-1] == f"{99:020}"
    assert all(path.stat().st_size <= 121 for path in tmp_path.iterdir())
    assert log.path().stat().st_mode & 0o077 == 0
