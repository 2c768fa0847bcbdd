"""One document's index segment: what the engine needs of it, as bytes that the caller seals, and opened in memory.

A segment is our own compact form rather than an SQLite file: a filing's lexical index is two hundred pages of short
postings, a msgpack decode opens it in tens of milliseconds, nothing is written to disk in clear, and no foreign parser
reads stored bytes.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict

import msgspec

from smalt.kernel.errors import Untrusted
from smalt.library.parsed import Box, Line, Page, Parsed
from smalt.search.facts import extract
from smalt.search.grids import grids_of
from smalt.search.model import Fact, Grid, Passage, Profile, TableNote
from smalt.search.profile import profile_of
from smalt.search.tokens import content_terms, fold, label_key

SEGMENT_VERSION = 1
_PASSAGE_CHARS = 900
_STATEMENT_TITLE = re.compile(
    r"statements? of (?:\w+ ){0,3}(?:income|operations|earnings|cash flows?|financial position|equity)|balance sheets?"
)
_CONTENTS = re.compile(r"table of contents|index to (?:consolidated )?financial statements|^exhibit")


_DEFERRED = re.compile(
    r"\bvaluation allowance\b|\b(?:total|gross|net) deferred (?:income )?tax(?:es)? (?:assets|liabilit)"
)
_DEAL = re.compile(
    r"\b(?:assets acquired|liabilities assumed|purchase (?:price|consideration)|identifiable (?:net )?assets|net assets (?:acquired|sold|disposed|assumed|contributed)"
    r"|held[- ]for[- ]sale|deconsolidat\w+|assets sold)\b"
)


class Segment(msgspec.Struct):
    """All of a document that answering needs. ``postings`` maps a term to a flat list: page, count, page, count …"""

    profile: Profile
    facts: list[Fact]
    notes: list[TableNote]
    passages: list[Passage]
    grids: list[Grid]
    postings: dict[str, list[int]]
    lengths: list[int]
    priors: list[float]
    kind: str = "pdf"
    version: int = SEGMENT_VERSION


class _Stamp(msgspec.Struct):
    version: int


_stamp = msgspec.msgpack.Decoder(_Stamp)


class Outdated(Exception):
    """Another version of the product wrote this segment. Nothing is wrong with it: build it anew."""


def build(parsed: Parsed) -> Segment:
    """The segment of ``parsed``."""
    profile = profile_of(parsed)
    grids, taken = grids_of(parsed)
    facts, notes = extract(_without(parsed, taken), profile)
    passages = _passages(parsed) if not grids else []
    postings: dict[str, list[int]] = defaultdict(list)
    lengths, priors = [], []
    for number, page in enumerate(parsed.pages):
        counts = Counter(content_terms_of(page)) if not grids else Counter()
        lengths.append(sum(counts.values()))
        priors.append(_prior(page))
        for term, count in counts.items():
            postings[term] += [number, count]
    return Segment(profile, facts, notes, passages, grids, dict(postings), lengths, priors, parsed.kind.value)


def content_terms_of(page: Page) -> list[str]:
    """The searchable words of a page: its lines without pure numbers (years stay)."""
    found: list[str] = []
    for line in page.lines:
        found += [
            term for term in content_terms(line.text) if not term[0].isdigit() or re.fullmatch(r"(?:19|20)\d\d", term)
        ]
    if not page.lines:
        for table in page.tables:
            for row in [*table.header, *table.rows]:
                found += content_terms(row.label)
    return found


def _without(parsed: Parsed, taken: set[int]) -> Parsed:
    return (
        Parsed(parsed.kind, [page for index, page in enumerate(parsed.pages) if index not in taken], parsed.title)
        if taken
        else parsed
    )


def _prior(page: Page) -> float:
    """How likely a page answers a figures question: statement titles at the head, density of figures; not contents."""
    head = fold(" | ".join(line.text for line in page.lines[:9]))
    figures = sum(len(row.cells) for table in page.tables for row in table.rows)
    prior = min(figures, 120) / 120 * 0.5
    if _STATEMENT_TITLE.search(head) and figures > 12:
        prior += 0.8
    if _CONTENTS.search(head) and figures < 12:
        prior -= 0.4
    return prior


def _passages(parsed: Parsed) -> list[Passage]:
    """Paragraphs: runs of prose lines of one page, cut near 900 characters."""
    found: list[Passage] = []
    for page in parsed.pages:
        run: list[Line] = []
        for line in [*page.lines, Line("")]:
            text = line.text.strip()
            gap = bool(run and line.box and run[-1].box and line.box.y0 - run[-1].box.y1 > 7)
            if run and (not text or gap or sum(len(one.text) for one in run) > _PASSAGE_CHARS):
                _flush(found, run, page)
                run = []
            if text:
                run.append(line)
        if run:
            _flush(found, run, page)
    return found


def _flush(found: list[Passage], run: list[Line], page: Page) -> None:
    text = " ".join(line.text.strip() for line in run)
    if len(text) < 40 or sum(ch.isalpha() for ch in text) < len(text) * 0.5:
        return
    boxes = [line.box for line in run if line.box is not None]
    box = (
        Box(min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes))
        if boxes
        else None
    )
    found.append(Passage(page.number, text, box, page.sheet))


def encode(segment: Segment) -> bytes:
    """Plain bytes of ``segment``: content, to be sealed by the caller."""
    return msgspec.msgpack.encode(segment)


def decode(data: bytes) -> Segment:
    """The inverse of `encode`. Raises `Outdated`, or `Untrusted` when the bytes are no segment at all."""
    try:
        # First the version alone: the shape of another version need not be this one's.
        if _stamp.decode(data).version != SEGMENT_VERSION:
            raise Outdated
        return msgspec.msgpack.decode(data, type=Segment)
    except (msgspec.ValidationError, msgspec.DecodeError):
        raise Untrusted(
            "segment.unreadable", "A search index could not be read.", todo="Upload the document again."
        ) from None


def _aside(labels: set[str], note: TableNote) -> str:
    said = fold(f"{note.title} {note.said}")
    if any(_DEFERRED.search(label) for label in labels):
        return "deferred tax"
    if _DEAL.search(said) or any(_DEAL.search(label) for label in labels):
        return "acquisition"
    return "lease" if sum("lease" in label for label in labels) > 1 else ""


class Opened:
    """A segment opened for questions: ``document`` is the id as text, ``name`` the display name; look-up tables inside."""

    def __init__(self, document: str, name: str, segment: Segment) -> None:
        self.document, self.name, self.segment = document, name, segment
        self.profile, self.facts, self.notes = segment.profile, segment.facts, segment.notes
        self.folded = [fold(fact.label) for fact in self.facts]
        self.by_key: dict[str, list[int]] = defaultdict(list)
        self.by_term: dict[str, set[int]] = defaultdict(set)
        self.words: set[str] = set()
        self.rows: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.tables: dict[int, list[int]] = defaultdict(list)
        keys: dict[str, str] = {}
        for index, fact in enumerate(self.facts):
            key = keys.get(fact.label)
            if key is None:
                key = keys[fact.label] = label_key(fact.label)
            self.by_key[key].append(index)
            self.tables[fact.table].append(index)
            self.rows[fact.table, fact.row].append(index)
        for key, indices in self.by_key.items():
            for term in key.split():
                self.by_term[term].update(indices)
        self.words.update(self.by_term)
        for text in {text for fact in self.facts for text in (*fact.path, fact.qualifier)}:
            self.words.update(content_terms(text))
        self.printed = "\n".join({fold(text) for fact in self.facts for text in (fact.label, *fact.path, fact.header)})
        self._totals: dict[int, list[tuple[int, str]]] | None = None
        self._aside: dict[int, str] | None = None
        self.average = sum(segment.lengths) / max(1, len(segment.lengths))

    def total_below(self, table: int, row: int) -> str:
        """The label of the first total at or below ``row`` in ``table``, or an empty text."""
        if self._totals is None:
            self._totals = defaultdict(list)
            for one, indices in self.tables.items():
                rows = {self.facts[index].row: self.folded[index] for index in indices}
                self._totals[one] = [(at, rows[at]) for at in sorted(rows) if rows[at].startswith("total")]
        return next((label for at, label in self._totals[table] if at > row), "")

    @property
    def aside(self) -> dict[int, str]:
        """Tables whose lines bear a statement's words but another meaning: deferred taxes, leases, deals. By table."""
        if self._aside is None:
            self._aside = {}
            for table, indices in self.tables.items():
                kind = _aside({self.folded[index] for index in indices}, self.notes[table])
                if kind and not self.notes[table].primary:
                    self._aside[table] = kind
        return self._aside

    def pages(self, query: str, limit: int = 20) -> list[tuple[int, float]]:
        """Ranked (page number, score): BM25 over pages plus the page prior."""
        return rank_pages(self.segment, content_terms(query), self.average)[:limit]


def rank_pages(
    segment: Segment, query: tuple[str, ...], average: float, weights: dict[str, float] | None = None
) -> list[tuple[int, float]]:
    """BM25 (k1 1.2, b 0.6) over pages, scaled by priors; ``weights`` raise or lower single terms."""
    total = len(segment.lengths)
    scores: dict[int, float] = defaultdict(float)
    for term in dict.fromkeys(query):
        postings = segment.postings.get(term)
        if not postings:
            continue
        held = len(postings) // 2
        idf = math.log(1 + (total - held + 0.5) / (held + 0.5)) * (weights or {}).get(term, 1.0)
        for at in range(0, len(postings), 2):
            page, count = postings[at], postings[at + 1]
            scores[page] += idf * count * 2.2 / (count + 1.2 * (0.4 + 0.6 * segment.lengths[page] / max(average, 1.0)))
    ranked = [(page, score * (1 + segment.priors[page])) for page, score in scores.items()]
    return sorted(ranked, key=lambda item: (-item[1], item[0]))
