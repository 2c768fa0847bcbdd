"""How the roadmap leaves what the log says."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_PATCH = """
import smalt.trust.roadmap as roadmap
derived = roadmap.lists
def lists(states):
    found = derived(states)
    {change}
    return found
roadmap.lists = lists
"""


@case("roadmap.derived", "what does not hold is called production")
def _() -> Break:
    return Break(preamble=_PATCH.format(change="found['production'] += [found['hardening'].pop()]"))


@case("roadmap.derived", "a planned claim is left out")
def _() -> Break:
    return Break(preamble=_PATCH.format(change="found['planned'].pop()"))


@case("roadmap.derived", "a claim stands in two lists")
def _() -> Break:
    return Break(preamble=_PATCH.format(change="found['planned'] += found['hardening'][:1]"))


@case("roadmap.derived", "a date was moved")
def _() -> Break:
    return Break(
        preamble="import smalt.trust.show as show; line = show.line\n"
        "def later(one, away=''):\n"
        "    import dataclasses\n"
        "    made = line(one, away)\n"
        "    until = None if made.verdict.good_until is None else made.verdict.good_until + 86400\n"
        "    return dataclasses.replace(made, verdict=dataclasses.replace(made.verdict, good_until=until))\n"
        "show.line = later\n"
    )
