"""The frames people put around the name of a figure: "can you tell me what X reported as …", "pull the … figure"."""

from __future__ import annotations

import re

_POLITE = re.compile(
    r"^(?:(?:please|kindly|hi|hello|hey|ok|okay|so|now|also|and|just|quickly)\b[\s,:!-]*"
    r"|(?:can|could|would|will) (?:you|we|i|someone) (?:please |kindly |also )?(?=\w)"
    r"|(?:i|we)(?:'d| would)? (?:need|want|like|require)(?: to (?:know|see|have|get|find(?: out)?|understand))?\s+"
    r"|(?:i'm|i am|we're|we are)? ?looking for\s+|let me know\s+|do you know\s+|help me(?: to)?\s+(?=find|get|compute|calculate|understand)"
    r"|(?:provide|pull(?: up| out)?|fetch|retrieve|extract|identify|quote|grab|supply|send|tell|look up)(?: (?:me|us))?(?: with)?(?: for)?\s+(?=\S)"
    r"|(?:give|show|get)(?: (?:me|us))\s+)",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"^(?:(?:the |this )?(?:company|firm|group|business|issuer|registrant)'s|our|its|their|my)\s+", re.IGNORECASE
)
_VERB = (
    r"(?:report|record|post|book|disclose|show|list|carry|have|has|had|hold|held|generate|earn|make|made|produce|deliver|achieve|see|saw|owe|incur"
    r"|return|spend|spent|pay|paid|invest|raise|contribute|bring|brought|buy|bought|recogni[sz]e|print|state|present)(?:e?d)?(?: (?:out|up|back|in|off))?"
)
_WHO = r"(?:it|they|we|the company|the firm|the group|the business)"
_ASK = r"^(?:what|which|how much|how many|how large|how big|how high)\s+(?:(?:total |overall )?(?:amount|level|value|figure|number|quantity)s?\s+(?:of\s+)?)?"
_DID = re.compile(
    rf"{_ASK}(?:(?:the|its|their) )?(?P<x>(?:(?!\b(?:did|does|do|has|had|have|was|were|is|are)\b).)*?)\s*\b(?:did|does|do|has|had|have)\s+(?P<who>{_WHO}\s+)?"
    rf"(?P<verb>{_VERB})\b\s*(?:(?:as|for|on|in|of|from|towards?|at)\b\s*)?(?P<rest>.*)$",
    re.IGNORECASE,
)
_PART_DID = re.compile(
    rf"{_ASK}(?P<x>[^?]+?)\s+(?:did|does|do|has|had|have)\s+(?P<who>(?:the )?[\w&,.'\- ]{{2,60}}?)\s*\b(?:generate|report|earn|record|have|make|made|post|contribute|produce|deliver|bring in|account for)?(?:e?d)?$",
    re.IGNORECASE,
)
_REPORTED = re.compile(rf"^what\s+(?:{_WHO}\s+)?(?:has |had )?{_VERB}\s+(?:as|for|in)\s+(?P<x>.+)$", re.IGNORECASE)
_FILLER_BEHIND = re.compile(
    r"\s+(?:figures?|amounts?|numbers?|values?|line item|line|totals?|data|level)$", re.IGNORECASE
)
_TRAILS = re.compile(
    r"(?:[\s,;-]*\b(?:please|thanks|thank you|(?:as|is|was|were) (?:reported|printed|stated|shown|disclosed|presented|recorded)|reported|expressed"
    r"|to (?:one|two|three|\d) decimals?(?: places?)?|in total|if (?:any|possible|available)|as a per ?cent(?:age)?|in (?:percent|%)(?! of)|was|were|is|are|be))+\s*[?.!]*$",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"^(?:(?:what|which|how|much|many|does|do|did|the|a|an|is|was|were|are|it|they|we|you|says?|said|shows?|states?|tells?|us|me|according|to|per|in|from|of|for|on|at|by|about|its|their|our"
    r"|10-[kq]|annual|report|filing|document|accounts|statements?|company|know|that|this|question|quick|simple|reads?|gives?|reports?|my|your|model|please)\b[\s,:'’-]*)+(?=\w)",
    re.IGNORECASE,
)
_FILLER_BEFORE = re.compile(
    r"^(?:the )?(?:total |exact |reported |overall )*(?:amount|value|figure|number|level|balance|dollar amount|quantity)s?\s+(?:of|for)\s+(?:the )?(?=\S)"
    r"|^(?:total|reported|the) (?=\S)",
    re.IGNORECASE,
)
_SHARE_OF = re.compile(
    r"^what\s+(?:percentage|percent|per cent|share|proportion|portion|fraction|%)\s+of\b", re.IGNORECASE
)
_SPENT = re.compile(r"^(?:spend|spent|pay|paid|return|invest|buy|distribute)", re.IGNORECASE)

