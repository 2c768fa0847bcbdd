"""The feed of the register's changes, as Atom (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from smalt.trust.record import stamp
from smalt.trust.vendors import NOTICE_S, REMOVE, Notice

_SPACE = "http://www.w3.org/2005/Atom"


def told(notice: Notice) -> str:
    """What the notice says, in words."""
    made = notice.terms
    if notice.change == REMOVE or made is None:
        return (
            f"{notice.name} was taken out of the register on {stamp(notice.at)[:10]}. Nothing is sent there any more."
        )
    hosts = ", ".join(made.hosts) or "none"
    ahead = " Customers may object until then." if made.effective_at > made.announced_at else ""
    return (
        f"Purpose: {made.purpose}. Data: {', '.join(made.data)}. Place: {made.place}. Agreement: {made.agreement}, until "
        f"{stamp(made.agreement_until - 1)[:10]}. Hosts: {hosts}. Announced on {stamp(made.announced_at)[:10]}, in force from "
        f"{stamp(made.effective_at)[:10]} on.{ahead}"
    )


def atom(base: str, publisher: str, notices: Sequence[Notice], begun_at: int) -> str:
    """The whole feed, newest first. ``base``: ``https://host``; ``begun_at``: its time while nothing has changed yet."""
    page, own = f"{base}/trust/subprocessors", f"{base}/trust/subprocessors.atom"
    updated = max((one.at for one in notices), default=begun_at)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="{_SPACE}" xml:lang="en">',
        f"<id>{escape(own)}</id>",
        "<title>Sub-processors</title>",
        f"<subtitle>Changes of the register, {NOTICE_S // 86_400} days before they are in force</subtitle>",
        f"<updated>{stamp(updated)}</updated>",
        f"<author><name>{escape(publisher)}</name></author>",
        f'<link rel="self" type="application/atom+xml" href="{escape(own)}"/>',
        f'<link rel="alternate" type="text/html" href="{escape(page)}"/>',
        "<generator>Smalt</generator>",
    ]
    for one in notices:
        lines += [
            "<entry>",
            f"<id>{escape(page)}#entry-{one.entry}</id>",
            f"<title>{escape(one.title)}</title>",
            f"<published>{stamp(one.at)}</published>",
            f"<updated>{stamp(one.at)}</updated>",
            f'<link rel="alternate" type="text/html" href="{escape(page)}#entry-{one.entry}"/>',
            f'<category term="{escape(one.change)}"/>',
            f'<content type="text">{escape(told(one))}</content>',
            "</entry>",
        ]
    return "\n".join([*lines, "</feed>", ""])
