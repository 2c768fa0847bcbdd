"""What is written to logs: the metadata of every request, and none of its content."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from smalt.trust.check import Findings, Unclear, check
from smalt.trust.errand import Errand, errand
from smalt.trust.house import House, size_of
from smalt.trust.target import Target
from smalt.trust.traces import Search, unseen, word

REQUESTS_MIN = 50
WRITTEN_WITHIN_S = 5.0
TAIL_BYTES = 32 * 1024 * 1024


@check("logs.canaries", every="hour", deadline_s=120)
def canaries(target: Target, found: Findings) -> None:
    """Puts a random word into every input, provokes refusals and errors, and searches every place that a process of the installation writes a log to: the folder of logs, the database's log, and whatever the kernel shows as standard output or error. The metadata of the same requests must be there.

    A terminal or a pipe cannot be read afterwards: where a process prints to one by itself, the check is inconclusive. Control: a word in a copy of the log is found, in every encoding.
    """
    used = errand(target)
    house = House.of(target)
    sinks, unread = _sinks(house)
    found.facts["sinks"] = {"read": [f"{name} ({size_of(path)} bytes)" for name, path in sinks], "not readable": unread}
    found.probe("no unknown file lies among the logs", not house.unknown_logs, unknown=house.unknown_logs[:5])
    stray = house.written_elsewhere()
    found.probe(
        "no process writes a file that nobody declared", not stray, files=sorted({one.path.name for one in stray})[:5]
    )
    search = Search(used.words, since=used.began)
    for _, path in sinks:
        search.file(path)
    found.probe(
        "no log holds a word of the errand", not search.words_found, found=search.words_found[:5], words=len(used.words)
    )
    found.probe("every log could be read", search.unreadable == 0 and not search.cut)
    found.probe("no refusal sends back what it refused", not used.echoed, echoed=used.echoed[:5])
    _metadata(found, used, [path for _, path in sinks])
    _controls(found, sinks)
    if unread and found.outcome == "passed":  # what was found stays a finding
        raise Unclear(f"Something is printed where it cannot be read again: {', '.join(unread)}.")


def _sinks(house: House) -> tuple[list[tuple[str, Path]], list[str]]:
    """What can be read, by public names, and what cannot."""
    named = {path: path.name if path.parent != house.database else f"database {path.name}" for path in house.log_files}
    unread = set()
    for one in house.outputs():
        if one.kind == "file":
            named.setdefault(one.link if one.deleted else one.path, f"output {one.number} of a process")
        else:
            unread.add(f"output {one.number} is a {one.kind}")
    return [(name, path) for path, name in named.items()], sorted(unread)


def lines_of(paths: Iterable[Path], since: float) -> list[dict[str, Any]]:
    """The events in ``paths``; what is no event is left out. ``since``: files that were not changed since are too."""
    found: list[dict[str, Any]] = []
    for path in paths:
        if not path.exists() or path.stat().st_mtime < since:
            continue
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            found += [_event(line) for line in file if line.startswith(b"{")]
    return [one for one in found if one]


def _event(line: bytes) -> dict[str, Any]:
    try:
        made = json.loads(line)
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}


def _metadata(found: Findings, used: Errand, paths: list[Path]) -> None:
    """Each request of the errand stands in a log, with its method and its status."""
    wanted = {one.id: (one.method.lower(), one.status) for one in used.requests}
    until, missing = time.monotonic() + WRITTEN_WITHIN_S, set(wanted)
    logged: dict[str, dict[str, Any]] = {}
    while missing and time.monotonic() < until:
        events = lines_of(paths, used.began)
        logged = {
            str(one["request"]): one for one in events if one.get("event") == "request_answered" and "request" in one
        }
        missing = wanted.keys() - logged.keys()
        if missing:
            time.sleep(0.2)
    wrong = [one for one, (method, status) in wanted.items() if one in logged
             and (logged[one].get("method") not in {method, "other"} or logged[one].get("status") != status)]  # fmt: skip
    found.probe("every request stands in a log by its id", not missing, missing=len(missing), requests=len(wanted))
    found.probe(
        "with its method, its status, its route and its time",
        not wrong and all("route" in one and "elapsed" in one for one in logged.values()),
    )
    found.control(
        "requests were made, and refused ones among them",
        len(wanted) >= REQUESTS_MIN and any(status >= 400 for _, status in wanted.values()),
    )


def _controls(found: Findings, sinks: list[tuple[str, Path]]) -> None:
    with tempfile.TemporaryDirectory(prefix="smalt-control-") as folder:
        missed, shapes = unseen(Path(folder))
        found.control("a word is found in every encoding", not missed, shapes=shapes, missed=missed)
        planted, text = Path(folder, "copy.log"), word()
        kept = max((path for _, path in sinks), key=size_of)
        with kept.open("rb") as file:
            file.seek(max(0, size_of(kept) - 65536))
            planted.write_bytes(file.read() + json.dumps({"event": "library_logged", "message": f"no {text}"}).encode())
        look = Search({"word": text})
        look.file(planted)
        found.control("a word in a copy of the log is found", bool(look.found))
