"""Words and visual lines of a PDF page, from PDFium's characters.

PDFium decides where spaces are; this module adds what it does not know: words end where the pen jumps, and a visual
line holds everything printed on one baseline, footnote marks included. All coordinates leave here as points from the
top left of the page as it is displayed (crop box and rotation applied).
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as c

_RUN = re.compile(r"[^\s\x00\u200b\ufeff]+")
_BOLD_WEIGHT = 600
_RULE_MAX = 2.5  # points: thicker shapes are areas
_SPACE_MIN = 0.04  # of the line box height
_SIZE_MIN = 0.5  # points
_FAR = 1e6  # points: no page is as large
_WIDTH_MAX = 0.62  # of the line box height, per character: wider runs are measured character by character

Edges = tuple[float, float, float, float]  # x0, top, x1, bottom


@dataclass(slots=True)
class Word:
    """``y`` is the baseline; ``size`` the height of the font's line box; ``raised`` marks a footnote sign."""

    x0: float
    x1: float
    top: float
    bottom: float
    y: float
    text: str
    bold: bool = False
    raised: bool = False

    @property
    def size(self) -> float:
        return self.bottom - self.top


@dataclass(slots=True)
class VLine:
    """Words on one baseline, left to right."""

    words: list[Word]
    y: float
    size: float
    top: float = field(init=False)
    bottom: float = field(init=False)

    def __post_init__(self) -> None:
        self.words.sort(key=lambda w: w.x0)
        self.top = min(w.top for w in self.words)
        self.bottom = max(w.bottom for w in self.words)

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return max(w.x1 for w in self.words)

    @property
    def text(self) -> str:
        return text_of(self.words)


def text_of(words: list[Word]) -> str:
    """The words with single spaces; a footnote sign stays stuck to the word it follows."""
    parts: list[str] = []
    last: Word | None = None
    for word in words:
        if last is not None and not (word.raised and word.x0 - last.x1 < 0.3 * last.size):
            parts.append(" ")
        parts.append(word.text)
        last = word
    return "".join(parts)


class _Frame:
    """Maps PDF user space to points from the displayed page's top left."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        left, bottom, right, top = page.get_cropbox()
        media = page.get_mediabox()
        self.left: float = max(left, media[0])
        self.bottom: float = max(bottom, media[1])
        self.right: float = min(right, media[2])
        self.top: float = min(top, media[3])
        self.rotation: int = page.get_rotation()

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Edges:
        """User-space corners (y up) → (x0, top, x1, bottom) as displayed."""
        if self.rotation == 0:
            return x0 - self.left, self.top - y1, x1 - self.left, self.top - y0
        if self.rotation == 90:
            return y0 - self.bottom, x0 - self.left, y1 - self.bottom, x1 - self.left
        if self.rotation == 180:
            return self.right - x1, y0 - self.bottom, self.right - x0, y1 - self.bottom
        return self.top - y1, self.right - x1, self.top - y0, self.right - x0

    def baseline(self, x: float, y: float) -> float:
        return {0: self.top - y, 90: x - self.left, 180: y - self.bottom}.get(self.rotation, self.right - x)


class _Fonts:
    """Whether a character's font is bold, remembered by font name and flags."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._buffer = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._known: dict[bytes, bool] = {}

    def bold(self, index: int) -> bool:
        c.FPDFText_GetFontInfo(self._raw, index, self._buffer, 128, self._flags)
        name = self._buffer.value
        known = self._known.get(name)
        if known is None:
            lower = name.lower()
            known = any(mark in lower for mark in (b"bold", b"black", b"heavy", b"demi"))
            if not known:
                known = c.FPDFText_GetFontWeight(self._raw, index) >= _BOLD_WEIGHT
            self._known[name] = known
        return known


def sound(box: Edges) -> Edges:
    """``box``, or one that can be reckoned with: a damaged font measures nothing, or measures light-years."""
    x0, top, x1, bottom = box
    if not all(abs(edge) < _FAR for edge in box):  # false for what is no number, too
        return 0.0, 0.0, 0.0, _SIZE_MIN
    return x0, top, x1, max(bottom, top + _SIZE_MIN)


