"""What lies on the disk: random words that were put in through every input are nowhere in clear."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

from smalt.kernel.errors import Failure
from smalt.store.outside import Database, session
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.errand import Errand, errand
from smalt.trust.house import STORES, TEMPORARY_DEPTH, House
from smalt.trust.target import Target
from smalt.trust.traces import Search, unseen, word

WORDS_MIN = 50
LOG_WORD = "a word in clear in the write-ahead log"
SEALED = "a sealed question, as the database holds it"
SEALED_FROM, SEALED_TO = 10, 42
DATABASES = {"postgres", "smalt"}

_SEALED_ROW = (
    "select question::bytea, pg_relation_filepath('smalt.turn') from smalt.turn where tenant_id = %s and id = %s"
)
_SPACES = "select spcname from pg_tablespace where spcname not in ('pg_default', 'pg_global')"
_DATABASES = "select datname from pg_database where not datistemplate"


@check("rest.canaries", every="hour", deadline_s=180)
def canaries(target: Target, found: Findings) -> None:
    """Puts a random word of its own into every input of a synthetic tenant (files of six kinds, their names and text, questions, titles, names, tokens, browsers, refused requests), has the database write everything down, and searches the raw bytes of all that changed since: tables, write-ahead log, blobs, keys, temporary files, logs, and files that processes hold open. Runs of seven letters, UTF-16, base64, hexadecimal and packed containers are looked into. What lies or is written anywhere else than declared fails too.

    Control: a word put into the write-ahead log on purpose is found there, so is the sealed form of a question in its table, and a word in scratch files of every shape.
    """
    if target.admin_conninfo is None:
        raise Unclear("The database cannot be told to write everything down: its administrator is not set up here.")
    used = errand(target)
    house = House.of(target)
    control = word()
    try:
        with session(target.admin_conninfo) as admin:
            sealed, table = _sealed(admin, used, target.ours.id)
            _declared(found, admin, house)
            admin.write_down(control)
    except Failure:
        raise Unclear("The database did not answer its administrator.") from None
    search = Search({**used.words, LOG_WORD: control}, {SEALED: sealed}, since=used.began)
    search.below([house.data_dir, house.database])
    search.below(house.temporary, TEMPORARY_DEPTH)
    for one in house.open:
        if one.kind == "file" and (one.deleted or one.path not in search.searched):
            search.file(one.link if one.deleted else one.path)
    leaked = [label for label in search.words_found if label != LOG_WORD]
    found.probe(
        "no word of the errand is anywhere in clear",
        not leaked,
        found=_where(search, leaked, house),
        words=len(used.words),
    )
    found.probe("every file that changed could be read", search.unreadable == 0, unreadable=search.unreadable)
    found.facts["searched"] = {
        "files": search.files, "bytes": search.size_bytes, "unchanged since before the words": search.skipped,
        "temporary folders": len(house.temporary), "levels of them": TEMPORARY_DEPTH + 1,
    }  # fmt: skip
    _controls(found, search, house, used, table)
    if search.cut and found.outcome == "passed":  # what was found stays a finding
        raise Unclear("More was written meanwhile than one search reads, so not all of it was searched.")


def _sealed(admin: Database, used: Errand, tenant: str) -> tuple[bytes, str]:
    """Some bytes of a sealed question of the errand, and the file of its table below the database's folder."""
    turn = str(used.turns["xlsx"]["id"])
    rows = admin.read(_SEALED_ROW, (_uuid(tenant), _uuid(turn)))
    if len(rows) != 1:
        raise Unclear("The question that was asked stands in no row.")
    question, path = rows[0]
    return bytes(question)[SEALED_FROM:SEALED_TO], str(path)


def _uuid(name: str) -> uuid.UUID:
    return uuid.UUID(name.partition("_")[2])


def _declared(found: Findings, admin: Database, house: House) -> None:
    """What keeps anything is declared: in the data directory, in the database, open in a process."""
    unknown = house.unknown_stores
    found.probe("the data directory holds what is declared", not unknown, unknown=unknown[:5], declared=sorted(STORES))
    spaces = [name for (name,) in admin.read(_SPACES)]
    found.probe("the database lies in one place", not spaces)
    names = {name for (name,) in admin.read(_DATABASES)}
    if house.database.is_dir():
        found.probe("the server has no database that nobody declared", names <= DATABASES, databases=len(names))
    elsewhere = sorted({one.path.name for one in house.written_elsewhere()})
    found.probe("no process writes a file in a place that is not declared", not elsewhere, files=elsewhere[:5])


def _where(search: Search, labels: list[str], house: House) -> list[str]:
    """What leaked, in which store and shape; no paths of the machine."""
    told = set()
    for label in labels:
        for path, shape in search.found[label]:
            inside = path.is_relative_to(house.data_dir)
            place = (
                path.relative_to(house.data_dir).parts[0]
                if inside
                else "database"
                if path.is_relative_to(house.database)
                else "elsewhere"
            )
            told.add(f"{label}: {place}, {shape}")
    return sorted(told)[:10]


def _controls(found: Findings, search: Search, house: House, used: Errand, table: str) -> None:
    logs = {path.parent.name for path, _ in search.found.get(LOG_WORD, ())}
    found.control("a word put into the write-ahead log is found there", "pg_wal" in logs)
    rows = house.database / "data" / table
    holders = {path for path, _ in search.found.get(SEALED, ())}
    found.control("the sealed question is found in its table's file", rows in holders, files=len(holders))
    blobs = [str(path) for path in search.searched if "blobs" in path.parts]
    kept = [one for one in used.documents.values() if not any(one.partition("_")[2] in path for path in blobs)]
    found.control("the blobs of every document were searched", not kept and bool(used.documents), blobs=len(blobs))
    found.control("words stand in every input", len(used.words) >= WORDS_MIN, words=len(used.words))
    with tempfile.TemporaryDirectory(prefix="smalt-control-") as folder:
        missed, shapes = unseen(Path(folder))
    found.control("a word is found in every shape", not missed, shapes=shapes, missed=missed)
