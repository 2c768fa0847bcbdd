"""A check: one function that looks at the running installation from outside and says what held.

    @check("tls.listeners", every="hour", deadline_s=30)
    def listeners(target: Target, found: Findings) -> None: ...

It must have shown that it can see: every check has at least one positive control, a thing of the same kind that is known
to be wrong (or right) and that the same code recognises in the same run. Without it, or when it fails, the outcome is
inconclusive, whatever the probes said. Names and facts are public and go into evidence: words of the source, numbers,
ids of the synthetic tenants; never content, secrets or paths.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from smalt.trust.target import Target

Outcome = Literal["passed", "failed", "inconclusive"]
Every = Literal["hour", "night", "week"]
NAMED_MAX = 3


class Unclear(Exception):  # not an error of the check: it could not look
    """The check could not look. Its text is a public sentence of the source."""


@dataclass
class Findings:
    """What one run of one check saw."""

    probes: list[tuple[str, bool]] = field(default_factory=list)
    controls: list[tuple[str, bool]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def probe(self, name: str, held: object, **facts: Any) -> None:
        """One thing that must hold. ``facts`` go into the evidence."""
        self.probes.append((name, bool(held)))
        self._note(name, facts)

    def control(self, name: str, held: object, **facts: Any) -> None:
        """One thing that shows that the probes see what they look for."""
        self.controls.append((name, bool(held)))
        self._note(f"control: {name}", facts)

    def _note(self, name: str, facts: dict[str, Any]) -> None:
        if facts:
            self.facts[name] = facts

    @property
    def outcome(self) -> Outcome:
        if not self.controls or not all(held for _, held in self.controls) or not self.probes:
            return "inconclusive"
        return "passed" if all(held for _, held in self.probes) else "failed"

    @property
    def reason(self) -> str:
        """A public sentence; empty for a pass."""
        if self.outcome == "passed":
            return ""
        if not self.controls or not self.probes:
            return "The check looked at nothing, or had nothing to show that it can see."
        blind = [name for name, held in self.controls if not held]
        if blind:
            return f"The check could not show that it sees: {_named(blind)}."
        return f"Did not hold: {_named([name for name, held in self.probes if not held])}."


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


Look = Callable[[Target, Findings], None]


@dataclass(frozen=True)
class Check:
    """``every``: in the hourly set, or only in the nightly or the weekly one. ``deadline_s``: after it the check is ended,
    inconclusive.
    """

    name: str
    look: Look
    every: Every
    deadline_s: float

    @cached_property
    def source(self) -> str:
        """SHA-256 of the module that holds the check: a changed check is seen in its results."""
        module = sys.modules[self.look.__module__]
        return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()

    @property
    def says(self) -> str:
        """What it does, in the words of its docstring."""
        return " ".join((self.look.__doc__ or "").split())


_ALL: dict[str, Check] = {}


def check(name: str, *, every: Every, deadline_s: float) -> Callable[[Look], Look]:
    """Register a check. Its docstring is public: it says what is done."""

    def register(look: Look) -> Look:
        if name in _ALL or not look.__doc__:
            raise TypeError(f"{name}: a check has a name of its own and says what it does")
        _ALL[name] = Check(name, look, every, deadline_s)
        return look

    return register


def registered() -> dict[str, Check]:
    """Every check of the modules that were imported, in their order. `smalt.trust.checks.all_checks` imports them all."""
    return dict(_ALL)
