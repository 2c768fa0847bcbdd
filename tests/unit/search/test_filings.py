"""The shared development filings, when they are there: the floors of the measures hold."""

from __future__ import annotations

import json
import os
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest

from smalt.engine.local import answer
from smalt.library.readers import pdf
from smalt.search.segment import Opened, build

DATA = (
    Path(os.environ.get("SMALT_SHARED_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data"))
    / "filings"
)


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared development data (SMALT_SHARED_DATA) is not on this machine")
def test_one_filing_answers_above_the_floor():
    name = "tsla-10-q-2025-07-24.pdf"
    opened = Opened(name, name, build(pdf.read((DATA / name).read_bytes())))
    cases = [
        case
        for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        if (case := json.loads(line))["doc"] == name
    ]
    right = wrong = 0
    for case in cases:
        found = answer(case["question"], [opened])
        if case["answer"] is None:
            assert found.declined, case["id"]
            continue
        if found.declined or found.figure is None:
            continue
        try:
            same = abs(Decimal(found.figure.value)) == abs(Decimal(case["answer"]))
        except InvalidOperation:
            same = False
        right, wrong = right + same, wrong + (not same)
    assert right >= 0.9 * (right + wrong)
    assert right >= 0.8 * sum(case["answer"] is not None for case in cases)
