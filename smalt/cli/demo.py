"""``smalt demo``: a real server, real documents, real questions, and a look at what is then on the disk."""

from __future__ import annotations

import fcntl
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from smalt.cli import say
from smalt.cli.answers import Printed, print_answer
from smalt.cli.ask import cell_of, read_file
from smalt.cli.options import json_option, settings_with
from smalt.kernel.errors import Conflict, Failure, Malformed, Untrusted
from smalt.trust import exposure

PLACE = Path("build/demo")
QUESTIONS = (
    "What were total current assets at the end of 2025?",
    "What was capex in 2025?",
    "What was free cash flow in 2025?",
    "What was the budget for research and development in 2025?",
    "What was the revenue of {} Holdings in 2025?",
)
SLICE_BYTES = 48
WORTH_NAMING_BYTES = 10_000
WHAT = {
    "blobs": "the documents, their text, tables and index, sealed",
    "keys": "wrapped keys, outside the database",
    "postgres": "the database: sealed rows, and its write-ahead log",
    "tls": "the certificate, its key, and the local authority",
}


@dataclass
class Plan:
    """What is added and asked, and the words that must not be readable afterwards. ``marks`` are random."""

    documents: dict[str, bytes]
    questions: tuple[str, ...]
    tenant: str
    owner: str
    email: str
    title: str
    secrets: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Report:
    """What the demonstration saw, also the output of ``--json``."""

    url: str = ""
    documents: list[dict[str, Any]] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)
    search: dict[str, Any] = field(default_factory=dict)
    stopped_cleanly: bool = False
    seconds: float = 0.0


@click.command()
@click.option(
    "--file",
    "path",
    envvar="SMALT_DEMO_FILE",
    type=click.Path(path_type=Path),
    help="Your own document instead of the samples.",
)
@click.option("--question", envvar="SMALT_DEMO_QUESTION", help="Your own question.")
@json_option
def demo(path: Path | None, question: str | None, *, as_json: bool) -> None:
    """Start Smalt, add documents, ask questions, show what was stored, stop.

    It works on its own data directory in build/demo, over TLS, through the same API that every client uses.
    """
    began = time.monotonic()
    plan = _plan(path, question)
    report = Report()
    with _alone(), say.Steps(quiet=as_json) as steps:
        _run(plan, report, steps, as_json=as_json)
    report.seconds = round(time.monotonic() - began, 1)
    if as_json:
        say.result(report.__dict__)
    else:
        _print_end(report)


def _plan(path: Path | None, question: str | None) -> Plan:
    """Random words go wherever a person's words go: names, addresses, titles, file names, questions, documents."""
    words = {
        name: _random_word() for name in ("tenant", "owner", "email", "title", "file name", "question", "document")
    }
    questions = (question,) if question else tuple(one.format(words["question"].title()) for one in QUESTIONS)
    if path is None:
        documents = _samples(words["document"], words["file name"])
    elif question is None:
        raise Malformed(
            "demo.no_question",
            "Your own document needs your own question.",
            kept="Nothing was started.",
            todo='For example: make demo FILE=report.pdf QUESTION="What was revenue in 2025?"',
        )
    else:
        documents = {f"{path.stem} {words['file name']}{path.suffix}": read_file(path)}
        del words["document"]
    entered = {name: word.encode() for name, word in words.items()}
    entered["question"] = (question or words["question"].title()).encode()
    for number, data in enumerate(documents.values(), 1):
        middle = len(data) // 2
        if len(data) >= SLICE_BYTES:
            entered[f"bytes of file {number}"] = data[middle : middle + SLICE_BYTES]
    return Plan(
        documents=documents,
        questions=questions,
        tenant=f"Demo {words['tenant']}",
        owner=f"Ada {words['owner']}",
        email=f"{words['email']}@example.com",
        title=f"First look {words['title']}",
        secrets={name: word for name, word in entered.items() if len(word) >= exposure.RUN},
    )


def _random_word() -> str:
    """Twelve letters that stand nowhere else."""
    return "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(12))


def _samples(reference: str, mark: str) -> dict[str, bytes]:
    from smalt.cli.sample.report import pdf
    from smalt.cli.sample.workbook import xlsx

    return {
        f"Tarnwick annual report 2025 {mark}.pdf": pdf(reference),
        f"Tarnwick planning {mark}.xlsx": xlsx(reference),
    }


