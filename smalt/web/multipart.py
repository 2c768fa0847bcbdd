"""One uploaded file as it arrives: no temporary file, no whole body in memory, and the sender waits for the reader.

    upload = await read_upload(request)           # reads up to the beginning of the file
    async for chunk in upload.chunks(): ...       # then as fast as the consumer takes them
    upload.fields                                 # small fields before the file, and after it once it is consumed

Starlette's own reader writes larger files to the disk in clear, so it is never used for uploads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from smalt.kernel.errors import Malformed, TooLarge
from smalt.kernel.limits import FILE_NAME_MAX_CHARS, KIB, UPLOAD_MAX_BYTES

FIELDS_MAX = 16
FIELD_MAX_BYTES = 4 * KIB
ENVELOPE_MAX_BYTES = 128 * KIB
"""What boundaries, part headers and small fields may add to the file: the guard's limit is the sum."""

_PART_HEADERS_MAX = 8


def _malformed(faults: str = "unreadable") -> Malformed:
    return Malformed(
        "upload.malformed",
        "The upload is not well-formed multipart/form-data.",
        kept="Nothing was stored.",
        todo="Send one multipart/form-data body with the file in a part named file.",
        facts={"fault": faults},
    )


@dataclass(slots=True)
class _Part:
    """A part under way. ``name`` is empty until its headers are complete."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    is_file: bool = False
    value: bytearray = field(default_factory=bytearray)


class _Reader:
    """Feeds the parser and sorts what it finds: fields into a dict, the file's bytes into a queue of the last chunk."""

    def __init__(self, boundary: bytes, wanted: str, file_max_bytes: int) -> None:
        self._wanted = wanted
        self._file_max_bytes = file_max_bytes
        self._part = _Part()
        self._header = (bytearray(), bytearray())
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self.media_type = ""
        self.file_bytes = 0
        self.file_ended = False
        self.ended = False
        self.ready: deque[bytes] = deque()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_header_field": self._on_header_name,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers,
                "on_end": self._on_end,
            },
            max_header_count=_PART_HEADERS_MAX,
            max_header_size=2 * KIB,
        )

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError:
            # The parser's sentence quotes what it read.
            fault = _malformed()
        else:
            return
        raise fault

    def _on_part(self) -> None:
        self._part = _Part()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _on_header_end(self) -> None:
        name, value = self._header
        self._part.headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _on_headers(self) -> None:
        kind, options = parse_options_header(self._part.headers.get(b"content-disposition", b"").decode("latin-1"))
        if kind != b"form-data" or b"name" not in options:
            raise _malformed("part without name")
        if b"content-transfer-encoding" in self._part.headers:
            raise _malformed("transfer encoding")  # RFC 7578 section 4.7: deprecated, and nothing sends it
        self._part.name = _text(options[b"name"])
        self._part.is_file = b"filename" in options
        if self._part.is_file:
            self._begin_file(_text(options[b"filename"]))
        elif len(self.fields) >= FIELDS_MAX or self._part.name in self.fields:
            raise _malformed("too many or repeated fields")

    def _begin_file(self, name: str) -> None:
        if self._part.name != self._wanted or self.file_name is not None:
            raise _malformed("more than one file, or under another name")
        # A browser sends a bare name; some clients send a path, of which only the last part is the name.
        name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
        if not 0 < len(name) <= FILE_NAME_MAX_CHARS or not name.isprintable():
            raise Malformed(
                "upload.file_name",
                "The file has no name, or one that is too long or cannot be printed.",
                kept="Nothing was stored.",
                todo="Rename the file and send it again.",
                facts={"max_characters": FILE_NAME_MAX_CHARS},
            )
        self.file_name = name
        self.media_type = self._part.headers.get(b"content-type", b"").decode("latin-1")[:100]

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            self.file_bytes += end - start
            if self.file_bytes > self._file_max_bytes:
                raise _too_large(self._file_max_bytes)
            self.ready.append(data[start:end])
            return
        self._part.value.extend(data[start:end])
        if len(self._part.value) > FIELD_MAX_BYTES:
            raise _malformed("field too long")

    def _on_part_end(self) -> None:
        if self._part.is_file:
            self.file_ended = True
        else:
            self.fields[self._part.name] = _text(bytes(self._part.value))

    def _on_end(self) -> None:
        self.ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    raise _malformed("not UTF-8")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        "upload.too_large",
        "The file is larger than what is accepted.",
        kept="Nothing was stored.",
        todo="Split the file, or ask the operator.",
        facts={"limit_bytes": limit},
    )


class Upload:
    """One file on its way in. ``name`` and ``media_type`` are what the sender claims."""

    def __init__(self, reader: _Reader, body: AsyncIterator[bytes]) -> None:
        self._reader = reader
        self._body = body
        self._taken = False

    @property
    def name(self) -> str:
        return self._reader.file_name or ""

    @property
    def media_type(self) -> str:
        return self._reader.media_type

    @property
    def fields(self) -> dict[str, str]:
        return self._reader.fields

    @property
    def size_bytes(self) -> int:
        """How much has come so far; the whole once `chunks` has ended."""
        return self._reader.file_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes, once. Ends only when the whole body was well-formed and complete.

        `Malformed` for a body that breaks off or is no multipart, `TooLarge` past the limit: discard what came.
        """
        if self._taken:
            raise RuntimeError("an upload is read once")
        self._taken = True
        reader = self._reader
        while True:
            while reader.ready:
                yield reader.ready.popleft()
            if not await _more(reader, self._body):
                return


async def _more(reader: _Reader, body: AsyncIterator[bytes]) -> bool:
    """Take one more piece of the body; False when it is complete."""
    try:
        reader.feed(await anext(body))
    except StopAsyncIteration:
        if reader.ended:
            return False
        cut = _cut_off()
    except ClientDisconnect:
        cut = _cut_off()
    else:
        return True
    raise cut


def _cut_off() -> Malformed:
    return Malformed(
        "upload.cut_off",
        "The upload broke off before its end.",
        kept="Nothing was stored.",
        todo="Send the file again.",
    )


async def read_upload(request: Request, *, part: str = "file", max_bytes: int = UPLOAD_MAX_BYTES) -> Upload:
    """Read up to the beginning of the file in ``part``. `Malformed` when there is none."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:  # RFC 2046 section 5.1.1
        raise _malformed("no multipart/form-data with a boundary")
    reader = _Reader(boundary, part, max_bytes)
    body = request.stream()
    while reader.file_name is None:
        if not await _more(reader, body):
            raise _malformed("no file")
    return Upload(reader, body)
