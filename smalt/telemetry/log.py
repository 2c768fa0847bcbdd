"""Everything that libraries and the interpreter would print becomes an event without its words.

Messages of libraries quote what they choke on (a parser quotes the byte, PostgreSQL quotes the row), and the text of an
exception is content until proved otherwise. What is kept of an exception: class, code, and file and line of its frames.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from smalt.kernel.errors import Failure
from smalt.kernel.ids import Id
from smalt.telemetry.events import Event, Slug, emit

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAMES_MAX = 24
_CAUSES_MAX = 4
_NOT_SLUG = re.compile(r"[^a-z0-9_.:-]")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_ROOTS = ("site-packages", "dist-packages", "lib")


class LibraryLogged(Event):
    """A library wrote to its logger. Its sentence is not kept; the place in the source says what it was."""

    logger: Slug
    level: Slug
    source: Slug
    raised: Slug | None
    code: Slug | None
    frames: tuple[Slug, ...]


class ExceptionRaised(Event):
    """An exception reached the edge of the program."""

    where: Slug
    raised: Slug
    code: Slug | None
    causes: tuple[Slug, ...]
    frames: tuple[Slug, ...]
    request: Id | None


def source_name(text: str) -> Slug:
    """A name out of source code (class, module, file). Not for anything a person typed."""
    return Slug(_NOT_SLUG.sub("_", text.lower())[-64:] or "unknown")


def _module_of(file: str) -> str:
    """``…/site-packages/starlette/routing.py`` → ``starlette.routing``: where it is installed is nobody's business."""
    parts = Path(file).with_suffix("").parts
    for root in _ROOTS:
        if root in parts:
            at = len(parts) - 1 - parts[::-1].index(root)
            return ".".join(parts[at + 1 :])
    if "smalt" in parts:
        at = len(parts) - 1 - parts[::-1].index("smalt")
        return ".".join(parts[at:])
    return ".".join(parts[-2:]).lstrip("/.")


def frames_of(error: BaseException) -> tuple[Slug, ...]:
    """``module:line`` of each frame, outermost first, the last 24."""
    found = traceback.walk_tb(error.__traceback__)
    names = [source_name(f"{_module_of(frame.f_code.co_filename)}:{line}") for frame, line in found]
    return tuple(names[-_FRAMES_MAX:])


def code_of(error: BaseException) -> Slug | None:
    """The stable code of a `Failure`, the SQLSTATE of a database error, the number of a system error."""
    if isinstance(error, Failure):
        return source_name(error.code)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and _SQLSTATE.fullmatch(state):
        return Slug(f"sqlstate.{state.lower()}")
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return Slug(f"errno.{error.errno}")
    return None


def kind_of(error: BaseException) -> Slug:
    return source_name(type(error).__name__)


def _causes(error: BaseException) -> Iterator[Slug]:
    for _ in range(_CAUSES_MAX):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None:
            return
        yield kind_of(cause)
        error = cause


def report(error: BaseException, where: Slug, request: Id | None = None) -> None:
    """Write down that ``error`` reached ``where``, without its text."""
    emit(
        ExceptionRaised(
            where=where,
            raised=kind_of(error),
            code=code_of(error),
            causes=tuple(_causes(error)),
            frames=frames_of(error),
            request=request,
        )
    )


class _WithoutWords(logging.Handler):
    """Turns a log record into a `LibraryLogged` and drops message and arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        emit(
            LibraryLogged(
                logger=source_name(record.name),
                level=source_name(record.levelname),
                source=source_name(f"{_module_of(record.pathname)}:{record.lineno}"),
                raised=None if error is None else kind_of(error),
                code=None if error is None else code_of(error),
                frames=() if error is None else frames_of(error),
            )
        )


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    report(error.with_traceback(trace), Slug("process"))


def _on_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        report(args.exc_value, Slug("thread"))


def _on_unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        report(args.exc_value, Slug("unraisable"))


def silence_libraries(level: int = logging.WARNING) -> None:
    """Route every logger there is and will be through the one handler without words. Call again after a library has
    configured logging for itself (Granian does when its server is built).
    """
    logging.raiseExceptions = False
    logging.lastResort = None
    logging.captureWarnings(capture=True)
    warnings.simplefilter("ignore", ResourceWarning)
    root = logging.getLogger()
    root.handlers[:] = [_WithoutWords()]
    root.setLevel(max(level, logging.INFO))
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    # Debug and info lines of these name paths, queries and arguments; even their count says too much.
    for name in ("httpx", "httpcore", "psycopg", "procrastinate", "asyncio", "_granian", "granian.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def install(level: int = logging.WARNING) -> None:
    """`silence_libraries`, and no traceback from the interpreter either. For the start of a server process."""
    silence_libraries(level)
    sys.excepthook = _on_uncaught
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread
