"""Rows recovered from real filings (shared development data)."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from smalt.library.parsed import figures_of
from smalt.library.readers import pdf

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("SMALT_SHARED_DATA", ROOT.parent / "shared" / "data"))
FLOOR = 0.97


def plain(label: str) -> str:
    return re.sub(r"[\s$,()%—–\-’'“”:;.|]", "", label).lower()[:60]


def digits(text: str) -> str:
    return re.sub(r"[^\d.]", "", text)


@pytest.mark.data
@pytest.mark.parametrize("name", ["tsla-10-q-2025-07-24.pdf", "nke-10-k-2025-07-17.pdf"])
def test_rows_of_real_filings(name):
    file = DATA / "filings" / name
    if not file.exists():
        pytest.skip(f"no shared data: set SMALT_SHARED_DATA to the folder with filings/{name}")
    found: dict[int, set[tuple[str, tuple[str, ...]]]] = defaultdict(set)
    for page in pdf.read(file.read_bytes()).pages:
        for table in page.tables:
            for row in table.rows:
                found[page.number].add((plain(row.label), tuple(digits(f) for f in figures_of(row) if digits(f))))
    lines = (DATA / "filings" / "gold_rows.jsonl").read_text(encoding="utf-8").splitlines()
    gold = [g for g in map(json.loads, lines) if g["doc"] == name]
    right = sum(any((plain(g["label"]), tuple(g["figures"])) in found[page] for page in g["pages"]) for g in gold)
    assert right / len(gold) >= FLOOR, f"{right} of {len(gold)}"
