"""All checks. A module that is not listed here has no checks; the registry of claims is compared with what is."""

from __future__ import annotations

import importlib

from smalt.trust.check import Check, registered

MODULES = (
    "answers",
    "build",
    "center",
    "data",
    "handed",
    "headers",
    "hostile",
    "forged",
    "isolation",
    "keeping",
    "logs",
    "network",
    "reader",
    "registers",
    "rest",
    "roadmap",
    "roles",
    "access",
    "sabotage",
    "schema",
    "statements",
    "transport",
)


def all_checks() -> dict[str, Check]:
    """Every check by its name. Imports the modules on first use."""
    for name in MODULES:
        importlib.import_module(f"smalt.trust.checks.{name}")
    return registered()
