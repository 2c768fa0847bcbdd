"""All cases, a module for each group of checks."""

from __future__ import annotations

import importlib

from smalt.trust.sabotage.case import Case, registered

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
    "registers",
    "rest",
    "roadmap",
    "roles",
    "access",
    "schema",
    "transport",
)


def all_cases() -> dict[str, Case]:
    """Every case by its name. Imports the modules on first use."""
    for name in MODULES:
        importlib.import_module(f"smalt.trust.sabotage.cases.{name}")
    return registered()
