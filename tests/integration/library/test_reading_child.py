"""The child process against what hostile files could make of it; and every kind of file through it."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import docx
import pytest
import xlsxwriter
from reportlab.pdfgen import canvas

from smalt.kernel import limits
from smalt.kernel.errors import Failure
from smalt.library import sandbox
from smalt.library.parsed import Kind
from smalt.library.sandbox import Bounds

LINUX = sys.platform.startswith("linux")
SHORT = Bounds(wall_s=30, cpu_s=20)


def made_pdf(pages: int = 1) -> bytes:
    out = io.BytesIO()
    page = canvas.Canvas(out)
    for number in range(pages):
        page.drawString(72, 700, f"Revenue of page {number}")
        page.drawRightString(400, 700, "1,234")
        page.drawRightString(480, 700, "1,111")
        page.showPage()
    page.save()
    return out.getvalue()


def made_xlsx() -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    for r, row in enumerate([["Item", "2024", "2023"], ["Rent", 1, 2]]):
        sheet.write_row(r, 0, row)
    book.close()
    return out.getvalue()


def made_docx() -> bytes:
    document = docx.Document()
    document.add_paragraph("A paragraph.")
    table = document.add_table(rows=2, cols=2)
    for r, row in enumerate([["Item", "Sum"], ["Rent", "5"]]):
        for c, value in enumerate(row):
            table.cell(r, c).text = value
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (made_pdf(), Kind.PDF),
        (made_xlsx(), Kind.XLSX),
        (made_docx(), Kind.DOCX),
        (b"# Head\n\n| a | b |\n|---|---|\n| 1 | &eacute; |\n", Kind.MARKDOWN),
        ("Größe;Wert\n1;2\n3;4\n".encode("cp1252"), Kind.CSV),
        ("Zeile eins – zwei\nnoch eine\n".encode("utf-16"), Kind.TEXT),
    ],
)
async def test_every_kind_reads_behind_all_locks(data, kind):
    parsed = await sandbox.parse(data, "mislabelled.bin")
    assert parsed.kind is kind
    assert any(page.lines or page.tables for page in parsed.pages)


async def test_progress_and_streamed_source():
    data = made_pdf(30)

    async def chunks():
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    seen: list[tuple[int, int]] = []
    parsed = await sandbox.parse(chunks(), "x.pdf", lambda done, total: seen.append((done, total)))
    assert len(parsed.pages) == 30
    assert seen[-1] == (30, 30)
    assert seen == sorted(seen)


async def test_page_images():
    assert (await sandbox.render_page(made_pdf(), 0, 96)).startswith(b"\x89PNG")
    with pytest.raises(Failure) as failed:
        await sandbox.render_page(made_pdf(), 7, 96)
    assert failed.value.code == "document.no_such_page"


@pytest.mark.skipif(not LINUX, reason="only Linux has these locks")
@pytest.mark.parametrize("name", ["socket", "local_socket", "fork", "run", "environment"])
async def test_no_way_out(name):
    assert await sandbox.trial(name, bounds=SHORT) == "stopped"


@pytest.mark.skipif(not LINUX, reason="only Linux has these locks")
async def test_no_files(tmp_path):
    there = tmp_path / "there"
    there.write_text("kept")
    assert await sandbox.trial("read", str(there), SHORT) == "stopped"
    assert await sandbox.trial("write", str(tmp_path / "new"), SHORT) == "stopped"
    assert await sandbox.trial("delete", str(there), SHORT) == "stopped"
    assert there.read_text() == "kept"
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not LINUX, reason="only Linux has these locks")
async def test_no_signals_to_others():
    assert await sandbox.trial("signal", str(os.getpid()), SHORT) == "stopped"


@pytest.mark.parametrize(
    ("name", "bounds", "code"),
    [
        ("allocate", SHORT, "document.too_much_memory"),
        ("crash", SHORT, "document.crashed"),
        ("abort", SHORT, "document.crashed"),
        ("babble", SHORT, "document.crashed"),
        ("spin", Bounds(wall_s=30, cpu_s=3), "document.too_slow"),
        ("spin", Bounds(wall_s=1, cpu_s=20), "document.too_slow"),
    ],
)
async def test_a_child_gone_wrong_is_a_refusal_and_nothing_else(name, bounds, code):
    with pytest.raises(Failure) as failed:
        await sandbox.trial(name, bounds=bounds)
    assert failed.value.code == code
    assert (await sandbox.parse(made_pdf())).kind is Kind.PDF


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "document.empty"),
        (made_pdf()[:500], "document.truncated"),
        (b"PK\x03\x04 not really", "document.truncated"),
        (b"%PDF-1.4\n" + b"\xff\x00garbage" * 500 + b"\n%%EOF", "document.truncated"),
    ],
)
async def test_bad_files(data, code):
    with pytest.raises(Failure) as failed:
        await sandbox.parse(data, "annual report.pdf")
    assert failed.value.code == code


async def test_a_source_that_is_too_large_is_cut_off(monkeypatch):
    monkeypatch.setattr(limits, "UPLOAD_MAX_BYTES", 1000)
    with pytest.raises(Failure) as failed:
        await sandbox.parse(b"a,b,c\n" * 1000)
    assert failed.value.code == "document.too_large"


async def test_a_source_that_breaks_off_is_not_read_in_part():
    async def broken():
        yield b"a,b,c\n1,2,3\n"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await sandbox.parse(broken(), "x.csv")


def children(parent: int) -> set[int]:
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.add(int(folder.name))
    return found


@pytest.mark.skipif(not LINUX, reason="reads the process table")
async def test_cancelling_kills_the_child():
    before = children(os.getpid())
    task = asyncio.create_task(sandbox.trial("spin", bounds=SHORT))
    while not (started := children(os.getpid()) - before):
        assert not task.done()
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not children(os.getpid()) & started


_PARENT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from smalt.library import sandbox
asyncio.run(sandbox.trial("spin", bounds=sandbox.Bounds(wall_s=60, cpu_s=60)))
"""


@pytest.mark.skipif(not LINUX, reason="the parent-death signal is Linux's")
def test_the_child_dies_with_its_parent(tmp_path):
    root = str(Path(sandbox.__file__).parents[2])
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, root], cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not (found := children(parent.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    (child,) = found
    time.sleep(0.5)  # let it pass its locks: a change of credentials may clear the signal
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while time.monotonic() < deadline and Path(f"/proc/{child}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


def test_it_works_from_a_path_with_spaces(tmp_path):
    root = tmp_path / "a path with spaces"
    root.mkdir()
    (root / "smalt").symlink_to(Path(sandbox.__file__).parents[1])
    code = "import asyncio, sys; sys.path.insert(0, sys.argv[1]); from smalt.library import sandbox; sandbox._ROOT = sys.argv[1]; print(asyncio.run(sandbox.parse(b'a,b,c\\n1,2,3\\n')).kind.value)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "csv"


@pytest.mark.skipif(not LINUX, reason="only Linux has these locks")
async def test_the_doctor_can_name_the_locks():
    assert {
        "no_sockets",
        "no_files",
        "memory",
        "cpu",
        "dies_with_parent",
        "no_new_privileges",
    } <= await sandbox.locks_held()
