"""What a question asks: whose figure, for which periods, of what, and by which operation."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from decimal import Decimal

from smalt.engine.asked import Asked, Mode, periods_in
from smalt.engine.expression import Binary, Expr, NotAnExpression, Number, Ref, has_operator, known, parse
from smalt.engine.manner import Manner
from smalt.engine.metrics import Metric, metric_of, named_unit, tuned
from smalt.engine.stems import subject_of, trimmed, untailed, unwrapped
from smalt.engine.vocabulary import STOCK, measure_of
from smalt.kernel.figures import Unit


class Operation(enum.Enum):
    LOOKUP = "look-up"
    CHANGE = "change"
    PERCENT_CHANGE = "percent change"
    AVERAGE = "average"
    SUM = "sum"
    GROWTH_RATE = "compound annual growth"
    CALCULATE = "calculation"
    TEXT = "text"


@dataclass(slots=True)
class Query:
    """One parsed question. ``subject`` is the phrase left when company, period and operation are taken off."""

    subject: str
    operation: Operation = Operation.LOOKUP
    periods: list[Asked] = field(default_factory=list)
    tree: Expr | None = None
    name: str = ""
    unit: Unit | None = None
    days: bool = False
    defined: bool = False
    relative: bool = False
    unclear: bool = False
    plain: str = ""
    several: bool = False
    """The periods are asked for one by one, not compared, and not because a definition names them."""
    spread: bool = False
    """The question asks over its periods together: "over 2023 and 2024", "combined"."""
    manner: Manner = field(default_factory=Manner)


_PERCENT_CHANGE = [
    re.compile(r"^\s*by (?:what|how many|how much) (?:percentage|percent|per cent|%)(?: points?)?\s+(?:did|has|have|does)\s+(?P<x>.+?)\s+(?:change|changed|grow|grew|grown|increase|increased|decrease|decreased|rise|risen|fall|fallen|decline|declined|drop|shrink|improve|move)\b", re.IGNORECASE),
    re.compile(r"\b(?:percentage|percent|%)\s+(?:change|increase|decrease|growth|decline|rise|drop|movement)\s+(?:in|of|for)\s+(?P<x>.+)$", re.IGNORECASE),
    re.compile(r"\b(?:year[- ]over[- ]year|yoy|y/y|annual|year[- ]on[- ]year)\s+(?:percentage |percent |% )?(?:growth|change|increase|decrease|decline)(?: rate)?\s+(?:in|of|for)\s+(?P<x>.+)$", re.IGNORECASE),
    re.compile(r"\bgrowth(?: rate)?\s+(?:in|of|for)\s+(?P<x>.+)$", re.IGNORECASE),
    re.compile(r"^(?:the )?(?P<x>.+?)\s+(?:year[- ]over[- ]year |yoy |annual )?(?:growth(?: rate)?|percent(?:age)? change)\b\s*(?:%|rate|percentage)?$", re.IGNORECASE),
    re.compile(r"^(?:how (?:fast|quickly|strongly)|at what rate) (?:did|has|have)\s+(?P<x>.+?)\s+(?:grow|grown|increase|increased|rise)\b", re.IGNORECASE),
]  # fmt: skip
_CHANGE = [
    re.compile(
        r"^(?:the )?(?:absolute |dollar |net )?(?:change|difference|movement|delta|increase|decrease|growth|decline|rise|drop)\s+(?:in|of|between)\s+(?P<x>.+)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^\s*(?:by\s+)?how (?:much|many)\s+(?:did|has|have|does)\s+(?P<x>.+?)\s+(?:change|changed|grow|grew|grown|increase|increased|decrease|decreased|rise|risen|fall|fallen|decline|declined|drop|shrink|improve|move)\b",
        re.IGNORECASE,
    ),
    re.compile(r"^(?P<x>.+?)\s+(?:change|increase|decrease|difference)$", re.IGNORECASE),
]
_MOVED = _CHANGE[1]  # fmt: skip
_AVERAGE = re.compile(
    r"^(?:the )?(?:average|mean|avg\.?)\s+(?:of\s+|annual\s+|yearly\s+)?(?:the\s+)?(?P<x>.+)$", re.IGNORECASE
)
_SUM = re.compile(
    r"^(?:the )?(?:sum|combined|cumulative|aggregate|combined total|total)\s+(?:of\s+)?(?:the\s+)?(?P<x>.+)$",
    re.IGNORECASE,
)
_CAGR = re.compile(
    r"\b(?:cagr|compound(?:ed)? annual growth(?: rate)?)\s*(?:\(cagr\)\s*)?(?:in|of|for)?\s*(?P<x>.*)$|^(?P<y>.+?)\s+(?:cagr|compound(?:ed)? annual growth(?: rate)?)$",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"^how many times (?:over )?(?:do|does|did|is|was|were|are)?\s*(?P<x>.+?)\s+(?:cover(?:s|ed)?|exceed(?:s|ed)?)(?: by)?\s+(?P<y>.+)$"
    r"|^divide (?P<a>.+?) by (?P<b>.+)$",
    re.IGNORECASE,
)
_SPENT_ON = re.compile(
    r"^(?:it |they |we |the company )?(?:spend|spent|pay(?: out)?|paid(?: out)?|return|returned|invest|invested|distribute|go to|went to|use|used)\s+(?:(?:on|in|as|for|to) )?",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"^ratio of (?P<e>.+?) to (?P<f>.+)$|^(?P<x>.+?)\s+as an? (?:percentage|percent|%|share|proportion|fraction) of\s+(?P<y>.+)$|^(?:percentage|percent|%|share|proportion|portion) of (?P<b>.+?)\s+(?:was|were|is|did|came from|comes from|represented by|made up of)\s+(?P<a>.+)$|^(?P<c>.+?)(?:-to-|\s+to\s+|\s*/\s*|\s+per\s+dollar of\s+)(?P<d>[^()]+?)(?:\s+ratio)?$",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    r"[,;(]?\s*(?:which is |where (?:it|this) is |is )?(?:defined as|calculated as|computed as|measured as|defined by|that is,?|i\.e\.,?|meaning|equals?|expressed as|taken as|using|=)\s*:?\s*(?P<d>.+?)\)?\s*$",
    re.IGNORECASE,
)
_PARENS = re.compile(r"^(?P<n>[^()]*?)\s*\((?P<d>.+)\)\s*(?P<t>[^()]*)$")


_RANGED = re.compile(
    r"\bfrom\b[^?]{0,24}?\d{2}\s*(?:to|through|until|-)\s|\d{4}\s*(?:-|through|thru)\s*(?:FY\s?|fiscal )?(?:19|20)\d\d|\bover the period\b|\beach (?:year|of the years)\b",
    re.IGNORECASE,
)
_YEARS_MAX = 6


def understand(text: str, manner: Manner | None = None) -> Query:
    """The query in ``text``, from which company names have been taken off (each left as a bar)."""
    periods, rest = periods_in(text)
    outside, _ = periods_in(re.sub(r"\([^()]*\)", " ", text))
    rest = trimmed(untailed(unwrapped(trimmed(rest.replace("|", " ")).lstrip(" ,:-"))))
    relative = (
        re.search(
            r"\b(?:year[- ]over[- ]year|yoy|y/y|year[- ]on[- ]year|compared (?:to|with) the (?:prior|previous) year)\b",
            text,
            re.IGNORECASE,
        )
        is not None
    )
    manner = manner or Manner()
    query = Query(rest, periods=periods, relative=relative, plain=subject_of(rest), manner=manner)
    query.several = len(outside) > 1
    query.spread = re.search(r"\b(?:over|across|combined|together|cumulative|sum)\b", text, re.IGNORECASE) is not None
    query.periods = _through(text, periods)
    for step in (_cagr, _percent_change, _definition, _change, _average_or_sum, _named, _margin, _share, _formula):
        if step(query):
            break
    else:
        query.subject = subject_of(rest)
    if manner.percent and query.operation is Operation.CHANGE:
        query.operation = Operation.PERCENT_CHANGE
    if query.operation not in (Operation.LOOKUP, Operation.CALCULATE, Operation.AVERAGE, Operation.SUM):
        query.periods = periods
    return query


def _through(text: str, periods: list[Asked]) -> list[Asked]:
    """All the years of "from 2021 to 2024"; two years that are only named stay two."""
    if len(periods) != 2 or any(asked.mode is not Mode.YEAR or asked.year is None for asked in periods):
        return periods
    first, last = sorted(asked.year for asked in periods if asked.year is not None)
    if not _RANGED.search(text) or last - first > _YEARS_MAX:
        return periods
    return [Asked(Mode.YEAR, year=year) for year in range(first, last + 1)]


def _set(query: Query, operation: Operation, phrase: str) -> bool:
    query.subject = subject_of(phrase)
    query.operation = operation
    metric = metric_of(query.subject)
    if metric is not None:
        _use(query, metric)
    elif _nested(query):
        pass
    elif (stated := _PARENS.match(query.subject)) is not None and has_operator(stated["d"]):
        try:
            query.tree, query.name, query.defined = parse(stated["d"]), stated["n"].strip(), True
            query.unit = named_unit(query.name)
        except NotAnExpression:
            query.tree = None
    return True


def _nested(query: Query) -> bool:
    """The change or mean of something that is itself a share, margin or calculation."""
    inner = Query(query.subject)
    for step in (_margin, _share, _formula):
        if measure_of(query.subject) is None and step(inner):
            query.tree, query.name, query.unit, query.days = inner.tree, inner.name, inner.unit, inner.days
            return True
    return False


def _use(query: Query, metric: Metric) -> None:
    query.tree, query.name, query.unit, query.days = metric.tree, metric.name, metric.unit, metric.days


def _percent_change(query: Query) -> bool:
    plain = subject_of(query.subject)
    for pattern in _PERCENT_CHANGE:
        for text in (query.subject, plain):
            m = pattern.search(text)
            if m is not None and subject_of(m["x"]):
                return _set(query, Operation.PERCENT_CHANGE, m["x"])
    return False


def _cagr(query: Query) -> bool:
    m = _CAGR.search(subject_of(query.subject))
    if m is None or not (m["x"] or m["y"]):
        return False
    return _set(
        query,
        Operation.GROWTH_RATE,
        re.sub(r"^(?:the )?(?:\d+|two|three|four|five|ten)[- ]years? ", "", m["x"] or m["y"]),
    )


def _change(query: Query) -> bool:
    plain = subject_of(query.subject)
    alone = (
        len(query.periods) < 2 and not query.relative
    )  # one period: only "how much did it grow" leans on the year before
    for pattern in [_MOVED] if alone else _CHANGE:
        for text in (query.subject, plain):
            m = pattern.search(text)
            if m is not None:
                return _set(query, Operation.CHANGE, m["x"])
    return False


def _average_or_sum(query: Query) -> bool:
    if len(query.periods) < 2:
        return False
    plain = subject_of(query.subject)
    m = _AVERAGE.match(plain)
    if m is not None:
        return _set(query, Operation.AVERAGE, m["x"])
    m = _SUM.match(plain)
    if m is not None:
        whole = measure_of(plain)
        if whole is not None and (whole.kind == STOCK or not query.spread):
            return False  # "total assets in 2023 and 2024" are two figures
        return _set(query, Operation.SUM, plain if whole is not None else m["x"])
    return False


def _definition(query: Query) -> bool:
    """A calculation that the question itself defines, in brackets or after "defined as"."""
    text = query.subject
    stated = None
    m = _PARENS.match(text)
    outer = m is not None and (
        not subject_of(m["n"]) or has_operator(m["t"]) or _DEFINED.search(m["n"]) is not None or has_operator(m["n"])
    )
    if m is not None and not outer and has_operator(m["d"]):
        stated = (m["n"] + " " + m["t"], m["d"])
    else:
        m = _DEFINED.search(text)
        if m is not None and has_operator(m["d"]):
            stated = (text[: m.start()], m["d"])
    if stated is None:
        return False
    if (
        re.match(r"(?:.*\b)?(?:change|average|percentage|percent|cagr)\b", subject_of(stated[0]), re.IGNORECASE)
        and len(query.periods) > 1
    ):
        return False
    try:
        tree = _expanded(parse(stated[1]))
    except NotAnExpression:
        query.unclear = True
        return True
    query.tree, query.defined, query.operation = tree, True, Operation.CALCULATE
    query.name = query.subject = subject_of(stated[0])
    metric = metric_of(query.name)
    query.days = metric.days if metric is not None else "days" in query.name.lower()
    query.unit = named_unit(query.name)
    return True


_USING = re.compile(
    r"\s*[,(;]?\s*\b(?:using|based on|with|assuming|calculated (?:with|using|from|on)|computed (?:with|using|from|on)|on)\s+(?:an? |the )?(?:average|year[- ]end|ending|end[- ]of[- ]|a?\s?36\d)[^?]*$",
    re.IGNORECASE,
)


def _named(query: Query) -> bool:
    subject = subject_of(query.subject)
    metric = metric_of(subject)
    clause = _USING.search(subject)
    if metric is None and clause is not None and (metric := metric_of(subject[: clause.start()])) is not None:
        metric, subject = tuned(metric, clause[0]), subject[: clause.start()]
    if metric is None:
        m = _PARENS.match(subject)
        metric = metric_of(m["n"]) if m is not None and not measure_of(subject) else None
    if metric is None or measure_of(subject) is not None:
        return False
    if (
        metric.unit == Unit.PERCENT
        and query.manner.scale is not None
        and measure_of(f"{subject} in dollars") is not None
    ):
        query.subject = f"{subject} in dollars"  # "gross margin, in millions" is the amount
        return True
    query.subject, query.operation = subject, Operation.CALCULATE
    _use(query, metric)
    return True


def _margin(query: Query) -> bool:
    """Reads "(operating income plus D&A) margin": any amount over revenue."""
    subject = subject_of(query.subject)
    m = re.match(r"^(?P<x>.+?)\s+(?:%\s+)?margin(?:\s+%|\s+percentage)?$", subject, re.IGNORECASE)
    if m is None:
        return False
    tree = _tree_of(m["x"])
    if tree is None:
        return False
    query.tree = Binary("*", Binary("/", tree, Ref("revenue")), Number(Decimal(100)))
    query.operation, query.unit, query.name, query.subject = Operation.CALCULATE, Unit.PERCENT, subject, subject
    return True


def _tree_of(phrase: str) -> Expr | None:
    """A metric, a known measure or a stated calculation over known measures; None for anything else."""
    phrase = subject_of(re.sub(r"\s*\([A-Z&/]{2,8}\)", "", phrase))
    metric = metric_of(phrase)
    if metric is not None:
        return metric.tree
    if measure_of(phrase) is not None:
        return Ref(phrase)
    try:
        tree = parse(phrase)
    except NotAnExpression:
        return None
    return tree if known(tree) else None


def _formula(query: Query) -> bool:
    """A calculation in plain words over known measures: "operating cash flow minus capex"."""
    subject = subject_of(query.subject)
    named = _PARENS.match(subject)
    if (
        named is not None
        and named["n"]
        and not named["t"]
        and has_operator(named["n"])
        and not has_operator(named["d"])
    ):
        subject = named["n"].strip()
    if not has_operator(subject):
        return False
    tree = _with_metrics(subject)
    if tree is None or isinstance(tree, Ref):
        return False
    query.tree, query.operation, query.name, query.subject = tree, Operation.CALCULATE, subject, subject
    query.unit = named_unit(subject)
    return True


def _with_metrics(subject: str) -> Expr | None:
    """`parse` where an operand may itself be a named metric ("EBITDA less capex")."""
    try:
        tree = _expanded(parse(subject))
    except NotAnExpression:
        return None
    return tree if known(tree) else None


def _expanded(tree: Expr) -> Expr:
    if isinstance(tree, Ref) and measure_of(tree.phrase) is None:
        metric = metric_of(tree.phrase)
        return metric.tree if metric is not None else tree
    if isinstance(tree, Binary):
        return Binary(tree.operator, _expanded(tree.left), _expanded(tree.right))
    return tree


def _share(query: Query) -> bool:
    """Reads "X as a percentage of Y", "what percentage of Y was X", "X to Y" when both are known words."""
    subject = subject_of(query.subject)
    m = _TIMES.search(query.subject)
    if m is not None:
        query.tree, query.unit = (
            Binary("/", Ref(subject_of(m["x"] or m["a"])), Ref(subject_of(m["y"] or m["b"]))),
            Unit.RATIO,
        )
        query.operation, query.name, query.subject = Operation.CALCULATE, subject, subject
        return known(query.tree)
    m = _SHARE.match(subject) or _SHARE.match(query.subject)
    if m is None:
        return False
    if m["x"] or m["a"]:
        top, bottom = (m["x"], m["y"]) if m["x"] else (_SPENT_ON.sub("", m["a"]), m["b"])
        query.tree = Binary("*", Binary("/", Ref(subject_of(top)), Ref(subject_of(bottom))), Number(Decimal(100)))
        query.unit = Unit.PERCENT
    else:
        top, bottom = (m["c"], m["d"]) if m["c"] else (m["e"], m["f"])
        if m["c"] and (measure_of(subject_of(top)) is None or measure_of(subject_of(bottom)) is None):
            return False
        query.tree, query.unit = Binary("/", Ref(subject_of(top)), Ref(subject_of(bottom))), Unit.RATIO
    query.operation, query.name, query.subject = Operation.CALCULATE, subject, subject
    return True