class _Reader:
    """The words of one text page. Only the first and last character of a word are measured when that is enough."""

    def __init__(self, page: pdfium.PdfPage, raw: Any) -> None:
        self._frame = _Frame(page)
        self._fonts = _Fonts(raw)
        self._raw = raw
        self._rect = c.FS_RECTF()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()

    def words(self, text: str) -> list[Word]:
        """``text`` has one character per character of the page."""
        words: list[Word] = []
        for found in _RUN.finditer(text):
            for first, last, box in self._spans(text, found.start(), found.end() - 1):
                letters = text[first : last + 1].replace("\x02", "-").replace("\ufffe", "-")
                if words and self._goes_on(words[-1], box):
                    previous = words[-1]
                    previous.text += letters
                    previous.x1 = max(previous.x1, box[2])
                    continue
                c.FPDFText_GetCharOrigin(self._raw, first, self._x, self._y)
                y = self._frame.baseline(self._x.value, self._y.value)
                words.append(Word(box[0], box[2], box[1], box[3], y, letters, self._fonts.bold(first)))
        return words

    def _box(self, index: int) -> Edges:
        rect = self._rect
        if not c.FPDFText_GetLooseCharBox(self._raw, index, rect):
            return (0.0, 0.0, 0.0, _SIZE_MIN)
        return sound(self._frame.box(rect.left, rect.bottom, rect.right, rect.top))

    def _spans(self, text: str, first: int, last: int) -> Iterator[tuple[int, int, Edges]]:
        """The words inside a run without spaces: mostly one."""
        head = self._box(first)
        if first == last:
            yield first, last, head
            return
        tail = self._box(last)
        height = head[3] - head[1]
        level = abs(tail[1] - head[1]) < 0.05 * height and abs(tail[3] - head[3]) < 0.05 * height
        if level and 0 < tail[2] - head[0] < _WIDTH_MAX * height * (last - first + 1):
            yield first, last, (head[0], head[1], tail[2], head[3])
            return
        start, box = first, head
        for index in range(first + 1, last + 1):
            here = self._box(index)
            height = box[3] - box[1]
            jump = not -0.7 * height < here[0] - box[2] < 0.4 * height
            # A ligature's letters come with tight boxes, so a change of height ends a word only before other signs.
            shift = abs(here[3] - box[3]) > 0.6 * height or (
                not text[index].isalpha() and abs(here[3] - here[1] - height) > 0.15 * height
            )
            if jump or shift:
                yield start, index - 1, box
                start, box = index, here
            else:
                box = (min(box[0], here[0]), min(box[1], here[1]), max(box[2], here[2]), max(box[3], here[3]))
        yield start, last, box

    @staticmethod
    def _goes_on(word: Word, box: Edges) -> bool:
        """PDFium invents spaces inside words of scaled text: one without width is none."""
        height = word.bottom - word.top
        level = abs(box[3] - word.bottom) < 0.05 * height and abs(box[1] - word.top) < 0.05 * height
        return level and -0.3 * height < box[0] - word.x1 < _SPACE_MIN * height


def page_words(page: pdfium.PdfPage) -> list[Word]:
    """Every word of the page in PDFium's order."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        text = textpage.get_text_range(0, count) if count else ""
        if len(text) != count:  # characters outside the basic plane: ask for each
            codes = (c.FPDFText_GetUnicode(textpage.raw, index) for index in range(count))
            text = "".join(chr(code) if code < 0x110000 else " " for code in codes)
        return _Reader(page, textpage.raw).words(text)
    finally:
        textpage.close()


def page_rules(page: pdfium.PdfPage) -> list[tuple[float, float, float]]:
    """The page's horizontal ruled lines as (y, x0, x1), pieces that touch joined into one."""
    frame = _Frame(page)
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    found: list[tuple[float, float, float]] = []
    for index in range(c.FPDFPage_CountObjects(page.raw)):
        shape = c.FPDFPage_GetObject(page.raw, index)
        if c.FPDFPageObj_GetType(shape) != c.FPDF_PAGEOBJ_PATH:
            continue
        c.FPDFPageObj_GetBounds(shape, left, bottom, right, top)
        x0, y0, x1, y1 = frame.box(left.value, bottom.value, right.value, top.value)
        if y1 - y0 <= _RULE_MAX and x1 > x0:
            found.append((round((y0 + y1) / 2, 1), x0, x1))
    found.sort()
    rules: list[tuple[float, float, float]] = []
    for y, x0, x1 in found:
        if rules and y - rules[-1][0] < 0.3 and x0 - rules[-1][2] < 1.0:
            rules[-1] = (rules[-1][0], rules[-1][1], max(rules[-1][2], x1))
        else:
            rules.append((y, x0, x1))
    return rules


def visual_lines(words: list[Word]) -> list[VLine]:
    """Words grouped by baseline, top to bottom; small raised words join the line they are a footnote sign of."""
    if not words:
        return []
    body = median(w.size for w in words)
    plain = sorted((w for w in words if w.size >= 0.8 * body), key=lambda w: w.y)
    small = sorted((w for w in words if w.size < 0.8 * body), key=lambda w: w.y)
    lines = _by_baseline(plain)
    rest: list[Word] = []
    for word in small:
        home = _line_of_mark(word, lines)
        if home is None:
            rest.append(word)
        else:
            word.raised = word.y < home.y - 0.08 * home.size
            home.words.append(word)
    lines += _by_baseline(rest)
    lines = [VLine(line.words, line.y, line.size) for line in lines]
    lines.sort(key=lambda line: line.y)
    return lines


def _by_baseline(words: list[Word]) -> list[VLine]:
    lines: list[VLine] = []
    current: list[Word] = []
    y = 0.0
    for word in words:
        if current and word.y - y <= 0.28 * min(word.size, current[-1].size):
            current.append(word)
            y += (word.y - y) / len(current)
        else:
            if current:
                lines.append(VLine(current, y, median(w.size for w in current)))
            current, y = [word], word.y
    if current:
        lines.append(VLine(current, y, median(w.size for w in current)))
    return lines


def _line_of_mark(word: Word, lines: list[VLine]) -> VLine | None:
    best: VLine | None = None
    best_gap = 1e9
    for line in lines:
        if not -0.15 * line.size <= line.y - word.y <= 0.55 * line.size:
            continue
        if word.size > 0.85 * line.size:
            continue
        gap = min(min(abs(word.x0 - w.x1), abs(w.x0 - word.x1)) for w in line.words)
        if gap < 0.6 * line.size and gap < best_gap:
            best, best_gap = line, gap
    return best
