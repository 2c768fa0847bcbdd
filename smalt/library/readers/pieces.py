"""From the words of a visual line to pieces: the label, and one piece per printed figure or column text.

Currency signs, brackets and percent signs that stand in columns of their own are merged into the figure they belong
to; footnote signs are dropped from figures (and kept in labels).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from smalt.library.parsed import Box
from smalt.library.readers.pdf_words import VLine, Word, text_of

_CURRENCY = r"(?:[A-Z]{1,3}\$|[$€£¥]|EUR|USD|GBP|CHF|JPY)"
_BEFORE = re.compile(rf"^(?:{_CURRENCY}|\(|{_CURRENCY}\(|\({_CURRENCY}|[-–—+])$")
_AFTER = re.compile(r"^(?:\)|%|\)%|%\)|x|×|pts?|bps|\)\*|\*)$")
_NUMBER = re.compile(
    rf"^(?:{_CURRENCY})?\(?(?:{_CURRENCY})?[-–−+]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)?(?:\.\d+)?\)?[%x×]?\)?[*†‡]?$"
)
_RANGE = re.compile(rf"^{_CURRENCY}?[\d,.]+%?(?:[-–—]|to){_CURRENCY}?[\d,.]+%?$")
_DASH = re.compile(rf"^(?:{_CURRENCY})?\(?[-–—−]+\)?%?$")
_NOTHING = re.compile(r"^(?:N/?[AM]|n/?[am]|NM|nm|\*+)$")
_YEAR = re.compile(r"^(?:19|20)\d\d[*†]?$")
_NOTE = re.compile(r"^\((?:\d{1,2}|[a-z])\)(?:\((?:\d{1,2}|[a-z])\))*$")

WORD_GAP = 0.58  # of the line box height: wider than any space inside a text
_TIGHT = 0.42


def is_number(text: str) -> bool:
    """Whether ``text`` prints a figure: digits with any of currency, brackets, sign, percent."""
    return any(ch.isdigit() for ch in text) and _NUMBER.match(text) is not None


@dataclass(slots=True)
class Piece:
    """A run of words that is one label or one cell. ``core`` is the right edge without closing signs."""

    words: list[Word]
    text: str
    figure: bool
    x0: float
    x1: float
    core0: float
    core1: float

    @property
    def year(self) -> bool:
        return _YEAR.match(self.text) is not None

    @property
    def box(self) -> Box:
        return box_of(self.words)


def box_of(words: list[Word]) -> Box:
    """The box around ``words``, in points to one decimal."""
    return Box(
        round(min(w.x0 for w in words), 1),
        round(min(w.top for w in words), 1),
        round(max(w.x1 for w in words), 1),
        round(max(w.bottom for w in words), 1),
    )


def piece_of(words: list[Word]) -> Piece:
    plain = [w for w in words if not w.raised] or words
    joined = "".join(w.text for w in plain)
    figure = (
        is_number(joined)
        or _RANGE.match(joined) is not None
        or _DASH.match(joined) is not None
        or _NOTHING.match(joined) is not None
    )
    core = [w for w in plain if any(ch.isalnum() for ch in w.text)] or plain
    ranged = figure and len(plain) > 2 and _RANGE.match(joined) is not None
    text = text_of(plain) if ranged else joined if figure else text_of(words)
    return Piece(words, text, figure, words[0].x0, max(w.x1 for w in words), core[0].x0, max(w.x1 for w in core))


def _kind(word: Word) -> str:
    text = word.text
    if is_number(text):
        return "number"
    if _BEFORE.match(text):
        return "dash" if text in "-–—" else "before"
    if _AFTER.match(text):
        return "after"
    if _DASH.match(text):
        return "dash"
    return "text"


def pieces_of(line: VLine) -> list[Piece]:
    """The line's pieces, left to right."""
    groups: list[list[Word]] = []
    state = ""  # kind of the piece being built: text, open (waiting for its number), number, dash
    last: Word | None = None
    for word in line.words:
        gap = word.x0 - last.x1 if last is not None else 0.0
        kind = _kind(word)
        if last is None or not _joins(state, kind, gap / line.size, word, groups[-1]):
            groups.append([word])
            state = {"before": "open", "after": "text"}.get(kind, kind)
        else:
            groups[-1].append(word)
            state = _next_state(state, kind)
        last = word
    return [piece_of(group) for group in groups]


def _next_state(state: str, kind: str) -> str:
    if kind == "text":
        return "text"
    if state == "open":
        return "open" if kind == "before" else kind
    return state


def _joins(state: str, kind: str, gap: float, word: Word, group: list[Word]) -> bool:
    """Whether ``word`` belongs to the piece under way; ``gap`` is in line box heights."""
    if word.raised:
        return gap < WORD_GAP
    if state == "open":  # "$" or "(" waits for its figure, however far away
        return kind in {"number", "dash", "before"} or (kind == "after" and gap < WORD_GAP) or gap < _TIGHT
    if state in {"number", "dash"}:
        if kind == "after":
            return gap < 2 * WORD_GAP
        if kind == "text":
            return gap < _TIGHT and not _NOTE.match(word.text)
        if kind == "number" and state == "number" and gap < _TIGHT:
            return group[-1].text in "-–—" and len(group) > 1  # "3.0 – 5.0"
        return kind == "dash" and state == "number" and gap < _TIGHT
    if kind == "before":
        return gap < _TIGHT
    return gap < WORD_GAP


def without_notes(pieces: list[Piece]) -> list[Piece]:
    """Drop "(1)" that directly follows a figure: a footnote sign, not the figure -1."""
    kept: list[Piece] = []
    for piece in pieces:
        follows = kept and kept[-1].figure and piece.x0 - kept[-1].x1 < _TIGHT * piece.words[0].size
        if follows and _NOTE.match(piece.text):
            continue
        kept.append(piece)
    return kept
