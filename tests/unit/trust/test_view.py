"""The view: what may be said, read from a log that grows, and nothing from one that does not fit its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from smalt.kernel.errors import Unavailable, Untrusted
from smalt.ledger import tiles
from smalt.trust import status
from smalt.trust.journal import Journal, damaged
from smalt.trust.view import Trust, sentence
from tests.unit.trust.logs import HOUR, NOW, Log, attested, claim, result

ONE, TWO = claim("enc.one"), claim("enc.two")
OWN = claim("data.own", kind="contract", checks=(), fresh_for="")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def states(trust: Trust, now: int = NOW) -> list[str]:
    return [one.verdict.state for one in trust.view(now).claims]


def test_before_the_first_run_nothing_holds(log: Log) -> None:
    view = log.trust([ONE]).view(NOW)
    assert (view.size, view.holding, view.due) == (0, 0, 1)
    assert sentence(view) == "Nothing is proved yet: no check has run here."


def test_the_line_counts_and_names_the_only_exception(log: Log) -> None:
    claims = [
        ONE,
        TWO,
        claim("comp.x", kind="planned", planned_for=date(2027, 1, 1), checks=()),
    ]
    trust = log.trust(claims)
    log.add(result(TWO, NOW - 4 * HOUR), result(ONE, NOW - HOUR))
    assert sentence(trust.view(NOW)) == "1 of 2 claims hold; one is stale since 08:12. One is planned."
    assert sentence(trust.view(NOW - 2 * HOUR)) == "1 of 2 claims hold; one is inconclusive. One is planned."
    log.add(result(ONE, NOW, "failed", "Did not hold: it is so."))
    assert sentence(trust.view(NOW)) == "0 of 2 claims hold; one is failing, one is stale. One is planned."


def test_what_is_folded_as_the_log_grows_is_what_is_folded_at_once(log: Log) -> None:
    claims = [ONE, TWO, OWN]
    growing = log.trust(claims)
    for at, made in [
        (NOW, result(ONE, NOW)),
        (NOW, attested(OWN, NOW - HOUR, NOW + HOUR)),
        (NOW, result(TWO, NOW - HOUR, "failed", "x")),
        (NOW, result(TWO, NOW - 2 * HOUR)),  # older than what was read before: it does not mend the failure
        (NOW, result(ONE, NOW + HOUR, "failed", "later")),  # dated later: it does not count yet
        (NOW + 2 * HOUR, result(TWO, NOW + 2 * HOUR)),
    ]:
        log.add(made)
        view = growing.view(at)
        assert {one.claim.id: one.verdict for one in view.claims} == status.verdicts(
            [one.stated() for one in claims], view.events, at
        )
        assert [one.verdict for one in log.trust(claims).view(at).claims] == [one.verdict for one in view.claims]


def test_a_view_says_until_when_it_is_so(log: Log) -> None:
    trust = log.trust([ONE])
    log.add(result(ONE, NOW))
    view = trust.view(NOW + 3 * HOUR - 10)
    assert view.good_until == NOW + 3 * HOUR
    assert (view.claims[0].verdict.state, view.claims[0].verdict.then) == ("verified", "stale")
    assert trust.view(NOW + 5).good_until == NOW + 60


def test_the_present_is_kept_while_nothing_changes(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [NOW]
    monkeypatch.setattr("smalt.trust.view.time.time", lambda: clock[0])
    trust = log.trust([ONE])
    log.add(result(ONE, NOW - 3 * HOUR + 7))
    first = trust.view()
    clock[0] += 6
    assert trust.view() is first
    clock[0] += 1
    assert trust.view().claims[0].verdict.state == "stale"
    log.add(result(ONE, NOW))
    assert trust.view().claims[0].verdict.state == "verified"


def _tile(log: Log, change: Any) -> None:
    size = log.journal.size()
    path, _, _ = list(tiles.entry_tiles(size))[-1]
    file = log.journal.log / path
    entries = tiles.unpack_entries(file.read_bytes())
    file.write_bytes(tiles.pack_entries(change(entries)))


@pytest.mark.parametrize(
    "change", [lambda found: [found[0], found[0]], lambda found: found[::-1], lambda found: [found[0], b"{}"]]
)
def test_an_entry_that_was_put_in_place_of_another_ends_all_saying(log: Log, change: Any) -> None:
    claims = [ONE]
    log.add(result(ONE, NOW - HOUR), result(ONE, NOW, "failed", "x"))
    assert states(log.trust(claims)) == ["failing"]
    _tile(log, change)
    with pytest.raises(Untrusted) as raised:
        log.trust(claims).view(NOW)
    assert raised.value.code == "trust.log_damaged"


def test_what_could_not_be_read_whole_is_read_whole_later(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = log.trust([ONE])
    log.add(result(ONE, NOW - HOUR))
    assert states(trust) == ["verified"]
    log.add(result(ONE, NOW, "failed", "x"), result(ONE, NOW, "inconclusive", "y"))
    whole = type(trust.journal).entries

    def cut_off(journal: Journal, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        yield next(whole(journal, start, end))
        raise damaged()

    with monkeypatch.context() as patched:
        patched.setattr(type(trust.journal), "entries", cut_off)
        with pytest.raises(Untrusted):
            trust.view(NOW)
    assert states(trust) == ["failing"]


def test_nobody_waits_long_for_another_reader(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smalt.trust.view.PATIENCE_S", 0.01)
    trust = log.trust([ONE])
    with trust._alone(), pytest.raises(Unavailable) as raised:
        trust.view()
    assert (raised.value.code, raised.value.retry_after_s) == ("trust.reading", 5)
    assert trust.view().size == 0


def test_the_past_that_is_kept_is_the_past(log: Log) -> None:
    claims = [ONE, TWO, OWN]
    trust = log.trust(claims)
    log.add(attested(OWN, NOW - 9 * HOUR, NOW - HOUR))
    log.add(*[result(ONE, NOW - at * HOUR, "failed" if at == 5 else "passed", "x") for at in (9, 8, 5, 4)])
    log.add(result(TWO, NOW - 6 * HOUR), result(ONE, NOW - 7 * HOUR))  # dated back: it bounds what came before
    for at in (NOW - 4 * HOUR, NOW - 4 * HOUR + 60, NOW - HOUR, NOW, NOW + 60, NOW - HOUR):
        view = trust.view(at)
        for one in claims:
            assert view.history(one.id) == status.history(one.stated(), view.events, at)
    log.add(result(TWO, NOW))
    assert [change.state for change in trust.view(NOW).history("enc.two")] == ["verified", "stale", "verified"]


def test_a_log_that_was_replaced_is_read_anew(log: Log, tmp_path: Path) -> None:
    claims = [ONE]
    trust = log.trust(claims)
    log.add(result(ONE, NOW), result(ONE, NOW))
    assert states(trust) == ["verified"]
    other = Log(tmp_path / "other")
    other.add(*[result(ONE, NOW, "failed", "x")] * 3)
    for path in sorted(other.journal.folder.rglob("*")):
        if path.is_file():
            to = log.journal.folder / path.relative_to(other.journal.folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(path.read_bytes())
    assert states(trust) == ["failing"]
