"""The states in JavaScript: how the reader's browser lets them end, and a second writing of all of it for comparison."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import smalt
from smalt.trust import status
from tests.vectors.aging import VECTORS, aging

FOLDER = Path(__file__).parent
STATIC = Path(smalt.__file__).with_name("static")
T, HOUR = 1_800_000_000, 3600
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on PATH: the JavaScript was not run")


def node(script: Path, told: Any) -> Any:
    ran = subprocess.run(["node", str(script)], input=json.dumps(told), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def second(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `second.mjs` says of each case."""
    found: list[dict[str, Any]] = node(FOLDER / "second.mjs", cases)
    return found


def ours(case: dict[str, Any]) -> dict[str, Any]:
    return asdict(status.verdicts([case["claim"]], case["events"], case["now"])[case["claim"]["id"]])


@needs_node
def test_the_second_writing_says_what_the_vectors_say() -> None:
    for vector, seen in zip(VECTORS, second(VECTORS), strict=True):
        assert seen == vector["verdict"], vector["name"]


def any_case(chance: random.Random) -> dict[str, Any]:
    """A claim, and a log of anything, in any order of times."""
    kind = chance.choice(["verified", "verified", "contract", "attested", "planned"])
    claim = {
        "id": "a.b", "version": chance.randint(1, 2), "kind": kind, "checks": chance.sample(["a", "b", "c"], chance.randint(0, 3)),
        "fresh_for_s": 3 * HOUR, "applies": chance.choice(["", "", "x"]), "planned_for": T if kind == "planned" else None,
        "digest": chance.choice(["d1", "d2"]),
    }  # fmt: skip
    events = [any_event(chance, index) for index in range(chance.randint(0, 12))]
    return {"claim": claim, "events": events, "now": T + chance.randint(-5, 10) * HOUR}


def any_event(chance: random.Random, index: int) -> dict[str, Any]:
    at = T + chance.choice([chance.randint(-10, 10) * HOUR, chance.randint(-600, 600)])
    about = chance.choice([{"a.b": "d1"}, {"a.b": "d1"}, {"a.b": "d2"}, {}])
    event: dict[str, Any] = {"index": index, "at": at, "about": about, "claim": chance.choice(["a.b", "a.b", "a.c"])}
    kind = chance.choice(["result"] * 8 + ["attestation", "attestation", "withdrawal", "deployment", "run", "registry"])
    if kind == "result":
        outcome = chance.choice(["passed", "passed", "passed", "failed", "inconclusive"])
        return {
            **event,
            "kind": kind,
            "check": chance.choice("abc"),
            "outcome": outcome,
            "reason": f"{outcome} {index}",
        }
    if kind == "attestation":
        return {**event, "kind": kind, "until": at + chance.randint(-2, 30) * HOUR}
    if kind == "withdrawal":
        return {**event, "kind": kind, "version": chance.randint(0, 2), "reason": f"gone {index}"}
    return {**event, "kind": kind, "features": chance.choice([[], ["x"]])}


@needs_node
def test_two_writings_agree_on_any_log() -> None:
    chance = random.Random(20260115)  # noqa: S311  # the same logs every time
    cases = [any_case(chance) for _ in range(4000)]
    verdicts = second(cases)
    for case, seen in zip(cases, verdicts, strict=True):
        assert seen == ours(case), json.dumps(case)
    assert {seen["state"] for seen in verdicts} == set(status.STATES)


@needs_node
def test_the_browser_lets_a_state_end_when_the_vectors_do(tmp_path: Path) -> None:
    shutil.copy(STATIC / "status.js", tmp_path / "status.mjs")
    script = tmp_path / "look.mjs"
    script.write_text(
        'import { aged } from "./status.mjs"; let text = ""; for await (const part of process.stdin) text += part;'
        "process.stdout.write(JSON.stringify(JSON.parse(text).map(([verdict, now]) => aged(verdict, now))));"
    )
    told, expected = aging()
    assert len(told) > len(VECTORS)
    assert node(script, told) == expected
