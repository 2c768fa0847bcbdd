"""The process that reads documents: what the kernel says of its locks while it works, and what hostile files come to."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from smalt.trust import papers
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.errand import settled, upload
from smalt.trust.probes import kernel
from smalt.trust.target import Target

LOOK_EVERY_S = 0.002
PAGES = 1500
"""So many that reading takes long enough to be looked at, and fewer than are refused."""
PAGES_REFUSED = 2100
MEMORY_MAX_BYTES, CPU_MAX_S, FILES_MAX = 4 << 30, 120, 3
FILTERED = "2"
_READER = b"smalt.library.child"


@dataclass(frozen=True)
class Locks:
    """What the kernel says of one process. ``network`` names its network; empty where that may not be seen."""

    seccomp: str = ""
    no_new_privileges: str = ""
    network: str = ""
    limits: dict[str, int] = field(default_factory=dict)

    def missing(self, outside: str) -> list[str]:
        """The locks that it lacks, in public words. ``outside``: the network of the server."""
        bounds = {
            "memory": ("Max address space", MEMORY_MAX_BYTES), "processor time": ("Max cpu time", CPU_MAX_S),
            "opening of files": ("Max open files", FILES_MAX), "writing of files": ("Max file size", 0),
            "starting of processes": ("Max processes", 0),
        }  # fmt: skip
        found = [what for what, (name, most) in bounds.items() if self.limits.get(name, most + 1) > most]
        if self.seccomp != FILTERED:
            found.append("system calls")
        if self.no_new_privileges != "1":
            found.append("new rights")
        if self.network == outside:
            found.append("the network")
        return found


def locks_of(pid: int) -> Locks:
    """`OSError` when the process has ended."""
    base = Path("/proc") / str(pid)
    status = dict(line.partition(":")[::2] for line in (base / "status").read_text("ascii", "replace").splitlines())
    limits: dict[str, int] = {}
    for line in (base / "limits").read_text("ascii").splitlines()[1:]:
        soft = line[26:].split()[0]
        limits[line[:26].strip()] = 1 << 63 if soft == "unlimited" else int(soft)
    network = ""
    with contextlib.suppress(PermissionError):
        network = os.readlink(base / "ns" / "net")  # noqa: PTH115  # the name, as the kernel writes it
    return Locks(status.get("Seccomp", "").strip(), status.get("NoNewPrivs", "").strip(), network, limits)


class Watch:
    """Looks at the server's children while the context lasts: ``best`` are the tightest locks that each reader had."""

    def __init__(self, servers: Iterable[int], outside: str) -> None:
        self.servers = set(servers)
        self.outside = outside
        self.best: dict[int, Locks] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            for pid in self._readers():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    seen = locks_of(pid)
                    known = self.best.get(pid)
                    if known is None or len(seen.missing(self.outside)) <= len(known.missing(self.outside)):
                        self.best[pid] = seen

    def _readers(self) -> list[int]:
        found = []
        for server in self.servers:
            for task in Path(f"/proc/{server}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found += [int(one) for one in task.read_text("ascii").split()]
        return [pid for pid in found if _READER in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@check("reader.sandbox", every="hour", deadline_s=90)
def sandbox(target: Target, found: Findings) -> None:
    """Uploads a long document and watches, in the kernel's own words, the process that reads it: filtered system calls, no new rights, a network of its own, no opening or writing of files, no further processes, bounded memory and time. Then uploads hostile files: a bomb, one with too many pages, one cut short, one that is another kind than it says. Each must end in a refusal, and the server must go on.

    Control: by the same look the server's own process is not locked.
    """
    servers = kernel.servers(target)
    outside = locks_of(min(servers))
    long = papers.pages(PAGES)
    hostile = {
        "a workbook that unpacks without end": ("bomb.xlsx", papers.bomb()),
        "a document of too many pages": ("long.pdf", papers.pages(PAGES_REFUSED)),
        "a document that is cut short": ("cut.pdf", papers.pdf("Cut", [("Net sales", 1, 2)], [])[:-300]),
        "a file that is not what it says": ("odd.docx", b"PK\x03\x04" + bytes(range(256)) * 8),
    }
    with target.client(target.ours) as api:
        sent: dict[str, str] = {}
        try:
            with Watch(servers, outside.network) as watch:
                sent["long"] = upload(api, "probe.pdf", long)
                began = time.monotonic()
                read = settled(api, [sent["long"]])[sent["long"]]
                took = time.monotonic() - began
            tightest = _locks(found, watch, outside)
            found.probe("a long document is read", read["status"] == "ready")
            found.facts["reading"] = {"readers": len(watch.best), "status": read["status"], "took_s": round(took, 1)}
            for what, (name, data) in hostile.items():
                sent[what] = upload(api, name, data)
            ended = settled(api, list(sent.values()))
            for what in hostile:
                one = ended[sent[what]]
                found.probe(
                    f"{what} is refused",
                    one["status"] == "failed" and (one["failure"] or {}).get("code", "").startswith("document."),
                )
            sent["after"] = upload(api, "after.md", papers.markdown("After", [("Net sales", 1, 2)], []))
            found.probe(
                "the next document is read all the same",
                settled(api, [sent["after"]])[sent["after"]]["status"] == "ready",
            )
        finally:
            _remove(api, sent.values())
    found.probe("the server is the same process as before", kernel.servers(target) == servers)
    if not (outside.network and tightest.network) and found.outcome == "passed":
        raise Unclear("The kernel does not show the checker which networks the server and its readers have.")


def _locks(found: Findings, watch: Watch, outside: Locks) -> Locks:
    if not watch.best:
        raise Unclear("No process that reads documents was seen at work.")
    tightest = min(watch.best.values(), key=lambda one: len(one.missing(outside.network)))
    lacking = tightest.missing(outside.network)
    found.probe("the process that reads a document is locked away", not lacking, lacking=lacking)
    free = outside.missing("")
    found.control(
        "the server's own process is seen not to be",
        {"opening of files", "writing of files", "starting of processes"} <= set(free),
        free=free,
    )
    return tightest


def _remove(api: httpx.Client, documents: Iterable[str]) -> None:
    for one in documents:
        api.delete(f"/api/v1/documents/{one}")
