"""Statements about vendors and incidents, checked before they are signed (see `smalt.trust.statements`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from smalt.kernel.errors import Conflict, Missing
from smalt.trust import incidents, vendors
from smalt.trust.record import stamp
from smalt.trust.statements import Stated, about, bad, host, line, words

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
_LISTED_MAX = 20
Events = Sequence[Mapping[str, Any]]


def vendor(events: Events, change: str, name: str, now: int, given: Mapping[str, Any]) -> Stated:
    """Add vendor ``name``, or change what is said of it. What ``given`` leaves out stays as it was (None, or empty).

    ``given``: title, category, purpose, place, agreement (text), until (Unix seconds), data, hosts (sequences).
    `Conflict` when it is added twice, `Missing` when it is not there to be changed.
    """
    if _SLUG.fullmatch(name) is None:
        raise bad("trust.vendor_name", "A vendor is named by 3 to 40 of a-z, 0-9 and hyphens.", what=name)
    known = next((one for one in vendors.register(events, now) if one.id == name and one.state != "removed"), None)
    if change == vendors.ADD and known is not None:
        raise about(
            Conflict("trust.vendor_known", "This vendor is in the register.", todo="Use `smalt trust vendor change`."),
            name,
        )
    if change != vendors.ADD and known is None:
        raise about(_no_vendor(), name)
    if change == vendors.REMOVE:
        return Stated({"at": stamp(now), "change": change, "vendor": name}, {})
    newest = None if known is None else known.history[-1].plain()
    predicate = {"at": stamp(now), "change": change, "vendor": name, **_terms(given, newest, now)}
    if newest is not None and all(newest[key] == predicate[_AS_STATED.get(key, key)] for key in _SAID):
        raise about(Conflict("trust.no_change", "This is what the register says already."), name)
    return Stated(predicate, {})


_AS_STATED = {"agreement_until": "until"}
_SAID = ("name", "category", "purpose", "data", "place", "agreement", "agreement_until", "hosts")


def _no_vendor() -> Missing:
    return Missing(
        "trust.no_vendor", "There is no such vendor.", kept="Nothing was stated.", todo="`smalt trust vendor list`."
    )


def _terms(given: Mapping[str, Any], newest: Mapping[str, Any] | None, now: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, option in (("name", "title"), ("purpose", "purpose"), ("place", "place"), ("agreement", "agreement")):
        if given.get(option):
            found[key] = line(given[option], f"--{'name' if option == 'title' else option}")
    if given.get("category"):
        found["category"] = given["category"]
    if given.get("data"):
        found["data"] = sorted({line(one, "--data") for one in given["data"]})
    if given.get("hosts"):
        plain = [] if list(given["hosts"]) == ["none"] else given["hosts"]
        found["hosts"] = sorted({host(one) for one in plain})
    if given.get("until") is not None:
        if given["until"] <= now:
            raise bad("trust.until", "The agreement has ended.", "Name one that still runs.", "--until")
        found["until"] = stamp(given["until"])
    if newest is not None:
        found = {_AS_STATED.get(key, key): newest[key] for key in _SAID} | found
    elif given.get("category") == "infrastructure":
        found.setdefault("hosts", [])
    needed = {"name", "category", "purpose", "data", "place", "agreement", "until", "hosts"} - set(found)
    if needed:
        raise bad("trust.vendor_terms", "The register says all of this of a vendor.", what=", ".join(sorted(needed)))
    if max(len(found["data"]), len(found["hosts"])) > _LISTED_MAX:
        raise bad("trust.too_many", "At most 20 hosts and 20 kinds of data are named.")
    return found


def opened(
    events: Events,
    now: int,
    *,
    title: str,
    text: str,
    severity: str,
    personal: str,
    detected: int | None = None,
    aware: int | None = None,
) -> Stated:
    """A new incident. ``aware`` (when the 72 hours began) is ``detected`` unless given; both are ``now`` at the latest."""
    detected = now if detected is None else detected
    aware = detected if aware is None else aware
    if not detected <= aware <= now:
        raise bad(
            "trust.incident_times", "It was detected before anybody was aware of it, and both before now.",
            what="--detected, --aware",
        )  # fmt: skip
    year = datetime.fromtimestamp(now, UTC).year
    return Stated(
        {
            "at": stamp(now), "incident": incidents.next_id(events, year), "step": "detected",
            "title": line(title, "--title"), "text": words(text, "--text"), "severity": severity, "personal": personal,
            "when": stamp(detected), "aware": stamp(aware),
        },
        {},
    )  # fmt: skip


def _known(events: Events, name: str, now: int) -> incidents.Incident:
    for one in incidents.book(events, now).incidents:
        if one.id == name:
            return one
    raise about(
        Missing(
            "trust.no_incident", "There is no such incident.", kept="Nothing was stated.", todo="/trust/incidents lists all."
        ),
        name,
    )  # fmt: skip


def step(events: Events, name: str, state: str, now: int, *, text: str, when: int | None = None, **more: str) -> Stated:
    """The incident moved on to ``state``, or, with ``update``, is only told more of. ``more``: told, personal, severity.

    `Conflict` for a step that cannot come yet: closing before it was contained or, where personal data is concerned,
    before the authority was told or the reason recorded why not; a review before it was closed.
    """
    known, when = _known(events, name, now), now if when is None else when
    if not known.detected_at <= when <= now:
        raise bad("trust.when", "That lies before the incident was detected, or ahead.", what="--when")
    personal = more.get("personal") or known.personal
    if state in incidents.STATES:
        _require_next(known, state, personal)
    elif state != "update":
        raise bad("trust.state", "There is no such state.", what=state)
    predicate = {"at": stamp(now), "incident": name, "step": state, "text": words(text, "--text"), "when": stamp(when)}
    return Stated({**predicate, **{key: value for key, value in more.items() if value}}, {})


def _require_next(known: incidents.Incident, state: str, personal: str) -> None:
    told = any(one.told in {"authority", "nobody"} for one in known.steps)
    if known.state == "reviewed":
        raise Conflict("trust.incident_over", "This incident was closed and reviewed.", kept="Nothing was stated.")
    if known.state == "closed" and state != "reviewed":
        raise Conflict(
            "trust.incident_closed", "This incident is closed.", kept="Nothing was stated.",
            todo="Review it, or open a new one that names it.",
        )  # fmt: skip
    if state == "closed" and known.reached("contained") is None:
        raise Conflict(
            "trust.not_contained", "It cannot be closed before it was contained.", kept="Nothing was stated.",
            todo="`smalt trust incident update --state contained`.",
        )  # fmt: skip
    if state == "closed" and personal != "no" and not told:
        raise Conflict(
            "trust.not_notified", "Personal data is or may be concerned, and the authority was not told.",
            kept="Nothing was stated.",
            todo="`smalt trust incident notify --to authority`, or `--to nobody` with the reason why no notice is due.",
        )  # fmt: skip
    if state == "reviewed" and known.state != "closed":
        raise Conflict("trust.not_closed", "It is reviewed once it is closed.", kept="Nothing was stated.")


def drill(now: int, *, text: str, when: int | None = None) -> Stated:
    """A rehearsal was held at ``when``, a month ago at the most: what is long past is not entered as if it had been noted."""
    when = now if when is None else when
    if not now - 31 * vendors.DAY_S <= when <= now:
        raise bad("trust.drill_when", "A drill is recorded within 31 days.", what="--when")
    return Stated(
        {"at": stamp(now), "incident": "", "step": "drill", "text": words(text, "--text"), "when": stamp(when)}, {}
    )
