"""A questionnaire as a workbook, and the replies that go into it by the ids in its rows. What parent and child exchange."""

from __future__ import annotations

import msgspec


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """What is written beside an id."""

    answer: str
    comment: str


class Replies(msgspec.Struct, array_like=True, frozen=True):
    """``exact``: by an id in capitals without blanks. ``parts``: by what precedes the last number of an id (``AB-01.2``)."""

    exact: dict[str, Reply]
    parts: dict[str, Reply]


class SheetReport(msgspec.Struct, array_like=True, frozen=True):
    """``filled`` rows got an answer, ``kept`` had one already, ``unknown`` are the ids that nothing is said about.

    ``problem`` says why a sheet with ids was left alone; empty otherwise.
    """

    name: str
    filled: int = 0
    kept: int = 0
    unknown: tuple[str, ...] = ()
    problem: str = ""


class Filled(msgspec.Struct, array_like=True, frozen=True):
    body: bytes
    sheets: tuple[SheetReport, ...]

    @property
    def filled(self) -> int:
        return sum(one.filled for one in self.sheets)

    @property
    def kept(self) -> int:
        return sum(one.kept for one in self.sheets)

    @property
    def unknown(self) -> int:
        return sum(len(one.unknown) for one in self.sheets)
