"""Every document that is handed out, made from the one view of the moment, and kept for as long as it may be cached.

A document is made at most once a half minute for a state of the log, whoever asks how often: the cost of a reader is a
copy of bytes. What time alone changes, a proof that turns stale, shows after that half minute as well.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from smalt.kernel.errors import TooMany
from smalt.trust import cyclonedx, dpa, oscal, questionnaire, sheets
from smalt.trust.dpa_files import DOCX, MARKDOWN, PDF, TYPES, with_names, written
from smalt.trust.view import Trust, TrustView

KEPT_S = 30
CYCLONEDX = "application/vnd.cyclonedx+json; version=1.6"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Document:
    """``name`` is that of the file when it is saved."""

    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    media_type: str
    make: Callable[[TrustView], bytes]


def _json(make: Callable[[TrustView], Any]) -> Callable[[TrustView], bytes]:
    return lambda view: (json.dumps(make(view), ensure_ascii=False, separators=(",", ":")) + "\n").encode()


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _agreement(form: str) -> Callable[[TrustView], bytes]:
    return lambda view: written(dpa.agreement(view), form)


KINDS: dict[str, Kind] = {
    "sbom": Kind("smalt-sbom.cdx.json", CYCLONEDX, _json(lambda view: cyclonedx.sbom(view.now))),
    "vex": Kind("smalt-vex.cdx.json", CYCLONEDX, _json(lambda view: cyclonedx.vex(view.now))),
    "attestations": Kind("smalt-attestations.cdx.json", CYCLONEDX, _json(cyclonedx.attestations)),
    "oscal.component": Kind("component-definition.json", JSON, _json(oscal.component_definition)),
    "oscal.results": Kind("assessment-results.json", JSON, _json(oscal.assessment_results)),
    "dpa.md": Kind("smalt-dpa.md", TYPES[MARKDOWN], _agreement(MARKDOWN)),
    "dpa.pdf": Kind("smalt-dpa.pdf", TYPES[PDF], _agreement(PDF)),
    "dpa.docx": Kind("smalt-dpa.docx", TYPES[DOCX], _agreement(DOCX)),
    "questionnaire.json": Kind("smalt-questionnaire.json", JSON, _json(questionnaire.plain)),
    "questionnaire.csv": Kind("smalt-questionnaire.csv", "text/csv; charset=utf-8", sheets.csv_of),
    "questionnaire.xlsx": Kind("smalt-questionnaire.xlsx", XLSX, sheets.xlsx_of),
}


def made(name: str, view: TrustView) -> Document:
    """The document ``name`` of `KINDS`, of this view."""
    kind = KINDS[name]
    return Document(kind.name, kind.media_type, kind.make(view))


MAKING_MAX = 2
"""So many documents with a reader's own names are made at once; the others are asked to come again."""


class Exports:
    """The documents of one installation. Blocks while one is made: call it from a thread."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._kept: dict[str, tuple[tuple[int, int], Document]] = {}
        self._locks = {name: threading.Lock() for name in KINDS}
        self._making = threading.BoundedSemaphore(MAKING_MAX)

    def get(self, name: str) -> Document:
        with self._locks[name]:
            view = self._trust.view()
            key = (view.size, view.now // KEPT_S)
            kept = self._kept.get(name)
            if kept is None or kept[0] != key:
                kept = self._kept[name] = (key, made(name, view))
            return kept[1]

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """A place for making something for one reader. `TooMany` when all are taken."""
        if not self._making.acquire(blocking=False):
            raise TooMany(
                "trust.busy", "Too many documents are being made at once.", todo="Try again.", retry_after_s=5
            )
        try:
            yield
        finally:
            self._making.release()

    def agreement(self, parties: dpa.Parties, form: str) -> Document:
        """The agreement with the names of ``parties``, made for this reader and kept nowhere. `TooMany` under a crowd."""
        with self.turn():
            body = with_names(self._trust.view(), parties, form)
        return Document(f"smalt-dpa.{form}", TYPES[form], body)
