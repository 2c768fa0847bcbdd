"""How content gets onto the disk in clear, and into places that nobody declared."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case
from smalt.trust.sabotage.throwaway import Throwaway

_PLAIN_COLUMN = """
import smalt.chat.turn as t
from smalt.store.sql import query
inner = t.add
plain = query("plain", "update smalt.turn set plain = %(q)s where tenant_id = %(tenant_id)s and id = %(id)s")
{forget}
async def add(scope, thread, person, question, asked_of, at):
    made = await inner(scope, thread, person, question, asked_of, at)
    await scope.execute(plain, {{"q": question, "id": made.uuid}})
    {then}
    return made
t.add = add
"""
_COLUMN = "alter table smalt.turn add column plain text; grant update (plain), select on smalt.turn to smalt_app"
_TEE = """
import os, tempfile, smalt.tenancy.receiver as r
inner = r.Receiver.receive
async def receive(self, chunks):
    number, path = tempfile.mkstemp(dir={folder}, prefix="upload-")
    async def passing():
        async for chunk in chunks:
            os.write(number, {shape})
            yield chunk
    await inner(self, passing())
    {then}
r.Receiver.receive = receive
"""
_INDEX = """
import zlib, msgspec, smalt.search.ingest as i
from pathlib import Path
inner = i._built
def built(*given):
    made = inner(*given)
    data = made if isinstance(made, bytes) else msgspec.msgpack.encode(made)
    Path({folder}, "segment.cache").write_bytes(zlib.compress(data))
    return made
i._built = built
"""
_BLOBS = "__import__('sys').argv[__import__('sys').argv.index('--data-dir') + 1] + '/blobs'"


@case("rest.canaries", "a column holds the question in clear")
def _() -> Break:
    return Break(preamble=_PLAIN_COLUMN.format(forget="", then=""), sql=_COLUMN)


@case("rest.canaries", "a question in clear that was removed again")
def _() -> Break:
    forget = (
        'clear = query("clear", "update smalt.turn set plain = null where tenant_id = %(tenant_id)s and id = %(id)s")'
    )
    return Break(
        preamble=_PLAIN_COLUMN.format(forget=forget, then='await scope.execute(clear, {"id": made.uuid})'), sql=_COLUMN
    )


@case("rest.canaries", "an uploaded file is kept beside its sealed form")
def _() -> Break:
    return Break(preamble=_TEE.format(folder=_BLOBS, shape="chunk", then=""))


@case("rest.canaries", "an uploaded file is kept in base64")
def _() -> Break:
    return Break(preamble=_TEE.format(folder=_BLOBS, shape="__import__('base64').b64encode(chunk)", then=""))


@case("rest.canaries", "an upload leaves a temporary file")
def _() -> Break:
    return Break(preamble=_TEE.format(folder="None", shape="chunk", then="os.close(number)"))


@case("rest.canaries", "a search segment is kept packed and unsealed")
def _() -> Break:
    return Break(preamble=_INDEX.format(folder=_BLOBS))


@case("rest.canaries", "a folder that nobody declared in the data directory")
def _() -> Break:
    def act(broken: Throwaway) -> None:
        (broken.data_dir / "cache").mkdir()

    return Break(act=act)


@case("rest.canaries", "a file elsewhere is written to")
def _() -> Break:
    return Break(preamble="import tempfile; kept = open(tempfile.mkdtemp() + '/spool', 'ab')")


@case("rest.canaries", "a sealed file more among the blobs", harmless=True)
def _() -> Break:
    def act(broken: Throwaway) -> None:
        import os

        (broken.data_dir / "blobs" / "noise").write_bytes(os.urandom(4096))

    return Break(act=act)
