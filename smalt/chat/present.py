"""How an answer is set on the page: its text cut into plain runs and figures, each figure bound to its citations.

The server's template and the browser's module render the same parts, so that the rule lives in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from smalt.kernel.figures import printed_number

_BODY = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_NUMBER = re.compile(
    rf"(?<![\w.,/])(?P<open>\()?(?P<sign>[-\u2212\u2013])?(?P<money>(?:US|CA|A)?[$€£¥]\s?|(?:USD|EUR|GBP|JPY|CHF)\s)?(?P<sign2>\()?"
    rf"(?P<body>{_BODY})(?P<close>\))?(?P<unit>\s?%|\s?bps\b|x\b|\s(?:thousand|million|billion|trillion)\b)?(?P<close2>\))?(?![\w])"
)
_MARKS = re.compile(r"\s?((?:\[(?:\d{1,3}|\?)\])+)")
_MARK = re.compile(r"\[(\d{1,3}|\?)\]")
_NAMED = re.compile(
    r"(?:\b(?:page|pages|p\.|pp\.|note|item|form|fiscal|FY|Q|step|row|line|sheet|part|section|cell"
    r"|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\s?)$",
    re.IGNORECASE,
)
_MONTH = re.compile(r"\s(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.IGNORECASE)
_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}


def present(answer: Mapping[str, Any]) -> dict[str, Any]:
    """``answer`` (the JSON of a turn's answer) with ``parts`` and ``formula_parts``, and ``value`` in each citation.

    A part is ``{"text"}``, or for a figure ``{"text", "figure": True, "n": [citation numbers], "traced": bool}``, or
    for a mark that stands after words ``{"text": "", "figure": False, "n"}``. A figure is bound by the marks right after it (``[1]``,
    ``[?]`` for one that could not be traced), else by equality with a cited or the answered figure. One that is bound
    to nothing counts as untraced only if the checks say that not all were traced. The parts leave out what follows in
    ``formula_parts`` and the citations.
    """
    citations = _numbered(answer.get("citations") or [], 1)
    checks = answer.get("checks") or {}
    whole = int(checks.get("traced", 0)) >= int(checks.get("figures", 0))
    binder = _Binder(citations, answer.get("figure"), bool(answer.get("formula")), whole)
    parts = list(binder.parts(_lead(answer.get("text") or "", answer.get("formula") or "")))
    for citation in citations:
        citation["value"] = citation["value"] or _said_of(citation, parts)
    return {
        **answer,
        "citations": citations,
        "nearest": _numbered(answer.get("nearest") or [], len(citations) + 1),
        "parts": parts,
        "formula_parts": list(binder.parts(answer.get("formula") or "")),
    }


def _lead(text: str, formula: str) -> str:
    """``text`` up to the formula that it goes on to spell out: the page sets formula and sources below, once."""
    head, found, rest = text.partition(f" = {formula}") if formula else (text, "", "")
    return f"{head}." if found and rest.startswith((", from ", ".")) else text


def _numbered(citations: Sequence[Mapping[str, Any]], first: int) -> list[dict[str, Any]]:
    """The citations with their value, and with numbers from ``first`` where they have none."""
    return [
        {**citation, "n": citation.get("n") or number, "value": _value_of(citation)}
        for number, citation in enumerate(citations, start=first)
    ]


def _value_of(citation: Mapping[str, Any]) -> str | None:
    """The figure of the cell as printed, when the citation is of one figure."""
    if citation.get("value"):
        return str(citation["value"])
    quote = str(citation.get("quote") or "").strip()
    return quote if printed_number(quote) is not None else None


def figures_of(text: str) -> list[tuple[Decimal, int]]:
    """The figures that ``text`` shows, in order: absolute value as printed, and its decimal places.

    Numbers that only name something (years, dates, pages, forms) and citation marks are not figures.
    """
    found = []
    plain = _MARKS.sub("", text)
    for match in _NUMBER.finditer(plain):
        start, end, _ = _trimmed(match)
        if not _is_a_name(match, plain[:start], plain[end:]):
            body = match["body"]
            found.append((Decimal(body.replace(",", "")), len(body.partition(".")[2])))
    return found


def _said_of(citation: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> str | None:
    """For a quoted sentence: the answer's figure that is bound to it alone and stands in it."""
    for part in parts:
        if part.get("figure") and part["n"] == [citation["n"]] and part["text"] in str(citation.get("quote") or ""):
            return str(part["text"])
    return None


class _Binder:
    """Finds for each figure of a text the citations it came from."""

    def __init__(
        self, citations: Sequence[Mapping[str, Any]], figure: Mapping[str, Any] | None, computed: bool, whole: bool
    ) -> None:
        self.whole = whole
        self.known: list[tuple[Decimal, int]] = []
        for citation in citations:
            printed = (
                [citation["value"]]
                if citation["value"]
                else [m["body"] for m in _NUMBER.finditer(citation.get("quote") or "")]
            )
            values = (printed_number(str(text)) for text in printed)
            self.known += [(abs(value), citation["n"]) for value in values if value is not None]
        self.numbers = [citation["n"] for citation in citations]
        self.computed = computed
        self.answered = _answered(figure)

    def parts(self, text: str) -> Iterator[dict[str, Any]]:
        """The parts of ``text``, in order; joined, their texts are ``text`` without its marks."""
        at = 0
        while at < len(text):
            figure, marks = _NUMBER.search(text, at), _MARKS.search(text, at)
            if figure is None and marks is None:
                break
            if figure is None or (marks is not None and marks.start() < figure.start()):
                assert marks is not None  # noqa: S101  the branch above leaves no other case
                yield from _plain(text[at : marks.start()])
                yield {"text": "", "figure": False, "n": _numbers(marks[1])}
                at = marks.end()
                continue
            start, end, shown = _trimmed(figure)
            after = _MARKS.match(text, end)
            part = self._bound(figure, shown, text[:start], text[end:], after[1] if after else None)
            yield from _plain(text[at:start])
            yield part
            at = after.end() if after else end
        yield from _plain(text[at:])

    def _bound(self, found: re.Match[str], shown: str, before: str, after: str, marks: str | None) -> dict[str, Any]:
        if marks is not None:
            numbers = _numbers(marks)
            return {"text": shown, "figure": True, "n": numbers, "traced": bool(numbers)}
        if _is_a_name(found, before, after):
            return {"text": shown}
        numbers = self._equal(found)
        if numbers:
            return {"text": shown, "figure": True, "n": numbers, "traced": True}
        return {"text": shown} if self.whole else {"text": shown, "figure": True, "n": [], "traced": False}

    def _equal(self, found: re.Match[str]) -> list[int]:
        value = Decimal(found["body"].replace(",", ""))
        places = len(found["body"].partition(".")[2])
        scale = _SCALES.get((found["unit"] or "").strip(), 0)
        said = {value, value.scaleb(scale)}
        if self.computed and any(known in said or round(known, places) == value for known in self.answered):
            return self.numbers
        return list(dict.fromkeys(number for known, number in self.known if known == value))


def _answered(figure: Mapping[str, Any] | None) -> list[Decimal]:
    """The answered figure in base units and as its scale prints it, without its sign."""
    try:
        value = abs(Decimal(str((figure or {})["value"])))
        return [value, value.scaleb(-int((figure or {}).get("scale") or 0))]
    except (KeyError, InvalidOperation, ValueError, TypeError):
        return []


def _trimmed(found: re.Match[str]) -> tuple[int, int, str]:
    """Where the figure starts and ends: an opening bracket that is not closed within it is the sentence's."""
    start, end = found.span()
    text = found[0]
    if text.startswith("(") and ")" not in text:
        start, text = start + 1, text[1:]
    while text.count(")") > text.count("("):
        end, text = end - 1, text[:-1]
    return start, end, text


def _is_a_name(found: re.Match[str], before: str, after: str) -> bool:
    """Years, dates, page numbers, form names: numbers that name something and measure nothing."""
    if found["money"] or found["unit"] or "," in found["body"]:
        return False
    if re.match(r"-[A-Z]", after) or _NAMED.search(before) or _MONTH.match(after):
        return True
    return bool(re.fullmatch(r"(?:19|20)\d\d", found["body"]))


def _numbers(marks: str) -> list[int]:
    return [int(mark) for mark in _MARK.findall(marks) if mark != "?"]


def _plain(text: str) -> Iterator[dict[str, Any]]:
    if text:
        yield {"text": text}
