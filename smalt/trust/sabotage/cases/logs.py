"""How content gets into logs, and metadata out of them."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case
from smalt.trust.sabotage.throwaway import Throwaway

_EACH_QUESTION = """
import sys, base64, smalt.chat.turn as t
inner = t.question_of
def question_of(text):
    {do}
    return inner(text)
t.question_of = question_of
"""
_NO_FILTER = """
import logging, smalt.telemetry.log as l
class Loud(logging.StreamHandler): pass
l._WithoutWords = Loud
"""


@case("logs.canaries", "a question is printed")
def _() -> Break:
    return Break(preamble=_EACH_QUESTION.format(do="print(text, file=sys.stderr, flush=True)"))


@case("logs.canaries", "a question is logged in base64")
def _() -> Break:
    return Break(preamble=_EACH_QUESTION.format(do="print(base64.b64encode(text.encode()).decode(), flush=True)"))


@case("logs.canaries", "a library's message is written as it is")
def _() -> Break:
    return Break(
        preamble=_NO_FILTER
        + _EACH_QUESTION.format(do="import logging; logging.getLogger('engine').warning('%s', text)")
    )


@case("logs.canaries", "an event carries a title")
def _() -> Break:
    return Break(
        preamble="""
import smalt.chat.thread as t, smalt.telemetry.events as e
inner = t.title_of
def title_of(text):
    if e._sink.copy is not None:
        e._sink.copy('{"event":"titled","title":"' + text + '"}\\n')
    return inner(text)
t.title_of = title_of
"""
    )


@case("logs.canaries", "requests leave no event")
def _() -> Break:
    return Break(preamble="import smalt.web.guard as g; g.emit = lambda event: None")


@case("logs.canaries", "events name the wrong status")
def _() -> Break:
    return Break(
        preamble="""
import dataclasses, smalt.web.guard as g
inner = g.emit
g.emit = lambda event: inner(dataclasses.replace(event, status=200))
"""
    )


@case("logs.canaries", "a refusal sends back what it refused")
def _() -> Break:
    return Break(
        preamble="""
import smalt.web.problems as p
inner = p.Problem.members
def members(self, request):
    return {**inner(self, request), "seen": seen[-1] if seen else ""}
p.Problem.members = members
import smalt.web.paging as c
seen, decode = [], c.Cursor.decode.__func__
def decoded(cls, text):
    seen.append(text)
    return decode(cls, text)
c.Cursor.decode = classmethod(decoded)
"""
    )


@case("logs.canaries", "a log that nobody declared")
def _() -> Break:
    def act(broken: Throwaway) -> None:
        (broken.data_dir / "logs" / "debug.log").write_bytes(b"")

    return Break(act=act)


@case("logs.canaries", "a process writes a log elsewhere")
def _() -> Break:
    return Break(preamble="import tempfile; kept = open(tempfile.mkdtemp() + '/audit.log', 'a')")


@case("logs.canaries", "one event more", harmless=True)
def _() -> Break:
    return Break(preamble=_EACH_QUESTION.format(do="print('asked', file=sys.stderr, flush=True)"))
