"""How an answer is set on the page: its text cut into plain runs and figures, each figure bound to its citations.

The server's template and the browser's module render the same parts, so that the rule lives in one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from smalt.chat.figures import MARKS, Borne, Shown, borne_by, numbers_in, numbers_of
from smalt.kernel.figures import printed_number


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
        "formula_parts": list(binder.parts(answer.get("formula") or "", formula=True)),
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
        self.known: list[Borne] = []
        for citation in citations:
            quote, unit = citation["value"] or citation.get("quote") or "", citation.get("unit") or ""
            self.known += borne_by(citation["n"], str(quote), str(unit))
        self.numbers = [citation["n"] for citation in citations]
        self.answered = _answered(figure) if computed else None

    def parts(self, text: str, *, formula: bool = False) -> Iterator[dict[str, Any]]:
        """The parts of ``text``, in order; joined, their texts are ``text`` without its marks."""
        at = 0
        for figure in numbers_in(text):
            yield from _words(text[at : figure.start])
            yield self._bound(figure, formula=formula)
            at = figure.after
        yield from _words(text[at:])

    def _bound(self, found: Shown, *, formula: bool) -> dict[str, Any]:
        if found.marks is not None:
            return {"text": found.text, "figure": True, "n": found.marks, "traced": bool(found.marks)}
        if found.name:
            return {"text": found.text}
        numbers = self._equal(found, formula=formula)
        if numbers:
            return {"text": found.text, "figure": True, "n": numbers, "traced": True}
        return {"text": found.text} if self.whole else {"text": found.text, "figure": True, "n": [], "traced": False}

    def _equal(self, found: Shown, *, formula: bool) -> list[int]:
        if self.answered is not None and self.answered.bears(found):
            return self.numbers
        # The operands of a formula are printed as in their cells, without the scale that stands beside those.
        same = (each for each in self.known if (each.printed == found.value if formula else each.bears(found)))
        return list(dict.fromkeys(each.citation for each in same if each.citation is not None))


def _answered(figure: Mapping[str, Any] | None) -> Borne | None:
    """What the answered figure stands for."""
    try:
        value = abs(Decimal(str((figure or {})["value"])))
    except (KeyError, InvalidOperation):
        return None
    return Borne(value, value, quotient=True)


def _words(text: str) -> Iterator[dict[str, Any]]:
    """Runs of plain text, and the marks that stand after words."""
    at = 0
    for marks in MARKS.finditer(text):
        yield from _plain(text[at : marks.start()])
        yield {"text": "", "figure": False, "n": numbers_of(marks[1])}
        at = marks.end()
    yield from _plain(text[at:])


def _plain(text: str) -> Iterator[dict[str, Any]]:
    if text:
        yield {"text": text}
