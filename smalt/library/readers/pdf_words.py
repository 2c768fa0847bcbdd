"""Words and visual lines of a PDF page, from PDFium's characters.

PDFium decides where spaces are; this module adds what it does not know: words end where the pen jumps, and a visual
line holds everything printed on one baseline, footnote marks included. All coordinates leave here as points from the
top left of the page as it is displayed (crop box and rotation applied).
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as c

_SPACES = frozenset(
    {0, 9, 10, 13, 32, 160, 0xFFFE, 0xFEFF, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A}
    | {0x200B, 0x202F, 0x205F, 0x3000}
)
_BOLD_WEIGHT = 600
_HYPHEN = 2  # PDFium's stand-in for a hyphen at a line's end


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
        self.left, self.bottom = max(left, media[0]), max(bottom, media[1])
        self.right, self.top = min(right, media[2]), min(top, media[3])
        self.rotation = page.get_rotation()

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """User-space corners (y up) → (x0, top, x1, bottom) as displayed."""
        if self.rotation == 0:
            return x0 - self.left, self.top - y1, x1 - self.left, self.top - y0
        if self.rotation == 90:
            return y0 - self.bottom, x0 - self.left, y1 - self.bottom, x1 - self.left
        if self.rotation == 180:
            return self.right - x1, y0 - self.bottom, self.right - x0, y1 - self.bottom
        return self.top - y1, self.right - x1, self.top - y0, self.right - x0

    def baseline(self, x: float, y: float) -> float:
        if self.rotation == 0:
            return self.top - y
        if self.rotation == 90:
            return x - self.left
        if self.rotation == 180:
            return y - self.bottom
        return self.right - x


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


def page_words(page: pdfium.PdfPage) -> list[Word]:
    """Every word of the page in PDFium's order."""
    textpage = page.get_textpage()
    try:
        return _words(textpage.raw, textpage.count_chars(), _Frame(page))
    finally:
        textpage.close()


def _words(raw: Any, count: int, frame: _Frame) -> list[Word]:
    fonts = _Fonts(raw)
    unicode_at, box_at = c.FPDFText_GetUnicode, c.FPDFText_GetLooseCharBox
    rect = c.FS_RECTF()
    x, y = ctypes.c_double(), ctypes.c_double()
    words: list[Word] = []
    chars: list[str] = []
    x0 = y0 = x1 = y1 = 0.0
    first = 0

    def close() -> None:
        c.FPDFText_GetCharOrigin(raw, first, x, y)
        left, top, right, bottom = frame.box(x0, y0, x1, y1)
        baseline = frame.baseline(x.value, y.value)
        words.append(Word(left, right, top, bottom, baseline, "".join(chars), bold=fonts.bold(first)))
        chars.clear()

    turned = frame.rotation in (90, 270)
    for index in range(count):
        code = unicode_at(raw, index)
        if code in _SPACES:
            if chars:
                close()
            continue
        if not box_at(raw, index, rect):
            continue
        left, right, bottom, top = rect.left, rect.right, rect.bottom, rect.top
        if chars:
            height = (x1 - x0) if turned else (y1 - y0)
            if turned:
                jump = not (-height < bottom - y1 < 0.4 * height) and not (-height < y0 - top < 0.4 * height)
                shift = abs((left + right) - (x0 + x1)) > 0.24 * height
            else:
                jump = not (-0.7 * height < left - x1 < 0.4 * height)
                # A ligature's letters come with tight boxes, so a change of height ends a word only before other signs.
                sign = not (65 <= code <= 90 or 97 <= code <= 122)
                shift = abs(bottom - y0) > 0.6 * height or (sign and abs(top - bottom - height) > 0.15 * height)
            if jump or shift:
                close()
        if not chars:
            x0, y0, x1, y1, first = left, bottom, right, top, index
        else:
            x0, y0, x1, y1 = min(x0, left), min(y0, bottom), max(x1, right), max(y1, top)
        chars.append("-" if code == _HYPHEN else chr(code))
    if chars:
        close()
    return words


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
