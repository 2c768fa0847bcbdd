"""What the look promises in numbers: contrast in light and dark (WCAG 2.2), and the weight of all that is served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import smalt

STATIC = Path(smalt.__file__).parent / "static"
WEIGHT_MAX_BYTES = 100_000
AA, AAA, BORDER = 4.5, 7.0, 3.0
SURFACES = ("paper", "sunk", "wash")
PAIRS = [
    *[(ink, surface, AAA) for ink in ("ink", "ink-2", "smalt") for surface in SURFACES],
    *[("ink-3", surface, AA) for surface in SURFACES],
    *[(state, surface, AA) for state in ("good", "warn", "bad") for surface in ("paper", "sunk")],
    ("smalt-press", "wash", AAA),
    ("on-smalt", "smalt", AAA),
    ("on-smalt", "smalt-press", AAA),
    ("warn", "warn-wash", AA),
    ("bad", "bad-wash", AA),
    *[("edge", surface, BORDER) for surface in ("paper", "sunk")],
]


def tokens(scheme: str) -> dict[str, str]:
    text = (STATIC / "tokens.css").read_text("utf-8")
    light, _, dark = text.partition("prefers-color-scheme: dark")
    found = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", light))
    return found if scheme == "light" else found | dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", dark))


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "surface", "least"), PAIRS)
def test_contrast(scheme: str, ink: str, surface: str, least: float) -> None:
    named = tokens(scheme)
    dark, light = sorted((luminance(named[ink]), luminance(named[surface])))
    assert (light + 0.05) / (dark + 0.05) >= least


def test_weight_of_what_is_served() -> None:
    assert sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file()) < WEIGHT_MAX_BYTES


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in (*STATIC.iterdir(), *(STATIC.parent / "web" / "templates").iterdir()):
        addresses = re.findall(r"(?:https?:)?//[a-z0-9][\w.-]*\.[a-z]{2,}", path.read_text("utf-8"))
        assert set(addresses) <= {"http://www.w3.org"}, path.name
