"""The local engine: answers from opened documents by look-up and arithmetic, without a model and without a network.

One rule above all: a figure is shown only with its cell, unit, scale and period, or with a formula over such cells;
otherwise the engine declines. Pure: no input, no output, no clock (``today`` is handed in).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, DivisionByZero, localcontext

from smalt.engine import ledger, passages, render
from smalt.engine.answer import Answer, Exchange
from smalt.engine.asked import Asked, Mode
from smalt.engine.clean import clean
from smalt.engine.compute import Evaluator, Missing, Result, Senseless, locate
from smalt.engine.expression import Expr, Ref
from smalt.engine.follow import lean
from smalt.engine.manner import manner_of
from smalt.engine.metrics import metric_of
from smalt.engine.question import Operation, Query, understand
from smalt.engine.scope import Scope, scope
from smalt.kernel.figures import Unit
from smalt.search.segment import Opened
from smalt.search.tokens import label_key

_COMPARES = {Operation.CHANGE, Operation.PERCENT_CHANGE, Operation.GROWTH_RATE}
_QUESTION_CHARS_MAX = 4000
_PERIODS_MAX = 8


def answer(
    question: str, documents: Sequence[Opened], history: Sequence[Exchange] = (), today: date | None = None
) -> Answer:
    """The answer to ``question`` from ``documents``; declines when no cell or formula over cells supports one."""
    del today  # periods are the documents' own: "latest" is the newest they report
    question = " ".join(question[:_QUESTION_CHARS_MAX].split())
    if not documents:
        return render.refused("There is no document to answer from.", [question], [])
    question = lean(question, history, documents)
    sheets = [opened for opened in documents if opened.segment.grids]
    if sheets:
        found = ledger.answer(question, sheets)
        if found is not None:
            return found
    papers = [opened for opened in documents if not opened.segment.grids]
    if not papers:
        return render.refused("The sheets hold no rows that answer this.", [question], [])
    where = scope(clean(question), papers)
    if where.foreign is not None:
        return _foreign(where.foreign, papers)
    if passages.asks_for_words(clean(question)):
        words = passages.answer_text(
            where.rest.replace("|", " "), [opened for group in where.groups for opened in group]
        )
        return words if words is not None else render.refused("No passage says this.", [question], [])
    return _figure(where, understand(where.rest, manner_of(question)))


def _foreign(name: str, papers: Sequence[Opened]) -> Answer:
    known = sorted({opened.profile.display_name for opened in papers if opened.profile.display_name})
    about = f"; they are about {', '.join(known[:8])}" if known else ""
    return render.refused(f"None of the documents is about {name}{about}".rstrip(".") + ".", [name], [])


def _figure(where: Scope, query: Query) -> Answer:
    answers: list[Answer] = []
    declined: list[Answer] = []
    for group in where.groups:
        result = render.in_manner(_for_company(group, query), query.manner)
        (declined if result.declined else answers).append(result)
    if len(answers) == 1 and (len(where.groups) == 1 or not where.named):
        return answers[0]
    if not answers:
        near = [citation for one in declined for citation in one.nearest][:3]
        first = declined[0] if declined else render.refused("Nothing was found.", [query.subject], [])
        if len(declined) > 1:
            first.nearest, first.text = (
                near,
                f"None of the documents prints {query.subject or 'this'} for the period asked.",
            )
        return first
    if where.named and len(where.groups) > 1:
        return _side_by_side(answers, declined)
    names = ", ".join(sorted({citation.name for one in answers for citation in one.citations[:1]}))
    refusal = render.refused(f"Several documents print this ({names}). Name the company.", [query.subject], [])
    refusal.nearest = [citation for one in answers for citation in one.citations[:1]][:5]
    return refusal


def _side_by_side(answers: list[Answer], declined: list[Answer]) -> Answer:
    """One answer per company, each with its own citations, renumbered."""
    whole = Answer("")
    lines = []
    for one in answers:
        offset = len(whole.citations)
        text = one.text if one.formula is None else f"{one.text.removesuffix('.')} = {one.formula}."
        lines.append(_renumbered(text, offset))
        whole.citations += one.citations
        whole.operands += one.operands
        whole.traced += one.traced
        whole.figures += one.figures
    lines += [one.text for one in declined]
    whole.text = "\n".join(lines)
    return whole


def _renumbered(text: str, by: int) -> str:
    """The citation marks of ``text`` moved on by ``by``."""

    def moved(m: re.Match[str]) -> str:
        return f"[{int(m[1]) + by}]"

    return re.sub(r"\[(\d+)\]", moved, text)


def _for_company(group: list[Opened], query: Query) -> Answer:
    periods = query.periods or [Asked(Mode.LATEST)]
    if query.unclear or (
        query.operation is Operation.CALCULATE and not query.defined and metric_of(query.name) is None
    ):
        label = _as_printed(group, query, periods)
        if label is not None:
            return label
    if query.unclear:
        return render.refused("The calculation that the question states cannot be followed.", [query.subject], [])
    if not query.subject and query.tree is None:
        return render.refused("The question names no figure.", [], [])
    try:
        if query.operation in _COMPARES:
            return _compared(group, query, periods)
        if query.operation in {Operation.AVERAGE, Operation.SUM}:
            return _gathered(group, query, periods)
        if query.operation is Operation.CALCULATE and query.tree is not None:
            if len(periods) > 1 and query.several:
                return _several(group, query, periods, _calculated)
            return _calculated(group, query, max(periods, key=Asked.order))
        if len(periods) > 1:
            return _several(group, query, periods, _looked_up)
        return _looked_up(group, query, periods[0])
    except Missing as missing:
        return _refusal(missing, group)
    except DivisionByZero:
        return render.refused("The divisor is zero, so there is no quotient.", [query.subject], [])
    except Senseless:
        return render.refused("The calculation adds amounts and ratios.", [query.subject], [])


def _as_printed(group: list[Opened], query: Query, periods: list[Asked]) -> Answer | None:
    """A label may itself read like a calculation: "Operating profit as a percentage of net sales". Print wins."""
    key = label_key(query.plain)
    if not key or len(periods) > 1 or not any(key in opened.by_key for opened in group):
        return None
    try:
        opened, found = locate(query.plain, periods[0], group)
    except Missing:
        return None
    return render.looked_up(opened, found, _name(group)) if found.score >= 96 else None


def _refusal(missing: Missing, group: list[Opened]) -> Answer:
    name = _name(group)
    period = missing.asked.text()
    what = f"“{missing.phrase}” for {period}"
    if missing.ambiguous:
        return render.refused(
            f"{name} prints several different figures that fit {what}.", [missing.phrase, period], missing.near
        )
    return render.refused(f"{name} prints no line that is {what}.", [missing.phrase, period], missing.near)


def _name(group: list[Opened]) -> str:
    return next((opened.profile.display_name for opened in group if opened.profile.display_name), group[0].name)


def _looked_up(group: list[Opened], query: Query, asked: Asked) -> Answer:
    try:
        opened, found = locate(query.subject, asked, group)
    except Missing:
        stated = re.match(r"(?:change|increase|decrease|growth) in (.+)$", query.subject, re.IGNORECASE)
        if stated is not None:
            return _compared(group, Query(stated[1], Operation.CHANGE, [asked]), [asked])
        raise
    return render.looked_up(opened, found, _name(group))


def _several(
    group: list[Opened], query: Query, periods: list[Asked], one: Callable[[list[Opened], Query, Asked], Answer]
) -> Answer:
    """The same figure for several periods, one after the other; a period that is not printed says so."""
    answers: list[Answer] = []
    refusals: list[Answer] = []
    first: Missing | None = None
    for asked in periods[:_PERIODS_MAX]:
        try:
            answers.append(render.in_manner(one(group, query, asked), query.manner))
        except Missing as missing:
            first = first or missing
            refusals.append(_refusal(missing, group))
    if not answers and first is not None:
        raise first
    if len(answers) == 1 and not refusals:
        return answers[0]
    return _side_by_side(answers, refusals)


def _tree(query: Query) -> Expr:
    return query.tree if query.tree is not None else Ref(query.subject)


def _run(group: list[Opened], query: Query, asked: Asked) -> Result:
    result = Evaluator(group, asked).run(_tree(query))
    return _in_unit(result, query)


def _in_unit(result: Result, query: Query) -> Result:
    """A quotient that its name calls a margin or rate is shown in percent."""
    wanted = Unit.PERCENT if query.unit is None and query.manner.percent else query.unit
    if wanted == Unit.PERCENT and result.unit == Unit.RATIO:
        times_hundred = result.formula.endswith("× 100")
        if not times_hundred:
            result.amount *= 100
            result.formula = f"{result.formula} × 100"
        result.unit, result.level = Unit.PERCENT, 2
    return result


def _calculated(group: list[Opened], query: Query, asked: Asked) -> Answer:
    if query.defined is False and query.tree is not None:
        direct = _printed_metric(group, query, asked)
        if direct is not None:
            return direct
    result = _run(group, query, asked)
    return render.calculated(
        result,
        result.unit,
        f"{_name(group)}: {query.name or query.subject}",
        render.period_text(asked, result),
        days=query.days,
    )


def _printed_metric(group: list[Opened], query: Query, asked: Asked) -> Answer | None:
    """Some documents print the metric itself; an amount (free cash flow, EBITDA) is then better looked up than rebuilt."""
    metric = metric_of(query.name)
    if metric is None or metric.unit != Unit.MONEY:
        return None
    try:
        Evaluator(group, asked).run(metric.tree)
    except (Missing, DivisionByZero):
        try:
            opened, found = locate(metric.name, asked, group)
        except Missing:
            return None
        return render.looked_up(opened, found, _name(group)) if found.fact is not None and found.score >= 94 else None
    return None


def _compared(group: list[Opened], query: Query, periods: list[Asked]) -> Answer:
    ends = sorted(periods, key=Asked.order)
    new = ends[-1]
    old = ends[0] if len(ends) > 1 else replace(new, shift=new.shift - 1)
    after, before = _run(group, query, new), _run(group, query, old)
    used = [*after.used, *before.used]
    b = _wrapped(before)
    title = f"{_name(group)}: change in {query.name or query.subject}"
    period = f"{old.text()} to {new.text()}"
    if query.operation is Operation.CHANGE:
        result = Result(after.amount - before.amount, after.unit, f"{after.formula} − {b}", used)
        return render.calculated(result, after.unit, title, period, days=query.days)
    if before.amount == 0:
        raise DivisionByZero
    with localcontext() as context:
        context.prec = 40
        if query.operation is Operation.GROWTH_RATE:
            return _growth_rate(group, query, after, before, (old, new))
        amount = (after.amount - before.amount) / before.amount * 100
    return render.calculated(
        Result(amount, Unit.PERCENT, f"({after.formula} − {b}) / {b} × 100", used),
        Unit.PERCENT,
        title.replace("change", "percentage change"),
        period,
    )


def _growth_rate(group: list[Opened], query: Query, after: Result, before: Result, ends: tuple[Asked, Asked]) -> Answer:
    years = Decimal(ends[1].order()[0] - ends[0].order()[0]) / 12
    ratio = after.amount / before.amount
    if years <= 0 or ratio <= 0:
        raise DivisionByZero
    amount = (ratio ** (1 / years) - 1) * 100
    formula = f"(({_wrapped(after)} / {_wrapped(before)}) ^ (1 / {years.normalize():f}) − 1) × 100"
    title = f"{_name(group)}: compound annual growth of {query.name or query.subject}"
    return render.calculated(
        Result(amount, Unit.PERCENT, formula, [*after.used, *before.used]),
        Unit.PERCENT,
        title,
        f"{ends[0].text()} to {ends[1].text()}",
    )


def _wrapped(result: Result) -> str:
    return result.formula if result.level == 3 and not result.formula.startswith("−") else f"({result.formula})"


def _gathered(group: list[Opened], query: Query, periods: list[Asked]) -> Answer:
    """A sum or mean over the periods named; "from 2021 to 2024" takes the years between too."""
    results = [_run(group, query, asked) for asked in sorted(periods, key=Asked.order)]
    total = sum((result.amount for result in results), Decimal(0))
    used = [one for result in results for one in result.used]
    body = " + ".join(_wrapped(result) for result in reversed(results))
    period = " and ".join(asked.text() for asked in sorted(periods, key=Asked.order))
    if query.operation is Operation.SUM:
        return render.calculated(
            Result(total, results[0].unit, body, used),
            results[0].unit,
            f"{_name(group)}: sum of {query.name or query.subject}",
            period,
        )
    with localcontext() as context:
        context.prec = 40
        mean = total / len(results)
    return render.calculated(
        Result(mean, results[0].unit, f"({body}) / {len(results)}", used),
        results[0].unit,
        f"{_name(group)}: average {query.name or query.subject}",
        period,
        days=query.days,
    )
