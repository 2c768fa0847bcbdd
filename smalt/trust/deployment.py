"""Who runs this installation, where, and whom to write to: the newest deployment statement of the log. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smalt.trust.record import stamp

CONTACTS = ("security", "privacy", "sales")


@dataclass(frozen=True, slots=True)
class Deployment:
    """As an operator stated it at ``at`` (Unix seconds), in entry ``index`` of the log. What was not said is empty."""

    organisation: str
    provider: str
    region: str
    contacts: Mapping[str, str]
    features: tuple[str, ...]
    at: int
    index: int

    def plain(self) -> dict[str, Any]:
        return {
            "organisation": self.organisation,
            "provider": self.provider,
            "region": self.region,
            "contacts": dict(self.contacts),
            "features": list(self.features),
            "stated_at": stamp(self.at),
            "entry": self.index,
        }


def deployment(events: Iterable[Mapping[str, Any]]) -> Deployment | None:
    """The newest statement; None while nobody has made one."""
    found = None
    for event in events:
        if event["kind"] == "deployment":
            found = event
    if found is None:
        return None
    told = found.get("contacts", {})
    return Deployment(
        str(found.get("organisation", "")),
        str(found.get("provider", "")),
        str(found.get("region", "")),
        {name: str(told[name]) for name in CONTACTS if told.get(name)},
        tuple(found["features"]),
        found["at"],
        found["index"],
    )


def uri(contact: str) -> str:
    """``contact`` as a link: an e-mail address as ``mailto:``, a web address as it is."""
    return contact if contact.startswith("https://") else f"mailto:{contact}"
