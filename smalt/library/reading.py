"""Pages for the eye: parsed documents and page pictures, unsealed on demand and kept in memory for a short while.

What is kept is bounded by bytes and keyed by tenant and document. It is handed out only after the visit found the
document, so a cache hit is no way around the door.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from smalt.kernel.errors import Missing
from smalt.kernel.ids import DocumentId, TenantId
from smalt.kernel.limits import MIB
from smalt.library import document
from smalt.library.document import Part, State
from smalt.library.ingest import open_parsed, read_blob
from smalt.library.parsed import Kind, Parsed
from smalt.library.sandbox import render_page
from smalt.tenancy.policy import Act
from smalt.tenancy.visit import Visit

IMAGES_MAX_BYTES = 24 * MIB
PARSED_MAX = 4
IMAGE_DPI = 144

_Key = tuple[TenantId, DocumentId, int]
_WHOLE = -1


class Readings:
    """One for a process."""

    def __init__(self) -> None:
        self._parsed: OrderedDict[_Key, Parsed] = OrderedDict()
        self._images: OrderedDict[_Key, bytes] = OrderedDict()

    async def parsed(self, visit: Visit, identity: DocumentId) -> Parsed:
        """The document as it was read; `Missing` before it was."""
        key = (visit.tenant, identity, _WHOLE)
        async with visit.enter(Act.DOCUMENT_READ, identity) as scope:
            found = await document.get(scope, identity)
            if found.state not in (State.READY, State.INDEXING):
                raise Missing(
                    "document.not_read", "This document has not been read yet.", todo="Wait until it is ready."
                )
            held = self._parsed.get(key) or await open_parsed(scope, identity)
        _hold(self._parsed, key, held)
        while len(self._parsed) > PARSED_MAX:
            self._parsed.popitem(last=False)
        return held

    async def image(self, visit: Visit, identity: DocumentId, number: int) -> bytes:
        """PNG bytes of the page; `Missing` for a page or a kind of document that has no picture."""
        key = (visit.tenant, identity, number)
        async with visit.enter(Act.DOCUMENT_READ, identity) as scope:
            found = await document.get(scope, identity)
            if found.kind is not Kind.PDF or found.pages is None or number >= found.pages:
                raise Missing("page.no_image", "This page has no picture.", todo="Read it as text.")
            held = self._images.get(key)
            original = b"" if held is not None else await read_blob(scope, identity, Part.ORIGINAL)
        if held is None:
            held = await render_page(original, number, IMAGE_DPI)
        _hold(self._images, key, held)
        while sum(map(len, self._images.values())) > IMAGES_MAX_BYTES and len(self._images) > 1:
            self._images.popitem(last=False)
        return held

    def forget(self, tenant: TenantId, identity: DocumentId) -> None:
        """Drop what is kept of a deleted document."""
        for kept in (self._parsed, self._images):
            for key in [key for key in kept if key[:2] == (tenant, identity)]:
                kept.pop(key, None)


def _hold(kept: OrderedDict[_Key, Any], key: _Key, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
