"""Scale, currency and unit: what captions ("in millions, except per share data") and labels say of a figure."""

from __future__ import annotations

import re

import msgspec

from smalt.kernel.figures import Unit
from smalt.search.tokens import fold

_SCALES = {"thousand": 3, "million": 6, "billion": 9, "000s": 3, "000": 3, "mm": 6, "mn": 6, "bn": 9}
_SCALE = re.compile(r"\b(thousand|million|billion)s?\b|['(]?(000)'?s\b|\$\s?(mm|mn|bn)\b")
_CAPTION = re.compile(
    r"\b(?:in|dollars|amounts?|shares?|tabular|reflected|stated|expressed|presented)\b[^.]{0,60}\b(?:thousand|million|billion)s?\b"
    r"|^\W*(?:u\.?s\.? )?(?:dollars? |\$ ?)?(?:in )?(?:thousand|million|billion)s?\b|\(\s*\$?\s*(?:thousand|million|billion)s|[$€£]\s?(?:mm|mn|bn|000'?s)\b|\('?000'?s\)"
    r"|\((?:thousand|million|billion)s? of|\b(?:thousand|million|billion)s of (?:dollar|u\.?s|euro|yen)"
)
_SHARES_EXCEPTION = re.compile(
    r"(?:number of )?shares?(?:,| which| are| in| reflected| amounts?| data)*[^;)]{0,30}?\b(?:in )(thousand|million|billion)s?"
)
_PER_SHARE_ONLY = re.compile(r"\bper[- ](?:(?:common|ordinary|diluted|basic|preferred)[- ])?(?:share|unit|ads)s?")
_CURRENCY = [
    (re.compile(r"€|\beuros?\b|\beur\b"), "EUR"),
    (re.compile(r"£|\bpounds? sterling\b|\bgbp\b"), "GBP"),
    (re.compile(r"¥|\byen\b|\bjpy\b"), "JPY"),
    (re.compile(r"\brmb\b|\brenminbi\b|\bcny\b"), "CNY"),
    (re.compile(r"\bc\$|\bcanadian dollars?\b|\bcad\b"), "CAD"),
    (re.compile(r"\bswiss francs?\b|\bchf\b"), "CHF"),
    (re.compile(r"\$|\bdollars?\b|\busd\b"), "USD"),
]
_PER_SHARE = re.compile(
    r"\bper\b[^,;]{0,40}\b(?:share|unit|ads|rsu|award|option)s?\b|\b(?:earning|income|loss|dividend)s?(?: \(loss\))?/share|\beps\b|\bpar value\b"
    r"|\bexercise prices?\b|\bfair value of (?:stock )?(?:options|awards|shares)[^.]{0,20}\bon grant date\b|\bgrant[- ]date (?:weighted[- ])?(?:average )?fair value(?: per|$)"
    r"|\bweighted[- ]average (?:grant[- ]date )?(?:fair value|exercise price)|\baverage (?:cost|price)(?: paid)? per\b"
)
_SHARES = re.compile(
    r"\bweighted[- ]average\b[^.]{0,60}\bshares?\b|\bshares? (?:outstanding|issued|used|repurchased|authorized|granted|vested|forfeited|in thousands|in millions)"
    r"|\bnumber of (?:common )?shares?\b|\baverage (?:common )?shares\b|\b(?:diluted|basic|common|dilutive) (?:common )?shares\b|\bshares used\b|^shares$"
    r"|\bdenominator\b|\bshare ?count\b|\beffect of dilutive\b|\bdilutive effect\b|\bdiluted weighted|\bshares of common stock\b"
)
_SHARE_LINE = re.compile(
    r"^(?:total )?(?:weighted[- ]average |average |number of |diluted |basic |common )*shares (?:used|outstanding|in computing)\b|^weighted[- ]average (?:number of )?(?:common |ordinary |diluted |basic )*shares?\b|^(?:denominator|shares used)"
)
_NOT_SHARES = re.compile(
    r"\$|\bvalue\b|\bper\b|repurchases? of|purchases? of|issuance of|proceeds|compensation|equity|withheld|settlement|cost of|dividends|payments?\b|stock[- ]based"
)
_PERCENT = re.compile(
    r"%|\bpercent(?:age)?\b|\b(?:tax|discount|interest|growth|capitalization|vacancy|occupancy|dividend yield|crediting|statutory) rates?\b|\b(?:risk-free )?rate\b.{0,12}$|\bvolatility\b|\bdividend yield\b|\bmargin \(?%|\bcompounding\b"
)
_TIME = re.compile(
    r"\b(?:terms?|lives|life)\b(?: \(?in (?:years|months|days)\)?)?\W*$|\((?:years|months|days)\)|\bin (?:years|months|days)\b|remaining lease term"
)
_COUNT = re.compile(
    r"\bnumber of\b|\bheadcount\b|\bemployees\b|\bstores?\b.{0,12}\b(?:count|open)|\bcount\b|\bunits?\b.{0,14}(?:sold|delivered|produced)|\bdeliveries\b|\bproduction\b"
)


