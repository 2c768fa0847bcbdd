"""What an operator states in public, checked before it is signed: free text is public, and no check's work is taken over.

Each function gives the predicate of one statement (`smalt.trust.record`) or raises `Malformed`, `Missing` or `Conflict`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from smalt.kernel.errors import Conflict, Failure, Malformed, Missing
from smalt.trust.deployment import CONTACTS, deployment
from smalt.trust.record import stamp
from smalt.trust.registry import Claim, Registry

LINE_MAX, TEXT_MAX = 300, 4_000
DAY_S = 86_400
ATTESTED_MAX_S = 366 * DAY_S
CONTRACT_MAX_S = 3_660 * DAY_S
_HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63}")
_WEB = re.compile(r"https://[a-z0-9.-]{4,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%+?=&#-]{0,200})?")


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement that is ready to be signed: its predicate, and the digests of what it is about."""

    predicate: Mapping[str, Any]
    subjects: Mapping[str, str]


def about(failure: Failure, what: str) -> Failure:
    """``failure`` with the option or name it is about, for the person at the machine."""
    failure.add_note(what)
    return failure


def bad(code: LiteralString, happened: LiteralString, todo: LiteralString = "", what: str = "") -> Failure:
    failure = Malformed(code, happened, kept="Nothing was stated.", todo=todo)
    return about(failure, what) if what else failure


def line(text: str, what: str) -> str:
    """``text`` as one printable line; `Malformed` when it is empty, too long or more than that."""
    plain = " ".join(text.split())
    if not plain or len(plain) > LINE_MAX or not plain.isprintable():
        raise bad("trust.line", "This must be one line of text, not empty and not too long.", what=what)
    return plain


def words(text: str, what: str) -> str:
    """``text`` as printable paragraphs."""
    plain = text.strip().replace("\r\n", "\n")
    if not plain or len(plain) > TEXT_MAX or not all(char.isprintable() or char == "\n" for char in plain):
        raise bad("trust.text", "This must be printable text, not empty and not too long.", what=what)
    return plain


def host(text: str) -> str:
    """A host name as it stands in a certificate, in lower case. No scheme, no port, no wildcard, no address."""
    plain = text.strip().lower()
    if _HOST.fullmatch(plain) is None:
        raise bad("trust.host", "This is not the name of a host.", "Write it like api.example.com.", text)
    return plain


def contact(text: str, what: str) -> str:
    """An e-mail address or an https address."""
    plain = text.strip()
    if _MAIL.fullmatch(plain) is None and _WEB.fullmatch(plain) is None:
        raise bad("trust.contact", "A contact is an e-mail address or an https address.", what=what)
    return plain


def _claim(registry: Registry, name: str) -> Claim:
    if name not in registry.claims:
        raise about(Missing("trust.no_claim", "There is no such claim.", todo="`smalt trust status` lists them."), name)
    return registry[name]


def attestation(
    registry: Registry,
    name: str,
    now: int,
    *,
    by: str,
    role: str,
    until: int,
    text: str,
    document: str = "",
    party: str = "",
    agreed: int | None = None,
) -> Stated:
    """A person answers for claim ``name`` until ``until``. ``document``: SHA-256 of what they rely on.

    For a contract ``party`` and ``agreed`` (the day it was signed) belong to it. `Conflict` for claims that checks
    prove and that no person may speak for.
    """
    claim = _claim(registry, name)
    if claim.kind not in {"attested", "contract"}:
        raise about(
            Conflict(
                "trust.not_attestable",
                "Nobody can answer for this claim: it holds only by what its checks find, or when its feature is there.",
                kept="Nothing was stated.",
                todo="`smalt trust run` runs its checks.",
            ),
            name,
        )
    contract = claim.kind == "contract"
    if contract != bool(party) or contract != (agreed is not None):
        raise bad(
            "trust.agreement",
            "A contract needs its party and the day it was signed, and only a contract has them.",
            "Use --party and --agreed for claims of the kind contract.",
            name,
        )
    if agreed is not None and agreed > now:
        raise bad("trust.agreed", "The agreement is dated in the future.", what="--agreed")
    if not now < until <= now + (CONTRACT_MAX_S if contract else ATTESTED_MAX_S):
        raise bad(
            "trust.until",
            "The end must lie ahead: within 366 days for what a person answers for, 10 years for a contract.",
            "State it again when the time is over.",
            "--until",
        )
    predicate: dict[str, Any] = {
        "at": stamp(now),
        "claim": claim.id,
        "version": claim.version,
        "by": line(by, "--by"),
        "role": line(role, "--role"),
        "until": stamp(until),
        "statement": words(text, "--statement"),
    }
    if document:
        predicate["document"] = {"sha256": document}
    if agreed is not None:
        predicate |= {"party": line(party, "--party"), "agreed": stamp(agreed)}
    return Stated(predicate, {f"claim:{claim.id}": claim.digest})


def withdrawal(registry: Registry, name: str, now: int, *, reason: str) -> Stated:
    """The claim is no longer made, in its present version: only a new version of its file can make it again."""
    claim = _claim(registry, name)
    predicate = {
        "at": stamp(now), "claim": claim.id, "version": claim.version, "reason": line(reason, "--reason")
    }  # fmt: skip
    return Stated(predicate, {f"claim:{claim.id}": claim.digest})


def parts(registry: Registry) -> tuple[str, ...]:
    """The parts that not every installation has: what claims name in ``applies``."""
    return tuple(sorted({claim.applies for claim in registry if claim.applies}))


def deployed(
    registry: Registry,
    events: Iterable[Mapping[str, Any]],
    now: int,
    *,
    organisation: str | None = None,
    provider: str | None = None,
    region: str | None = None,
    contacts: Mapping[str, str | None] | None = None,
    features: Sequence[str] = (),
) -> Stated:
    """Who runs this installation, where, and whom to write to. What is not given stays as it was stated before.

    ``features``: the parts that it has; until any are named it counts as having all, so that no claim disappears.
    The single word ``none`` says that it has none.
    """
    before, known = deployment(events), parts(registry)
    told = dict(before.contacts) if before is not None else {}
    for name in CONTACTS:
        given = (contacts or {}).get(name)
        if given:
            told[name] = contact(given, f"--contact-{name}")
    chosen = [] if list(features) == ["none"] else sorted(set(features))
    if unknown := set(chosen) - set(known):
        raise bad("trust.feature", "No claim is about such a part.", what=", ".join(sorted(unknown)))
    if not features:
        chosen = list(known if before is None else before.features)

    def said(given: str | None, earlier: str, what: str) -> str:
        return earlier if given is None else line(given, what)

    predicate = {
        "at": stamp(now),
        "organisation": said(organisation, "" if before is None else before.organisation, "--organisation"),
        "provider": said(provider, "" if before is None else before.provider, "--provider"),
        "region": said(region, "" if before is None else before.region, "--region"),
        "contacts": told,
        "features": chosen,
    }
    if not any((predicate["organisation"], predicate["provider"], predicate["region"], told)):
        raise bad("trust.deployment", "There is nothing to state.", "`smalt trust deployment state --help`.")
    return Stated(predicate, {})
