"""The key store: durability, two processes, rotation, purge, damage and outage."""

import os
import shutil
import stat
import subprocess
import sys
from datetime import timedelta

import pytest

from smalt.kernel.errors import Conflict, Unavailable, Untrusted
from smalt.kernel.ids import TenantId
from smalt.seal import files
from smalt.seal.keystore import KeyStore
from smalt.seal.kms import KeyGone, KmsUnavailable

ONE, TWO = TenantId.new(), TenantId.new()
DAY = timedelta(days=1)


def run_days(store, clock, days):
    reports = []
    for _ in range(days):
        clock.advance(DAY)
        reports.append(store.tick())
    return reports


def test_a_key_comes_back_after_a_restart(store, kms, tmp_path, clock):
    store.create(ONE)
    again = KeyStore(kms, tmp_path / "keys", clock)
    assert again.kek(ONE) == store.kek(ONE)
    assert again.purpose_key("ticket.1") == store.purpose_key("ticket.1")
    assert again.index_key(ONE) == store.index_key(ONE)


def test_keys_differ(store):
    store.create(ONE)
    store.create(TWO)
    every = [store.kek(ONE)[1], store.kek(TWO)[1], store.index_key(ONE), store.index_key(TWO)]
    every += [store.purpose_key("a"), store.purpose_key("b")]
    assert len(set(every)) == len(every)
    assert {len(key) for key in every} == {32}


def test_create_twice_is_a_conflict(store):
    store.create(ONE)
    before = store.kek(ONE)
    with pytest.raises(Conflict):
        store.create(ONE)
    assert store.kek(ONE) == before


def test_unknown_tenant_and_version(store):
    with pytest.raises(KeyGone):
        store.kek(ONE)
    store.create(ONE)
    with pytest.raises(KeyGone):
        store.kek(ONE, 9)
    assert store.mark(TWO) is None


@pytest.mark.parametrize("name", ["", "UPPER", "a/b", "../x", "a" * 65, "1st"])
def test_purpose_names_are_plain(store, name):
    with pytest.raises(ValueError, match="purpose"):
        store.purpose_key(name)


def test_files_are_private(store, tmp_path):
    store.create(ONE)
    store.purpose_key("ticket.1")
    for path in (tmp_path / "keys").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_an_open_directory_is_refused(kms, tmp_path, clock):
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose").chmod(0o755)
    with pytest.raises(Conflict) as caught:
        KeyStore(kms, tmp_path / "loose", clock)
    assert caught.value.code == "keys.directory_open"


def test_no_key_lies_in_the_store_in_clear(store, tmp_path):
    store.create(ONE)
    keys = [store.kek(ONE)[1], store.index_key(ONE), store.purpose_key("ticket.1")]
    stored = b"".join(path.read_bytes() for path in (tmp_path / "keys").rglob("*") if path.is_file())
    for key in keys:
        assert key not in stored
        assert key.hex().encode() not in stored


# -- rotation


def test_keys_survive_many_epochs(store, clock, tmp_path):
    store.create(ONE)
    keys = store.kek(ONE), store.index_key(ONE), store.purpose_key("ticket.1")
    reports = run_days(store, clock, 60)
    assert (store.kek(ONE), store.index_key(ONE), store.purpose_key("ticket.1")) == keys
    assert sum(report.rotated for report in reports) == 8
    assert sum(report.carried for report in reports) == 8
    assert sum(report.destroyed for report in reports) == 6
    assert not any(report.overdue for report in reports)
    assert max(report.oldest_epoch_age_s for report in reports) <= 23 * 86400
    assert len(list((tmp_path / "kms").glob("ep-*"))) == 3


def test_a_missed_tick_raises_the_alarm(store, clock):
    store.create(ONE)
    clock.advance(timedelta(days=40))
    store.tick()
    assert store.tick().overdue


def test_old_versions_go_only_after_rewrapping_and_keeping(store, clock):
    store.create(ONE)
    first = store.kek(ONE)
    assert store.rotate(ONE) == 2
    assert store.kek(ONE)[0] == 2
    run_days(store, clock, 60)
    assert store.kek(ONE, 1) == first  # nobody said that the data keys were moved
    store.rewrapped(ONE, 2)
    run_days(store, clock, 45)
    assert store.kek(ONE, 1) == first
    assert sum(report.purged_versions for report in run_days(store, clock, 2)) == 1
    with pytest.raises(KeyGone):
        store.kek(ONE, 1)
    assert store.kek(ONE)[0] == 2


