"""Removes what the demonstration stored outside this folder: its database, where the database's account could not reach in.

Standard library only. Run by ``make clean`` before it removes ``build``. A database that still runs is left alone.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

POINTER = Path("build/demo/data/postgres.place")
OURS = ("config", "data", "lock")


def main() -> int:
    if not POINTER.exists():
        return 0
    place = Path(POINTER.read_text("utf-8").strip())
    if place.parent.name != "smalt" or not all((place / name).exists() for name in OURS):
        print(f"{place} does not look like a database of Smalt: it is left alone.", file=sys.stderr)
        return 0
    if (place / "data" / "postmaster.pid").exists():
        print(f"A database may still run in {place}: stop the demonstration first.", file=sys.stderr)
        return 1
    shutil.rmtree(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
