"""The keyring opens data keys (DEKs) and lends them, remembering opened ones for a short while.

    wrapped DEK = row envelope under the tenant's KEK, key number = KEK version, context ("smalt/dek/v1", tenant)

Invariants
 1 An opened key is used for at most ``life_s`` seconds after it was opened, and never once the tenant's key object
   changed: each use asks the store's mark, so a termination by any process on this machine takes effect at once.
 2 At most ``max_tenants`` tenants' keys are held; the least recently used go first.
 3 No KEK is kept: it lives as long as one call.

Opening may ask the KMS, which blocks: asynchronous callers use a thread when `cached` has nothing. All methods may be
called from several threads. The memory of dropped keys is not overwritten (Python cannot): docs/security/keys.md.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from smalt.kernel.errors import Untrusted
from smalt.kernel.ids import TenantId
from smalt.seal.derivation import KEY_BYTES, DataKey, context, new_key
from smalt.seal.envelope import key_no_of, open_row, seal_row
from smalt.seal.keystore import KeyStore, Mark
from smalt.seal.lent import TenantKeys, UnknownKeyNumber

__all__ = ["Keyring", "TenantKeys", "UnknownKeyNumber", "WrappedKey"]

LIFE_S = 300.0
MAX_TENANTS = 1024


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One row of ``data_key``: what the database keeps of a DEK."""

    key_no: int
    kek_version: int
    wrapped: bytes
    retired: bool = False


@dataclass(slots=True, repr=False)
class _Opened:
    mark: Mark
    until: float
    index_key: bytes
    deks: dict[int, tuple[bytes, bytes, DataKey]] = field(default_factory=dict)  # key number → (wrapped, DEK, ready)
    current: int | None = None  # known only when the whole set was lent


class Keyring:
    def __init__(
        self,
        keystore: KeyStore,
        *,
        life_s: float = LIFE_S,
        max_tenants: int = MAX_TENANTS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keystore = keystore
        self._life_s = life_s
        self._max_tenants = max_tenants
        self._monotonic = monotonic
        self._opened: OrderedDict[TenantId, _Opened] = OrderedDict()
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return "Keyring(…)"

    # -- single data keys

    def new_dek(self, tenant: TenantId) -> tuple[int, bytes, bytes]:
        """A fresh DEK: (KEK version, wrapped DEK to store, DEK). Store the first two, durably, before sealing with it."""
        version, kek = self._keystore.kek(tenant)
        dek = new_key()
        return version, seal_row(kek, version, dek, _dek_context(tenant)), dek

    def open_dek(self, tenant: TenantId, key_no: int, kek_version: int, wrapped: bytes) -> bytes:
        """The DEK of one ``data_key`` row. `KeyGone`, `KmsUnavailable`, `Untrusted`."""
        return self._open(tenant, [WrappedKey(key_no, kek_version, wrapped)]).deks[key_no][1]

    def rewrap_dek(self, tenant: TenantId, kek_version: int, wrapped: bytes) -> tuple[int, bytes]:
        """The same DEK under the tenant's current KEK version: (KEK version, wrapped DEK). See `KeyStore.rewrapped`."""
        _, old = self._keystore.kek(tenant, kek_version)
        version, kek = self._keystore.kek(tenant)
        return version, seal_row(kek, version, _unwrap(tenant, old, kek_version, wrapped), _dek_context(tenant))

    # -- key sets

    def lend(self, tenant: TenantId, keys: Iterable[WrappedKey]) -> TenantKeys:
        """All ``data_key`` rows of the tenant as a key set; the highest number that is not retired is current."""
        rows = list(keys)
        usable = [row.key_no for row in rows if not row.retired]
        if not usable:
            raise Untrusted("key.none", "The tenant has no data key to seal with.")
        current = max(usable)
        opened = self._open(tenant, rows, current)
        return TenantKeys(tenant, {row.key_no: opened.deks[row.key_no][2] for row in rows}, current, opened.index_key)

    def cached(self, tenant: TenantId) -> TenantKeys | None:
        """The key set lent before, without asking database or KMS; None when there is none or it may be out of date.

        Another process may meanwhile have added a data key: opening then raises `UnknownKeyNumber`, on which the caller
        reads the ``data_key`` rows and lends again.
        """
        opened = self._fresh(tenant)
        if opened is None or opened.current is None:
            return None
        deks = {key_no: ready for key_no, (_, _, ready) in list(opened.deks.items())}
        return TenantKeys(tenant, deks, opened.current, opened.index_key)

    def forget(self, tenant: TenantId) -> None:
        """Drop what is remembered of one tenant."""
        with self._guard:
            self._opened.pop(tenant, None)

    def forget_all(self) -> None:
        with self._guard:
            self._opened.clear()

    # -- the cache

    def _fresh(self, tenant: TenantId) -> _Opened | None:
        mark = self._keystore.mark(tenant)
        with self._guard:
            opened = self._opened.get(tenant)
            if opened is None:
                return None
            if opened.mark != mark or self._monotonic() >= opened.until:
                del self._opened[tenant]
                return None
            self._opened.move_to_end(tenant)
            return opened

    def _open(self, tenant: TenantId, rows: list[WrappedKey], current: int | None = None) -> _Opened:
        opened = self._fresh(tenant)
        if opened is None:
            # The mark is read before the keys: a change in between makes the entry stale at its next use.
            mark = self._keystore.mark(tenant)
            opened = _Opened(mark or (0, 0, 0), self._monotonic() + self._life_s, self._keystore.index_key(tenant))
        keks: dict[int, bytes] = {}
        for row in rows:
            known = opened.deks.get(row.key_no)
            if known is not None and known[0] == row.wrapped:
                continue
            if row.kek_version not in keks:
                keks[row.kek_version] = self._keystore.kek(tenant, row.kek_version)[1]
            dek = _unwrap(tenant, keks[row.kek_version], row.kek_version, row.wrapped)
            opened.deks[row.key_no] = (row.wrapped, dek, DataKey(dek))
        if current is not None:
            opened.current = current
        with self._guard:
            self._opened[tenant] = opened
            self._opened.move_to_end(tenant)
            while len(self._opened) > self._max_tenants:
                self._opened.popitem(last=False)
        return opened


def _dek_context(tenant: TenantId) -> bytes:
    return context("smalt/dek/v1", tenant.uuid.bytes)


def _unwrap(tenant: TenantId, kek: bytes, kek_version: int, wrapped: bytes) -> bytes:
    if key_no_of(wrapped) != kek_version:
        raise Untrusted("key.version_mismatch", "A wrapped data key names another key version than its row.")
    dek = open_row(kek, wrapped, _dek_context(tenant))
    if len(dek) != KEY_BYTES:
        raise Untrusted("key.damaged", "A wrapped data key has the wrong length.")
    return dek
