"""The words of the data processing agreement (``dpa.txt``): our own, after article 28 of the GDPR. Not legal advice.

What depends on the state of the installation is in the annexes (`smalt.trust.dpa`); no sentence in the clauses says that
something is done which a claim could show not to be. The file: a note, then each clause after ``## `` and its title, its
paragraphs apart by empty lines.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("dpa.txt")


@lru_cache(maxsize=1)
def words() -> tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """The note, and every clause as (title, paragraphs)."""
    note, *parts = FILE.read_text("utf-8").split("\n## ")
    clauses = []
    for part in parts:
        title, _, rest = part.partition("\n")
        clauses.append((title.strip(), tuple(_flowing(one) for one in rest.split("\n\n") if one.strip())))
    return _flowing(note), tuple(clauses)


def _flowing(paragraph: str) -> str:
    return " ".join(paragraph.split())
