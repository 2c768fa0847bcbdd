"""Whether the roadmap is derived: its lists are read as a visitor reads them, and made anew from the public log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import httpx

from smalt.ledger import tiles
from smalt.ledger.envelope import BadEnvelope, disclose
from smalt.ledger.note import Checkpoint, Note
from smalt.seal.signing import verify
from smalt.trust import status
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.journal import Journal
from smalt.trust.keeper import TRUST
from smalt.trust.record import BadStatement, event_of
from smalt.trust.target import Target

BELONGS = {
    "verified": "production", "contract": "production", "attested": "production",
    "failing": "hardening", "stale": "hardening", "inconclusive": "hardening", "expired": "hardening",
    "planned": "planned", "overdue": "planned",
}  # fmt: skip
"""Said once more on purpose: the page does not decide what this check expects of it."""


@check("roadmap.derived", every="hour", deadline_s=60)
def derived(target: Target, found: Findings) -> None:
    """Reads the roadmap's lists and dates, computes the state of every claim from the public log alone, and compares them.

    Control: the same comparison sees an entry that was moved to another list, one that was left out, and another date.
    """
    with target.client() as stranger:
        shown = Shown.read(_page(stranger, "/trust/roadmap").text)
        claims = _page(stranger, "/trust/claims.json").json()["claims"]
        events = _events(stranger, target, shown.size)
    states = {name: one.state for name, one in status.verdicts(claims, events, shown.now).items()}
    expected = {name: BELONGS[state] for name, state in states.items() if state in BELONGS}
    dates = {one["id"]: one["planned_for"] for one in claims if states[one["id"]] == "planned"}
    for name in ("production", "hardening", "planned"):
        wrong = different(shown.lists, expected, name)
        found.probe(f"list: {name}", not wrong, listed=len(shown.of(name)), wrong=wrong[:5])
    found.probe("every planned claim has its date", shown.dates == dates, planned=len(dates))
    found.probe("there are claims", len(claims) > 0, claims=len(claims), entries=len(events), now=shown.now)
    first = next(iter(expected), "")
    found.control("a moved entry is seen", first and _sees({**shown.lists, first: "elsewhere"}, expected))
    found.control("a missing entry is seen", first and _sees({**shown.lists, first: ""}, expected))
    found.control("another date is seen", not dates or shown.dates != {**dates, next(iter(dates)): 0})


class Shown(HTMLParser):
    """The page as its reader has it. ``lists``: claim → list; ``dates``: claim → Unix seconds, of the planned ones."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.size = 0
        self.lists: dict[str, str] = {}
        self.dates: dict[str, int] = {}
        self._inside = ""

    @classmethod
    def read(cls, text: str) -> Shown:
        """`Unclear` for a page that does not say of which moment it is."""
        page = cls()
        page.feed(text)
        if not page.now:
            raise Unclear("The roadmap does not say of which moment it is.")
        return page

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if "data-now" in has:
            self.now, self.size = int(has["data-now"]), int(has.get("data-size", "0"))
        if tag == "ul":
            self._inside = has.get("data-list", "")
        if tag == "li" and self._inside and "data-claim" in has:
            name = has["data-claim"]
            self.lists[name] = "twice" if name in self.lists else self._inside
            if has.get("data-state") == "planned":
                self.dates[name] = int(has.get("data-until") or 0)

    def handle_endtag(self, tag: str) -> None:
        if tag == "ul":
            self._inside = ""

    def of(self, name: str) -> list[str]:
        """The claims that list ``name`` shows."""
        return [claim for claim, inside in self.lists.items() if inside == name]


def different(shown: Mapping[str, str], expected: Mapping[str, str], name: str) -> list[str]:
    """The claims that stand in list ``name`` and do not belong there, or belong there and do not stand in it."""
    return sorted(claim for claim in {*shown, *expected} if (shown.get(claim) == name) != (expected.get(claim) == name))


def _sees(shown: Mapping[str, str], expected: Mapping[str, str]) -> bool:
    return any(different(shown, expected, name) for name in set(expected.values()))


def _page(stranger: httpx.Client, path: str) -> httpx.Response:
    reply = stranger.get(path, headers={"accept": "text/html, application/json;q=0.9"})
    if reply.status_code != httpx.codes.OK:
        raise Unclear(f"{path} was answered with {reply.status_code}.")
    return reply


def _events(stranger: httpx.Client, target: Target, size: int) -> list[dict[str, Any]]:
    """The first ``size`` entries of the public log, each signature checked."""
    if not size:
        return []
    keys = Journal(target.data_dir / TRUST).keys()
    note = Note.parse(_page(stranger, "/trust/log/checkpoint").text)
    stated = Checkpoint.parse(note.text)
    if not note.signed_by(keys.log, verify) or stated.size < size:
        raise Unclear("The log's checkpoint does not hold, or is older than the page.")
    entries: list[bytes] = []
    for path, _, _ in tiles.entry_tiles(stated.size):
        entries += tiles.unpack_entries(_page(stranger, f"/trust/log/{path}").content)
    try:
        return [event_of(disclose(entry, keys.checker, verify), at) for at, entry in enumerate(entries[:size])]
    except (BadEnvelope, BadStatement):
        raise Unclear("An entry of the log is not the checker's.") from None
