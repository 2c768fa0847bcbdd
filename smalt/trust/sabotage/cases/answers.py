"""How answers lose their sources, their engine, and their way of staying on the machine."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_VIEW = """
import smalt.chat.turn as t
inner = t.{name}
def shown(given):
    made = dict(inner(given))
    {do}
    return made
t.{name} = shown
"""
_ENGINE = """
import msgspec, smalt.chat.engines as e
inner = e.answer
def answer(*given):
    made = inner(*given)
    {do}
    return made
e.answer = answer
"""


@case("answers.local", "answers do not name their engine")
def _() -> Break:
    return Break(preamble=_VIEW.format(name="answer_view", do="made.pop('engine')"))


@case("answers.local", "answers do not say what left the machine")
def _() -> Break:
    return Break(preamble=_VIEW.format(name="view", do="made.pop('sent_to')"))


@case("answers.local", "the page does not say what left the machine")
def _() -> Break:
    return Break(
        preamble="""
import jinja2
inner = jinja2.FileSystemLoader.get_source
def get_source(self, environment, name):
    text, path, fresh = inner(self, environment, name)
    return text.replace("not sent", ""), path, fresh
jinja2.FileSystemLoader.get_source = get_source
"""
    )


@case("answers.local", "the engine reaches out while it answers")
def _() -> Break:
    return Break(
        preamble=_ENGINE.format(
            do="import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            "s.connect(('192.0.2.7', 443)); time.sleep(0.3); s.close()"
        )
    )


@case("answers.local", "one harmless field more", harmless=True)
def _() -> Break:
    return Break(preamble=_VIEW.format(name="view", do="made['kind'] = 'turn'"))


@case("answers.checked", "an invented figure is not caught")
def _() -> Break:
    return Break(
        preamble="import smalt.chat.verify as v; v.verified = lambda answer: answer\n"
        + _ENGINE.format(do="made.text += ' Of this, 917 million came from abroad.'")
    )


@case("answers.checked", "every figure is off")
def _() -> Break:
    return Break(
        preamble=_ENGINE.format(
            do="if made.figure is not None: made.figure.value = str(int(float(made.figure.value)) + 1000000); "
            "made.text = made.text.replace('1', '2')"
        )
    )


@case("answers.checked", "the wrong year is answered")
def _() -> Break:
    return Break(
        preamble=_ENGINE.replace("inner(*given)", "inner(given[0].replace('2023', '2024'), *given[1:])").format(
            do="pass"
        )
    )


@case("answers.checked", "citations are dropped")
def _() -> Break:
    return Break(preamble=_VIEW.format(name="answer_view", do="made['citations'] = []"))


@case("answers.checked", "one harmless field more", harmless=True)
def _() -> Break:
    return Break(preamble=_VIEW.format(name="view", do="made['kind'] = 'turn'"))
