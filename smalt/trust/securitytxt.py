"""``security.txt`` (RFC 9116), from the deployment statement: no contact, no file. Never a made-up address."""

from __future__ import annotations

from smalt.kernel.errors import Missing
from smalt.trust.deployment import Deployment, uri
from smalt.trust.record import stamp

DAY_S = 86_400
AHEAD_S = 90 * DAY_S
CONTACT_S = 365 * DAY_S
"""How long a stated contact counts: one that nobody has confirmed for a year is not handed out as if it answered."""

PATH = "/.well-known/security.txt"
POLICY = "/trust/disclosure"


def security_txt(base: str, stated: Deployment | None, now: int) -> str:
    """The file. It expires 90 days ahead (at midnight UTC), but never later than a year after the contact was stated.

    `Missing`, with the reason, while no contact is stated or the statement is older than that.
    """
    contact = "" if stated is None else stated.contacts.get("security", "")
    if stated is None or not contact:
        raise Missing(
            "trust.no_contact",
            "No security contact has been stated for this installation.",
            todo="The operator states one with `smalt trust deployment state --contact-security`.",
        )
    expires = min((now + AHEAD_S) // DAY_S * DAY_S, stated.at + CONTACT_S)
    if expires <= now:
        raise Missing(
            "trust.old_contact",
            "The security contact was stated more than a year ago, and nobody has confirmed it since.",
            todo="The operator states it again with `smalt trust deployment state`.",
        )
    lines = [
        f"Contact: {uri(contact)}",
        f"Expires: {stamp(expires)}",
        "Preferred-Languages: en",
        f"Canonical: {base}{PATH}",
        f"Policy: {base}{POLICY}",
    ]
    return "\n".join(lines) + "\n"
