"""What a file is, by its content. Its name only breaks ties between kinds of text.

What cannot or must not be read is refused here, before any parser sees it. Runs inside the child process.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from smalt.kernel import limits
from smalt.library.parsed import Kind
from smalt.library.refusals import refusal

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TAIL = 64 * limits.KIB
_BOMB_FLOOR_BYTES = 16 * limits.MIB  # smaller than this harms nobody, whatever the ratio
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|\s*\|?\s*:?-{3,}:?\s*\|)", re.MULTILINE)
_MARKUP = re.compile(r"^\s*(?:<\?xml|<!doctype|<html|\{\\rtf)", re.IGNORECASE)
_DELIMITERS = "\t;,|"


def kind_of(data: bytes, name_hint: str = "") -> Kind:
    """The kind of ``data``; raises the refusal that fits when it is none that can be read."""
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise refusal("document.empty")
    if b"%PDF-" in data[:1024]:
        _check_pdf(data)
        return Kind.PDF
    if data.startswith(_ZIP):
        return _zip_kind(data)
    if data.startswith(b"PK\x05\x06"):
        raise refusal("document.empty")
    if data.startswith(_OLE):
        # Office wraps encrypted workbooks and documents in the old container format.
        encrypted = "EncryptedPackage".encode("utf-16le") in data
        raise refusal("document.encrypted" if encrypted else "document.unsupported")
    return _text_kind(data, name_hint)


def _check_pdf(data: bytes) -> None:
    linear = re.search(rb"/Linearized\b[^>]{0,200}?/L\s+(\d{1,12})", data[:2048])
    if b"%%EOF" not in data[-_TAIL:] or (linear is not None and int(linear[1]) > len(data)):
        raise refusal("document.truncated")


def _zip_kind(data: bytes) -> Kind:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise refusal("document.truncated") from None
    entries = archive.infolist()
    _check_sizes(data, entries)
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise refusal("document.encrypted")
    if "[Content_Types].xml" not in names:
        raise refusal("document.unsupported")
    _check_entries(data, entries)
    try:
        types = archive.read("[Content_Types].xml")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        raise refusal("document.truncated") from None
    if b"macroEnabled" in types or any(name.lower().endswith("vbaproject.bin") for name in names):
        raise refusal("document.macros")
    if b"spreadsheetml.sheet.main+xml" in types or b"spreadsheetml.template.main+xml" in types:
        return Kind.XLSX
    if b"wordprocessingml.document.main+xml" in types or b"wordprocessingml.template.main+xml" in types:
        return Kind.DOCX
    raise refusal("document.unsupported")


def _check_sizes(data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > limits.ZIP_ENTRIES_MAX or unpacked > limits.ZIP_UNPACKED_MAX_BYTES:
        raise refusal("document.bomb")
    if unpacked > _BOMB_FLOOR_BYTES and unpacked > limits.ZIP_RATIO_MAX * len(data):
        raise refusal("document.bomb")


def _check_entries(data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Unpack every entry once, never past its declared size: sizes may lie, and parsers believe them."""
    for entry in entries:
        name_length = int.from_bytes(data[entry.header_offset + 26 : entry.header_offset + 28], "little")
        extra_length = int.from_bytes(data[entry.header_offset + 28 : entry.header_offset + 30], "little")
        start = entry.header_offset + 30 + name_length + extra_length
        packed = data[start : start + entry.compress_size]
        if len(packed) < entry.compress_size:
            raise refusal("document.truncated")
        if entry.compress_type == zipfile.ZIP_STORED:
            head, size = packed[:1024], len(packed)
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            head, size = _inflated(packed, entry.file_size)
        else:
            raise refusal("document.unsupported")
        if size != entry.file_size:
            raise refusal("document.bomb" if size > entry.file_size else "document.truncated")
        if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
            raise refusal("document.unsupported")  # Office files have no DTD; entity bombs do


def _inflated(packed: bytes, declared: int) -> tuple[bytes, int]:
    """The first bytes of a deflated entry and its size, counted no further than one past ``declared``."""
    unpacker = zlib.decompressobj(-15)
    head, size, rest = b"", 0, packed
    try:
        while rest and size <= declared:
            chunk = unpacker.decompress(rest, min(limits.MIB, declared + 1 - size))
            head = head or chunk[:1024]
            size += len(chunk)
            rest = unpacker.unconsumed_tail
            if not chunk and not rest:
                break
    except zlib.error:
        raise refusal("document.truncated") from None
    return head, size


def decoded(data: bytes) -> str:
    """The text of ``data``: UTF-8, UTF-16 with a mark, else Windows-1252; no text raises the refusal."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    sample = text[: limits.MIB]
    if len(_CONTROL.findall(sample)) * 200 > len(sample) or sample.count("\ufffd") * 50 > len(sample):
        raise refusal("document.unsupported")
    return text


def _text_kind(data: bytes, name_hint: str) -> Kind:
    text = decoded(data)
    if _MARKUP.match(text):
        raise refusal("document.unsupported")
    if not text.strip():
        raise refusal("document.empty")
    ending = name_hint.rpartition(".")[2].lower()
    if ending in {"md", "markdown"}:
        return Kind.MARKDOWN
    if ending in {"csv", "tsv", "tab"}:
        return Kind.CSV
    if delimiter_of(text) is not None:
        return Kind.CSV
    if ending not in {"txt", "text", "log"} and _MARKDOWN.search(text[:_TAIL]):
        return Kind.MARKDOWN
    return Kind.TEXT


def delimiter_of(text: str) -> str | None:
    """The character that cuts the lines of ``text`` into the same number of fields (2 or more), if one does."""
    lines = [line for line in text[:_TAIL].splitlines()[:60] if line.strip()]
    if len(text) > _TAIL:
        lines = lines[:-1]
    if len(lines) < 2:
        return None
    best: str | None = None
    best_score = 0.0
    for delimiter in _DELIMITERS:
        counts = [_unquoted(line).count(delimiter) for line in lines]
        usual = max(set(counts), key=lambda n: (counts.count(n), n))
        if usual == 0:
            continue
        agreement = counts.count(usual) / len(counts)
        # Prose has commas too: one comma a line proves nothing.
        if agreement >= 0.8 and (usual > 1 or delimiter in "\t;"):
            score = agreement * (1 + min(usual, 20) / 20)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)