class Scale(msgspec.Struct, frozen=True):
    """Powers of ten of a table's money and share figures; None where the table does not say."""

    money: int | None = None
    shares: int | None = None


def scale_of(text: str) -> int | None:
    """The first scale word's power of ten: "Dollars in millions" is 6."""
    m = _SCALE.search(fold(text))
    return _SCALES[m[1] or m[2] or m[3]] if m else None


def is_caption(text: str) -> bool:
    """True when a line states the scale of a table rather than mentions an amount."""
    return _CAPTION.search(fold(text)) is not None


def caption_scale(text: str) -> Scale:
    """Scales from one caption line, with its exception for shares."""
    folded = fold(text)
    if not is_caption(folded):
        return Scale()
    main, _, rest = folded.partition("except")
    money = scale_of(main)
    if money is None:
        money = scale_of(folded)
    shares: int | None = None
    joint = _SHARES_EXCEPTION.search(folded)
    if joint is not None:
        shares = _SCALES[joint[1]]
        if (
            not rest
            and "shares in" in folded
            and re.search(r"(?:dollars|amounts|income|net income)[^;,]*(thousand|million|billion)", folded) is None
            and money is None
        ):
            money = None
    elif rest:
        bare = _PER_SHARE_ONLY.sub(" ", rest)
        bare = re.sub(r"\band\b|\bamounts?\b|\bdata\b|\bpar\b|\bvalues?\b", " ", bare)
        if re.search(r"\bshares?\b|\bnumber of\b", bare):
            shares = 0
    return Scale(money, money if shares is None else shares)


def currency_of(text: str) -> str | None:
    """ISO code of the first currency the text names; the plain dollar sign is USD."""
    folded = fold(text)
    for pattern, code in _CURRENCY:
        if pattern.search(folded):
            return code
    return None


def unit_of(
    label: str, path: tuple[str, ...], printed: str, qualifier: str, *, percent_column: bool, share_column: bool
) -> Unit:
    """What a figure counts, from its cell, its own label, its nearest section and its column, in that order."""
    if "%" in printed:
        return Unit.PERCENT
    own, section = fold(label), fold(path[-1]) if path else ""
    if "$" in printed or "€" in printed or "£" in printed:
        return (
            Unit.PER_SHARE
            if _PER_SHARE.search(own) or (_PER_SHARE.search(section) and "." in printed) or _PER_SHARE.search(qualifier)
            else Unit.MONEY
        )
    if percent_column:
        return Unit.PERCENT
    if share_column and not _PER_SHARE.search(own):
        return Unit.SHARES
    whole = "." not in printed
    for text in (own, fold(qualifier), section):
        if not text:
            continue
        if _SHARE_LINE.search(text):
            return Unit.SHARES
        if _SHARES.search(text) and not _NOT_SHARES.search(text):
            return Unit.SHARES
        if _PER_SHARE.search(text) and not (whole and "," in printed):
            return Unit.PER_SHARE
        if (
            _PERCENT.search(text)
            and "," not in printed
            and "$" not in text
            and not re.search(r"\bvalue\b|\bamount\b|\bswap|\bcontracts?\b|\bexpense\b|\bderivative", text)
        ):
            return Unit.PERCENT if text is own or "%" in text or "percent" in text else Unit.MONEY
        if text is own and (_TIME.search(text) and "," not in printed and len(printed) < 6):
            return Unit.RATIO
        if text is own and _COUNT.search(text):
            return Unit.COUNT
    return Unit.MONEY
