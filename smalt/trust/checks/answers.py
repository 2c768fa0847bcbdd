"""Answers: who gave them and what left the machine, and whether every figure in them can be traced."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import msgspec

from smalt.chat.figures import figures_of
from smalt.chat.recompute import Untraceable, recompute
from smalt.chat.verify import verified
from smalt.engine.answer import Answer, Citation, FigureOut
from smalt.kernel.figures import printed_number
from smalt.trust import papers
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.errand import ask, browsing, converse, expect, settled, upload
from smalt.trust.probes import kernel
from smalt.trust.target import Target

LOOK_EVERY_S = 0.02
NOWHERE = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737). Connecting a UDP socket to it sends nothing."""
PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Sample:
    """A report with random figures of this run: ``lines`` by label, this year's and last year's."""

    lines: dict[str, tuple[int, int]]

    @classmethod
    def fresh(cls) -> Sample:
        now, before = (20_000 + secrets.randbelow(70_000) for _ in range(2))
        cost, cost_before = now * 6 // 10 + secrets.randbelow(99), before * 6 // 10 + secrets.randbelow(99)
        return cls(
            {
                "Net sales": (now, before),
                "Cost of sales": (cost, cost_before),
                "Gross profit": (now - cost, before - cost_before),
                "Operating income": (now // 7, before // 8),
            }
        )

    def pdf(self) -> bytes:
        return papers.pdf("Probe", [(label, *both) for label, both in self.lines.items()], [])

    @property
    def printed(self) -> set[Decimal]:
        """Every figure that the document prints."""
        return {Decimal(one) for both in self.lines.values() for one in both}

    def asked(self) -> dict[str, Decimal]:
        """Questions and what they come to, in millions or per cent, computed here."""
        (sales, before), (gross, _), (income, _) = (
            self.lines[name] for name in ("Net sales", "Gross profit", "Operating income")
        )
        hundred = Decimal(100)
        return {
            "What were net sales in 2024?": Decimal(sales),
            "What were net sales in 2023?": Decimal(before),
            "What was the cost of sales in 2024?": Decimal(self.lines["Cost of sales"][0]),
            "By how much did net sales change from 2023 to 2024?": Decimal(sales - before),
            "By what percent did net sales grow from 2023 to 2024?": (sales - before) * hundred / before,
            "What was the gross margin in 2024?": gross * hundred / sales,
            "What was operating income as a percentage of net sales in 2024?": income * hundred / sales,
        }


UNPRINTED = "What was the dividend per share in 2024?"


@contextlib.contextmanager
def uploaded(api: httpx.Client, sample: Sample) -> Iterator[tuple[str, str]]:
    """The document, read, and a conversation about it; both are removed at the end."""
    document, conversation = upload(api, "sample.pdf", sample.pdf()), converse(api, "Sample")
    try:
        if settled(api, [document])[document]["status"] != "ready":
            raise Unclear("The document that the check uploaded was not read.")
        yield document, conversation
    finally:
        api.delete(f"/api/v1/conversations/{conversation}")
        api.delete(f"/api/v1/documents/{document}")


@check("answers.checked", every="hour", deadline_s=60)
def checked(target: Target, found: Findings) -> None:
    """Uploads a report with figures that were drawn for this run and asks seven questions of it, look-ups and calculations. Every figure of every answer must be traced, its citation must be a figure that the report prints, its formula is recomputed, and the result compared with what the check computes by itself. Something that the report does not say must not be answered.

    Then errors are put into answers, by the installed code that verifies them: each must be caught. Control: the same answers without the error hold.
    """
    sample = Sample.fresh()
    with target.client(target.ours) as api, uploaded(api, sample) as (document, conversation):
        turns = {q: ask(api, conversation, q, document_ids=[document]) for q in sample.asked()}
        unsaid = ask(api, conversation, UNPRINTED, document_ids=[document])
    for question, wanted in sample.asked().items():
        wrong = faults(turns[question], wanted, sample.printed)
        found.probe(f"traced and right: {question}", not wrong, wrong=wrong)
    found.probe(
        "what the document does not say is not answered",
        unsaid["state"] == "declined" and not unsaid["answer"]["figure"],
    )
    right = Decimal(48213)
    found.control("an answer without a fault has none", not faults(example(right), right, {right}))
    found.control("an answer that is one off is seen", "value" in faults(example(right), right + 1, {right, right + 1}))
    found.control("a figure that nothing says is seen", "text" in faults(example(right + 1), right, {right}))
    found.control("a citation of nothing is seen", "citations" in faults(example(right), right, {Decimal(1)}))
    sound, errors = seeded()
    for what, one in errors.items():
        kept = verified(one)
        found.probe(f"caught: {what}", kept.traced < kept.figures or kept.figure is None)
    found.control(
        "the same answers without an error hold",
        all(one.traced == one.figures > 0 and one.figure for one in map(verified, sound)),
    )


def faults(turn: dict[str, Any], wanted: Decimal, printed: set[Decimal]) -> list[str]:
    """What is wrong with an answer, in public words."""
    answer = turn.get("answer") or {}
    figure, checks = answer.get("figure"), answer.get("checks") or {}
    if turn.get("state") != "answered" or not figure:
        return ["answered"]
    wrong = []
    value = Decimal(figure["value"]).scaleb(-int(figure["scale"]))
    if abs(value - wanted) > PLACES:
        wrong.append("value")
    if not checks.get("figures") or checks["traced"] != checks["figures"]:
        wrong.append("traced")
    if any(part.get("figure") and not (part["traced"] and part["n"]) for part in answer["parts"]) or not any(
        part.get("figure") for part in answer["parts"]
    ):
        wrong.append("marks")
    if any(not _known(one.value, one.places, {*printed, wanted}) for one in figures_of(answer["text"])):
        wrong.append("text")
    quoted = [printed_number(one["quote"]) for one in answer["citations"]]
    if not quoted or any(one is None or abs(one) not in printed for one in quoted):
        wrong.append("citations")
    if answer.get("formula") and not _comes_to(answer["formula"], printed, wanted):
        wrong.append("formula")
    return wrong


def _known(number: Decimal, places: int, known: set[Decimal]) -> bool:
    """Whether a figure of the text is one that the report prints, or the result, rounded as it is shown."""
    return any(round(abs(one), places) == number for one in known)


def example(value: Decimal) -> dict[str, Any]:
    """A turn that answers ``value`` millions as the product would: what `faults` is held against."""
    shown = f"${value:,}"
    return {
        "state": "answered",
        "answer": {
            "text": f"Net sales: {shown} million [1].", "formula": None, "figure": {"value": f"{value}000000", "scale": 6},
            "checks": {"figures": 1, "traced": 1}, "citations": [{"quote": shown}],
            "parts": [{"text": f"{shown} million", "figure": True, "n": [1], "traced": True}],
        },
    }  # fmt: skip


def _comes_to(formula: str, printed: set[Decimal], wanted: Decimal) -> bool:
    try:
        results = recompute(formula, {abs(one): {abs(one)} for one in printed})
    except Untraceable:
        return False
    return any(abs(result - wanted) <= PLACES for result in results)


def seeded() -> tuple[list[Answer], dict[str, Answer]]:
    """Answers that are sound, and the same with one error each."""
    cells = [Citation("doc", "report", 0, quote, unit="$ millions") for quote in ("$1,234", "1,100")]
    looked = Answer(
        "Net sales: $1,234 million [1].", FigureOut("1234000000", "money", 6, "2024", "USD"), citations=cells[:1]
    )
    change = Answer(
        "change in net sales: $134 million [1][2].", FigureOut("134000000", "money", 6, "2024", "USD"),
        formula="1,234 − 1,100", citations=cells,
    )  # fmt: skip
    new = msgspec.structs.replace
    return [looked, change], {
        "a figure that was changed": new(
            looked, text="Net sales: $1,334 million [1].", figure=new_value(looked, "1334000000")
        ),
        "a figure in another scale": new(looked, figure=new_value(looked, "1234000")),
        "a figure said in another scale": new(looked, text="Net sales: $1,234 thousand [1]."),
        "a figure said in another currency": new(looked, text="Net sales: €1,234 million [1]."),
        "a figure without its source": new(looked, citations=[]),
        "a second figure that nothing says": new(looked, text="Net sales: $1,234 million [1], of which 917 abroad."),
        "a sum that does not come out": new(
            change, text="change in net sales: $143 million [1][2].", figure=new_value(change, "143000000")
        ),
        "an operand that nothing says": new(change, formula="1,234 − 1,101", figure=new_value(change, "133000000")),
        "a formula that cannot be followed": new(change, formula="1,234 minus 1,100"),
    }


def new_value(answer: Answer, value: str) -> FigureOut:
    """The figure of ``answer`` with another value."""
    if answer.figure is None:
        raise ValueError("there is no figure to change")
    return msgspec.structs.replace(answer.figure, value=value)


def outside(processes: Iterable[int]) -> list[str]:
    """Sockets of ``processes`` whose other end is not on this machine, by kind and port."""
    return sorted(
        {
            f"{one.kind} {one.peer_port}"
            for one in kernel.of_processes(processes)
            if not one.peer_is_near and one.kind != "unix"
        }
    )


@check("answers.local", every="hour", deadline_s=60)
def local(target: Target, found: Findings) -> None:
    """Asks questions of a document, whole and as a stream, while looking in the kernel for connections of any process of the installation to anywhere else: there must be none, and the answers must be right. Each answer, in the interface, in the stream and on its page, must name its engine and what left the machine.

    Control: a socket of the check itself that leads elsewhere is seen by the same look.
    """
    sample, seen, ended = Sample.fresh(), set[str](), threading.Event()
    processes = kernel.installation(target)

    def look() -> None:
        while not ended.wait(LOOK_EVERY_S):
            seen.update(outside(processes))

    watching = threading.Thread(target=look, daemon=True)
    question, wanted = next(iter(sample.asked().items()))
    with target.client(target.ours) as api, uploaded(api, sample) as (document, conversation):
        watching.start()
        try:
            turns = [ask(api, conversation, question, document_ids=[document]) for _ in range(3)]
            path = f"/api/v1/conversations/{conversation}/messages"
            streamed = expect(
                api.post(path, json={"content": question}, headers={"accept": "text/event-stream"}), 201
            ).text
        finally:
            ended.set()
            watching.join()
        with browsing(target, target.ours) as browser:
            page = browser.get(f"/c/{conversation}", headers={"accept": "text/html"}).text
        used = expect(api.get("/api/v1/usage", params={"days": 1}), 200).json()
    found.probe(
        "no process had a connection to anywhere else while it answered",
        not seen,
        connections=sorted(seen),
        processes=len(processes),
    )
    found.probe("the answers are right", all(not faults(turn, wanted, sample.printed) for turn in turns))
    found.probe("every answer names its engine", all((turn["answer"] or {}).get("engine") == "local" for turn in turns))
    found.probe(
        "every answer says what left the machine", all("sent_to" in turn and turn["sent_to"] is None for turn in turns)
    )
    found.probe(
        "a stream says both",
        '"engine":"local"' in streamed.replace(" ", "") and '"sent_to":null' in streamed.replace(" ", ""),
    )
    shown = [
        re.sub(r"<[^>]+>", " ", one) for one in re.findall(r'<span class="meta">.*?</span></span>', page, re.DOTALL)
    ]
    found.probe(
        "the page says both under every answer",
        len(shown) >= len(turns) and all("local engine" in one and "not sent" in one for one in shown),
        answers=len(shown),
    )
    found.probe("usage counts nothing as sent", used["totals"]["sent"] == 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        try:
            elsewhere.connect(NOWHERE)
        except OSError:
            # No route leads anywhere: then nothing of the installation can have one either.
            found.control("the machine has no way to anywhere", held=True)
        else:
            found.control("a socket that leads elsewhere is seen", f"udp {NOWHERE[1]}" in outside([os.getpid()]))
