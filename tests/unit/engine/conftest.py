from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import paper

from smalt.search.segment import Opened


@pytest.fixture(scope="session")
def annual() -> Opened:
    return paper.annual()


@pytest.fixture(scope="session")
def quarterly() -> Opened:
    return paper.quarterly()
