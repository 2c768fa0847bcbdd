"""How commands speak: results on stdout, progress and failures on stderr, one JSON object on stdout with ``--json``.

Exit codes: 0 done, 2 wrong usage or input, 130 interrupted, and the ``exit_code`` of each failure of the closed set.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

import click

from smalt.kernel.errors import Failure

INTERRUPTED = 130
UNKNOWN = 70  # EX_SOFTWARE of sysexits: a defect in Smalt itself
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def result(data: Any) -> None:
    """Print ``data`` as one JSON object."""
    click.echo(json.dumps(data, ensure_ascii=False))


def as_json(failure: Failure) -> dict[str, Any]:
    """The failure as the value of ``error`` in the output of ``--json``."""
    said = {"code": failure.code, "happened": failure.happened or failure.title, "kept": failure.kept}
    about = {"about": "; ".join(notes)} if (notes := getattr(failure, "__notes__", [])) else {}
    return said | {"todo": failure.todo, **about, **({"facts": dict(failure.facts)} if failure.facts else {})}


def as_text(failure: Failure) -> str:
    """What happened, what was kept, what to do: a line each, the code last."""
    about = "; ".join(getattr(failure, "__notes__", []))
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in failure.facts.items())
    head = f"{about}: " if about else ""
    lines = [head + (failure.happened or failure.title), failure.kept, failure.todo, facts and f"({facts})"]
    return "\n".join([*filter(None, lines), f"[{failure.code}]"])


def wants_json() -> bool:
    """Whether the command that failed was asked for JSON; its own options were perhaps never parsed."""
    return "--json" in sys.argv[1:]


def guarded(command: click.Command) -> int:
    """Run ``command``; the exit code. No failure shows a traceback, and none shows content."""
    try:
        left = command.main(standalone_mode=False)  # `click.exceptions.Exit` within it comes back as its number
    except Failure as failure:
        if wants_json():
            result({"error": as_json(failure)})
        else:
            click.echo(as_text(failure), err=True)
        return failure.exit_code
    except click.ClickException as problem:
        if wants_json():
            result({"error": {"code": "usage", "happened": problem.format_message(), "kept": "", "todo": ""}})
        else:
            problem.show()
        return problem.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return 0  # the reader has seen enough: `smalt … | head`
    except Exception as problem:  # noqa: BLE001  # the last door: an unforeseen exception's text may be content
        frame = problem.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
        happened = f"A defect in Smalt: {type(problem).__name__} at {place}."
        if wants_json():
            result({"error": {"code": "defect", "happened": happened, "kept": "", "todo": "Please report it."}})
        else:
            click.echo(f"{happened}\nPlease report it with this line; it holds nothing of your documents.", err=True)
        return UNKNOWN
    return left if isinstance(left, int) else 0


class Steps:
    """Progress on stderr: a spinner with the running step on a terminal, a line per finished step, silence if quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty() and not quiet
        self._text = ""
        self._began = time.monotonic()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._live:
            self._thread = threading.Thread(target=self._spin, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        self._clear()
        if kind is not None and self._text and not self._quiet:
            click.echo(f"✗ {self._text}", err=True)

    def _spin(self) -> None:
        turn = 0
        while not self._end.wait(0.1):
            if self._text:
                turn += 1
                sys.stderr.write(f"\r\x1b[K{_FRAMES[turn % len(_FRAMES)]} {self._text}")
                sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def begin(self, text: str) -> None:
        """Say what is being done from now on."""
        self._text = text
        self._began = time.monotonic()

    def detail(self, text: str) -> None:
        """Say how far the running step is."""
        self._text = text

    def done(self, text: str, mark: str = "✓") -> None:
        """Say what the running step has reached, with its time."""
        self._text = ""
        self._clear()
        if not self._quiet:
            click.echo(f"{mark} {text} ({time.monotonic() - self._began:.1f} s)", err=True)
