"""How the log is broken: tampered tiles, a forked or shortened log, evidence that is exchanged, entries that nobody signed."""

from __future__ import annotations

import shutil

from smalt.ledger.note import Note, sign
from smalt.seal.signing import SigningKey
from smalt.trust.journal import JournalWriter
from smalt.trust.sabotage.case import Break, case
from smalt.trust.sabotage.throwaway import Throwaway

_TAMPERED = """
import smalt.trust.journal as j
whole = j.Journal.tile
def tile(self, path):
    data = whole(self, path)
    return data[:-1] + bytes([data[-1] ^ 1]) if {which!r} in path else data
j.Journal.tile = tile
"""


@case("log.consistent", "the server changes a byte of an entry", sees="entry that was looked at")
def _() -> Break:
    return Break(preamble=_TAMPERED.format(which="entries"))


@case("log.consistent", "the server changes a byte of a tile of hashes", sees="root")
def _() -> Break:
    return Break(preamble=_TAMPERED.format(which="tile/0/"))


def _rewrite(throwaway: Throwaway, entries: list[bytes], key: SigningKey | None = None) -> None:
    """Put another log in the place of the one that is served, signed as the keeper signs, or by ``key``."""
    own, folder = throwaway.data_dir / "checker", throwaway.data_dir / "trust"
    writer = JournalWriter(folder)
    keys, signer = writer.keys(), key or SigningKey.load(own / "log.key")
    shutil.rmtree(writer.log)
    writer.append(entries, keys.origin, lambda text: Note(text, (sign(text, keys.log, signer.sign),)))


def _entries(throwaway: Throwaway) -> list[bytes]:
    return list(JournalWriter(throwaway.data_dir / "trust").entries())


@case("log.consistent", "the log is forked, by its own key", sees="goes on from")
def _() -> Break:
    def act(throwaway: Throwaway) -> None:
        first, *rest = _entries(throwaway)
        _rewrite(throwaway, [*rest, first, first])

    return Break(act=act)


@case("log.consistent", "the newest entry is removed, by the log's own key", sees="goes on from")
def _() -> Break:
    return Break(act=lambda throwaway: _rewrite(throwaway, _entries(throwaway)[:-1]))


@case("log.consistent", "an entry is added that the checker did not sign", sees="checker signed")
def _() -> Break:
    return Break(act=lambda throwaway: _rewrite(throwaway, [*_entries(throwaway), b"{}"]))


@case("log.consistent", "the checkpoint is signed by another key", sees="signed by the log")
def _() -> Break:
    return Break(act=lambda throwaway: _rewrite(throwaway, _entries(throwaway), SigningKey.generate()))
