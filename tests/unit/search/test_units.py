from __future__ import annotations

import pytest

from smalt.kernel.figures import Unit
from smalt.search.units import Scale, caption_scale, unit_of


@pytest.mark.parametrize(
    ("caption", "scale"),
    [
        ("(In millions, except per share data)", Scale(6, 6)),
        ("(MILLIONS, EXCEPT PER COMMON SHARE DATA)", Scale(6, 6)),
        (
            "(In millions, except number of shares, which are reflected in thousands, and per-share amounts)",
            Scale(6, 3),
        ),
        ("(in thousands, except share and per share data)", Scale(3, 0)),
        ("Dollars in billions", Scale(9, 9)),
        ("We invested $3 million in the plant.", Scale()),
    ],
)
def test_captions(caption, scale):
    assert caption_scale(caption) == scale


@pytest.mark.parametrize(
    ("label", "path", "printed", "unit"),
    [
        ("Diluted", ("Earnings per common share:",), "2.16", Unit.PER_SHARE),
        ("Diluted", ("Weighted average common shares outstanding:",), "1,487.6", Unit.SHARES),
        ("Shares used to compute diluted net income per share", (), "450", Unit.SHARES),
        (
            "Weighted average shares used in computing net income per share of common stock, diluted",
            (),
            "3,519",
            Unit.SHARES,
        ),
        ("Repurchases of shares of common stock", (), "(500)", Unit.MONEY),
        ("Effective tax rate", (), "21.4%", Unit.PERCENT),
        ("Increases for positions taken in current year", (), "1", Unit.MONEY),
        ("Weighted-average remaining lease term (years)", (), "8", Unit.RATIO),
        ("Dividends declared per common share", (), "0.48", Unit.PER_SHARE),
        ("Revenues", (), "46,309", Unit.MONEY),
    ],
)
def test_units(label, path, printed, unit):
    assert unit_of(label, path, printed, "", percent_column=False, share_column=False) == unit
