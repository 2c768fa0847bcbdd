"""Tenant keys, kept OUTSIDE the database and outside its backups.

    epoch root key (Kms; destroyable) → tenant KEK versions (here) → DEKs (database rows) → content

One small JSON object per tenant, one for the installation; each is replaced atomically and durably under one file lock,
so any number of processes may share the directory.

Invariants
 1 A copy of the database holds wrapped DEKs only: useless without this store.
 2 Every epoch key is destroyed at most rotate + grace + window (+ two tick intervals) after it was made.
 3 A terminated tenant is not carried into the next epoch. With 2: every copy of this store, however old and wherever
   kept, is dead for that tenant within 30 days of its termination.
 4 A key is durable (here, and in the mirror when there is one) before `create`, `rotate` or `purpose_key` returns it.
 5 An epoch key is destroyed only when no live object depends on it any more, whatever the clock says.
 6 An old KEK version is dropped only after its DEKs were all rewrapped and committed (`rewrapped`) and then every
   restorable database backup aged out (``keep``).
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Untrusted
from smalt.kernel.ids import TenantId
from smalt.seal.derivation import new_key
from smalt.seal.files import exclusive, private_directory, sweep, write_durably
from smalt.seal.kms import KeyGone, Kms
from smalt.seal.objects import Installation, Retired, TenantKeysObject, Version, Wrapped, decode, encode

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PURPOSE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_INSTALLATION = "installation.json"
_PROMISE = timedelta(days=30)
INDEX_KEY_VERSION: Final = "index"

Mark = tuple[int, int, int]
"""Changes whenever the tenant's object changes, in this or another process. Cheap to ask (one stat)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long keys live. ``window`` is the waiting time of a cloud KMS before it really destroys."""

    rotate: timedelta = timedelta(days=7)
    grace: timedelta = timedelta(days=14)
    window: timedelta = timedelta(0)
    tick_every: timedelta = timedelta(days=1)
    keep: timedelta = timedelta(days=45)

    def __post_init__(self) -> None:
        if self.longest_epoch_life() + self.window > _PROMISE:
            raise ValueError("this policy would break the promise of erasure within 30 days")

    def longest_epoch_life(self) -> timedelta:
        """From making an epoch key to ordering its destruction, with both ticks a full interval late."""
        return self.rotate + self.grace + 2 * self.tick_every


@dataclass(frozen=True, slots=True)
class TickReport:
    """What a tick did. Alarm when ``overdue``: an epoch key lives longer than the policy, or an object is ``stuck``
    (damaged, its epoch keys are kept until it is repaired). ``lost`` counts objects that nothing can open any more.
    """

    rotated: bool
    carried: int
    purged_versions: int
    destroyed: int
    lost: int
    stuck: int
    oldest_epoch_age_s: int
    overdue: bool


