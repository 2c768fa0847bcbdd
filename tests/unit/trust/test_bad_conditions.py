"""The log under bad conditions: killed at every step of an append, a full disk, lost keys, another's log, two keepers."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smalt.kernel.clock import SetClock, SystemClock
from smalt.kernel.errors import Conflict, Failure, Unavailable, Untrusted
from smalt.ledger.envelope import disclose
from smalt.ledger.note import Note, sign
from smalt.seal import files
from smalt.seal.signing import verify
from smalt.trust.journal import JournalWriter
from smalt.trust.keeper import CHECKER, TRUST, Keeper
from smalt.trust.record import RUN, stamp, statement

AT = datetime(2026, 11, 24, tzinfo=UTC)


def made(number: int) -> dict[str, Any]:
    return statement(RUN, {}, {"at": stamp(int(AT.timestamp())), "number": number})


def numbers(keeper: Keeper) -> list[int]:
    """Every statement of the log, each verified; its leaves fit the checkpoint's root."""
    journal = JournalWriter(keeper.data_dir / TRUST)
    assert len(journal.leaves()) == journal.size()
    public = keeper.keys.checker
    return [disclose(entry, public, verify)["predicate"]["number"] for entry in journal.entries()]


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    (tmp_path / "data").mkdir(mode=0o700)
    found = Keeper.open(tmp_path / "data", SystemClock())
    with found.writing() as pen:
        pen.add([made(number) for number in range(254)])  # two more and the first tile is full
    return found


class Killed(BaseException):
    """The process ended here: nothing behind it runs, no clean-up of an OSError either."""


class Steps:
    """Counts what reaches the disk, and fails at the step ``at``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int | None, error: Callable[[], BaseException]) -> None:
        self.count, self.at, self.error = 0, at, error
        for module, name in ((files.os, "open"), (files.os, "write"), (files.os, "fsync"), (Path, "replace")):
            monkeypatch.setattr(module, name, self._counted(getattr(module, name)))

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if real is os.open and not arguments[1] & os.O_CREAT:  # reading
                return real(*arguments, **options)
            self.count += 1
            if self.count - 1 == self.at:
                raise self.error()
            return real(*arguments, **options)

        return step


def steps_of_an_append(keeper: Keeper) -> int:
    """How many steps there are to fail at."""
    copy = keeper.data_dir.with_name("counted")
    shutil.copytree(keeper.data_dir, copy, symlinks=True)
    with pytest.MonkeyPatch.context() as patched:
        steps = Steps(patched, None, Killed)
        with Keeper.open(copy, SystemClock()).writing() as pen:
            pen.add([made(254), made(255), made(256)])
        found = steps.count
    shutil.rmtree(copy)
    return found


def each_step(keeper: Keeper) -> Iterator[int]:
    found = steps_of_an_append(keeper)
    assert found > 25, "the walk does not see the steps"
    yield from range(found)


def test_killed_at_any_step_the_log_is_whole_and_goes_on(keeper: Keeper) -> None:
    grew = 0
    for step in each_step(keeper):
        copy = keeper.data_dir.with_name(f"killed-{step}")
        shutil.copytree(keeper.data_dir, copy)
        with pytest.MonkeyPatch.context() as patched:
            Steps(patched, step, Killed)
            with pytest.raises(Killed), Keeper.open(copy, SystemClock()).writing() as pen:
                pen.add([made(254), made(255), made(256)])
        after = Keeper.open(copy, SystemClock())
        had = numbers(after)
        assert had in (list(range(254)), list(range(257))), f"step {step}: half of it"
        grew += len(had) == 257
        with after.writing() as pen:
            pen.add([made(1000)])
        assert numbers(after) == [*had, 1000]
        size = JournalWriter(copy / TRUST).size()
        journal = JournalWriter(copy / TRUST)
        assert journal.note_of(size).text == journal.note().text
        shutil.rmtree(copy)
    assert grew  # the last steps come after the log has grown


def test_a_full_disk_at_any_step_is_said_and_leaves_nothing_half(keeper: Keeper) -> None:
    for step in each_step(keeper):
        copy = keeper.data_dir.with_name(f"full-{step}")
        shutil.copytree(keeper.data_dir, copy)
        failure: BaseException | None = None
        with pytest.MonkeyPatch.context() as patched:
            Steps(patched, step, lambda: OSError(errno.ENOSPC, "no room"))
            try:
                with Keeper.open(copy, SystemClock()).writing() as pen:
                    pen.add([made(254), made(255), made(256)])
            except (Failure, OSError) as error:  # the lock itself can be what finds no room
                failure = error
        after = Keeper.open(copy, SystemClock())
        had = numbers(after)
        assert had in (list(range(254)), list(range(257))), f"step {step}: half of it"
        if failure is None:  # only what readers of old checkpoints would miss
            assert had == list(range(257))
        else:
            assert isinstance(failure, Unavailable | OSError)
        with after.writing() as pen:
            pen.add([made(1000)])
        assert numbers(after) == [*had, 1000]
        assert not list((copy / TRUST).rglob(".new-*")), "what was half written stays behind"
        shutil.rmtree(copy)


def test_evidence_that_finds_no_room_keeps_the_whole_run_out(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    Steps(monkeypatch, 1, lambda: OSError(errno.ENOSPC, "no room"))
    with keeper.writing() as pen, pytest.raises(Unavailable) as refused:
        pen.journal.put_evidence({"some": "evidence"})
    assert refused.value.code == "trust.disk"
    monkeypatch.undo()
    assert numbers(keeper) == list(range(254))


@pytest.mark.parametrize("lost", [("log.key",), ("checker.key",), ("log.key", "checker.key")])
def test_a_lost_key_is_not_replaced(keeper: Keeper, lost: tuple[str, ...]) -> None:
    for name in lost:
        (keeper.own / name).unlink()
    with pytest.raises(Untrusted) as refused:
        Keeper.open(keeper.data_dir, SystemClock())
    assert refused.value.code == "trust.key_lost"
    assert "Restore the folder `checker`" in refused.value.todo
    assert numbers(keeper) == list(range(254))  # readers go on
    assert [(keeper.own / name).exists() for name in lost] == [False] * len(lost)


def test_a_damaged_key_is_refused(keeper: Keeper) -> None:
    (keeper.own / "log.key").write_bytes(b"short")
    with pytest.raises(Untrusted):
        Keeper.open(keeper.data_dir, SystemClock())


def test_a_log_that_was_put_back_is_not_added_to(keeper: Keeper) -> None:
    older = keeper.data_dir.with_name("older")
    shutil.copytree(keeper.data_dir / TRUST, older)
    with keeper.writing() as pen:
        pen.add([made(254)])
    shutil.rmtree(keeper.data_dir / TRUST)
    older.rename(keeper.data_dir / TRUST)
    refuses(keeper)


def test_a_log_that_another_wrote_at_the_same_size_is_not_added_to(keeper: Keeper) -> None:
    """A fork, with the log's own key: whoever has it, this keeper knows what it wrote."""
    fork = keeper.data_dir.with_name("fork")
    shutil.copytree(keeper.data_dir / TRUST, fork)
    with keeper.writing() as pen:
        pen.add([made(254)])
    key = keeper.keys.log
    JournalWriter(fork).append(
        [b"another entry"], keeper.origin, lambda text: Note(text, (sign(text, key, keeper.log_key.sign),))
    )
    shutil.rmtree(keeper.data_dir / TRUST)
    fork.rename(keeper.data_dir / TRUST)
    refuses(keeper)


