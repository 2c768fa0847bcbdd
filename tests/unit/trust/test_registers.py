"""The registers of vendors and incidents under a moved clock, and what an operator may state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from smalt.kernel.errors import Conflict, Malformed, Missing
from smalt.trust import incidents, stated_registers, statements, status, vendors
from smalt.trust.deployment import deployment
from smalt.trust.record import DEPLOYMENT, INCIDENT, VENDOR, event_of, stamp, statement
from smalt.trust.registry import load

DAY, HOUR = 86_400, 3_600
T0 = int(datetime(2027, 3, 1, tzinfo=UTC).timestamp())
TERMS: dict[str, Any] = {
    "title": "Acme Models", "category": "model", "purpose": "Answers to questions", "data": ["prompts"], "place": "EU",
    "agreement": "Data processing agreement", "until": T0 + 900 * DAY, "hosts": ["api.acme.example"],
}  # fmt: skip


class Log:
    """Statements as the log gives them back."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, made: statements.Stated) -> dict[str, Any]:
        event = event_of(statement(kind, made.subjects, made.predicate), len(self.events))
        self.events.append(event)
        return event

    def begin(self) -> None:
        self.add(DEPLOYMENT, statements.deployed(load(), self.events, T0, organisation="Quill and Sons"))

    def vendor(self, change: str, at: int, name: str = "acme", **terms: Any) -> None:
        given = {**(TERMS if change == "add" else {}), **terms}
        self.add(VENDOR, stated_registers.vendor(self.events, change, name, at, given))

    def opened(self, at: int, **more: Any) -> str:
        given = {"title": "Mail went astray", "text": "A report.", "severity": "low", "personal": "yes", **more}
        return str(self.add(INCIDENT, stated_registers.opened(self.events, at, **given))["incident"])

    def step(self, name: str, state: str, at: int, **more: Any) -> None:
        self.add(INCIDENT, stated_registers.step(self.events, name, state, at, text="What happened.", **more))

    def at(self, now: int, name: str = "acme") -> vendors.Vendor:
        return next(one for one in vendors.register(self.events, now) if one.id == name)


@pytest.fixture
def log() -> Log:
    made = Log()
    made.begin()
    return made


# -- vendors


def test_who_is_there_on_the_first_day_is_in_force_at_once(log: Log) -> None:
    log.vendor("add", T0 + DAY)
    assert log.at(T0 + DAY).state == "active"
    assert vendors.allowed_hosts(log.events, T0 + DAY) == {"api.acme.example"}


def test_a_later_vendor_waits_thirty_days(log: Log) -> None:
    log.vendor("add", T0 + DAY + 1)
    due = T0 + DAY + 1 + 30 * DAY
    assert log.at(due - 1).state == "announced"
    assert vendors.allowed_hosts(log.events, due - 1) == frozenset()
    assert log.at(due).state == "active"
    assert vendors.allowed_hosts(log.events, due) == {"api.acme.example"}


def test_more_hosts_wait_and_fewer_do_not(log: Log) -> None:
    log.vendor("add", T0)
    wider = T0 + 100 * DAY
    log.vendor("change", wider, hosts=["api.acme.example", "eu.acme.example"])
    assert vendors.allowed_hosts(log.events, wider + 30 * DAY - 1) == {"api.acme.example"}
    assert [one.effective_at for one in log.at(wider).pending] == [wider + 30 * DAY]
    assert vendors.allowed_hosts(log.events, wider + 30 * DAY) == {"api.acme.example", "eu.acme.example"}
    log.vendor("change", wider + 40 * DAY, hosts=["eu.acme.example"])
    assert vendors.allowed_hosts(log.events, wider + 40 * DAY) == {"eu.acme.example"}


@pytest.mark.parametrize("wider", [{"place": "US"}, {"purpose": "Search"}, {"data": ["prompts", "documents"]}])
def test_another_place_purpose_or_kind_of_data_waits(log: Log, wider: dict[str, Any]) -> None:
    log.vendor("add", T0)
    at = T0 + 50 * DAY
    log.vendor("change", at, **wider)
    before, after = log.at(at + 30 * DAY - 1).terms, log.at(at + 30 * DAY).terms
    assert (before.place, before.purpose, before.data) == ("EU", "Answers to questions", ("prompts",))
    assert (before.place, before.purpose, before.data) != (after.place, after.purpose, after.data)


def test_an_announcement_can_be_taken_back_and_does_not_return(log: Log) -> None:
    log.vendor("add", T0)
    log.vendor("change", T0 + 50 * DAY, hosts=["api.acme.example", "eu.acme.example"])
    log.vendor("change", T0 + 60 * DAY, hosts=["api.acme.example"])
    assert log.at(T0 + 60 * DAY).pending == ()
    assert vendors.allowed_hosts(log.events, T0 + 100 * DAY) == {"api.acme.example"}


def test_narrowing_an_announcement_keeps_its_date(log: Log) -> None:
    at = T0 + 50 * DAY
    log.vendor("add", at, hosts=["api.acme.example", "eu.acme.example"])
    log.vendor("change", at + 10 * DAY, hosts=["api.acme.example"])
    assert vendors.allowed_hosts(log.events, at + 30 * DAY - 1) == frozenset()
    assert vendors.allowed_hosts(log.events, at + 30 * DAY) == {"api.acme.example"}


