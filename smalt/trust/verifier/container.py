"""A bundle as one file: a zip whose last bytes are a comment with the digest of all bytes before it."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib

from smalt.trust.verifier.case import Broken

SIZE_MAX_BYTES = 1024 * 1024 * 1024
_COMMENT = b"sha256:%s"
_COMMENT_BYTES = 7 + 64


def close(zipped: bytes) -> bytes:
    """The end of a bundle, from its length field on, for the file before it: a comment with the digest of all of that."""
    comment = _COMMENT % hashlib.sha256(zipped).hexdigest().encode()
    return struct.pack("<H", len(comment)) + comment


def unpack(bundle: bytes) -> dict[str, bytes]:
    """The members of the zip file ``bundle``; `Broken` when a byte of it is not as it was written, or it is no bundle."""
    head, end = bundle[: -_COMMENT_BYTES - 2], bundle[-_COMMENT_BYTES - 2 :]
    if not head.rpartition(b"PK\x05\x06")[1] or end[2:9] != b"sha256:":
        raise Broken("This is not a bundle, or its end is missing.")
    if end != close(head):
        raise Broken("The file is not as it was written: its digest at the end does not fit.")
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            if sum(info.file_size for info in archive.infolist()) > SIZE_MAX_BYTES:
                raise Broken("The bundle says that it is larger than 1 GiB. Nothing was unpacked.")
            for info in archive.infolist():
                if info.filename in found:
                    raise Broken(f"Two members are called {info.filename!r}.")
                found[info.filename] = archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        raise Broken("This is a damaged zip file.") from None
    return found
