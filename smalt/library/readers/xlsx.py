"""XLSX workbooks, read cell by cell as they are stored.

The parts are streamed through expat: memory and time follow the cells that exist, not the extent that a sheet claims
(one stray cell at XFD1048576 makes a grid of 17 billion), a number keeps the digits that are stored, and formulas come
along with their values. Nothing outside the file is ever loaded.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from xml.parsers import expat

from smalt.kernel import limits
from smalt.library.parsed import Kind, Page, Parsed
from smalt.library.readers.formulas import column_number, letters, moved
from smalt.library.readers.grid import GridCell, GridRow, tables_in
from smalt.library.refusals import refusal

Progress = Callable[[int, int], None]
_DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_BUILT_IN = {5: "$#,##0", 6: "$#,##0", 7: "$#,##0.00", 8: "$#,##0.00", 9: "0%", 10: "0.00%"}
_BUILT_IN |= {37: "#,##0", 38: "#,##0", 42: "$#,##0", 44: "$#,##0.00"}
_REF = re.compile(r"^([A-Z]{1,3})(\d{1,7})$")
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_CHUNK = limits.MIB


def prepare() -> None:
    """Nothing is loaded late."""


@dataclass(slots=True)
class _Style:
    date: bool = False
    format: str | None = None
    bold: bool = False
    indent: int = 0


@dataclass(slots=True)
class _Book:
    sheets: list[tuple[str, str]] = field(default_factory=list)  # name, relation id
    targets: dict[str, str] = field(default_factory=dict)  # relation id, part
    strings: list[str] = field(default_factory=list)
    styles: list[_Style] = field(default_factory=list)
    since_1904: bool = False
    cells: int = 0


def read(data: bytes, progress: Progress | None = None) -> Parsed:
    """All sheets, hidden ones too; ``progress(done, total)`` counts sheets."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, progress)
    except (zipfile.BadZipFile, KeyError, expat.ExpatError, UnicodeDecodeError, EOFError):
        raise refusal("document.truncated") from None


def _read(archive: zipfile.ZipFile, progress: Progress | None) -> Parsed:
    names = set(archive.namelist())
    book = _Book()
    home = _workbook_part(archive)
    _workbook(archive, home, book)
    folder = home.rpartition("/")[0]
    for name in (f"{folder}/sharedStrings.xml", "xl/sharedStrings.xml"):
        if name in names:
            book.strings = _strings(archive, name)
            break
    for name in (f"{folder}/styles.xml", "xl/styles.xml"):
        if name in names:
            book.styles = _styles(archive, name)
            break
    pages: list[Page] = []
    for number, (name, relation) in enumerate(book.sheets):
        part = book.targets.get(relation, "")
        part = part.lstrip("/") if part.startswith("/") else f"{folder}/{part}"
        if part in names and "/worksheets/" in f"/{part}":
            rows = _Sheet(book).rows(archive, part)
            lines, tables = tables_in(rows)
            width = max((r.cells[-1].column + 1 for r in rows), default=0)
            pages.append(Page(number, width, rows[-1].index if rows else 0, lines, tables, name))
        if progress is not None:
            progress(number + 1, len(book.sheets))
    if not any(page.tables or page.lines for page in pages):
        raise refusal("document.empty")
    return Parsed(Kind.XLSX, pages)


Start = Callable[[str, dict[str, str]], None]