@contextmanager
def _alone() -> Iterator[None]:
    """One demonstration at a time in a clone: a second one says so instead of waiting."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "demo.running", "A demonstration already runs in this folder.", todo="Let it finish, or stop it."
            ) from None
        yield


def _run(plan: Plan, report: Report, steps: say.Steps, *, as_json: bool) -> None:
    from smalt.cli.demo_client import Client, use_link
    from smalt.cli.demo_server import Server

    settings = settings_with(data_dir=PLACE / "data", listen_host="127.0.0.1")
    server = Server(settings, PLACE / "server.log")
    steps.begin("Starting Smalt: PostgreSQL, keys, certificate, TLS on loopback")
    with server:
        report.url = server.url
        steps.done(f"Smalt runs at {server.url}, with its own PostgreSQL, keys and certificate")
        steps.begin("Creating a tenant with its own keys")
        made = server.command("tenant", "create", plan.tenant, "--owner-name", plan.owner, "--owner-email", plan.email)
        use_link(made["link"], server.ca, plan.owner, plan.email)
        token = server.command("token", "create", "--tenant", made["tenant"], "--name", plan.title)
        steps.done("Created a tenant with its own keys, an owner and an API token")
        with Client(server.url, server.ca, token["secret"]) as client:
            _add(client, plan, report, steps)
            _ask(client, plan, report, steps, as_json=as_json)
        steps.begin("Stopping")
    steps.done("Stopped; everything is on the disk now")
    report.stopped_cleanly = server.stopped_cleanly
    _look(plan, report, steps, server.data_dir, server.log)


def _add(client: Any, plan: Plan, report: Report, steps: say.Steps) -> None:
    for name, data in plan.documents.items():
        steps.begin(f"Adding {name}")
        document = client.add(name, data)
        found = client.wait(document, lambda status, percent, name=name: steps.detail(f"{name}: {status} {percent} %"))
        report.documents.append(found)
        pages = found.get("pages") or 0
        steps.done(f"{name}: {len(data):,} bytes, {pages} {'sheets' if name.endswith('.xlsx') else 'pages'}, ready")


def _ask(client: Any, plan: Plan, report: Report, steps: say.Steps, *, as_json: bool) -> None:
    conversation = client.converse(plan.title)
    for question in plan.questions:
        steps.begin(question)
        turn = client.ask(conversation, question)
        report.turns.append(turn)
        if not plan.secrets.get("answer"):
            plan.secrets["answer"] = turn["answer"]["text"].encode()
        steps.detail("")
        if not as_json:
            print_answer(question, of_turn(turn))
    click.echo("", err=True, nl=not as_json)


def of_turn(turn: dict[str, Any]) -> Printed:
    """A turn of the API as it is printed."""
    answer = turn["answer"]
    declined = bool(answer["declined"])
    shown = answer.get("nearest") if declined else answer["citations"]
    checks = answer.get("checks") or {}
    return Printed(
        text=answer["text"],
        formula=answer["formula"],
        declined=declined,
        engine=answer["engine"],
        milliseconds=int(turn.get("total_ms") or 0),
        citations=[
            (
                one["document"],
                None if one.get("sheet") else one.get("page"),
                cell_of(one.get("sheet"), one.get("cell")),
                one["quote"],
                one.get("label") or "",
            )
            for one in shown or []
        ],
        sent_to=turn.get("sent_to"),
        figures=int(checks.get("figures", 0)),
        traced=int(checks.get("traced", 0)),
    )


def roots_of(data_dir: Path) -> list[Path]:
    """Where the data lies: the data directory, and the database's own place when its account cannot reach that."""
    pointer = data_dir / "postgres.place"
    return [data_dir, *([Path(pointer.read_text("utf-8").strip())] if pointer.exists() else [])]


def _stored(data_dir: Path, elsewhere: list[Path]) -> list[dict[str, Any]]:
    """Each part of the data directory with its size and what it is."""
    parts = [(entry, WHAT.get(entry.name, "")) for entry in sorted(data_dir.iterdir())]
    parts += [(place, WHAT["postgres"]) for place in elsewhere]
    stored = []
    for entry, what in parts:
        files = list(exposure.files_under([entry]))
        size = sum(file.stat().st_size for file in files)
        if what or size > WORTH_NAMING_BYTES:
            stored.append({"path": str(_short(entry)), "files": len(files), "bytes": size, "what": what})
    return stored


def _look(plan: Plan, report: Report, steps: say.Steps, data_dir: Path, log: Path) -> None:
    """Search everything that was written, and check that the search can find."""
    roots = roots_of(data_dir)
    steps.begin("Searching the disk for the words that were entered")
    report.stored = _stored(data_dir, roots[1:])
    seen, planted = exposure.control(plan.secrets)
    found = exposure.search([*roots, log], plan.secrets)
    report.search = {
        "words": len(plan.secrets),
        "files": found.files,
        "bytes": found.size_bytes,
        "unreadable": found.unreadable,
        "found": {label: [str(path) for path in paths] for label, paths in found.found.items()},
        "control_found": seen,
        "control_planted": planted,
    }
    if failure := verdict(found, seen, planted):
        raise failure
    steps.done(
        f"Searched {found.files:,} files, {found.size_bytes / 1e6:,.0f} MB, for {len(plan.secrets)} entered words"
    )


def verdict(found: exposure.Search, seen: int, planted: int) -> Failure | None:
    """None when nothing is readable and the search was able to find; the failure to end with otherwise."""
    if seen != planted or found.unreadable:
        return Untrusted(
            "demo.inconclusive",
            "The search of the disk proves nothing: it missed words that were planted for it, or could not read files.",
            facts={"found": seen, "planted": planted, "unreadable_files": found.unreadable},
        )
    if found.found:
        failure = Untrusted("demo.readable", "Words that were entered can be read on the disk without the key.")
        failure.add_note("; ".join(f"{label} in {paths[0]}" for label, paths in sorted(found.found.items())))
        return failure
    return None


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _print_end(report: Report) -> None:
    click.secho("\nWhat was stored, and where", bold=True)
    for entry in report.stored:
        size = f"{entry['files']:,} files, {entry['bytes'] / 1e6:,.1f} MB"
        click.echo(f"  {entry['path']}: {size}{', ' if entry['what'] else ''}{entry['what']}")
    search = report.search
    click.secho("Can it be read without the key?", bold=True)
    click.echo(
        f"  No. {search['words']} words and stretches that were entered (names, an address, a title, file names, a question,"
        f" documents)\n  stand nowhere in {search['files']:,} files, {search['bytes'] / 1e6:,.0f} MB. The same search finds"
        f" {search['control_found']} of {search['control_planted']} in scratch files.\n"
        "  The keys lie in the data directory too until you use a key service: guard it, or move them (docs/operate/keys.md)."
    )
    ending = "stopped cleanly" if report.stopped_cleanly else "had to be ended"
    click.echo(f"\nSmalt {ending} after {report.seconds:.0f} s. Next: make serve, and open https://localhost:8443")