class KeyStore:
    def __init__(
        self, kms: Kms, directory: Path, clock: Clock, policy: Policy | None = None, *, mirror: Path | None = None
    ) -> None:
        """Open or make the store in ``directory``. ``mirror`` is a second place, written before the first."""
        self.policy = policy or Policy()
        self._kms = kms
        self._clock = clock
        self._places = [place for place in (mirror, directory) if place is not None]
        self._directory = directory
        for place in self._places:
            private_directory(place)
            private_directory(place / "tenants")
        with self._lock():
            for place in self._places:
                sweep(place)
                sweep(place / "tenants")
            self._begin()

    def __repr__(self) -> str:
        return "KeyStore(…)"

    # -- tenants

    def create(self, tenant: TenantId) -> None:
        """Give a new tenant its first KEK and its index key. `Conflict` when it has keys, `KeyGone` when it ended."""
        with self._lock():
            if self._path(tenant).exists():
                self._live(tenant)
                raise Conflict("keystore.tenant_exists", "This tenant has keys already.")
            epoch = self._installation().epoch
            first = Version(self._wrap(epoch, new_key(), _kek_aad(tenant, 1)), self._now())
            index_key = self._wrap(epoch, new_key(), _kek_aad(tenant, INDEX_KEY_VERSION))
            self._write_tenant(
                tenant, TenantKeysObject(1, str(tenant.uuid), "live", 1, index_key, {1: first}, self._now())
            )

    def kek(self, tenant: TenantId, version: int | None = None) -> tuple[int, bytes]:
        """(version, key) of the tenant's KEK, the current one by default. `KeyGone`, `KmsUnavailable`, `Untrusted`."""
        live = self._live(tenant)
        wanted = live.current if version is None else version
        found = live.versions.get(wanted)
        if found is None:
            raise KeyGone("key.version_gone", "The key version that sealed this no longer exists.")
        return wanted, self._unwrap(found.key, _kek_aad(tenant, wanted))

    def index_key(self, tenant: TenantId) -> bytes:
        """The tenant's key for blind indexes: constant over rotations, gone with the tenant."""
        wrapped = self._live(tenant).index_key
        if wrapped is None:
            raise Untrusted("keystore.damaged", "An object of the key store is damaged.")
        return self._unwrap(wrapped, _kek_aad(tenant, INDEX_KEY_VERSION))

    def rotate(self, tenant: TenantId) -> int:
        """Add a KEK version and make it current; its number. Then rewrap the DEKs, commit, and call `rewrapped`."""
        with self._lock():
            live = self._live(tenant)
            number = live.current + 1
            fresh = Version(self._wrap(self._installation().epoch, new_key(), _kek_aad(tenant, number)), self._now())
            self._write_tenant(
                tenant,
                msgspec.structs.replace(
                    live, current=number, versions={**live.versions, number: fresh}, changed=self._now()
                ),
            )
            return number

    def rewrapped(self, tenant: TenantId, below: int) -> None:
        """Start the purge clock of versions under ``below``.

        Call it only after every DEK row of the tenant in the LIVE database is wrapped by version ``below`` or newer, and
        that is committed: purging by the time of rotation alone loses data.
        """
        with self._lock():
            live = self._live(tenant)
            marked = {
                number: msgspec.structs.replace(version, superseded=self._now())
                if number < below and number != live.current and version.superseded is None
                else version
                for number, version in live.versions.items()
            }
            if marked != live.versions:
                self._write_tenant(tenant, msgspec.structs.replace(live, versions=marked, changed=self._now()))

    def terminate(self, tenant: TenantId) -> None:
        """Drop every key of the tenant, at once and for all processes. Doing it again changes nothing."""
        with self._lock():
            path = self._path(tenant)
            if path.exists() and decode(path.read_bytes(), TenantKeysObject).state == "terminated":
                return
            self._write_tenant(tenant, TenantKeysObject(1, str(tenant.uuid), "terminated", 0, None, {}, self._now()))

    def mark(self, tenant: TenantId) -> Mark | None:
        """See `Mark`; None when the tenant has no object."""
        try:
            found = os.stat(self._path(tenant))  # noqa: PTH116  # half the cost of Path.stat, asked at each lending
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    # -- keys of the installation

    def purpose_key(self, name: str) -> bytes:
        """The installation's 32-byte key for one purpose (session signing, tickets, …), made at the first asking."""
        if _PURPOSE.fullmatch(name) is None:
            raise ValueError("a purpose is a short lower-case name")
        found = self._installation().purposes.get(name)
        if found is not None:
            return self._unwrap(found, _purpose_aad(name))
        with self._lock():
            installation = self._installation()
            if name not in installation.purposes:  # another process may have been faster
                wrapped = self._wrap(installation.epoch, new_key(), _purpose_aad(name))
                installation = msgspec.structs.replace(installation, purposes={**installation.purposes, name: wrapped})
                self._write(_INSTALLATION, encode(installation))
            return self._unwrap(installation.purposes[name], _purpose_aad(name))

    # -- rotation of epochs

    def tick(self) -> TickReport:
        """Run daily: rotate the epoch when due, carry live keys over, destroy epochs past their grace.

        Every step can be repeated: after a crash or `KmsUnavailable` the next tick goes on where this one stopped.
        """
        rotated = self._rotate_when_due()
        with self._lock():
            self._carry_purposes()
        carried = purged = lost = stuck = 0
        for tenant in self.tenants():
            with self._lock():  # one tenant at a time: nobody waits for the whole round
                try:
                    moved, dropped = self._carry(tenant)
                except KeyGone:
                    lost += 1  # an object restored from a copy that outlived its epoch: nothing can open it
                except Untrusted:
                    stuck += 1
                else:
                    carried, purged = carried + moved, purged + dropped
        destroyed = self._destroy_when_due()
        installation = self._installation()
        oldest = min([installation.since, *(old.made for old in installation.retired)])
        age = self._now() - oldest
        overdue = stuck > 0 or age > self.policy.longest_epoch_life().total_seconds()
        return TickReport(rotated, carried, purged, destroyed, lost, stuck, age, overdue)

    def _rotate_when_due(self) -> bool:
        with self._lock():
            old, now = self._installation(), self._now()
            if now - old.since < self.policy.rotate.total_seconds():
                return False
            epoch = self._kms.create_epoch()
            # CRASH POINT: a root key that wraps nothing and is named nowhere. The next tick makes another.
            retired = [*old.retired, Retired(old.epoch, old.since, now)]
            self._write(_INSTALLATION, encode(msgspec.structs.replace(old, epoch=epoch, since=now, retired=retired)))
            # CRASH POINT: new keys go under the new epoch, old ones still open under the retired one until carried.
            return True

    def _carry_purposes(self) -> None:
        installation = self._installation()
        carried = {
            name: self._rewrap(wrapped, installation.epoch, _purpose_aad(name))
            for name, wrapped in installation.purposes.items()
        }
        if carried != installation.purposes:
            self._write(_INSTALLATION, encode(msgspec.structs.replace(installation, purposes=carried)))

    def _carry(self, tenant: TenantId) -> tuple[int, int]:
        """Move one tenant's keys under the current epoch, drop versions past their keeping: (moved 0 or 1, dropped)."""
        found = decode(self._path(tenant).read_bytes(), TenantKeysObject)
        if found.state != "live" or found.index_key is None:
            return 0, 0
        epoch, now = self._installation().epoch, self._now()
        kept = {
            number: msgspec.structs.replace(version, key=self._rewrap(version.key, epoch, _kek_aad(tenant, number)))
            for number, version in found.versions.items()
            if version.superseded is None or now - version.superseded <= self.policy.keep.total_seconds()
        }
        index_key = self._rewrap(found.index_key, epoch, _kek_aad(tenant, INDEX_KEY_VERSION))
        carried = msgspec.structs.replace(found, versions=kept, index_key=index_key)
        if carried == found:
            return 0, 0
        self._write_tenant(tenant, carried)
        return int(index_key != found.index_key), len(found.versions) - len(kept)

    def _destroy_when_due(self) -> int:
        # Only ever fewer objects depend on a retired epoch (new keys use the current one), so looking without the lock
        # can err on the side of keeping only.
        needed = self._epochs_in_use()
        destroyed = 0
        for old in self._installation().retired:
            if old.epoch in needed or self._now() - old.retired < self.policy.grace.total_seconds():
                continue
            self._kms.destroy_epoch(old.epoch)
            # CRASH POINT: the key is gone and still listed; destroying it again is no error.
            with self._lock():
                installation = self._installation()
                left = [other for other in installation.retired if other.epoch != old.epoch]
                self._write(_INSTALLATION, encode(msgspec.structs.replace(installation, retired=left)))
            destroyed += 1
        return destroyed

    def _epochs_in_use(self) -> set[str]:
        installation = self._installation()
        used = {installation.epoch} | {wrapped.epoch for wrapped in installation.purposes.values()}
        for tenant in self.tenants():
            try:
                found = decode(self._path(tenant).read_bytes(), TenantKeysObject)
            except Untrusted:
                # A damaged object may be repaired from a copy: keep every epoch it could need, and let `stuck` alarm.
                return used | {old.epoch for old in installation.retired}
            used |= {version.key.epoch for version in found.versions.values()}
            used |= {found.index_key.epoch} if found.index_key else set()
        return used

    # -- objects

    def _begin(self) -> None:
        if (self._directory / _INSTALLATION).exists():
            self._installation()
            self._fill_mirrors()
            return
        # Never start anew beside keys that exist: that would replace the last good description of them.
        if self.tenants() or any((place / _INSTALLATION).exists() for place in self._places):
            raise Untrusted(
                "keystore.lost",
                "There are tenant keys, but the object that describes the installation is lost.",
                todo="Restore the whole key store from its mirror or a copy.",
            )
        epoch = self._kms.create_epoch()
        # CRASH POINT: a root key that wraps nothing.
        self._write(_INSTALLATION, encode(Installation(1, epoch, self._now(), [], {})))

    def _fill_mirrors(self) -> None:
        """Bring a mirror that is new, or that a crash left ahead by one write, in line with the store."""
        names = [_INSTALLATION, *(f"tenants/{tenant.uuid}.json" for tenant in self.tenants())]
        for place in self._places[:-1]:
            for name in names:
                data = (self._directory / name).read_bytes()
                if not (place / name).exists() or (place / name).read_bytes() != data:
                    write_durably(place / name, data)

    def tenants(self) -> list[TenantId]:
        names = sorted(path.stem for path in (self._directory / "tenants").glob("*.json"))
        return [TenantId(uuid.UUID(name)) for name in names if _UUID.fullmatch(name)]

    def _live(self, tenant: TenantId) -> TenantKeysObject:
        try:
            found = decode(self._path(tenant).read_bytes(), TenantKeysObject)
        except FileNotFoundError:
            raise KeyGone("key.unknown_tenant", "There are no keys for this tenant here.") from None
        if found.tenant != str(tenant.uuid):
            raise Untrusted("keystore.moved", "An object of the key store lies under another tenant's name.")
        if found.state != "live":
            raise KeyGone("key.tenant_terminated", "This tenant was terminated and its keys destroyed.")
        return found

    def _installation(self) -> Installation:
        return decode((self._directory / _INSTALLATION).read_bytes(), Installation)

    def _path(self, tenant: TenantId) -> Path:
        return self._directory / "tenants" / f"{tenant.uuid}.json"

    def _write_tenant(self, tenant: TenantId, thing: TenantKeysObject) -> None:
        self._write(f"tenants/{tenant.uuid}.json", encode(thing))

    def _write(self, name: str, data: bytes) -> None:
        for place in self._places:
            write_durably(place / name, data)
            # CRASH POINT (between mirror and store): the mirror is ahead by one write that nobody was told of.

    def _wrap(self, epoch: str, key: bytes, aad: Mapping[str, str]) -> Wrapped:
        return Wrapped(epoch, self._kms.wrap(epoch, key, aad))

    def _unwrap(self, wrapped: Wrapped, aad: Mapping[str, str]) -> bytes:
        return self._kms.unwrap(wrapped.epoch, wrapped.wrapped, aad)

    def _rewrap(self, wrapped: Wrapped, epoch: str, aad: Mapping[str, str]) -> Wrapped:
        return wrapped if wrapped.epoch == epoch else self._wrap(epoch, self._unwrap(wrapped, aad), aad)

    def _lock(self) -> AbstractContextManager[None]:
        return exclusive(self._directory / "lock")

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _kek_aad(tenant: TenantId, version: int | str) -> dict[str, str]:
    return {"purpose": "tenant-kek", "tenant": str(tenant.uuid), "version": str(version)}


def _purpose_aad(name: str) -> dict[str, str]:
    return {"purpose": "installation", "name": name}