def test_removed_at_once_and_announced_anew(log: Log) -> None:
    log.vendor("add", T0)
    log.vendor("remove", T0 + 50 * DAY)
    assert (log.at(T0 + 50 * DAY).state, vendors.allowed_hosts(log.events, T0 + 50 * DAY)) == ("removed", frozenset())
    log.vendor("add", T0 + 60 * DAY)
    assert log.at(T0 + 89 * DAY).state == "announced"
    assert [one.change for one in vendors.notices(log.events, T0 + 99 * DAY)] == ["add", "remove", "add"]


def test_without_an_agreement_nothing_is_sent(log: Log) -> None:
    log.vendor("add", T0)
    end = TERMS["until"]
    assert vendors.allowed_hosts(log.events, end - 1) == {"api.acme.example"}
    assert (log.at(end).state, vendors.allowed_hosts(log.events, end)) == ("lapsed", frozenset())
    log.vendor("change", end + DAY, until=end + 300 * DAY)
    assert log.at(end + DAY).state == "active"


def test_what_was_not_stated_yet_is_not_there(log: Log) -> None:
    log.vendor("add", T0 + 40 * DAY)
    assert vendors.register(log.events, T0 + 40 * DAY - 1) == []


def test_what_cannot_be_stated_of_a_vendor(log: Log) -> None:
    log.vendor("add", T0)
    for wrong in ({"hosts": ["*.acme.example"]}, {"hosts": ["https://acme.example"]}, {"hosts": ["10.0.0.1"]}):
        with pytest.raises(Malformed):
            stated_registers.vendor(log.events, "add", "other", T0, {**TERMS, **wrong})
    with pytest.raises(Malformed, match="vendor_terms"):
        stated_registers.vendor(log.events, "add", "other", T0, {**TERMS, "agreement": ""})
    with pytest.raises(Malformed, match="until"):
        stated_registers.vendor(log.events, "add", "other", T0, {**TERMS, "until": T0})
    with pytest.raises(Conflict, match="vendor_known"):
        stated_registers.vendor(log.events, "add", "acme", T0, TERMS)
    with pytest.raises(Conflict, match="no_change"):
        stated_registers.vendor(log.events, "change", "acme", T0, {"place": "EU"})
    with pytest.raises(Missing):
        stated_registers.vendor(log.events, "change", "other", T0, {"place": "EU"})


# -- incidents


def clock(log: Log, name: str, now: int) -> str:
    return next(one for one in incidents.book(log.events, now).incidents if one.id == name).clock(now)


def test_seventy_two_hours_from_awareness(log: Log) -> None:
    name = log.opened(T0 + 10 * HOUR, detected=T0, aware=T0 + 2 * HOUR)
    due = T0 + 74 * HOUR
    assert clock(log, name, due) == "running"
    assert clock(log, name, due + 1) == "missed"
    assert incidents.book(log.events, due).overdue(due) == []
    assert incidents.book(log.events, due + 1).overdue(due + 1) == [(name, "notice")]


def test_a_notice_in_time_and_one_too_late(log: Log) -> None:
    first, second = log.opened(T0), log.opened(T0)
    log.step(first, "notified", T0 + 72 * HOUR, told="authority")
    log.step(second, "notified", T0 + 72 * HOUR + 1, told="authority")
    now = T0 + 80 * HOUR
    assert (clock(log, first, now), clock(log, second, now)) == ("met", "missed")
    assert incidents.book(log.events, now).overdue(now) == []  # late, and shown as late, but nothing is left to do


def test_telling_customers_does_not_stop_the_clock(log: Log) -> None:
    name = log.opened(T0)
    log.step(name, "notified", T0 + HOUR, told="customers")
    assert clock(log, name, T0 + 73 * HOUR) == "missed"


def test_no_clock_without_personal_data_and_one_while_nobody_knows(log: Log) -> None:
    none, unknown = log.opened(T0, personal="no"), log.opened(T0, personal="unknown")
    assert (clock(log, none, T0 + 99 * HOUR), clock(log, unknown, T0 + 99 * HOUR)) == ("none", "missed")
    log.step(unknown, "update", T0 + 60 * HOUR, told="nobody")
    assert clock(log, unknown, T0 + 99 * HOUR) == "decided"


def test_the_order_of_an_incident(log: Log) -> None:
    name = log.opened(T0)
    with pytest.raises(Conflict, match="not_contained"):
        log.step(name, "closed", T0 + HOUR)
    log.step(name, "triaged", T0 + HOUR)
    log.step(name, "contained", T0 + 2 * HOUR)
    with pytest.raises(Conflict, match="not_notified"):
        log.step(name, "closed", T0 + 3 * HOUR)
    with pytest.raises(Conflict, match="not_closed"):
        log.step(name, "reviewed", T0 + 3 * HOUR)
    log.step(name, "notified", T0 + 3 * HOUR, told="authority")
    log.step(name, "closed", T0 + 4 * HOUR)
    late = T0 + 4 * HOUR + 30 * DAY
    assert incidents.book(log.events, late).overdue(late) == []
    assert incidents.book(log.events, late + 1).overdue(late + 1) == [(name, "review")]
    log.step(name, "reviewed", late + 2)
    found = incidents.book(log.events, late + 2)
    assert (found.incidents[0].state, found.overdue(late + 2)) == ("reviewed", [])
    with pytest.raises(Conflict, match="incident_over"):
        log.step(name, "contained", late + 3)


