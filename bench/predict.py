"""Runs the product on a folder in the format of the shared development data and writes predictions for its scorer.

    python bench/predict.py SUITE GOLD_DIR OUT.jsonl [--shelf] [--documents DIR] [--questions FILE]

Suites: filings, rows, ledger, tenq, retrieval. Readers, search and the local engine are the product's own; no model, no network.
--shelf asks every filings question with all the folder's documents opened instead of the one it names.
retrieval needs the PDFs (--documents, default GOLD_DIR/pdfs) and, where the gold file holds ids only, the questions
(--questions, JSON lines with financebench_id and question).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# From any folder and any Python that has the dependencies, without installing the project: so its imports come after.
sys.path.insert(0, str(ROOT))

from smalt.engine import passages, retrieve  # noqa: E402
from smalt.engine.answer import Answer  # noqa: E402
from smalt.engine.local import answer  # noqa: E402
from smalt.library.parsed import Parsed, figures_of  # noqa: E402
from smalt.search.segment import Opened, build, decode, encode  # noqa: E402

SUITES = ("filings", "rows", "ledger", "tenq", "retrieval")
_KINDS = {".pdf": "pdf", ".xlsx": "xlsx", ".csv": "csv", ".docx": "docx", ".md": "markdown", ".txt": "text"}


def read(path: Path) -> Parsed:
    """The product's own reader for the file's kind."""
    module = importlib.import_module(f"smalt.library.readers.{_KINDS[path.suffix.lower()]}")
    parsed: Parsed = module.read(path.read_bytes())
    return parsed


def opened(path: Path) -> Opened:
    """Read, indexed, encoded and opened again, as the product does it."""
    return Opened(path.name, path.name, decode(encode(build(read(path)))))


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            if line.strip():
                yield json.loads(line)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _KINDS)


def prediction(question: str, found: Answer) -> dict[str, Any]:
    del question
    value = None if found.declined or found.figure is None else found.figure.value
    unit = (
        {"money": "USD", "per_share": "USD/shares"}.get(found.figure.unit, found.figure.unit)
        if found.figure is not None
        else "none"
    )
    cites = [{"doc": one.document, "page": one.page, "row": one.row} for one in found.citations]
    return {"answer": value, "unit": unit, "citations": cites, "text": found.text}


def filings(gold: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    shelf = {path.name: opened(path) for path in files(gold)}
    times: list[float] = []
    for case in lines(gold / "questions.jsonl"):
        documents = list(shelf.values()) if options.shelf else [shelf[case["doc"]]]
        began = time.perf_counter()
        found = answer(case["question"], documents)
        times.append(time.perf_counter() - began)
        yield {"id": case["id"], **prediction(case["question"], found)}
    report(times)


def ledger(gold: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    del options
    shelf = [opened(path) for path in files(gold)]
    times: list[float] = []
    for case in lines(gold / "questions.jsonl"):
        began = time.perf_counter()
        found = answer(case["question"], shelf)
        times.append(time.perf_counter() - began)
        yield {"id": case["id"], **prediction(case["question"], found)}
    report(times)


def rows(gold: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    del options
    for path in files(gold):
        for page in read(path).pages:
            for table in page.tables:
                for row in table.rows:
                    if row.cells:
                        yield {
                            "doc": path.name,
                            "page": page.number,
                            "cells": [row.label, *figures_of(row)],
                        }


def tenq(gold: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    del options
    shelf = [opened(path) for path in files(gold)]
    times: list[float] = []
    for case in lines(gold / "questions.jsonl"):
        began = time.perf_counter()
        found = answer(case["question"], shelf)
        ranked = retrieve.documents(case["question"], shelf)
        times.append(time.perf_counter() - began)
        first = [one.document for one in found.citations]
        names = list(dict.fromkeys([*first, *(one.name for one in ranked)]))
        quotes = [passage.text for _, _, passage in passages.ranked(case["question"], ranked[:4], 8)]
        tables = [page_text(one, page) for one, page in retrieve.pages(case["question"], ranked[:4], 6)]
        yield {"question": case["question"], "docs": names, "text": "\n".join([found.text, *quotes, *tables])}
    report(times)


def page_text(opened: Opened, page: int) -> str:
    """The figures of a page as lines "label: header figure", for those who read retrieved text."""
    lines: dict[tuple[int, int], list[str]] = {}
    for fact in opened.facts:
        if fact.page == page:
            lines.setdefault((fact.table, fact.row), [fact.label]).append(fact.printed)
    return "\n".join(" ".join(parts) for parts in lines.values())


def retrieval(gold: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    folder = Path(options.documents) if options.documents else gold / "pdfs"
    asked = (
        {case["financebench_id"]: case["question"] for case in lines(Path(options.questions))}
        if options.questions
        else {}
    )
    held: dict[str, Opened] = {}
    for case in lines(gold / "financebench_ids.jsonl"):
        question = case.get("question") or asked.get(case["financebench_id"])
        path = folder / f"{case['doc']}.pdf"
        if question is None or not path.exists():
            sys.exit(
                f"retrieval needs the question of {case['financebench_id']} (--questions) and {case['doc']}.pdf (--documents)"
            )
        if case["doc"] not in held:
            held = {case["doc"]: opened(path)}
        ranked = retrieve.pages(question, [held[case["doc"]]])
        yield {"financebench_id": case["financebench_id"], "pages": [[case["doc"], page] for _, page in ranked]}


def report(times: list[float]) -> None:
    if times:
        ordered = sorted(times)
        print(
            f"answers: {len(ordered)}  p50 {ordered[len(ordered) // 2] * 1000:.0f} ms  p95 {ordered[int(len(ordered) * 0.95)] * 1000:.0f} ms",
            file=sys.stderr,
        )


def write(path: Path, found: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as handle:
        for one in found:
            handle.write(json.dumps(one, ensure_ascii=False) + "\n")
            count += 1
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", help=f"one of {', '.join(SUITES)}")
    parser.add_argument("gold", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shelf", action="store_true")
    parser.add_argument("--documents")
    parser.add_argument("--questions")
    options = parser.parse_args()
    if options.suite not in SUITES:
        print(f"The suite {options.suite} is not supported; these are: {', '.join(SUITES)}.", file=sys.stderr)
        return 2
    if not options.gold.is_dir():
        print(f"{options.gold} is no folder.", file=sys.stderr)
        return 2
    count = write(options.out, globals()[options.suite](options.gold, options))
    print(f"{count} predictions in {options.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
