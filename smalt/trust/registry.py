"""The claims: one versioned TOML file each in ``claims/``. A file that is not complete, or names a check that there is
not, fails at import of the registry, and so in the build.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from smalt.ledger.envelope import canonical

FOLDER = Path(__file__).with_name("claims")
SECTIONS = {
    1: "Infrastructure security",
    2: "Application security",
    3: "Data protection",
    4: "Compliance",
    5: "Incident response",
    6: "Business continuity",
    7: "Vendor security",
    8: "Responsible disclosure",
    9: "For enterprise buyers",
    10: "Contact",
    11: "This Trust Center",
}
_ID = re.compile(r"[a-z]{2,8}\.[a-z0-9_]{2,24}")
_MAP = re.compile(r"[A-Za-z0-9.()&:-]{1,24}")
_LIFE = re.compile(r"([1-9][0-9]{0,3})([hd])")


class Maps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ids in other people's catalogues, never their words."""

    soc2: tuple[str, ...] = ()
    iso27001: tuple[str, ...] = ()
    gdpr: tuple[str, ...] = ()
    asvs: tuple[str, ...] = ()
    owasp_llm: tuple[str, ...] = ()
    caiq: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One promise. ``sentence`` is what the public reads, ``how`` how it is proved; ``fresh_for`` like ``3h`` or ``8d``.

    ``applies`` names a part that not every installation has (see ``Deployment.features``). ``planned_for`` stands exactly
    where ``kind`` is planned, with ``missing``: what is not there yet.
    """

    id: str
    version: int
    section: int
    kind: Literal["verified", "contract", "attested", "planned"]
    sentence: str
    scope: str
    how: str
    owner: Literal["engineering", "operations", "security", "legal", "management"]
    checks: tuple[str, ...] = ()
    fresh_for: str = ""
    applies: str = ""
    planned_for: date | None = None
    missing: str = ""
    also: tuple[int, ...] = ()
    maps: Maps = Maps()

    @property
    def fresh_for_s(self) -> int:
        """How long a proof counts; 0 where there are no checks."""
        found = _LIFE.fullmatch(self.fresh_for)
        return 0 if found is None else int(found[1]) * {"h": 3600, "d": 86400}[found[2]]

    @property
    def planned_at(self) -> int | None:
        """Midnight UTC of the day it is planned for, in Unix seconds."""
        if self.planned_for is None:
            return None
        return int(
            datetime(self.planned_for.year, self.planned_for.month, self.planned_for.day, tzinfo=UTC).timestamp()
        )

    def plain(self) -> dict[str, Any]:
        """The claim as the log, the bundle and the browser have it: JSON values only, whole."""
        return {
            "id": self.id,
            "version": self.version,
            "section": self.section,
            "also": list(self.also),
            "kind": self.kind,
            "sentence": self.sentence,
            "scope": self.scope,
            "how": self.how,
            "owner": self.owner,
            "checks": list(self.checks),
            "fresh_for_s": self.fresh_for_s,
            "applies": self.applies,
            "planned_for": self.planned_at,
            "missing": self.missing,
            "maps": {name: list(ids) for name, ids in msgspec.structs.asdict(self.maps).items()},
        }

    def stated(self) -> dict[str, Any]:
        """The plain form with its digest: what `smalt.trust.status` looks at."""
        return {**self.plain(), "digest": self.digest}

    @property
    def digest(self) -> str:
        """SHA-256 of the plain form, in hexadecimal: what a result says it is about."""
        return hashlib.sha256(canonical(self.plain())).hexdigest()


class BadRegistry(ValueError):
    """The claims and the checks do not fit each other. The build stops."""


@dataclass(frozen=True)
class Registry:
    """All claims, in the order of the page: by section, then as the files are named."""

    claims: Mapping[str, Claim]

    def __iter__(self) -> Any:
        return iter(self.claims.values())

    def __getitem__(self, name: str) -> Claim:
        return self.claims[name]

    def of_check(self, check: str) -> list[Claim]:
        """The claims that ``check`` helps to prove."""
        return [claim for claim in self.claims.values() if check in claim.checks]

    def plain(self) -> list[dict[str, Any]]:
        return [claim.plain() for claim in self.claims.values()]

    @property
    def digest(self) -> str:
        return hashlib.sha256(canonical(self.plain())).hexdigest()


def load(folder: Path = FOLDER) -> Registry:
    """The claims of ``folder``; `BadRegistry` names the file that is wrong, and how."""
    found = [_read(path) for path in sorted(folder.glob("*.toml"))]
    found.sort(key=lambda claim: claim.section)
    return Registry({claim.id: claim for claim in found})


def _read(path: Path) -> Claim:
    try:
        claim = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Claim)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise BadRegistry(f"{path.name}: {wrong}") from wrong
    for fine, what in _rules(claim, path.stem):
        if not fine:
            raise BadRegistry(f"{path.name}: {what}")
    return claim


def _rules(claim: Claim, stem: str) -> Iterable[tuple[bool, str]]:
    yield claim.id == stem and _ID.fullmatch(claim.id) is not None, "the file is named after the id"
    yield claim.version >= 1, "versions begin with 1"
    yield claim.section in SECTIONS and set(claim.also) <= set(SECTIONS), "there is no such section"
    for text in (claim.sentence, claim.scope, claim.how):
        yield (
            bool(text.strip()) and text == text.strip() and "\n" not in text,
            "sentence, scope and how are one line each",
        )
    yield (claim.kind == "verified") <= bool(claim.checks), "a verified claim names its checks"
    yield bool(claim.checks) == bool(claim.fresh_for_s), "checks come with fresh_for, and only they"
    planned = claim.kind == "planned"
    yield (
        planned == (claim.planned_for is not None) == bool(claim.missing),
        "planned claims say for when, and what is missing",
    )
    yield not (planned and claim.checks), "a planned claim has no checks yet"
    maps = [one for ids in msgspec.structs.asdict(claim.maps).values() for one in ids]
    yield all(_MAP.fullmatch(one) for one in maps), "mappings are ids, without words"


def check_against(registry: Registry, checks: Sequence[str]) -> None:
    """`BadRegistry` unless every check that a claim names exists, and every check is named by a claim."""
    named = {check for claim in registry for check in claim.checks}
    if named != set(checks):
        raise BadRegistry(
            f"without a check: {sorted(named - set(checks))}; without a claim: {sorted(set(checks) - named)}"
        )