def test_times_that_cannot_be(log: Log) -> None:
    for wrong in ({"detected": T0 + 1}, {"detected": T0, "aware": T0 - 1}):
        with pytest.raises(Malformed):
            stated_registers.opened(log.events, T0, title="a", text="b", severity="low", personal="no", **wrong)
    name = log.opened(T0)
    with pytest.raises(Malformed):
        log.step(name, "triaged", T0, when=T0 - 1)
    with pytest.raises(Malformed):
        stated_registers.drill(T0, text="a", when=T0 - 32 * DAY)


def test_a_drill_is_due_every_year(log: Log) -> None:
    year = T0 + 366 * DAY
    assert incidents.book(log.events, year).overdue(year) == []
    assert incidents.book(log.events, year + 1).overdue(year + 1) == [("", "drill")]
    log.add(INCIDENT, stated_registers.drill(T0 + 300 * DAY, text="A rehearsal."))
    later = T0 + 666 * DAY
    assert incidents.book(log.events, later).overdue(later) == []
    assert incidents.book(log.events, later + 1).overdue(later + 1) == [("", "drill")]


def test_nothing_recorded() -> None:
    empty = incidents.book([], T0)
    assert (empty.incidents, empty.drills, empty.overdue(T0), empty.plain(T0)["drill_due_at"]) == ((), (), [], None)


# -- attestations, withdrawals, the deployment


def of_kind(kind: str) -> str:
    return next(claim.id for claim in load() if claim.kind == kind)


def state_of(log: Log, name: str, now: int) -> str:
    return status.verdict(load()[name].stated(), status.folded(log.events, now), now).state


SIGNED: dict[str, Any] = {"by": "Ada Quill", "role": "Head of security", "until": T0 + 90 * DAY, "text": "I looked."}


def test_nobody_speaks_for_a_check_or_for_a_plan() -> None:
    for kind in ("verified", "planned"):
        with pytest.raises(Conflict, match="not_attestable"):
            statements.attestation(load(), of_kind(kind), T0, **SIGNED)
    with pytest.raises(Missing):
        statements.attestation(load(), "no.such", T0, **SIGNED)


def test_an_attestation_holds_until_its_end_and_a_withdrawal_ends_it() -> None:
    registry, log, name = load(), Log(), of_kind("attested")
    log.add("urn:smalt:trust:attestation:v1", statements.attestation(registry, name, T0, **SIGNED))
    if not registry[name].checks:
        assert state_of(log, name, SIGNED["until"] - 1) == "attested"
    assert state_of(log, name, SIGNED["until"]) == "expired"
    log.add("urn:smalt:trust:withdrawal:v1", statements.withdrawal(registry, name, T0 + DAY, reason="It was wrong."))
    assert state_of(log, name, T0 + DAY) == "withdrawn"


def test_a_contract_names_party_and_day() -> None:
    name = of_kind("contract")
    with pytest.raises(Malformed, match="agreement"):
        statements.attestation(load(), name, T0, **SIGNED)
    made = statements.attestation(load(), name, T0, **SIGNED, party="Acme Models", agreed=T0 - DAY)
    assert made.predicate["agreed"] == stamp(T0 - DAY)
    with pytest.raises(Malformed, match="agreement"):
        statements.attestation(load(), of_kind("attested"), T0, **SIGNED, party="Acme", agreed=T0)


@pytest.mark.parametrize("wrong", [{"until": T0}, {"until": T0 + 367 * DAY}, {"by": " "}, {"text": "a\x00b"}])
def test_what_cannot_be_attested(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        statements.attestation(load(), of_kind("attested"), T0, **{**SIGNED, **wrong})


def test_a_deployment_keeps_what_is_not_said_again(log: Log) -> None:
    registry = load()
    first = deployment(log.events)
    assert first is not None
    assert first.features == statements.parts(registry)  # nothing disappears because nobody spoke of it
    said = statements.deployed(
        registry, log.events, T0 + 1, contacts={"security": "security@example.com"}, features=["none"]
    )
    log.add(DEPLOYMENT, said)
    now = deployment(log.events)
    assert now is not None
    assert (now.organisation, now.contacts, now.features) == (
        "Quill and Sons", {"security": "security@example.com"}, (),
    )  # fmt: skip
    for wrong in ("security", "http://example.com", "javascript:alert(1)", "a b@example.com"):
        with pytest.raises(Malformed, match="contact"):
            statements.deployed(registry, log.events, T0, contacts={"security": wrong})
    with pytest.raises(Malformed, match="feature"):
        statements.deployed(registry, log.events, T0, features=["no-such-part"])
