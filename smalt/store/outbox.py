"""The outbox of commitments (db/0007), for the keeper of the transparency log: digests, and nothing about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from smalt.kernel.errors import Failure
from smalt.store.failures import failure_of

BATCH_MAX = 1 << 18


@dataclass(frozen=True, slots=True, repr=False)
class Outbox:
    """``conninfo`` connects as smalt_checker. Every method raises `Unavailable` when it cannot."""

    conninfo: str

    def pending(self) -> list[bytes]:
        """The digests that wait, oldest first, at most `BATCH_MAX`."""
        return [bytes(digest) for (digest,) in self._ask(b"select digest from gate.pending(%s)", (BATCH_MAX,))]

    def settle(self, digests: Sequence[bytes]) -> int:
        """Take ``digests`` out: they stand in the log. How many there were."""
        [(count,)] = self._ask(b"select gate.settle(%s)", (list(digests),))
        return int(count)

    def _ask(self, statement: bytes, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            with psycopg.connect(self.conninfo, connect_timeout=10) as connection:
                return connection.execute(statement, params).fetchall()
        except psycopg.Error as error:
            failure: Failure = failure_of(error, "outbox")
        raise failure
