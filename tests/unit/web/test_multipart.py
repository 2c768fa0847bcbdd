"""Uploads: whatever way the bytes are cut, the file comes out as it went in, and broken bodies are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from smalt.kernel.errors import Failure, Malformed, TooLarge
from smalt.web.multipart import FIELD_MAX_BYTES, read_upload

B = "----bound"


def part(headers: str, body: bytes) -> bytes:
    return f"--{B}\r\n{headers}\r\n\r\n".encode() + body + b"\r\n"


def file_part(body: bytes, name: str = "file", filename: str = "10-K.pdf") -> bytes:
    return part(
        f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: application/pdf', body
    )


def field_part(name: str, value: bytes) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', value)


END = f"--{B}--\r\n".encode()


def request_of(pieces: list[bytes], content_type: str = f"multipart/form-data; boundary={B}", cut: bool = False):
    waiting = list(pieces)
    asked = []

    async def receive():
        asked.append(1)
        if waiting:
            piece = waiting.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(waiting) or cut}
        return {"type": "http.disconnect"}

    request = Request(
        {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}, receive
    )
    return request, asked


async def read(pieces: list[bytes], max_bytes: int = 10_000, **options):
    upload = await read_upload(request_of(pieces, **options)[0], max_bytes=max_bytes)
    return upload, b"".join([chunk async for chunk in upload.chunks()])


def cut_up(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


@given(
    st.binary(max_size=300) | st.sampled_from([b"\r\n--" + B.encode(), b"\r\n--", b"\r\n" * 9, f"--{B}".encode()]),
    st.integers(1, 50),
)
async def test_the_file_survives_any_cutting(content: bytes, size: int) -> None:
    if b"\r\n--" + B.encode() in b"\r\n" + content + b"\r\n":
        return  # a boundary inside the content is the sender's mistake
    body = field_part("note", b"before") + file_part(content) + field_part("after", "später".encode()) + END
    upload, got = await read(cut_up(body, size))
    assert got == content
    assert (upload.name, upload.media_type, upload.size_bytes) == ("10-K.pdf", "application/pdf", len(content))
    assert upload.fields == {"note": "before", "after": "später"}


async def test_no_more_is_read_than_is_taken() -> None:
    request, asked = request_of([file_part(b"x" * 50)[:-2], *[b"y" * 100] * 50, b"\r\n" + END])
    upload = await read_upload(request)
    chunks = upload.chunks()
    before = len(asked)
    await anext(chunks)
    await anext(chunks)
    assert len(asked) <= before + 2
    await chunks.aclose()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.pdf", "a.pdf"),
        ("C:\\\\Users\\\\ada\\\\a.pdf", "a.pdf"),
        ("/home/ada/a.pdf", "a.pdf"),
        ("Jahresabschluß.pdf", "Jahresabschluß.pdf"),
    ],
)
async def test_file_names(sent: str, kept: str) -> None:
    upload, _ = await read([file_part(b"x", filename=sent) + END])
    assert upload.name == kept


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\x07b", "/", "..\\\\"])
async def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        await read([file_part(b"x", filename=name) + END])
    assert caught.value.code == "upload.file_name"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "upload.cut_off"),
        (END, "upload.malformed"),
        (b"not multipart at all", "upload.malformed"),
        (field_part("a", b"b") + END, "upload.malformed"),
        (file_part(b"x"), "upload.cut_off"),
        (file_part(b"x")[:-10], "upload.cut_off"),
        (file_part(b"x") + file_part(b"y") + END, "upload.malformed"),
        (file_part(b"x", name="other") + END, "upload.malformed"),
        (field_part("a", b"1") + field_part("a", b"2") + file_part(b"x") + END, "upload.malformed"),
        (field_part("a", b"x" * (FIELD_MAX_BYTES + 1)) + file_part(b"x") + END, "upload.malformed"),
        (b"".join(field_part(f"f{n}", b"x") for n in range(17)) + file_part(b"x") + END, "upload.malformed"),
        (part("X: y", b"x") + END, "upload.malformed"),
        (part("Content-Disposition: attachment", b"x") + END, "upload.malformed"),
        (part('Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Transfer-Encoding: base64', b"x"), "upload.malformed"),
        (field_part("a", b"\xff") + file_part(b"x") + END, "upload.malformed"),
        (part("\r\n".join(f"H{n}: x" for n in range(9)), b"x") + END, "upload.malformed"),
        (part(f"Content-Disposition: form-data; name={'x' * 3000}", b"x") + END, "upload.malformed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [7, 100_000])
async def test_broken_bodies(body: bytes, code: str, size: int) -> None:
    with pytest.raises(Failure) as caught:
        await read(cut_up(body, size) or [b""])
    assert caught.value.code == code
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 71]
)
async def test_other_types(content_type: str) -> None:
    with pytest.raises(Malformed):
        await read([file_part(b"x") + END], content_type=content_type)


async def test_a_client_that_leaves() -> None:
    with pytest.raises(Malformed) as caught:
        await read([file_part(b"x" * 100)[:50]], cut=True)
    assert caught.value.code == "upload.cut_off"


@pytest.mark.parametrize("pieces", [[file_part(b"x" * 11) + END], [file_part(b"x" * 11)[:-3], b"x\r\n" + END]])
async def test_a_file_that_is_too_large(pieces: list[bytes]) -> None:
    with pytest.raises(TooLarge):
        await read(pieces, max_bytes=10)