def test_the_current_version_is_never_purged(store, clock):
    store.create(ONE)
    store.rewrapped(ONE, 99)
    run_days(store, clock, 60)
    assert store.kek(ONE)[0] == 1


# -- outage and damage


def test_an_outage_loses_nothing(tmp_path, clock, stateful_kms):
    store = KeyStore(stateful_kms, tmp_path / "keys", clock)
    store.create(ONE)
    key = store.kek(ONE)
    stateful_kms.down = True
    with pytest.raises(KmsUnavailable):
        store.kek(ONE)
    with pytest.raises(KmsUnavailable):
        store.create(TWO)
    clock.advance(timedelta(days=8))
    with pytest.raises(KmsUnavailable):
        store.tick()
    stateful_kms.down = False
    store.tick()
    assert store.kek(ONE) == key
    store.create(TWO)


def test_an_epoch_is_kept_while_a_living_tenant_needs_it(tmp_path, clock, stateful_kms):
    """Carrying fails for one tenant (a damaged object): its epoch outlives the grace, and the alarm is on."""
    store = KeyStore(stateful_kms, tmp_path / "keys", clock)
    store.create(ONE)
    store.create(TWO)
    key = store.kek(ONE)
    path = tmp_path / "keys" / "tenants" / f"{ONE.uuid}.json"
    good = path.read_bytes()
    path.write_bytes(good[:50])
    reports = run_days(store, clock, 35)
    assert all(report.stuck == 1 for report in reports)
    assert reports[-1].overdue
    assert store.kek(TWO)
    path.write_bytes(good)
    report = run_days(store, clock, 2)[-1]
    assert report.stuck == 0
    assert store.kek(ONE) == key
    assert not report.overdue


@pytest.mark.parametrize("damage", [b"", b"{}", b"null", b"\xff", b'{"format":2}'])
def test_a_damaged_object_is_refused(store, tmp_path, damage):
    store.create(ONE)
    (tmp_path / "keys" / "tenants" / f"{ONE.uuid}.json").write_bytes(damage)
    with pytest.raises(Untrusted):
        store.kek(ONE)


def test_another_tenants_object_is_refused(store, tmp_path):
    store.create(ONE)
    store.create(TWO)
    tenants = tmp_path / "keys" / "tenants"
    shutil.copy(tenants / f"{ONE.uuid}.json", tenants / f"{TWO.uuid}.json")
    with pytest.raises(Untrusted) as caught:
        store.kek(TWO)
    assert caught.value.code == "keystore.moved"
    # … also when the name inside was changed with it: the wrapping names the tenant.
    text = (tenants / f"{ONE.uuid}.json").read_text().replace(str(ONE.uuid), str(TWO.uuid))
    (tenants / f"{TWO.uuid}.json").write_text(text)
    with pytest.raises(Untrusted):
        store.kek(TWO)


def test_a_lost_description_is_never_replaced(store, kms, tmp_path, clock):
    store.create(ONE)
    (tmp_path / "keys" / "installation.json").unlink()
    with pytest.raises(Untrusted) as caught:
        KeyStore(kms, tmp_path / "keys", clock)
    assert caught.value.code == "keystore.lost"


# -- crash points


class Crash(BaseException):
    """The process dies here: not an error that code could handle."""


def crashing(monkeypatch, point):
    """Let the ``point``-th operating system call that matters be the last one."""
    count = 0

    def dying(name):
        real = getattr(os, name)

        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == point:
                raise Crash
            return real(*args, **kwargs)

        return call

    for name in ("fsync", "replace", "unlink", "rename"):
        monkeypatch.setattr(files.os, name, dying(name))


@pytest.mark.parametrize("act", ["create", "rotate", "terminate", "tick", "purpose"])
def test_a_crash_at_any_point_leaves_a_whole_store(kms, tmp_path, clock, act):
    survived = False
    for point in range(1, 40):
        place = tmp_path / f"keys-{point}"
        store = KeyStore(kms, place, clock)
        store.create(ONE)
        first = store.kek(ONE)
        purpose = store.purpose_key("a")
        if act == "tick":
            clock.advance(timedelta(days=8))
        acts = {
            "create": lambda store=store: store.create(TWO),
            "rotate": lambda store=store: store.rotate(ONE),
            "terminate": lambda store=store: store.terminate(ONE),
            "tick": store.tick,
            "purpose": lambda store=store: store.purpose_key("b"),
        }
        with pytest.MonkeyPatch.context() as patch:
            crashing(patch, point)
            try:
                acts[act]()
                survived = True
            except Crash:
                pass
        again = KeyStore(kms, place, clock)
        assert again.purpose_key("a") == purpose
        assert not list(place.rglob(".new-*"))
        again.tick()
        if act == "terminate":
            if survived:
                with pytest.raises(KeyGone):
                    again.kek(ONE)
        else:
            assert again.kek(ONE, 1) == first
        if survived:
            assert point > 1
            return
    pytest.fail("the act never completed")


