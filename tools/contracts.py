"""Runs the import contracts of .importlinter (the program has no ``python -m`` form, and scripts break when moved)."""

from __future__ import annotations

import sys

from importlinter.cli import lint_imports

if __name__ == "__main__":
    sys.path.insert(0, ".")
    sys.exit(lint_imports())
