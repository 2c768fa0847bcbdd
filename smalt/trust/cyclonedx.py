"""CycloneDX 1.6 documents: bill of materials, statements on advisories (VEX), attestations (declarations).

The serial number is derived from what a document says, its time apart: the same state gives the same number. Attestations
are a self-assessment and say so: a requirement's score is the part of our claims on it that hold now, never a verdict on it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from smalt import __version__
from smalt.trust.record import stamp
from smalt.trust.sbom import Component, components
from smalt.trust.vex import Advisories, load
from smalt.trust.view import ClaimView, TrustView

NAMESPACE = uuid.UUID("6c1d3c1e-5c0f-5d0b-9a55-7d3b8f3f5a11")
SELF = "Smalt"
STANDARDS = {  # name, version, owner: ids only, never their words
    "soc2": ("SOC 2 Trust Services Criteria", "2017", "AICPA"),
    "asvs": ("OWASP Application Security Verification Standard", "5.0", "OWASP"),
}
LIMIT = (
    "A self-assessment, computed from live checks. No auditor has assessed it, and our claims do not cover the whole of "
    "the requirement."
)


def _document(now: int, **parts: Any) -> dict[str, Any]:
    content = json.dumps(parts, sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, content)}",
        "version": 1,
        "metadata": {
            "timestamp": stamp(now),
            "tools": {"components": [{"type": "application", "name": SELF, "version": __version__}]},
            "component": {
                "type": "application",
                "bom-ref": "smalt",
                "name": SELF,
                "version": __version__,
                "licenses": [{"expression": "Apache-2.0"}],
            },
        },
        **parts,
    }


def sbom(now: int) -> dict[str, Any]:
    """The bill of materials: what the lock holds, and what is inside of it, with who needs what."""
    parts = components()
    needs: dict[str, list[str]] = {"smalt": [], **{part.ref: [] for part in parts}}
    refs = {part.name: part.ref for part in parts if part.kind != "bundled"} | {"smalt": "smalt"}
    for part in parts:
        for parent in part.needed_by:
            needs[refs[parent]].append(part.ref)
    return _document(
        now,
        components=[_part(part) for part in parts],
        dependencies=[{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in needs.items()],
    )


def _part(part: Component) -> dict[str, Any]:
    is_file = part.kind == "bundled" and not part.version
    made: dict[str, Any] = {"type": "file" if is_file else "library", "bom-ref": part.ref, "name": part.name}
    if part.version:
        made["version"] = part.version
    if part.licence:
        made["licenses"] = [{"expression": part.licence}]
    if part.purl:
        made["purl"] = part.purl
    if part.hashes:
        made["hashes"] = [{"alg": "SHA-256", "content": one} for one in part.hashes]
    said = [{"name": "smalt:kind", "value": part.kind}]
    if part.kind != "bundled":
        said.append({"name": "smalt:hashes", "value": "of every wheel of this version that the lock accepts"})
    if part.record:
        said.append({"name": "smalt:installed-record:sha256", "value": part.record})
    made["properties"] = said
    return made


def vex(now: int, advisories: Advisories | None = None) -> dict[str, Any]:
    """What we say of known advisories about the parts in use."""
    said = load() if advisories is None else advisories
    listed = {one.component.ref: one.component for one in said.findings}
    return _document(
        now,
        components=[_part(part) for part in listed.values()],
        vulnerabilities=[
            {
                "bom-ref": f"{one.statement.id}:{one.component.ref}",
                "id": one.statement.id,
                "source": {"name": one.statement.source, "url": one.statement.url},
                "ratings": [
                    {
                        "source": {"name": one.statement.source},
                        "score": one.statement.score,
                        "severity": one.statement.severity,
                        "method": "CVSSv31",
                        "vector": one.statement.vector.removeprefix("CVSS:3.1/"),
                    }
                ],
                "description": one.statement.summary,
                "recommendation": f"Version {one.statement.fixed_in} or later.",
                **({"workaround": one.statement.workaround} if one.statement.workaround else {}),
                "analysis": {
                    "state": one.state,
                    **({"response": list(one.statement.responses)} if one.statement.responses else {}),
                    "detail": one.statement.detail,
                    "firstIssued": f"{one.statement.issued}T00:00:00Z",
                    "lastUpdated": f"{said.reviewed}T00:00:00Z",
                },
                "affects": [
                    {
                        "ref": one.component.ref,
                        "versions": [
                            {
                                "version": one.component.version,
                                "status": "affected" if one.state == "exploitable" else _status(one.state),
                            }
                        ],
                    }
                ],
            }
            for one in said.findings
        ],
    )


def _status(state: str) -> str:
    return "unknown" if state == "in_triage" else "unaffected"


def attestations(view: TrustView) -> dict[str, Any]:
    """Claims, their evidence, and how far they go towards the requirements that they map to."""
    mapped = {key: _mapped(view.claims, key) for key in STANDARDS}
    used = [one for one in view.claims if any(getattr(one.claim.maps, key) for key in STANDARDS)]
    return _document(
        view.now,
        definitions={
            "standards": [
                {
                    "bom-ref": f"standard:{key}",
                    "name": name,
                    "version": version,
                    "owner": owner,
                    "requirements": [{"bom-ref": f"{key}:{one}", "identifier": one} for one in mapped[key]],
                }
                for key, (name, version, owner) in STANDARDS.items()
                if mapped[key]
            ]
        },
        declarations={
            "assessors": [
                {
                    "bom-ref": "assessor:self",
                    "thirdParty": False,
                    "organization": {"name": operator_of(view)},
                }
            ],
            "targets": {
                "components": [{"type": "application", "bom-ref": "target:smalt", "name": SELF, "version": __version__}]
            },
            "claims": [_claim(one) for one in used],
            "evidence": [*{row["bom-ref"]: row for one in used for row in _evidence(one)}.values()],
            "attestations": [
                {
                    "summary": f"{STANDARDS[key][0]}. {LIMIT}",
                    "assessor": "assessor:self",
                    "map": [_map(f"{key}:{one}", claims) for one, claims in requirements.items()],
                }
                for key, requirements in mapped.items()
                if requirements
            ],
        },
    )


def operator_of(view: TrustView) -> str:
    """Who runs this installation, as stated in the log."""
    named = [str(one.get("organisation") or "") for one in view.events if one["kind"] == "deployment"]
    return (named[-1] if named else "") or "The operator of this installation"


def _mapped(claims: Iterable[ClaimView], key: str) -> dict[str, list[ClaimView]]:
    """The claims by the ids of one standard, in the order of the ids."""
    found: dict[str, list[ClaimView]] = {}
    for one in claims:
        for name in getattr(one.claim.maps, key):
            found.setdefault(name, []).append(one)
    return dict(sorted(found.items()))


def _ref(one: ClaimView) -> str:
    return f"{'claim' if one.holds else 'counter'}:{one.claim.id}"


def said_of(one: ClaimView) -> str:
    """The state in words, with its reason."""
    state = one.verdict.state.replace("_", " ")
    reason = one.verdict.reason or (one.claim.missing if one.claim.kind == "planned" else "")
    return f"{state}: {reason}" if reason else f"{state}."


def _claim(one: ClaimView) -> dict[str, Any]:
    """A claim that holds, or the statement that it is not shown to hold, with the state."""
    refs = [row["bom-ref"] for row in _evidence(one)]
    against = [f"evidence:{row['evidence']}" for row in one.results if row["outcome"] != "passed"]
    return {
        "bom-ref": _ref(one),
        "target": "target:smalt",
        "predicate": one.claim.sentence if one.holds else f"It is not shown now that: {one.claim.sentence}",
        "reasoning": f"{one.claim.how} State: {said_of(one)}",
        **({"evidence": [ref for ref in refs if ref not in against]} if set(refs) - set(against) else {}),
        **({"counterEvidence": against} if against else {}),
    }


def _evidence(one: ClaimView) -> list[dict[str, Any]]:
    return [
        {
            "bom-ref": f"evidence:{row['evidence']}",
            "description": f"Check {row['check']}: {row['outcome']}.",
            "data": [{"name": row["check"], "contents": {"url": f"/trust/evidence/{row['evidence']}"}}],
            "created": stamp(row["at"]),
        }
        for row in one.results
    ]


def _map(requirement: str, claims: list[ClaimView]) -> dict[str, Any]:
    holding = [one for one in claims if one.holds]
    others = [one for one in claims if not one.holds]
    words = f"{len(holding)} of {len(claims)} claims on it hold now."
    if others:
        words += " Not shown: " + " ".join(f"{one.claim.id} is {said_of(one)}" for one in others)
    return {
        "requirement": requirement,
        **({"claims": [_ref(one) for one in holding]} if holding else {}),
        **({"counterClaims": [_ref(one) for one in others]} if others else {}),
        "conformance": {"score": round(len(holding) / len(claims), 3), "rationale": words},
        "confidence": {"rationale": LIMIT},
    }
