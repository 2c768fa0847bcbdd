"""A process that shut itself out of a folder: what it, its children and root can no longer do, and what they still can."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from smalt.seal.apart import abi

TRIALS = """
import json, os, subprocess, sys, threading
from pathlib import Path
from smalt.seal.apart import shut_out

data = Path(sys.argv[1])
own, blobs, more = data / "checker", data / "blobs", data / "more"

def tried(act):
    try:
        act()
    except OSError as error:
        return error.errno
    return 0

if "thread" in sys.argv:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
shut = shut_out(own)
child = subprocess.run([sys.executable, "-c", f"open({str(own / 'key')!r}).read()"], capture_output=True)
print(json.dumps({
    "shut": shut.shut, "why": shut.why,
    "read": tried(lambda: (own / "key").read_bytes()),
    "write": tried(lambda: (own / "key").write_bytes(b"other")),
    "make": tried(lambda: (own / "new").touch()),
    "remove": tried(lambda: (own / "key").unlink()),
    "move out": tried(lambda: os.rename(own / "key", blobs / "key")),
    "link out": tried(lambda: os.link(own / "key", blobs / "key")),
    "move the folder": tried(lambda: os.rename(own, blobs / "own")),
    "rename the folder": tried(lambda: os.rename(own, data / "other")),
    "move the folder above": tried(lambda: os.rename(data, data.parent / "beside" / "data")),
    "by a link of its own": tried(lambda: (os.symlink(own / "key", blobs / "link"), (blobs / "link").read_bytes())),
    "by proc": tried(lambda: Path(f"/proc/self/root{own}/key").read_bytes()),
    "of a child": child.returncode,
    "a blob": tried(lambda: (blobs / "one").write_bytes(b"1")),
    "moved between folders": tried(lambda: os.rename(blobs / "one", more / "one")),
    "a file that was there": tried(lambda: (data / "port").write_text("1")),
    "listing": tried(lambda: os.listdir(data)),
    "a module": tried(lambda: __import__("sqlite3")),
}))
"""


def tried(folder: Path, *more: str) -> dict[str, int]:
    for name in ("checker", "blobs", "more"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "beside").mkdir()
    (folder / "data" / "checker" / "key").write_bytes(b"secret")
    (folder / "data" / "port").touch()
    ran = subprocess.run(
        [sys.executable, "-c", TRIALS, str(folder / "data"), *more], capture_output=True, text=True, check=True
    )
    found: dict[str, int] = json.loads(ran.stdout)
    return found


@pytest.mark.skipif(abi() < 2, reason="this kernel has no Landlock")
def test_nothing_in_the_folder_can_be_used_and_everything_beside_it_can(tmp_path: Path) -> None:
    found = tried(tmp_path)
    assert found.pop("shut") is True
    assert found.pop("why") == ""
    free = {name: found.pop(name) for name in list(found) if name in FREE}
    assert free == dict.fromkeys(FREE, 0)
    assert set(found.values()) <= {1, 13, 18}, found  # child's exit code, EACCES, EXDEV
    assert (tmp_path / "data" / "checker" / "key").read_bytes() == b"secret"


FREE = ("a blob", "moved between folders", "a file that was there", "listing", "a module")


def test_a_process_with_threads_is_told_that_it_is_too_late(tmp_path: Path) -> None:
    found = tried(tmp_path, "thread")
    assert (found["shut"], found["why"]) == (False, "threads" if abi() >= 2 else "no_landlock")
    assert found["read"] == 0  # nothing was done by halves
