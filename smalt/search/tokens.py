"""Words as search and look-up compare them: folded case, plain quotes and dashes, light plural stripping."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_FOLD = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "\u00a0": " ",
        "®": " ",
        "™": " ",
    }
)
_WORD = re.compile(r"[a-z]+(?:&[a-z]+)*|\d+(?:[.,]\d+)*")
_POSSESSIVE = re.compile(r"(?<=[a-z])'s\b|(?<=s)'(?=\s|$)")
_NOTE = re.compile(
    r"\s*\((?:see )?notes?\s+[\d,\s and]+\)|\s*\[[a-z0-9]{1,2}\]|\s*\(\d{1,2}\)(?=\s|$|,|\()|(?<=[a-z)])\s*\([a-z]\)(?=\s|$)",
    re.IGNORECASE,
)
_MARK = re.compile(
    r"(?:(?<=[a-z]{3})|(?<=\)))\d{1,2}(?:,\s?\d{1,2})*$|[\u00b9\u00b2\u00b3\u2070-\u2079*\u2020\u2021]+$"
)
"""A footnote mark that print sets small and raised behind the last letter: "Share1", "assets2,3"."""
STOP = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "for",
        "in",
        "on",
        "at",
        "to",
        "and",
        "or",
        "by",
        "from",
        "with",
        "as",
        "was",
        "were",
        "is",
        "are",
        "be",
        "been",
        "its",
        "it",
        "this",
        "that",
        "their",
        "our",
        "we",
        "how",
        "much",
        "many",
        "what",
        "which",
        "did",
        "does",
        "do",
        "has",
        "had",
        "have",
        "find",
        "give",
        "show",
        "tell",
        "me",
        "please",
        "during",
        "why",
        "where",
        "who",
        "whom",
        "explain",
        "describe",
    ]
)
_IRREGULAR = {
    "taxes": "tax",
    "losses": "loss",
    "earnings": "earning",
    "sales": "sale",
    "less": "less",
    "businesses": "business",
}


def fold(text: str) -> str:
    """Lower case, ASCII quotes and dashes, single spaces."""
    text = unicodedata.normalize("NFKC", text.translate(_FOLD)).translate(_FOLD)
    return " ".join(text.lower().split())


def without_notes(text: str) -> str:
    """``Income tax expense (Note 7) [a]`` without its note and footnote references."""
    return without_mark(_NOTE.sub("", text))


def without_mark(label: str) -> str:
    """A printed label without the footnote mark glued to its end: "Diluted Net Income Per Share1"."""
    return _MARK.sub("", label.strip()).rstrip() or label.strip()


def stem(word: str) -> str:
    """A light stem: plurals only, so that receivable and receivables meet."""
    known = _IRREGULAR.get(word)
    if known is not None:
        return known
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=65536)
def terms(text: str) -> tuple[str, ...]:
    """The stemmed words of ``text`` in order, with stop words kept."""
    folded = _POSSESSIVE.sub("", fold(text)).replace("r&d", "research development").replace("&", " and ")
    return tuple(stem(word) for word in _WORD.findall(folded.replace("-", " ")))


@lru_cache(maxsize=65536)
def content_terms(text: str) -> tuple[str, ...]:
    """`terms` without stop words."""
    return tuple(word for word in terms(text) if word not in STOP)


@lru_cache(maxsize=65536)
def label_key(text: str) -> str:
    """A label as one comparable string: no notes, no punctuation, no stop words."""
    return " ".join(content_terms(without_notes(fold(text))))
