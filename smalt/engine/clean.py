"""Takes from a wordy question what asks for something: the sentence that asks, and the definitions that other sentences give."""

from __future__ import annotations

import re

from smalt.engine.expression import names_a_measure
from smalt.engine.metrics import names_a_metric
from smalt.engine.stems import unwrapped

_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"“(])")
_ABBREVIATION = re.compile(r"\b(?:Inc|Corp|Co|Ltd|No|U\.S|vs|St|Mr|Ms|Dr)\.$")
_ORDER = re.compile(
    r"^(?:please|answer|utili[sz]e|rely|consider|give|round|base|respond|reply|use|using|if|assume|note|provide|show your|express|state your|calculate what|we need|you (?:are|may|can)|report (?:the|your) answer|only|do not|don't|quote|keep|return)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?\s*$|^(?:what|how|which|when|who|why|where|is|are|was|were|did|does|do|has|have|compute|calculate|determine|find|by what|give me|show me|tell me|compare|list)\b",
    re.IGNORECASE,
)
_DEFINE = re.compile(
    r"^(?:define|calculate|compute|take|treat|measure)\s+(?P<n>.+?)\s+(?:as|using|by|from)\s*:?\s+(?P<d>.+)$",
    re.IGNORECASE,
)
_IS_DEFINED = re.compile(
    r"^(?P<n>.+?)\s+(?:is|are|should be|can be|must be|=)\s*(?:(?:defined|calculated|computed|measured|taken|given)\s+(?:as|by|from))?\s*:?\s+(?P<d>.*[-+/*×÷].*|.*\b(?:divided by|less|minus|plus|over|times)\b.*)$",
    re.IGNORECASE,
)
_UNITS = re.compile(
    r"\s*[(\[](?:in|expressed in|rounded|as a|to|usd|us\$|\$|%|from|per|using)\b[^()\[\]]*[)\]]|\s*,?\s*\b(?:in|expressed in) (?:units of )?(?:usd|us dollars|u\.s\. dollars|dollars|\$)?\s*(?:millions?|billions?|thousands?|percents?|percentages?|percentage terms|days|mm|mn|bn)(?:\s+of\s+(?:us |u\.s\. )?(?:dollars|usd))?(?=\s|[?.,]|$)(?!\s+of\b)|\s*,?\s*\b(?:in|expressed in) (?:usd|us dollars|u\.s\. dollars)(?=[?.,]|$)|\s*\brounded to .*?(?:decimals?|places?|digits?)(?: places?)?",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:.*?(?:[,:]\s*|\s[-–—]\s))?(?=(?:what|how much|how many|how large|which|by what|by how|calculate|compute)\b)",
    re.IGNORECASE,
)
_PERIOD = re.compile(r"\b(?:FY\s?'?\d\d|(?:19|20)\d\d|latest|last year|quarter|q[1-4])\b", re.IGNORECASE)
_PERSONA = re.compile(
    r"^(?:as an?|you are|you're|i am|i'm|we are|we're|assume|imagine|suppose|pretend|act as)\b", re.IGNORECASE
)
_INSTRUCTS = re.compile(
    r"\b(?:bas(?:ed|ing|e)|according|using|us(?:e|ing)|rely|relying|information|details|statements?|question|judge?ments?|analyst|assum\w+|perspective|standpoint"
    r"|answer|determine|respond|shown|provided|outlined|following|please|need|want|help|here's|given|filing|report)\b",
    re.IGNORECASE,
)
_SOURCE = re.compile(
    r"\s*,?\s*\b(?:from|in|on|within|according to|per|based on|as shown in|as reported in|using) (?:the |its |their )?(?:statements? of (?:cash flows?|income|operations|earnings|financial position)|cash flow statements?|income statements?|balance sheets?|p&l(?: statements?)?|profit and loss statements?|annual report|10-k|10-q|filing|notes)(?=[\s,.?)\]]|$)",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"(?P<a>\bFY\s?(?:19|20)\d\d|\b(?:19|20)\d\d)\s*(?:-|to|through)\s*(?P<b>FY\s?(?:19|20)\d\d|(?:19|20)\d\d)",
    re.IGNORECASE,
)
_FORMER = re.compile(r"([A-Z][\w.&]*)('s)?\s*\((?:formerly|previously)(?: known as| called| named)?\s+([^)]+)\)")
_YEARS_MEAN = re.compile(r"\b(?:(?:two|three|four|five|\d)[- ]year (?:average|mean)|average)\b", re.IGNORECASE)


