"""Pages a second of Smalt's PDF reader against pdfplumber, in one run, on the same pages in turns.

    python bench/pdf_speed.py FOLDER [--pages N] [--json OUT]

Smalt yields words with boxes and boldness, lines, tables with heads over columns and joined labels. pdfplumber is
measured doing less (words with boxes and font names) and doing its nearest equal (words and tables).
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pdfplumber
import pypdfium2 as pdfium

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from smalt.library.readers import pdf


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=24, help="pages a file, spread evenly")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("*.pdf"))
    if not files:
        sys.exit("no PDF files there")
    rates: dict[str, list[float]] = {"smalt": [], "pdfplumber_words": [], "pdfplumber_words_and_tables": []}
    for file in files:
        data = file.read_bytes()
        with pdfium.PdfDocument(data) as whole:
            step = max(1, len(whole) // arguments.pages)
            part = pdfium.PdfDocument.new()
            part.import_pages(whole, list(range(0, len(whole), step))[: arguments.pages])
        buffer = io.BytesIO()
        part.save(buffer)
        pages = len(part)
        part.close()
        for name, work in _works(buffer.getvalue()).items():
            rates[name].append(pages / _seconds(work))
        print(f"{file.name}: " + ", ".join(f"{name} {found[-1]:.1f}/s" for name, found in rates.items()), flush=True)
    middle = {name: round(statistics.harmonic_mean(found), 1) for name, found in rates.items()}
    result = {
        "machine": f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}",
        "files": len(files),
        "pages_per_second": middle,
        "times_faster_than_words": round(middle["smalt"] / middle["pdfplumber_words"], 1),
        "times_faster_than_words_and_tables": round(middle["smalt"] / middle["pdfplumber_words_and_tables"], 1),
    }
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _seconds(work: Callable[[], None]) -> float:
    """Processor seconds, so that other work on the machine does not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _works(data: bytes) -> dict[str, Callable[[], None]]:
    def smalt() -> None:
        pdf.read(data)

    def words() -> None:
        with pdfplumber.open(io.BytesIO(data)) as document:
            for page in document.pages:
                page.extract_words(extra_attrs=["fontname", "size"])

    def words_and_tables() -> None:
        with pdfplumber.open(io.BytesIO(data)) as document:
            for page in document.pages:
                page.extract_words(extra_attrs=["fontname", "size"])
                page.extract_tables()

    return {"smalt": smalt, "pdfplumber_words": words, "pdfplumber_words_and_tables": words_and_tables}


if __name__ == "__main__":
    main()
