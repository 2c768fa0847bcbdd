"""Badges: the state of a claim, or of all, as a small picture. No script, no style attribute, words beside the colour."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from smalt.trust.show import LOOKS
from smalt.trust.view import TROUBLE, TrustView

COLOURS = {"good": "#17633d", "warn": "#7d4c00", "bad": "#a3221b", "busy": "#414956"}
"""White on each has a contrast of at least 7 (`tests/unit/trust/test_badge.py`); the first three are those of the pages."""
SIGNS = {
    "tick": "M3 8.5l3.2 3.2L13 4.8",
    "cross": "M4 4l8 8M12 4l-8 8",
    "clock": "M8 2.5a5.5 5.5 0 1 0 .1 0M8 4.8V8l2.2 1.5",
    "ask": "M6 6.2a2 2 0 1 1 2.9 1.8c-.7.4-.9.8-.9 1.5M8 12.4v.1",
    "warn": "M8 2.5l6 11H2zM8 6.8v3M8 11.6v.1",
    "flag": "M4 14V2.5h8L10 5.7l2 3.3H4",
    "dash": "M3.5 8h9",
}
HEIGHT = 20
_NARROW, _WIDE = frozenset("fijlrt.,:;|!' "), frozenset("mwMW%")


def of_claim(view: TrustView, claim: str) -> str:
    """The badge of one claim; `Missing` when there is none."""
    look = LOOKS[view[claim].verdict.state]
    return draw(claim, look.word, look.tone, look.icon)


def of_all(view: TrustView) -> str:
    """The badge of all claims: green only when every claim that is due holds, and there is one."""
    if not view.size:
        return draw("Smalt", "nothing proved yet", "warn", "ask")
    wrong = [state for state in TROUBLE if state in view.counts]
    look = LOOKS[wrong[0]] if wrong else LOOKS["verified"]
    words = f"{view.holding} of {view.due} claims hold"
    if not view.holding:
        look = LOOKS["inconclusive"] if not wrong else look
    return draw("Smalt", words, look.tone, look.icon)


def dot(view: TrustView) -> str:
    """The state of all in 16 by 16 pixels, for the rail: a full disc, a half one, a cross. On light and on dark paper."""
    wrong = [state for state in TROUBLE if state in view.counts]
    if not view.holding or (wrong and LOOKS[wrong[0]].tone == "warn"):
        colour, inside = (
            "#b7791f",
            '<circle cx="8" cy="8" r="4" fill="none" stroke="{0}" stroke-width="2"/><path d="M8 4a4 4 0 0 1 0 8z" fill="{0}"/>',
        )
    elif wrong:
        colour, inside = (
            "#d64b42",
            '<path d="M4.5 4.5l7 7M11.5 4.5l-7 7" stroke="{0}" stroke-width="2.4" stroke-linecap="round"/>',
        )
    else:
        colour, inside = "#2e8b57", '<circle cx="8" cy="8" r="5" fill="{0}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{inside.format(colour)}</svg>\n'


def damaged() -> str:
    """What stands in place of every badge while the log does not fit its own checkpoint."""
    return draw("Smalt", "log damaged", "bad", "cross")


def draw(name: str, words: str, tone: str, icon: str) -> str:
    """``name`` on grey, ``words`` with their sign on the colour of ``tone``."""
    left, right = _width(name) + 16, _width(words) + 34
    sign = SIGNS.get(icon, SIGNS["tick"])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img"'
        f" aria-label={quoteattr(f'{name}: {words}')}>"
        f"<title>{escape(f'{name}: {words}')}</title>"
        f'<rect width="{left + right}" height="{HEIGHT}" rx="3" fill="{COLOURS[tone]}"/>'
        f'<path d="M3 0h{left - 3}v{HEIGHT}H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#12161d"/>'
        f'<path transform="translate({left + 7} 4) scale(.75)" d="{sign}" fill="none" stroke="#fff" stroke-width="2"'
        ' stroke-linecap="round" stroke-linejoin="round"/>'
        '<g fill="#fff" font-family="Segoe UI,Noto Sans,Liberation Sans,Arial,sans-serif" font-size="12">'
        f'<text x="8" y="14" textLength="{left - 16}" lengthAdjust="spacingAndGlyphs">{escape(name)}</text>'
        f'<text x="{left + 25}" y="14" textLength="{right - 34}" lengthAdjust="spacingAndGlyphs">{escape(words)}</text>'
        "</g></svg>\n"
    )


def _width(text: str) -> int:
    """About how wide ``text`` is at 12 pixels; it is then set to just that width."""
    return round(sum(3.6 if one in _NARROW else 9.4 if one in _WIDE else 6.7 for one in text))