def clean(question: str) -> str:
    """The asking sentence, freed of instructions and units, with definitions of other sentences put in."""
    text = _FORMER.sub(r"\3\2", " ".join(question.split()))
    sentences = _split(text)
    main = max(sentences, key=_asking) if sentences else ""
    main = _plain(_led(main))
    for one in sentences:
        if _plain(_led(one)) == main:
            continue
        main = _apply(main, _plain(one))
    return unwrapped(_years(main))


def _asking(sentence: str) -> int:
    """How likely a sentence is the one that asks: its form, the lines and periods it names; not what only instructs."""
    bare = unwrapped(_led(sentence))
    asks = _ASKS.search(bare) is not None
    points = 4 * asks + 2 * bool(re.search(r"\?\s*$", sentence))
    named = _SOURCE.sub("", bare)
    points += 3 * (names_a_measure(named) or names_a_metric(named)) + 2 * bool(_PERIOD.search(named))
    points -= 3 * bool(_ORDER.match(bare)) + 4 * bool(_PERSONA.match(bare)) + 8 * bool(_DEFINE.match(sentence))
    if not asks and _IS_DEFINED.match(sentence):
        points -= 8
    return points


def _led(sentence: str) -> str:
    """``sentence`` without an instruction before what it asks; a period or company that stands there stays."""
    m = _LEAD.match(sentence)
    lead = m[0] if m is not None else ""
    if not lead or not _INSTRUCTS.search(lead):
        return sentence
    years = re.findall(r"(?:\bFY\s?|\bfiscal (?:year )?)?(?:19|20)\d\d\b", lead, re.IGNORECASE)
    rest = sentence[len(lead) :]
    return f"{rest.rstrip(' ?.')} in {years[-1]}" if years and not re.search(r"\d{4}|FY\s?\d\d", rest) else rest


def _split(text: str) -> list[str]:
    parts: list[str] = []
    for part in _SENTENCE.split(text):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += " " + part
        else:
            parts.append(part)
    return parts


def _plain(text: str) -> str:
    return " ".join(_SOURCE.sub("", _UNITS.sub("", text)).replace(" ?", "?").split())


def _apply(main: str, sentence: str) -> str:
    """Puts the definition that ``sentence`` gives into ``main`` where it uses the name."""
    m = _DEFINE.match(sentence.rstrip(" .?")) or _IS_DEFINED.match(sentence.rstrip(" .?"))
    if m is None:
        return main
    name, stated = m["n"].strip(" '\""), re.sub(r"\s*\[[^\]]*\]", "", m["d"]).strip()
    stated = re.sub(
        r"\s+(?:between|across|over|for|in) (?:FY|fiscal )\s?\d{2,4}(?: and (?:FY|fiscal )\s?\d{2,4})?", "", stated
    )
    stated = re.sub(r"\b(?:FY|fiscal )\s?\d{2,4}\s+", "", stated)
    if re.match(r"(?:define|calculate|compute)\b.*\busing\b", sentence, re.IGNORECASE):
        stated = re.sub(r"\band\b", "plus", stated)
    bracketed = re.search(rf"\(\s*{re.escape(name)}\s*\)", main, re.IGNORECASE)
    if bracketed is not None:
        return f"{main[: bracketed.start()]}({stated}){main[bracketed.end() :]}"
    at = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", main, re.IGNORECASE)
    if at is None:
        return main
    whole = (
        re.sub(r"\W", "", main[at.end() :]) == ""
        or re.match(r"\s*(?:for|of|in|as of|at|during)\b|\s*\?", main[at.end() :]) is not None
    )
    if whole and at.start() and not re.search(r"\baverage\b", main[: at.start()], re.IGNORECASE):
        return f"{main[: at.end()]} ({stated}){main[at.end() :]}"
    return f"{main[: at.start()]}({stated}){main[at.end() :]}"


def _years(main: str) -> str:
    """In "FY2018 - FY2020 3 year average of X" every year between is meant."""
    m = _SEVERAL.search(main)
    if m is None or _YEARS_MEAN.search(main) is None:
        return main
    first, last = (int(re.sub(r"\D", "", m[name])) for name in ("a", "b"))
    if not 0 < last - first <= 10:
        return main
    listed = " and ".join(f"fiscal {year}" for year in range(first, last + 1))
    rest = main[: m.start()] + main[m.end() :]
    rest = re.sub(r"\b(?:two|three|four|five|\d)[- ]year (average|mean)\b", r"\1", rest, flags=re.IGNORECASE)
    return f"{' '.join(rest.split()).rstrip(' ?.')} over {listed}"
