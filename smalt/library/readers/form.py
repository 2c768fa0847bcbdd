"""Fills in a questionnaire: finds the columns of ids, answers and comments in each sheet, and writes beside known ids.

Everything else of the workbook stays: styles, validations, other sheets; one sheet is added that says what was done. A cell
that holds anything is left alone. What is written is text, never a formula. Runs inside the child process, behind the checks of `sniff`.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from smalt.kernel import limits
from smalt.library.form import Filled, Replies, Reply, SheetReport
from smalt.library.parsed import Kind
from smalt.library.readers.form_report import report_parts, written
from smalt.library.readers.formulas import column_number, letters
from smalt.library.refusals import refusal
from smalt.library.sniff import kind_of

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_REF = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ID = re.compile(
    r"[A-Z&]{1,6}[-._ ]?[0-9]{1,3}(?:[-.][0-9A-Z]{1,3})*|[0-9]{1,2}(?:\.[0-9]{1,3}){1,4}|[A-Z]{2,8}\.[A-Z0-9_]{2,24}"
)
_PART = re.compile(r"(.+?)\.[0-9]{1,2}")
_ANSWER = re.compile(r"\banswers?\b|\bresponses?\b|\breply\b|\byes\s*/?\s*no\b|\bcompliance status\b", re.IGNORECASE)
_COMMENT = re.compile(
    r"\bcomments?\b|\bexplan\w+|\bdescription\b|\bdetails?\b|\bnotes?\b|\bremarks?\b|\bjustification\b|\badditional\b|\bevidence\b",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\bquestions?\b|\bspecification\b|\bcontrol title\b|\brequirement\b", re.IGNORECASE)
_HEAD_CHARS = 120
_SHEETS_MAX = 200


def prepare() -> None:
    """The parser loads its parts before the door is shut."""
    etree.fromstring(b"<a/>", _parser())


def _parser() -> Any:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False
    )


def fill(data: bytes, replies: Replies) -> Filled:
    """The workbook with replies. Refusals for what is no sound XLSX."""
    if kind_of(data) is not Kind.XLSX:
        raise refusal("document.unsupported")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _fill(archive, replies)
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError, EOFError, ValueError):
        raise refusal("document.truncated") from None


def _fill(archive: zipfile.ZipFile, replies: Replies) -> Filled:
    strings = _strings(archive)
    reports: list[SheetReport] = []
    changed: dict[str, bytes] = {}
    for name, part in _sheets(archive):
        tree = _tree(archive.read(part))
        sheet = _Sheet(name, tree, strings)
        report = sheet.fill(replies)
        if report is not None:
            reports.append(report)
        if report is not None and report.filled:
            changed[part] = written(tree)
    changed |= report_parts(archive, _tree, reports)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for info in archive.infolist():
            target.writestr(info.filename, changed.pop(info.filename, b"") or archive.read(info))
        for name, body in changed.items():
            target.writestr(name, body)
    return Filled(made.getvalue(), tuple(reports))


def _tree(data: bytes) -> Any:
    tree = etree.fromstring(data, _parser())
    if tree.getroottree().docinfo.doctype:
        raise refusal("document.truncated")  # no workbook has one
    return tree


def _sheets(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """(name, part) of every worksheet, in the order of the workbook."""
    relations = _tree(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {one.get("Id"): one.get("Target") for one in relations if str(one.get("Type")).endswith("/worksheet")}
    found: list[tuple[str, str]] = []
    for one in _tree(archive.read("xl/workbook.xml")).iter(f"{_MAIN}sheet"):
        target = targets.get(one.get(_RELATION))
        if target is not None and len(found) < _SHEETS_MAX:
            found.append((str(one.get("name")), posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")))
    return found


def _strings(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [
        "".join(text.text or "" for text in one.iter(f"{_MAIN}t") if text.getparent().tag != f"{_MAIN}rPh")
        for one in _tree(archive.read("xl/sharedStrings.xml")).iter(f"{_MAIN}si")
    ]


def normal(text: str) -> str:
    return re.sub(r"\s+", "", text).upper()


@dataclass
class _Sheet:
    """One sheet: ``cells`` by (row, column), the row from 1, the column from 0, with the element and its text."""

    name: str
    tree: Any
    strings: list[str]
    cells: dict[tuple[int, int], tuple[Any, str]] = field(default_factory=dict)
    rows: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number = 0
        for row in self.tree.iter(f"{_MAIN}row"):
            number = int(row.get("r") or number + 1)
            self.rows[number] = row
            column = -1
            for cell in row.iterchildren(f"{_MAIN}c"):
                placed = _REF.fullmatch(cell.get("r") or "")
                column = column_number(placed[1]) if placed else column + 1
                self.cells[number, column] = (cell, self._text(cell))
                if len(self.cells) > limits.PARSE_CELLS_MAX // 10:
                    raise refusal("document.too_many_cells")

    def _text(self, cell: Any) -> str:
        if cell.find(f"{_MAIN}f") is not None:
            return "=" + (cell.findtext(f"{_MAIN}v") or "")
        if cell.get("t") == "inlineStr":
            return "".join(one.text or "" for one in cell.iter(f"{_MAIN}t"))
        value = cell.findtext(f"{_MAIN}v") or ""
        if cell.get("t") == "s" and value.isascii() and value.isdigit() and int(value) < len(self.strings):
            return self.strings[int(value)]
        return value

    def fill(self, replies: Replies) -> SheetReport | None:
        """Write what is known; None for a sheet without ids."""
        found = self._ids(replies)
        if found is None:
            return None
        column, first = found
        head, places = self._head(column, first)
        answer, comment = places
        if answer is None:
            return SheetReport(self.name, problem="No column for answers was found.")
        filled = kept = 0
        unknown: list[str] = []
        for (row, at), (_, text) in list(self.cells.items()):
            if at != column or row <= head or not _ID.fullmatch(normal(text)):
                continue
            reply = _reply(normal(text), replies)
            if reply is None:
                unknown.append(text.strip()[:40])
            elif self._holds(row, answer):
                kept += 1
            else:
                self._write(row, answer, reply.answer)
                if comment is not None and not self._holds(row, comment):
                    self._write(row, comment, reply.comment)
                filled += 1
        return SheetReport(self.name, filled, kept, tuple(unknown))

    def _ids(self, replies: Replies) -> tuple[int, int] | None:
        """(column, first row) of the ids: the column with the most known ones, the leftmost of several."""
        seen: dict[int, list[tuple[int, bool]]] = {}
        for (row, column), (_, text) in self.cells.items():
            if _ID.fullmatch(normal(text)):
                seen.setdefault(column, []).append((row, _reply(normal(text), replies) is not None))
        if not seen:
            return None
        best = max(seen, key=lambda column: (sum(known for _, known in seen[column]), len(seen[column]), -column))
        if len(seen[best]) < 2 and not any(known for _, known in seen[best]):
            return None
        return best, min(row for row, _ in seen[best])

    def _head(self, ids: int, first: int) -> tuple[int, tuple[int | None, int | None]]:
        """The row of heads above the first id, and the columns of answers and of comments."""
        for row in range(first - 1, 0, -1):
            heads = {
                column: " ".join(text.split())
                for (at, column), (_, text) in self.cells.items()
                if at == row and column != ids and text.strip() and len(text) <= _HEAD_CHARS
            }
            answers = [column for column, text in heads.items() if _ANSWER.search(text) and not _ASKED.search(text)]
            plain = [column for column in answers if not _COMMENT.search(heads[column])]
            answer = min(plain or answers, default=None)
            if answer is None:
                continue
            comments = [
                column
                for column, text in heads.items()
                if column != answer and _COMMENT.search(text) and not _ASKED.search(text)
            ]
            after = [column for column in comments if column > answer]
            return row, (answer, min(after or comments, default=None))
        return 0, (None, None)

    def _holds(self, row: int, column: int) -> bool:
        held = self.cells.get((row, column))
        return held is not None and bool(held[1].strip())

    def _write(self, row: int, column: int, text: str) -> None:
        """``text`` into a cell that is empty or absent; its style stays."""
        held = self.cells.get((row, column))
        cell = held[0] if held is not None else self._new(row, column)
        for child in list(cell):
            cell.remove(child)
        cell.set("t", "inlineStr")
        inside = etree.SubElement(etree.SubElement(cell, f"{_MAIN}is"), f"{_MAIN}t")
        inside.text = text
        inside.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        self.cells[row, column] = (cell, text)

    def _new(self, row: int, column: int) -> Any:
        cell = etree.Element(f"{_MAIN}c", r=f"{letters(column)}{row}")
        before = [at for at in range(column) if (row, at) in self.cells]
        if before:
            self.cells[row, before[-1]][0].addnext(cell)
        else:
            self.rows[row].insert(0, cell)
        return cell


def _reply(identity: str, replies: Replies) -> Reply | None:
    exact = replies.exact.get(identity)
    if exact is not None:
        return exact
    part = _PART.fullmatch(identity)
    return None if part is None else replies.parts.get(part[1])
