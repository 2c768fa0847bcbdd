"""Freshness challenges: anybody posts a number of their own, and the next run must embed it in what it signs.

So a run cannot have been made in advance. The product writes what is posted into ``trust/challenges/``, one file each,
named by the nonce; the keeper removes it once it stands in the log. A full waiting room refuses, it forgets nobody.
"""

from __future__ import annotations

import re
from pathlib import Path

from smalt.kernel.errors import Malformed, TooMany

WAITING_MAX = 256
_NONCE = re.compile(r"[0-9a-f]{32,64}")


def post(data_dir: Path, nonce: str) -> None:
    """Let ``nonce`` wait for the next run; posting it again changes nothing.

    `Malformed` unless it is 32 to 64 lower-case hexadecimal digits; `TooMany` while too many wait.
    """
    if _NONCE.fullmatch(nonce) is None:
        raise Malformed(
            "trust.nonce",
            "A challenge is 32 to 64 hexadecimal digits, in lower case.",
            todo='Send {"nonce": "…"}, made by a random generator of yours.',
        )
    folder = data_dir / "trust" / "challenges"
    folder.mkdir(parents=True, exist_ok=True)
    if len(waiting(data_dir)) >= WAITING_MAX:
        raise TooMany("trust.challenges_full", "Too many challenges wait for the next run.", todo="Try again later.")
    (folder / nonce).touch()


def waiting(data_dir: Path) -> list[str]:
    """The challenges that no run has embedded yet, sorted."""
    folder = data_dir / "trust" / "challenges"
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if _NONCE.fullmatch(path.name))[:WAITING_MAX]


def answered(data_dir: Path, nonces: list[str]) -> None:
    """Forget ``nonces``: they stand in the log now."""
    for nonce in nonces:
        (data_dir / "trust" / "challenges" / nonce).unlink(missing_ok=True)
