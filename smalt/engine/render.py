"""From facts and results to the words, the figure and the citations of an answer."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from smalt.engine.answer import Answer, Citation, FigureOut, Operand
from smalt.engine.asked import Asked
from smalt.engine.compute import Result, printed, rounded
from smalt.engine.lookup import Found
from smalt.engine.manner import Manner
from smalt.engine.vocabulary import measure_of
from smalt.kernel.figures import Unit
from smalt.search.model import Fact, Passage
from smalt.search.segment import Opened

_SCALE_WORDS = {3: "thousand", 6: "million", 9: "billion", 12: "trillion"}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_EXACT_PLACES = 6


def money(amount: Decimal, currency: str | None, scale: int) -> str:
    """An amount in words: "$4,741 million" or "−$12.50"."""
    symbol = _SYMBOLS.get(currency or "", f"{currency} " if currency else "")
    word = _SCALE_WORDS.get(scale, "")
    shown = amount.scaleb(-scale) if word else amount
    if shown != shown.to_integral_value():
        shown = rounded(shown, 2)
        body = f"{abs(shown):,.2f}" if shown != shown.to_integral_value() else f"{abs(shown):,.0f}"
    else:
        body = f"{abs(shown):,.0f}"
    return f"{'−' if amount < 0 else ''}{symbol}{body}{' ' + word if word else ''}"


def amount_text(amount: Decimal, unit: Unit, currency: str | None, scale: int, *, days: bool = False) -> str:
    """A figure in words with its unit and scale."""
    if unit == Unit.MONEY:
        return money(amount, currency, scale)
    if unit == Unit.PER_SHARE:
        symbol = _SYMBOLS.get(currency or "", "")
        places = max(2, -int(amount.normalize().as_tuple().exponent)) if amount == rounded(amount, 4) else 2
        return f"{'−' if amount < 0 else ''}{symbol}{abs(rounded(amount, places)):,} per share"
    if unit == Unit.SHARES:
        word = _SCALE_WORDS.get(scale, "")
        return f"{printed(amount, unit, scale)}{' ' + word if word else ''} shares"
    if unit == Unit.PERCENT:
        return f"{_plain(amount, 2)}%"
    if unit == Unit.RATIO:
        return f"{_plain(amount, 1)} days" if days else _plain(amount, 4)
    return _plain(amount, 2)


def _plain(amount: Decimal, places: int) -> str:
    text = f"{rounded(amount, places):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def figure(amount: Decimal, unit: Unit, scale: int, period: str, currency: str | None) -> FigureOut:
    """The figure as machines read it: base units, at most six places for quotients."""
    exact = amount if -int(amount.normalize().as_tuple().exponent) <= _EXACT_PLACES else rounded(amount, _EXACT_PLACES)
    return FigureOut(f"{exact.normalize():f}", unit.value, scale, period, currency)


def cite(opened: Opened, fact: Fact) -> Citation:
    """The cell of ``fact``: ``quote`` is exactly what is printed there."""
    return Citation(
        opened.document, opened.name, None if fact.sheet is not None else fact.page, fact.printed, fact.sheet, fact.ref, fact.box,
        label=_label(fact),
        header=fact.header, unit=_unit_note(fact), period=fact.span.text() or fact.header,
    )  # fmt: skip


def _label(fact: Fact) -> str:
    """The printed label, with its section in front where the label alone says too little ("Diluted", "Field Services")."""
    section = fact.path[-1].rstrip(": ") if fact.path else fact.sheet or ""
    names_part = section and measure_of(section.lower().removeprefix("segment ")) is not None
    short = not fact.label.lower().startswith("total") and len(fact.label.split()) <= 5
    if names_part and short and fact.unit == Unit.MONEY and measure_of(fact.label) is None:
        return f"{section} › {fact.label}"
    if (
        fact.path
        and (len(fact.label) <= 10 or fact.label.lower() in {"current portion", "noncurrent", "total, net"})
        and not fact.label.lower().startswith("total ")
        and measure_of(fact.label) is None
    ):
        return f"{fact.path[-1].rstrip(':')} › {fact.label}"
    return fact.label


def _unit_note(fact: Fact) -> str:
    """The unit as one reads it beside a figure: "$ millions", "$ per share", "shares, thousands", "%"."""
    words = f"{_SCALE_WORDS[fact.scale]}s" if fact.scale in _SCALE_WORDS else ""
    symbol = _SYMBOLS.get(fact.currency or "", fact.currency or "")
    if fact.unit == Unit.MONEY:
        return " ".join(part for part in (symbol, words) if part)
    if fact.unit == Unit.PER_SHARE:
        return f"{symbol} per share".strip()
    if fact.unit == Unit.PERCENT:
        return "%"
    if fact.unit == Unit.TEXT:
        return ""
    return ", ".join(part for part in (fact.unit.value, words) if part)


def looked_up(opened: Opened, found: Found, company: str) -> Answer:
    """The answer that is one printed cell."""
    fact = found.fact
    if fact is None:
        raise ValueError
    citation = cite(opened, fact)
    period = fact.span.text() or fact.header
    shown = amount_text(fact.value, fact.unit, fact.currency, fact.scale)
    text = f"{company + ': ' if company else ''}{citation.label}, {period}: {shown} [1]."
    return Answer(
        text,
        figure(fact.value, fact.unit, fact.scale, period, fact.currency),
        citations=[citation],
        traced=1,
        figures=1,
    )


def calculated(result: Result, unit: Unit, title: str, period: str, *, days: bool = False) -> Answer:
    """The answer that is a formula over cited cells."""
    citations: list[Citation] = []
    operands: list[Operand] = []
    scale = max((used.fact.scale for used in result.used if used.fact.unit == unit), default=0)
    currency = next((used.fact.currency for used in result.used if used.fact.currency), None)
    for used in result.used:
        at = _place(citations, cite(used.opened, used.fact))
        operands.append(
            Operand(used.fact.label, f"{used.amount.normalize():f}", used.fact.unit.value, used.fact.span.text(), at)
        )
    currency = currency if unit in {Unit.MONEY, Unit.PER_SHARE} else None
    shown = amount_text(result.amount, unit, currency, scale, days=days)
    marks = "".join(f"[{number}]" for number in range(1, len(citations) + 1))
    text = f"{title}, {period}: {shown} {marks}."
    return Answer(
        text,
        figure(result.amount, unit, scale, period, currency),
        result.formula,
        operands,
        citations,
        traced=1 + len(citations),
        figures=1 + len(citations),
    )


def in_manner(answer: Answer, manner: Manner) -> Answer:
    """``answer`` with its figure shown in the scale and to the decimals asked for. The figure itself stays exact."""
    found = answer.figure
    if found is None or (manner.scale is None and manner.places is None):
        return answer
    amount, unit = Decimal(found.value), Unit(found.unit)
    shown = next(
        (
            text
            for days in (False, True)
            if (text := amount_text(amount, unit, found.currency, found.scale, days=days)) in answer.text
        ),
        None,
    )
    if shown is None:
        return answer
    scale = manner.scale if manner.scale is not None and unit in (Unit.MONEY, Unit.SHARES) else found.scale
    restated = _restated(amount, unit, found.currency, scale, manner.places)
    return msgspec.structs.replace(answer, text=answer.text.replace(shown, restated, 1))


def _restated(amount: Decimal, unit: Unit, currency: str | None, scale: int, places: int | None) -> str:
    if unit in (Unit.MONEY, Unit.SHARES):
        whole = amount.scaleb(-scale)
        if places is None:
            places = 0 if whole == whole.to_integral_value() else 2 if abs(whole) >= 1 else 3
        word = f" {_SCALE_WORDS[scale]}" if scale in _SCALE_WORDS else ""
        symbol = _SYMBOLS.get(currency or "", f"{currency} " if currency else "") if unit == Unit.MONEY else ""
        sign = "−" if amount < 0 else ""
        return f"{sign}{symbol}{abs(rounded(whole, places)):,f}{word}{' shares' if unit == Unit.SHARES else ''}"
    places = 2 if places is None else places
    body = f"{abs(rounded(amount, places)):,f}"
    sign = "−" if rounded(amount, places) < 0 else ""
    if unit == Unit.PER_SHARE:
        return f"{sign}{_SYMBOLS.get(currency or '', '')}{body} per share"
    return f"{sign}{body}{'%' if unit == Unit.PERCENT else ''}"


def _place(citations: list[Citation], citation: Citation) -> int:
    """Where ``citation`` stands among ``citations``, to which it is added if it is new.

    A Word or Markdown table has no boxes and no cell names: what its cells print, and for which line, tells them apart.
    """
    for index, other in enumerate(citations):
        if _cell(other) == _cell(citation):
            return index
    citations.append(citation)
    return len(citations) - 1


def _cell(citation: Citation) -> tuple[object, ...]:
    place = (citation.document, citation.page, citation.sheet, citation.cell, citation.box, citation.row)
    return (*place, citation.quote, citation.label, citation.header)


def refused(reason: str, looked_for: list[str], near: list[tuple[Opened, Fact]]) -> Answer:
    """No figure: why, what was looked for, and the nearest lines to judge for oneself."""
    nearest = [cite(opened, fact) for opened, fact in near]
    return Answer(reason, declined=True, looked_for=looked_for, nearest=nearest)


def quoted(opened: Opened, passage: Passage, span: str) -> Answer:
    """The answer that is a passage's own words."""
    citation = Citation(
        opened.document,
        opened.name,
        None if passage.sheet is not None else passage.page,
        span,
        passage.sheet,
        None,
        passage.box,
    )
    return Answer(f"“{span}” [1]", citations=[citation])


def period_text(asked: Asked, result: Result) -> str:
    """The period of a calculation, as its own cells name it where they agree."""
    texts = {used.fact.span.text() for used in result.used if used.fact.span.months != 0}
    return texts.pop() if len(texts) == 1 else asked.text()
