"""The process that runs checks: ``python -m smalt.trust.probing``, told by one JSON line what to look at and by which checks.

It holds no key of the checker. It answers with two JSON lines a check, when it begins and when it has ended, so that the
runner knows which one hung or took the process down. Whatever checks print goes nowhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import IO, Any

from smalt.telemetry.log import install, kind_of
from smalt.trust.check import Check, Findings, Unclear
from smalt.trust.checks import all_checks
from smalt.trust.target import Target


def main() -> int:
    """Run what standard input asks for."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers, open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        install()
        asked = json.loads(sys.stdin.readline())
        target, known = Target.loaded(json.dumps(asked["target"])), all_checks()
        for name in asked["checks"]:
            _say(answers, {"begins": name})
            _say(answers, run_one(known[name], target))
    return 0


def run_one(check: Check, target: Target) -> dict[str, Any]:
    """What ``check`` found, as plain JSON. A check that raises could not look: inconclusive, with the kind of the error."""
    found, unclear, began = Findings(), "", int(time.time())
    try:
        check.look(target, found)
    except Unclear as why:
        unclear = str(why)
    except Exception as error:  # noqa: BLE001  # a broken check must not take the others with it, nor be green
        unclear = f"The check ended with {kind_of(error)}."
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        if frame is not None:
            found.facts["ended at"] = f"{frame.tb_frame.f_globals.get('__name__', '')}:{frame.tb_lineno}"
    return {
        "ended": check.name,
        "outcome": "inconclusive" if unclear else found.outcome,
        "reason": unclear or found.reason,
        "began_at": began,
        "ended_at": int(time.time()),
        "probes": found.probes,
        "controls": found.controls,
        "facts": found.facts,
    }


def _say(answers: IO[str], line: dict[str, Any]) -> None:
    answers.write(json.dumps(line) + "\n")
    answers.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
