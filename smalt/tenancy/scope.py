"""`TenantScope`: one tenant's rows, blobs and keys for the length of one transaction.

Only `Visit.enter` makes one. It names the tenant in every query by itself, it is spent when the visit ends, and it cannot
be printed into a log, pickled or copied.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar
from uuid import UUID

from smalt.kernel.ids import DocumentId, EntryId, Id, TenantId
from smalt.kernel.sealed import Place, Sealed
from smalt.seal.keyring import TenantKeys
from smalt.store.pool import Tx
from smalt.store.sql import Query
from smalt.tenancy.actor import Actor
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.means import Means
from smalt.tenancy.receiver import Receiver
from smalt.tenancy.record import commit, queries

DOOR: Final = object()
"""What only `Visit.enter` shows. A test holds that no other module names it."""

R = TypeVar("R")
_NONE: Mapping[str, Any] = {}


class TenantScope:
    __slots__ = ("_added", "_dropped", "_keys", "_means", "_open", "_tx", "actor", "entry", "tenant")

    def __init__(self, door: object, means: Means, tx: Tx, keys: TenantKeys, *, actor: Actor, entry: EntryId) -> None:
        if door is not DOOR:
            raise TypeError("a tenant scope comes from Visit.enter and from nowhere else")
        self.tenant: TenantId = keys.tenant
        self.actor = actor
        self.entry = entry
        self._means = means
        self._tx = tx
        self._keys = keys
        self._open = True
        self._added: list[str] = []
        self._dropped: list[str] = []

    def __repr__(self) -> str:
        return "TenantScope(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a tenant scope is not pickled or copied")

    # -- rows

    async def fetch_all(self, query: Query[R], params: Mapping[str, Any] = _NONE) -> list[R]:
        return await self._live().fetch_all(query, self._named(query, params))

    async def fetch_one(self, query: Query[R], params: Mapping[str, Any] = _NONE) -> R:
        """The one row; `Missing` when there is none."""
        return await self._live().fetch_one(query, self._named(query, params))

    async def fetch_maybe(self, query: Query[R], params: Mapping[str, Any] = _NONE) -> R | None:
        return await self._live().fetch_maybe(query, self._named(query, params))

    async def execute(self, query: Query[Any], params: Mapping[str, Any] = _NONE) -> int:
        """The number of rows that the statement touched."""
        return await self._live().execute(query, self._named(query, params))

    async def execute_many(self, query: Query[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        await self._live().execute_many(query, [self._named(query, row) for row in rows])

    def _named(self, query: Query[Any], params: Mapping[str, Any]) -> dict[str, Any]:
        if "tenant_id" in params:
            raise TypeError("the scope names the tenant itself")
        if "%(tenant_id)s" not in query.text:
            raise TypeError("every query on a tenant's tables names tenant_id")
        return {**params, "tenant_id": self.tenant.uuid}

    # -- content

    def seal(self, plaintext: bytes, place: Place) -> Sealed:
        return self._lent().seal(plaintext, place)

    def open(self, sealed: Sealed, place: Place) -> bytes:
        """The plaintext; `Untrusted` when these bytes were not sealed for this tenant and place."""
        return self._lent().open(sealed, place)

    def seal_text(self, text: str, place: Place) -> Sealed:
        return self.seal(text.encode(), place)

    def open_text(self, sealed: Sealed, place: Place) -> str:
        return self.open(sealed, place).decode()

    def open_column(self, table: str, column: str, rows: Iterable[tuple[UUID, Sealed]]) -> list[bytes]:
        """`open` for one column of many rows (row id, sealed), in their order: faster, for lists and histories."""
        return self._lent().open_column(table, column, rows)

    def blind(self, index: str, value: str) -> bytes:
        """The 32 bytes by which ``index`` finds ``value``, which the caller has normalised (NFKC, casefold)."""
        return self._lent().blind(index, value)

    # -- blobs: parts of a document, sealed on their way in and opened on their way out

    async def put_blob(self, document: DocumentId, part: str, chunks: AsyncIterator[bytes]) -> None:
        """Store one part, whole or not at all. It is taken back when the visit fails.

        Do not stream from a client in here: the transaction is open. Receive first, then enter.
        """
        self._live()
        key = self._blob_key(document, part)
        self._added.append(key)
        await self._means.blobs.put(key, self._sealing(_blob_place(document, part), chunks))

    def receiver(self, document: DocumentId, part: str) -> Receiver:
        """Takes in one part after this visit has committed. A caller that gives up deletes the document's blobs."""
        self._live()
        sealer = self._lent().sealer(_blob_place(document, part))
        return Receiver(self._means.blobs, self._blob_key(document, part), sealer)

    async def _sealing(self, place: Place, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        sealer = self._lent().sealer(place)
        async for chunk in chunks:
            if ready := sealer.update(chunk):
                yield ready
        yield sealer.finish()

    async def get_blob(self, document: DocumentId, part: str) -> AsyncIterator[bytes]:
        """The part in pieces, to be read within the visit. Discard what came when it raises (`Missing`, `Untrusted`)."""
        keys = self._lent()
        sealed = self._means.blobs.get(self._blob_key(document, part))
        async for piece in keys.opener_async(_blob_place(document, part), sealed):
            yield piece

    async def delete_blobs(self, document: DocumentId) -> None:
        """Remove all parts of a document once the visit is committed."""
        self._live()
        self._dropped.append(f"{self.tenant.uuid}/{document.uuid}")

    def _blob_key(self, document: DocumentId, part: str) -> str:
        return f"{self.tenant.uuid}/{document.uuid}/{part}"

    # -- credentials and jobs

    async def put_credential(
        self, kind: CredentialKind, digest: bytes, owner: Id, expires_at: datetime | None = None
    ) -> bool:
        """Let ``digest`` lead to ``owner`` of this tenant. False when it leads to another owner here already."""
        row = await self._live().fetch_one(
            queries.put_credential,
            {"kind": int(kind), "digest": digest, "id": owner.uuid, "expires_at": expires_at},
        )
        return bool(row["stored"])

    async def drop_credential(self, kind: CredentialKind, digest: bytes) -> None:
        await self._live().execute(queries.drop_credential, {"kind": int(kind), "digest": digest})

    async def drop_credentials_of(self, kind: CredentialKind, owner: Id) -> None:
        await self._live().execute(queries.drop_credentials_of, {"kind": int(kind), "id": owner.uuid})

    async def defer(self, task: str, *, lock: Id | None = None, **ids: Id | int) -> int:
        """Queue a job that exists exactly when this visit commits; its number.

        It carries ids only; ``tenant`` and ``cause`` (this visit's audit entry) are added here. Jobs with the same
        ``lock`` run one after another.
        """
        return await self._means.queue.defer(self._live(), task, lock=lock, tenant=self.tenant, cause=self.entry, **ids)

    async def commit_entries(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Let the commitments to audit entries that ended just now wait for the transparency log."""
        await commit(self._live(), self.tenant.uuid, rows)

    async def is_pending(self, digest: bytes) -> bool:
        """Whether the commitment ``digest`` waits for the log still."""
        return bool((await self._live().fetch_one(queries.is_pending, {"digest": digest}))["pending"])

    # -- the end, for Visit.enter

    def close(self) -> None:
        """Give everything back. Nothing works afterwards."""
        self._open = False
        self._keys.close()

    async def undo(self) -> None:
        """Take back the blobs of a visit that did not commit."""
        for key in self._added:
            await self._means.blobs.delete(key)

    async def follow_up(self) -> None:
        """Remove the blobs whose rows are gone for good."""
        for key in self._dropped:
            await self._means.blobs.delete(key)

    def _live(self) -> Tx:
        if not self._open:
            raise RuntimeError("this visit has ended")
        return self._tx

    def _lent(self) -> TenantKeys:
        if not self._open:
            raise RuntimeError("this visit has ended")
        return self._keys


def _blob_place(document: DocumentId, part: str) -> Place:
    return Place("document", "blob", document.uuid, part)
