"""What we say of known advisories about our parts: read from a reviewed file, compared with the versions in use."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from smalt.trust.sbom import Component, components

FILE = Path(__file__).with_name("vex.toml")
State = Literal["resolved", "exploitable", "in_triage", "false_positive", "not_affected"]
Response = Literal["can_not_fix", "will_not_fix", "update", "rollback", "workaround_available"]
Severity = Literal["critical", "high", "medium", "low"]


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One advisory. ``component`` is a name of the bill of materials; ``state`` holds below ``fixed_in``."""

    id: str
    source: str
    url: str
    component: str
    fixed_in: str
    severity: Severity
    score: float
    vector: str
    state: State
    summary: str
    detail: str
    issued: date
    responses: tuple[Response, ...] = ()
    workaround: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reviewed: date
    statement: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about a part that is in use. ``state`` is what holds for its version."""

    statement: Statement
    component: Component
    state: State


@dataclass(frozen=True, slots=True)
class Advisories:
    """``reviewed``: the day on which a person last compared the parts with what was published."""

    reviewed: date
    findings: tuple[Finding, ...]

    @property
    def open(self) -> tuple[Finding, ...]:
        """Those that we cannot call resolved or without effect."""
        return tuple(one for one in self.findings if one.state in {"exploitable", "in_triage"})


def load(parts: tuple[Component, ...] | None = None, file: Path = FILE) -> Advisories:
    """The statements about ``parts`` (what is in use, if None). `ValueError` for a statement about nothing that is known."""
    parts = components() if parts is None else parts
    said = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File)
    found = []
    for one in said.statement:
        named = [part for part in parts if part.name == one.component]
        if not named:
            raise ValueError(f"{one.id}: there is no part called {one.component}")
        found += [
            Finding(one, part, "resolved" if _reached(part.version, one.fixed_in) else one.state) for part in named
        ]
    return Advisories(said.reviewed, tuple(found))


def _reached(version: str, fixed_in: str) -> bool:
    """Whether ``version`` is ``fixed_in`` or later; False for a version that is not numbers."""
    if not re.fullmatch(r"\d+(\.\d+)*", version):
        return False
    return [int(part) for part in version.split(".")] >= [int(part) for part in fixed_in.split(".")]