def _stream(
    archive: zipfile.ZipFile,
    part: str,
    start: Start,
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Feed a part to the handlers, element names without prefixes. A DTD is refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise refusal("document.unsupported")

    def begin(name: str, attributes: dict[str, str]) -> None:
        start(name.rpartition(":")[2], attributes)

    def finish(name: str) -> None:
        if end is not None:
            end(name.rpartition(":")[2])

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    if text is not None:
        parser.CharacterDataHandler = text
    with archive.open(part) as source:
        for chunk in iter(lambda: source.read(_CHUNK), b""):
            parser.Parse(chunk, False)
    parser.Parse(b"", True)


def _workbook_part(archive: zipfile.ZipFile) -> str:
    found = ["xl/workbook.xml"]

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            found.append(attributes["Target"].lstrip("/"))

    if "_rels/.rels" in archive.namelist():
        _stream(archive, "_rels/.rels", start)
    return found[-1]


def _workbook(archive: zipfile.ZipFile, part: str, book: _Book) -> None:
    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            book.sheets.append((attributes.get("name", ""), relation))
        elif name == "workbookPr":
            book.since_1904 = attributes.get("date1904") in {"1", "true"}

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            book.targets[attributes["Id"]] = attributes["Target"]

    _stream(archive, part, start)
    folder, _, file = part.rpartition("/")
    _stream(archive, f"{folder}/_rels/{file}.rels", relation)


def _strings(archive: zipfile.ZipFile, part: str) -> list[str]:
    strings: list[str] = []
    pieces: list[str] = []
    state = {"t": False, "phonetic": False}

    def start(name: str, _: dict[str, str]) -> None:
        if name == "si":
            pieces.clear()
        elif name == "rPh":
            state["phonetic"] = True
        state["t"] = name == "t" and not state["phonetic"]

    def end(name: str) -> None:
        state["t"] = False
        if name == "rPh":
            state["phonetic"] = False
        elif name == "si":
            strings.append("".join(pieces))

    def text(data: str) -> None:
        if state["t"]:
            pieces.append(data)

    _stream(archive, part, start, end, text)
    return strings


def _styles(archive: zipfile.ZipFile, part: str) -> list[_Style]:
    codes: dict[int, str] = {}
    bold: list[bool] = []
    styles: list[_Style] = []
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        parent = inside[-1] if inside else ""
        inside.append(name)
        if name == "numFmt":
            codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif name == "font" and parent == "fonts":
            bold.append(False)
        elif name == "b" and parent == "font" and bold:
            bold[-1] = attributes.get("val", "1") not in {"0", "false"}
        elif name == "xf" and parent == "cellXfs":
            number, font = int(attributes.get("numFmtId", 0)), int(attributes.get("fontId", 0))
            code = codes.get(number, _BUILT_IN.get(number, ""))
            date = _shows_date(code) if number in codes else number in _DATE_IDS
            styles.append(_Style(date, code if _telling(code) else None, font < len(bold) and bold[font]))
        elif name == "alignment" and parent == "xf" and styles and "cellXfs" in inside:
            styles[-1].indent = int(attributes.get("indent", 0))

    def end(_: str) -> None:
        inside.pop()

    _stream(archive, part, start, end)
    return styles


def _shows_date(code: str) -> bool:
    bare = _LITERAL.sub("", code.partition(";")[0])
    return (
        "General" not in bare
        and re.search(r"[ymdhs]", bare, re.IGNORECASE) is not None
        and "0" not in bare.split(".")[0]
    )


def _telling(code: str) -> bool:
    return "%" in code or any(sign in code for sign in "$€£¥")


class _Sheet:
    """Collects the filled cells of one sheet."""

    def __init__(self, book: _Book) -> None:
        self._book = book
        self._rows: list[GridRow] = []
        self._row = 0
        self._column = -1
        self._attributes: dict[str, str] = {}
        self._value: list[str] = []
        self._formula: list[str] = []
        self._formula_attributes: dict[str, str] | None = None
        self._shared: dict[str, tuple[str, int, int]] = {}
        self._into: list[str] | None = None

    def rows(self, archive: zipfile.ZipFile, part: str) -> list[GridRow]:
        _stream(archive, part, self._start, self._end, self._text)
        self._rows = [row for row in self._rows if row.cells]
        for row in self._rows:
            row.cells.sort(key=lambda c: c.column)
        self._rows.sort(key=lambda r: r.index)
        return self._rows

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._attributes = attributes
            self._value, self._formula, self._formula_attributes = [], [], None
            found = _REF.match(attributes.get("r", ""))
            self._column = column_number(found[1]) if found else self._column + 1
        elif name in {"v", "t"}:
            self._into = self._value
        elif name == "f":
            self._into, self._formula_attributes = self._formula, attributes
        elif name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = -1
            self._rows.append(GridRow(self._row, []))

    def _text(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)

    def _end(self, name: str) -> None:
        if name in {"v", "t", "f"}:
            self._into = None
        elif name == "c" and self._rows:
            self._book.cells += 1
            if self._book.cells > limits.PARSE_CELLS_MAX:
                raise refusal("document.too_many_cells")
            cell = self._cell()
            if cell is not None:
                self._rows[-1].cells.append(cell)

    def _cell(self) -> GridCell | None:
        stored, kind = "".join(self._value), self._attributes.get("t", "n")
        formula = self._resolved()
        number = int(self._attributes.get("s", 0))
        style = self._book.styles[number] if number < len(self._book.styles) else _Style()
        cell = GridCell(
            self._column, stored, ref=f"{letters(self._column)}{self._row}", formula=formula, bold=style.bold
        )
        if kind == "s":
            index = int(stored) if stored.isdigit() else -1
            cell.text = self._book.strings[index] if 0 <= index < len(self._book.strings) else ""
        elif kind == "b":
            cell.text = {"1": "TRUE", "0": "FALSE"}.get(stored, stored)
        elif kind == "d":
            cell.date = True
        elif kind == "n" and stored:
            self._numeric(cell, stored, style)
        cell.text = cell.text.strip()
        if not cell.text and formula is None:
            return None
        if style.indent and not self._rows[-1].cells:
            self._rows[-1].indent = style.indent
        return cell

    def _numeric(self, cell: GridCell, stored: str, style: _Style) -> None:
        if style.date and (iso := _date(stored, since_1904=self._book.since_1904)) is not None:
            cell.text, cell.date = iso, True
            return
        cell.text, cell.number, cell.format = plain_number(stored), True, style.format

    def _resolved(self) -> str | None:
        """The cell's formula with its equals sign; a shared one is moved to this cell."""
        attributes = self._formula_attributes
        if attributes is None:
            return None
        text = "".join(self._formula)
        if attributes.get("t") == "shared":
            group = attributes.get("si", "")
            if text:
                self._shared[group] = (text, self._row, self._column)
            elif group in self._shared:
                master, row, column = self._shared[group]
                text = moved(master, self._row - row, self._column - column)
        return f"={text}" if text else None


def plain_number(stored: str) -> str:
    """The stored number without exponent and without what binary storage adds: "1.1000000000000001" is 1.1."""
    if stored.isdigit():
        return stored
    try:
        value = format(Decimal(repr(float(stored))), "f")
    except (ValueError, ArithmeticError):
        return stored
    return value.removesuffix(".0") or "0"


def _date(stored: str, *, since_1904: bool) -> str | None:
    """A serial day number as an ISO date, date and time, or time."""
    try:
        serial = float(stored)
        start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - sheets have no zones
        moment = start + timedelta(days=serial)
    except (ValueError, OverflowError):
        return None
    moment = (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
    if 0 <= serial < 1 and not since_1904:
        return moment.time().isoformat()
    if moment.time() == datetime.min.time():
        return moment.date().isoformat()
    return moment.isoformat()