def test_a_full_disk_changes_nothing(store, monkeypatch):
    store.create(ONE)
    before = store.kek(ONE)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "write", full)
    for act in (lambda: store.create(TWO), lambda: store.rotate(ONE), lambda: store.purpose_key("x")):
        with pytest.raises(Unavailable) as caught:
            act()
        assert caught.value.code == "keys.disk"
    monkeypatch.undo()
    assert store.kek(ONE) == before
    store.create(TWO)


def test_data_reaches_the_disk_before_its_name(tmp_path, monkeypatch):
    """fsync of the file, then the rename, then fsync of the directory."""
    seen = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        seen.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def replace(old, new):
        seen.append("rename")
        real_replace(old, new)

    monkeypatch.setattr(files.os, "fsync", fsync)
    monkeypatch.setattr(files.os, "replace", replace)
    files.write_durably(tmp_path / "x", b"data")
    assert seen == ["file", "rename", "directory"]


# -- the mirror


def test_a_mirror_has_everything_first(kms, tmp_path, clock):
    store = KeyStore(kms, tmp_path / "keys", clock, mirror=tmp_path / "mirror")
    store.create(ONE)
    key, purpose = store.kek(ONE), store.purpose_key("a")
    shutil.rmtree(tmp_path / "keys")
    with pytest.raises(Untrusted):  # never start anew beside a mirror that still knows the keys
        KeyStore(kms, tmp_path / "keys", clock, mirror=tmp_path / "mirror")
    restored = KeyStore(kms, tmp_path / "mirror", clock)
    assert (restored.kek(ONE), restored.purpose_key("a")) == (key, purpose)


def test_a_new_mirror_is_filled_and_forgets_the_terminated(store, kms, tmp_path, clock):
    store.create(ONE)
    store.create(TWO)
    mirrored = KeyStore(kms, tmp_path / "keys", clock, mirror=tmp_path / "mirror")
    assert KeyStore(kms, tmp_path / "mirror", clock).kek(ONE) == store.kek(ONE)
    mirrored.terminate(ONE)
    with pytest.raises(KeyGone):
        KeyStore(kms, tmp_path / "mirror", clock).kek(ONE)


# -- several processes

CHILD = """
import sys
from pathlib import Path
from smalt.kernel.clock import SystemClock
from smalt.kernel.ids import TenantId
from smalt.seal.keystore import KeyStore
from smalt.seal.kms_file import FileKms
place = Path(sys.argv[1])
store = KeyStore(FileKms(place / "kms"), place / "keys", SystemClock())
print(store.purpose_key("shared").hex())
tenant = TenantId.parse(sys.argv[2])
for _ in range(5):
    store.rotate(tenant)
"""


def test_a_purpose_key_made_meanwhile_is_kept(store, kms, tmp_path, clock, monkeypatch):
    """Both find no key; the other process is first to the lock."""
    other = KeyStore(kms, tmp_path / "keys", clock)
    real, made = store._lock, []

    def late():
        monkeypatch.setattr(store, "_lock", real)
        made.append(other.purpose_key("a"))
        return real()

    monkeypatch.setattr(store, "_lock", late)
    assert store.purpose_key("a") == made[0]
    assert other.purpose_key("a") == made[0]


def test_processes_do_not_overwrite_each_other(store, tmp_path):
    store.create(ONE)
    first = store.kek(ONE)
    command = [sys.executable, "-c", CHILD, str(tmp_path), str(ONE)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=paths) for _ in range(3)]
    outputs = [child.communicate(timeout=120)[0].strip() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    assert len(set(outputs)) == 1
    assert outputs[0] == store.purpose_key("shared").hex()
    assert store.kek(ONE)[0] == 16
    assert store.kek(ONE, 1) == first
    assert len({store.kek(ONE, version)[1] for version in range(1, 17)}) == 16
