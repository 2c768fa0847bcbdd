"""The data processing agreement, generated from the registers as they stand: one list of blocks for every format.

Parties come from the reader (nothing is stored) and from the deployment statement; the processing annex from the record
of processing; sub-processors from their register; measures from the claims, with the state that each has at this moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

from smalt.kernel.errors import Malformed
from smalt.trust import dpa_text, inventory, vendors
from smalt.trust.cyclonedx import said_of
from smalt.trust.deployment import deployment
from smalt.trust.record import stamp
from smalt.trust.view import ClaimView, TrustView

BLANK = "________________________________"
MEASURES = (1, 2, 3, 5, 6, 7, 8)
"""The sections of the Trust Center whose claims are technical and organisational measures."""
IN_FORCE, NOT_IN_FORCE = "In force at this time", "Not in force at this time"
PARTY_MAX_CHARS = 300


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """``widths`` are parts of the whole width. A row has as many cells as ``head``."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signatures:
    """A line for each party: place and date, name, signature."""

    parties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Break:
    """A new page, where there are pages."""


Block: TypeAlias = Heading | Paragraph | Table | Signatures | Break


@dataclass(frozen=True, slots=True)
class Parties:
    """What the reader fills in; empty stays a blank line. `Malformed` for what is no line of text."""

    controller: str = ""
    controller_address: str = ""
    controller_contact: str = ""
    processor: str = ""
    processor_address: str = ""

    def __post_init__(self) -> None:
        for one in fields(self):
            value: str = getattr(self, one.name)
            if len(value) > PARTY_MAX_CHARS or not value.isprintable():
                raise Malformed(
                    "dpa.party",
                    "A party is named in one line of at most 300 characters.",
                    todo="Shorten it, and leave out line breaks.",
                )


@dataclass(frozen=True, slots=True)
class Agreement:
    title: str
    subtitle: str
    blocks: tuple[Block, ...]


def agreement(view: TrustView, parties: Parties | None = None) -> Agreement:
    """The agreement as the registers stand at ``view.now``."""
    parties = Parties() if parties is None else parties
    made = f"Draft of {stamp(view.now)}, from {view.size} entries of the transparency log"
    note, clauses = dpa_text.words()
    blocks: list[Block] = [Paragraph(note, quiet=True), Heading(2, "Parties"), _parties(view, parties)]
    for number, (title, paragraphs) in enumerate(clauses, 1):
        blocks.append(Heading(2, f"{number}. {title}"))
        several = len(paragraphs) > 1
        blocks += [Paragraph(f"{number}.{at} {text}" if several else text) for at, text in enumerate(paragraphs, 1)]
    blocks += [
        Heading(2, "Signatures"),
        Signatures((("The controller", parties.controller), ("The processor", _processor(view, parties)))),
        *_processing(view),
        *_subprocessors(view),
        *_measures(view),
    ]
    return Agreement("Data processing agreement", made, tuple(blocks))


def _processor(view: TrustView, parties: Parties) -> str:
    stated = deployment(view.events)
    return parties.processor or (stated.organisation if stated else "")


def _parties(view: TrustView, parties: Parties) -> Table:
    stated = deployment(view.events)
    privacy = stated.contacts.get("privacy", "") if stated else ""
    return Table(
        ("", "Controller", "Processor"),
        (
            ("Name", parties.controller or BLANK, _processor(view, parties) or BLANK),
            ("Address", parties.controller_address or BLANK, parties.processor_address or BLANK),
            ("Contact for data protection", parties.controller_contact or BLANK, privacy or BLANK),
        ),
        (18, 41, 41),
    )


def _processing(view: TrustView) -> list[Block]:
    stated = deployment(view.events)
    place = ", ".join(part for part in ((stated.provider, stated.region) if stated else ()) if part)
    tables: dict[str, list[inventory.Field]] = {}
    for one in inventory.load():
        tables.setdefault(one.table, []).append(one)
    rows = []
    for columns in tables.values():
        personal = [one for one in columns if one.personal]
        if not personal and not any(one.sealed for one in columns):
            continue
        what = "; ".join(f"{one.column.replace('_', ' ')}{' (encrypted)' if one.sealed else ''}" for one in personal)
        first = columns[0]
        rows.append((first.holds, first.subjects or "None known", what or "None", first.retention, first.basis))
    return [
        Break(),
        Heading(1, "Annex 1: Processing"),
        Paragraph(
            "From the record of processing that a live check compares with the database. Encrypted values are sealed under a "
            "key of the controller's workspace. Documents, questions and answers may concern anybody whom the controller "
            "writes about; special categories of data are processed only if the controller uploads them."
        ),
        Paragraph(f"Place of processing: {place or BLANK}."),
        Table(("What for", "Data subjects", "Personal data", "Kept", "Basis"), tuple(rows), (19, 16, 25, 20, 20)),
    ]


def listed(view: TrustView) -> list[vendors.Vendor]:
    """The sub-processors that an agreement of this moment must name: all that were announced and not removed."""
    return [one for one in vendors.register(view.events, view.now) if one.state != "removed"]


def _subprocessors(view: TrustView) -> list[Block]:
    """A paragraph for each, which begins with the vendor's id: in a narrow column an id could be broken."""
    found: list[Block] = [Heading(1, "Annex 2: Sub-processors")]
    vendors_now = listed(view)
    if not vendors_now:
        return [*found, Paragraph("No sub-processor is registered.")]
    for one in vendors_now:
        terms = one.terms
        since = f"{one.state.capitalize()} since {stamp(terms.effective_at)[:10]}."
        if one.state == "announced":
            since = f"Announced; it may begin on {stamp(terms.effective_at)[:10]}."
        elif one.state == "lapsed":
            since = f"Its agreement ended on {stamp(terms.agreement_until)[:10]}; it gets nothing."
        what = f"Purpose: {terms.purpose}. Data: {', '.join(terms.data)}. Place: {terms.place}."
        found.append(Paragraph(f"{one.id}: {terms.name}. {what} {since}"))
    return found


def measures(view: TrustView) -> tuple[list[ClaimView], list[ClaimView]]:
    """The claims that are measures: those that hold now, and those that do not, each in the order of the page."""
    found = [one for one in view.claims if one.claim.section in MEASURES]
    return [one for one in found if one.holds], [one for one in found if not one.holds]


def _measures(view: TrustView) -> list[Block]:
    holding, others = measures(view)
    return [
        Heading(1, "Annex 3: Technical and organisational measures"),
        Paragraph(
            "Each measure is a claim of the Trust Center. “Verified” means that a live check proved it against the running "
            "installation, with a control that shows that the check sees; “contract” and “attested” mean that a "
            "signed document or a person answers for it, until a date."
        ),
        Heading(2, IN_FORCE),
        *_listed(holding, "None: no measure is proved at this time.", ("Claim", "Measure", "State", "Proved")),
        Heading(2, NOT_IN_FORCE),
        Paragraph("What follows is not agreed as being in force. It shows what is missing, and why."),
        *_listed(others, "None.", ("Claim", "Measure", "State")),
    ]


def _listed(claims: Sequence[ClaimView], none: str, head: tuple[str, ...]) -> list[Block]:
    if not claims:
        return [Paragraph(none)]
    if "Proved" not in head:
        return [Table(head, tuple((one.claim.id, one.claim.sentence, said_of(one)) for one in claims), (16, 48, 36))]
    rows = tuple(
        (one.claim.id, one.claim.sentence, one.verdict.state, stamp(one.verdict.proved_at or 0)[:16].replace("T", " "))
        for one in claims
    )
    return [Table(head, rows, (16, 54, 12, 18))]