_STEM = re.compile(
    r"^\s*(?:(?:please|can you|could you|now|and|also|so|ok)\s*,?\s+)*(?:(?:what|which|how much|how many|how large|how big|how high)\s+(?:was|were|is|are|did|does|do|has|had)\b"
    r"|what's|whats|compare|contrast|find(?:\s+out)?|compute|calculate|determine|derive|work out|tell me|show(?:\s+me)?|give(?:\s+me)?|get(?:\s+me)?|look up|report|state|list|how much|how many|what)\b\s*(?:the\s+(?=\S))?",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:\s*\|\s*)+$|[\s?.!,;:]+$|\s+(?:be|been|equal|amount to|come to|total|stand at|at|in|for|of|from|between|over|during|to|have|report(?:ed)?|record(?:ed)?|post(?:ed)?|generate|earn|spend|incur|pay|did|does|do|has|have|had|and|or|with|versus|vs)\s*$",
    re.IGNORECASE,
)


def unwrapped(text: str) -> str:
    """``text`` without polite openings: "Could you please tell me what revenue was" → "what revenue was"."""
    while True:
        shorter = _POLITE.sub("", text, count=1).lstrip(" ,:-")
        if shorter == text or not shorter:
            break
        text = shorter
    turned = re.match(
        r"^what\s+(?P<x>(?!(?:was|were|is|are|did|does)\b)[^?]+?)\s+(?:was|were|is|are)$", text, re.IGNORECASE
    )
    return f"what was {turned['x']}" if turned is not None else text


def untailed(text: str) -> str:
    """``text`` without what trails behind the name of a figure: "as reported, please"."""
    return _TRAILS.sub("", text).strip(" ,;-")


def owned(text: str) -> str:
    """``text`` without a leading "the company's" or "its"."""
    return _OWN.sub("", text)


def framed(text: str) -> str | None:
    """The figure's name inside "what did it report as …", "how much … did it have"; None where there is no such frame."""
    if _SHARE_OF.match(text):
        return None
    m = _REPORTED.match(text)
    if m is not None:
        return m["x"]
    m = _DID.match(text)
    if m is not None:
        x, rest = m["x"].strip(" ,"), m["rest"].strip(" ,")
        if not x or (rest and _SPENT.match(m["verb"]) and x.lower() in {"cash", "money"}):
            return rest or x or None
        if not rest:
            return x
        if x.lower() in {"cash", "money"}:
            return f"{x} {m['verb']} {text[m.end('verb') :].strip()}"
        return f"{x} {text[m.end('verb') :].strip()}"
    m = _PART_DID.match(text)
    return f"{m['x']} from {m['who']}" if m is not None else None


def variants(phrase: str) -> list[str]:
    """``phrase``, then what is left of it without words like "amount of" and "figure", the fullest first."""
    found = [phrase]
    while True:
        shorter = _FILLER_BEHIND.sub("", found[-1], count=1).strip()
        if shorter == found[-1]:
            shorter = _FILLER_BEFORE.sub("", found[-1], count=1).strip()
        if shorter == found[-1]:
            shorter = _LEADS.sub("", found[-1], count=1).strip()
        if shorter == found[-1] or not shorter:
            return found
        found.append(shorter)


def trimmed(text: str) -> str:
    """``text`` without the verbs, prepositions and marks that are left at its end."""
    text = " ".join(text.split())
    while True:
        shorter = _TAIL.sub("", text)
        if shorter == text:
            return text
        text = shorter


def subject_of(text: str) -> str:
    """The name of the figure in a question from which company and periods are taken off."""
    inner = framed(trimmed(text))
    if inner is not None:
        text = inner
    asked_did = (
        re.match(r"\s*(?:how (?:much|many)|what|which)\s.*?\b(?:did|does|do|has|have|had)\b", text, re.IGNORECASE)
        is not None
    )
    text = trimmed(_STEM.sub("", trimmed(text), count=1))
    text = owned(re.sub(r"^(?:'s|’s|of|for|at|the|their|its)\s+", "", text, flags=re.IGNORECASE))
    if asked_did:
        text = re.sub(
            r"^(?:spend|pay(?: out)?|earn|generate|report|record|have|return|book|post|make|invest|owe|hold)\s+(?:on\s+|in\s+(?=dividends|taxes|interest|cash|r&d|research)|for\s+|as\s+|out\s+)?(?:the\s+)?(?=\S+)",
            "",
            text,
            flags=re.IGNORECASE,
        )
    return trimmed(text)