def test_a_log_that_is_gone_is_not_begun_anew(keeper: Keeper) -> None:
    shutil.rmtree(keeper.data_dir / TRUST / "log")
    refuses(keeper)


def test_anothers_keys_beside_a_log_are_refused(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    other = Keeper.open(tmp_path / "other", SystemClock())
    shutil.rmtree(keeper.data_dir / CHECKER)
    shutil.copytree(other.own, keeper.own)
    with pytest.raises(Untrusted) as refused:
        Keeper.open(keeper.data_dir, SystemClock())
    assert refused.value.code == "trust.log_forked"


def refuses(keeper: Keeper) -> None:
    with pytest.raises(Untrusted) as refused, keeper.writing() as pen:
        pen.add([made(1000)])
    assert refused.value.code == "trust.log_forked"


def test_a_clock_that_moves_does_not_keep_the_log_from_growing(keeper: Keeper) -> None:
    clock = SetClock(AT)
    moved = Keeper.open(keeper.data_dir, clock)
    for by in (timedelta(0), timedelta(days=-900), timedelta(days=4000)):
        clock.advance(by)
        with moved.writing() as pen:
            pen.state(RUN, {"at": stamp(int(clock.now().timestamp())), "number": 1000})
    assert numbers(moved) == [*range(254), 1000, 1000, 1000]


def _add(data_dir: Path, start: int) -> None:
    own = Keeper.open(data_dir, SystemClock())
    for number in range(start, start + 12):
        with own.writing() as pen:
            pen.add([made(number)])


def test_two_keepers_at_once_take_turns(keeper: Keeper) -> None:
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=_add, args=(keeper.data_dir, start)) for start in (300, 400)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert [one.exitcode for one in both] == [0, 0]
    found = numbers(keeper)[254:]
    assert sorted(found) == [*range(300, 312), *range(400, 412)]
    assert [n for n in found if n < 400] == list(range(300, 312))


def test_a_second_run_waits_its_time_and_then_says_so(keeper: Keeper) -> None:
    waited: list[int] = []
    other = Keeper.open(keeper.data_dir, SystemClock())
    with keeper.running(0.0), pytest.raises(Conflict) as refused, other.running(0.2, lambda: waited.append(1)):
        raise AssertionError("two runs at once")
    assert refused.value.code == "trust.run_under_way"
    assert waited == [1]
    with other.running(0.0, lambda: waited.append(2)):
        assert waited == [1]
