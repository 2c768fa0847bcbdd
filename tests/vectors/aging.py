"""What a state that is only told becomes as time goes by, after the vectors: for whoever lets states end by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smalt.trust import status

VECTORS = json.loads(Path(__file__).with_name("status.json").read_text("utf-8"))["vectors"]


def aging() -> tuple[list[tuple[dict[str, Any], int]], list[str]]:
    """(verdict that was told, time) and the state at that time."""
    told, expected = [], []
    for vector in VECTORS:
        if any(event["at"] > vector["now"] for event in vector["events"]):
            continue  # what is dated ahead may come to count meanwhile; the next answer of the server tells
        end = vector["verdict"]["good_until"]
        for now in {vector["now"], *([end - 1, end] if vector["verdict"]["then"] else [])}:
            if now >= vector["now"]:
                told.append((vector["verdict"], now))
                claim = vector["claim"]
                expected.append(status.verdicts([claim], vector["events"], now)[claim["id"]].state)
    return told, expected
