"""How an answer is printed on a terminal: the text, the formula, where each figure stands, and one careful line."""

from __future__ import annotations

from dataclasses import dataclass, field

import click

Place = tuple[str, int | None, str | None, str, str]
"""Document, page (0-based) or None, sheet!cell or None, the quoted span, the row's label."""


@dataclass(frozen=True)
class Printed:
    text: str
    formula: str | None
    declined: bool
    engine: str
    milliseconds: int
    citations: list[Place] = field(default_factory=list)
    figures: int = 0
    traced: int = 0
    sent_to: str | None = None


def place_text(place: Place) -> str:
    """``report.pdf, page 9: “2,014” (Total current assets)``; pages are counted from 1 for people."""
    document, page, cell, quote, label = place
    where = f", {cell}" if cell else f", page {page + 1}" if page is not None else ""
    row = f" ({label})" if label and label != quote else ""
    return f"{document}{where}: “{quote}”{row}"


def print_answer(question: str, answer: Printed) -> None:
    """Print to stdout."""
    click.secho(f"\n{question}", bold=True)
    click.echo(f"  {answer.text}")
    if answer.formula:
        click.echo(f"  = {answer.formula}")
    if answer.declined and answer.citations:
        click.echo("  nearest:")
    for number, place in enumerate(answer.citations, 1):
        click.echo(f"  {'·' if answer.declined else number} {place_text(place)}")
    checked = f"{answer.traced} of {answer.figures} figures traced · " if answer.figures else ""
    sent = f"sent to {answer.sent_to}" if answer.sent_to else "not sent"
    click.secho(f"  {checked}{answer.engine} engine · {answer.milliseconds} ms · {sent}", dim=True)
