"""What runs: the code that the live server has loaded, beside the lock and the bill of materials."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from smalt.trust import sbom
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.errand import expect
from smalt.trust.probes import kernel
from smalt.trust.target import Target

DISTRIBUTIONS_MIN, FILES_MIN, LOADED_MIN = 30, 500, 10
_PACKAGES = ("site-packages", "dist-packages")
_SYSTEM = tuple(map(Path, ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")))
_MAPPED = re.compile(r"^\S+ (\S{4}) \S+ \S+ (\d+)\s+(/.*?)( \(deleted\))?$")


@dataclass(frozen=True)
class Mapped:
    """A file that a process has mapped as code. ``deleted``: it was replaced or removed since."""

    path: Path
    deleted: bool


@dataclass
class Installed:
    """The distributions of one folder. ``owner``: which distribution a file belongs to; ``wanted``: its SHA-256."""

    versions: dict[str, str] = field(default_factory=dict)
    owner: dict[Path, str] = field(default_factory=dict)
    wanted: dict[Path, bytes] = field(default_factory=dict)


def mapped(pid: int) -> list[Mapped]:
    """The files whose code ``pid`` has in memory."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text("utf-8", "replace").splitlines()
    except OSError:
        raise Unclear("The checker may not see what the server has loaded.") from None
    found = {}
    for line in lines:
        one = _MAPPED.match(line)
        if one and "x" in one[1] and one[2] != "0":
            found[one[3]] = Mapped(Path(one[3]), bool(one[4]))
    return list(found.values())


def installed(folders: Iterable[Path]) -> Installed:
    """What the records in ``folders`` say."""
    found = Installed()
    for one in importlib.metadata.distributions(path=[str(folder) for folder in folders]):
        name = sbom.normal(str(one.metadata["Name"]))
        found.versions[name] = one.version
        for file in one.files or ():
            path = Path(str(one.locate_file(file))).resolve()
            found.owner[path] = name
            if file.hash is not None and file.hash.mode == "sha256":
                found.wanted[path] = base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4))
    return found


def changed(found: Installed, names: Iterable[str]) -> tuple[list[str], int]:
    """Files of the distributions ``names`` that are not as their record says, and how many were compared."""
    wanted, wrong, compared = set(names), [], 0
    for path, digest in found.wanted.items():
        if found.owner[path] not in wanted:
            continue
        compared += 1
        try:
            with path.open("rb") as file:
                same = hashlib.file_digest(file, "sha256").digest() == digest
        except OSError:
            same = False
        if not same:
            wrong.append(f"{found.owner[path]}: {path.name}")
    return sorted(wrong), compared


def foreign(loaded: Iterable[Mapped], found: Installed, locked: Iterable[str], base: Path) -> list[str]:
    """Loaded code that is neither of a locked distribution, nor of the interpreter, nor of the operating system."""
    names = set(locked)
    return sorted(
        one.path.name
        for one in loaded
        if found.owner.get(one.path) not in names and not _of_the_machine(one.path, base)
    )


def _of_the_machine(path: Path, base: Path) -> bool:
    if any(part in _PACKAGES for part in path.parts):
        return False
    return path.is_relative_to(base) or any(path.is_relative_to(folder) for folder in _SYSTEM)


@check("deps.live", every="hour", deadline_s=120)
def live(target: Target, found: Findings) -> None:
    """Reads from the kernel which native code the running server has loaded, and finds each file in a distribution of the lock, the interpreter or the operating system, unchanged since. Compares every file of every locked distribution with its installed record, the installed versions with the lock, and the published bill of materials with both. Which of the files in plain Python are loaded the kernel does not tell; whether a version is vulnerable is not asked here.

    Control: one changed byte in a copy, a version that differs, and code from elsewhere are seen by the same comparison.
    """
    pins = {pin.name: pin.version for pin in sbom.pins()}
    loaded = [one for pid in kernel.servers(target) for one in mapped(pid)]
    folders = sorted({_folder(one.path) for one in loaded} - {None}, key=str)
    if not folders:
        raise Unclear("The server has loaded no installed distribution that could be compared.")
    there = installed(path for path in folders if path is not None)
    base = _interpreter(target)
    strange = foreign(loaded, there, pins, base)
    found.probe(
        "all native code that is loaded comes from the lock, the interpreter or the system",
        not strange,
        files=strange[:5],
    )
    replaced = sorted(one.path.name for one in loaded if one.deleted)
    found.probe("no loaded code was replaced on the disk since", not replaced, files=replaced[:5])
    differing = sorted(name for name, version in there.versions.items() if pins.get(name, version) != version)
    found.probe("the installed versions are those of the lock", not differing, differing=differing[:5])
    wrong, compared = changed(there, pins)
    found.probe(
        "every file of every locked distribution is as it was installed", not wrong, changed=wrong[:5], files=compared
    )
    _published(found, target, pins)
    found.control("there was something to compare", len(set(pins) & there.versions.keys()) >= DISTRIBUTIONS_MIN and compared >= FILES_MIN and len(loaded) >= LOADED_MIN,
                  distributions=len(set(pins) & there.versions.keys()), files=compared, loaded=len(loaded))  # fmt: skip
    _controls(found, there, pins, loaded, base)


def _folder(path: Path) -> Path | None:
    """The folder of packages that ``path`` lies in."""
    for parent in path.parents:
        if parent.name in _PACKAGES:
            return parent
    return None


def _interpreter(target: Target) -> Path:
    """Where the server's Python lies."""
    try:
        return Path(f"/proc/{min(kernel.servers(target))}/exe").resolve().parent.parent
    except OSError:
        raise Unclear("The checker may not see which interpreter the server runs.") from None


def _published(found: Findings, target: Target, pins: dict[str, str]) -> None:
    """The bill of materials that anybody can fetch lists what the lock does."""
    with target.client() as stranger:
        reply: httpx.Response = expect(stranger.get("/trust/sbom.json"), 200)
    listed = {
        (sbom.normal(str(one["name"])), str(one.get("version", ""))) for one in reply.json().get("components", [])
    }
    missing = sorted(name for name, version in pins.items() if (name, version) not in listed)
    found.probe(
        "the published bill of materials lists the whole lock", not missing, missing=missing[:5], components=len(listed)
    )


def _controls(found: Findings, there: Installed, pins: dict[str, str], loaded: list[Mapped], base: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="smalt-control-") as folder:
        original = next(
            path
            for path, name in there.owner.items()
            if name in pins and path in there.wanted and path.stat().st_size > 100
        )
        copy = Path(folder, "changed.py").resolve()
        shutil.copyfile(original, copy)
        with copy.open("r+b") as file:
            byte = file.read(1)
            file.seek(0)
            file.write(bytes([byte[0] ^ 1]))
        one = Installed({"copy": "1"}, {copy: "copy"}, {copy: there.wanted[original]})
        found.control("one changed byte is seen", changed(one, ["copy"]) == (["copy: changed.py"], 1))
        elsewhere = Mapped(copy, deleted=False)
        found.control("code from elsewhere is seen", "changed.py" in foreign([*loaded, elsewhere], there, pins, base))
    theirs = next(one for one in loaded if there.owner.get(one.path) in pins)
    fewer = [name for name in pins if name != there.owner[theirs.path]]
    found.control("a distribution outside the lock is seen", theirs.path.name in foreign(loaded, there, fewer, base))
