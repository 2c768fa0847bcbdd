"""The cases and the suite, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from smalt.store.drill import administer
from smalt.trust.checks import all_checks
from smalt.trust.sabotage import suite
from smalt.trust.sabotage.case import Break, Case
from smalt.trust.sabotage.cases import all_cases
from smalt.trust.sabotage.suite import Report, Tried, chosen


def test_every_check_has_a_case_and_every_case_a_check() -> None:
    breaks = {one.check for one in all_cases().values() if not one.harmless}
    assert set(all_checks()) - breaks == {suite.ITSELF}
    assert breaks - set(all_checks()) == set()


def test_every_break_breaks_something() -> None:
    for one in all_cases().values():
        made = one.make()
        assert made.preamble or made.sql or made.act or made.environment, one.name


def test_a_break_does_not_choose_on_which_data_it_works() -> None:
    for name in ("SMALT_DATA_DIR", "SMALT_DATABASE_URL", "SMALT_DATABASE_ADMIN_URL", "SMALT_PORT"):
        with pytest.raises(TypeError):
            Break(environment={name: "x"})


def test_statements_reach_no_database_outside_the_folder_of_the_throwaway(tmp_path: Path) -> None:
    for host in ("/var/run/postgresql", "db.example.com", str(tmp_path / "other" / "socket")):
        with pytest.raises(RuntimeError):
            administer(f"host={host} user=postgres", tmp_path / "mine", "select 1")


def test_cases_are_chosen_by_check_and_by_name() -> None:
    cases = {one.name: one for one in (Case("a.b", "x", Break), Case("a.b", "y", Break), Case("c.d", "z", Break))}
    assert [one.what for one in chosen(cases, [])] == ["x", "y", "z"]
    assert [one.what for one in chosen(cases, ["a.b"])] == ["x", "y"]
    assert [one.what for one in chosen(cases, ["c.d: z", "c.d"])] == ["z"]
    with pytest.raises(KeyError):
        chosen(cases, ["e.f"])


def test_only_a_whole_kill_is_whole() -> None:
    one, harmless = Case("a.b", "x", Break), Case("a.b", "y", Break, harmless=True)

    def report(*tried: Tried) -> Report:
        return Report((), tried)

    assert report(Tried(one, "killed", "failed", "", 0), Tried(harmless, "quiet", "passed", "", 0)).whole
    assert not report(Tried(one, "survived", "inconclusive", "", 0)).whole
    assert not report(Tried(one, "killed", "failed", "", 0), Tried(harmless, "alarmed", "failed", "", 0)).whole
    assert not report(Tried(harmless, "quiet", "passed", "", 0)).whole
    assert (
        report(Tried(one, "killed", "failed", "", 0), Tried(one, "survived", "passed", "", 0)).plain()["kill_rate"]
        == 0.5
    )
