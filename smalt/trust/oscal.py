"""OSCAL: what Smalt implements (component definition), and what live checks found (assessment results).

Identifiers are derived from names and from what is said, so the same state gives the same documents, times apart. A
finding is *satisfied* exactly when its claim holds now; everything else, planned or not applicable included, is not. Ids of
other people's catalogues stand as labels, without their words: the catalogue of an id is named, not imported.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from smalt import __version__
from smalt.trust.cyclonedx import NAMESPACE, operator_of, said_of
from smalt.trust.record import stamp
from smalt.trust.view import ClaimView, TrustView

VERSION = "1.1.3"
NS = "urn:smalt:trust"
CATALOGUES = {
    "soc2": "SOC 2 Trust Services Criteria",
    "iso27001": "ISO/IEC 27001:2022, Annex A",
    "gdpr": "General Data Protection Regulation, articles",
    "asvs": "OWASP Application Security Verification Standard 5.0",
    "owasp_llm": "OWASP Top 10 for LLM Applications",
    "caiq": "Consensus Assessments Initiative Questionnaire",
}
_IMPLEMENTED = {"planned": "planned", "overdue": "planned", "not_applicable": "not-applicable"}
_OUTCOME = {"failing": "fail", "verified": "pass", "contract": "pass", "attested": "pass"}
LIMIT = "A self-assessment by the software itself. It is no audit, and no auditor has looked at it."


def _id(*names: object) -> str:
    return str(uuid.uuid5(NAMESPACE, "oscal:" + ":".join(str(name) for name in names)))


def token(catalogue: str, control: str) -> str:
    """``control`` as an OSCAL token, which may hold neither brackets nor ampersands; the label keeps it as it is."""
    return f"{catalogue}-{re.sub(r'[^A-Za-z0-9.-]+', '_', control).strip('_')}"


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NS, "value": value}


def _metadata(view: TrustView, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "last-modified": stamp(view.now),
        "version": __version__,
        "oscal-version": VERSION,
        "roles": [{"id": "provider", "title": "Who runs this installation"}],
        "parties": [{"uuid": _id("party"), "type": "organization", "name": operator_of(view)}],
        "responsible-parties": [{"role-id": "provider", "party-uuids": [_id("party")]}],
        "remarks": LIMIT,
    }


def _claims_link() -> dict[str, Any]:
    return {
        "uuid": _id("resource", "claims"),
        "title": "The claims of the Trust Center and how each is checked",
        "rlinks": [{"href": "/trust/claims.json", "media-type": "application/json"}],
    }


def component_definition(view: TrustView) -> dict[str, Any]:
    """Smalt as a component, with one implemented requirement for each id that claims map to."""
    implementations = []
    for catalogue, title in CATALOGUES.items():
        requirements: dict[str, list[ClaimView]] = {}
        for one in view.claims:
            for control in getattr(one.claim.maps, catalogue):
                requirements.setdefault(control, []).append(one)
        if requirements:
            implementations.append(
                {
                    "uuid": _id("implementation", catalogue),
                    "source": f"#{_id('resource', catalogue)}",
                    "description": f"What Smalt claims towards {title}, and whether it holds. {LIMIT}",
                    "implemented-requirements": [
                        _requirement(catalogue, control, claims) for control, claims in sorted(requirements.items())
                    ],
                }
            )
    return {
        "component-definition": {
            "uuid": _id("component-definition", view.size, *_states(view)),
            "metadata": _metadata(view, "Smalt: what it implements"),
            "components": [
                {
                    "uuid": _id("component"),
                    "type": "software",
                    "title": "Smalt",
                    "description": "An AI workspace for finance teams whose security promises prove themselves.",
                    "props": [_prop("version", __version__)],
                    "links": [{"href": "/trust/sbom.json", "rel": "reference", "media-type": "application/json"}],
                    "control-implementations": implementations,
                }
            ],
            "back-matter": {
                "resources": [
                    *({"uuid": _id("resource", name), "title": title} for name, title in CATALOGUES.items()),
                    _claims_link(),
                ]
            },
        }
    }


def _states(view: TrustView) -> list[str]:
    return [f"{one.claim.id}={one.verdict.state}" for one in view.claims]


def _requirement(catalogue: str, control: str, claims: list[ClaimView]) -> dict[str, Any]:
    states = {_IMPLEMENTED.get(one.verdict.state, "implemented" if one.holds else "partial") for one in claims}
    status = states.pop() if len(states) == 1 else "partial"
    return {
        "uuid": _id("requirement", catalogue, control),
        "control-id": token(catalogue, control),
        "description": " ".join(f"{one.claim.id}: {one.claim.sentence}" for one in claims),
        "props": [
            _prop("label", control),
            {"name": "implementation-status", "value": status},
            *(_prop("claim", f"{one.claim.id} {one.verdict.state}") for one in claims),
        ],
        "links": [{"href": f"/trust/claims/{one.claim.id}", "rel": "reference"} for one in claims],
        "remarks": " ".join(f"{one.claim.id} is {said_of(one)}" for one in claims),
    }


def assessment_results(view: TrustView) -> dict[str, Any]:
    """Every claim as a finding, with the newest result of each of its checks as observations."""
    observations: dict[str, dict[str, Any]] = {}
    for one in view.claims:
        for row in _observations(one):
            observations.setdefault(row["uuid"], row)
    times = [row["at"] for one in view.claims for row in one.results]
    result = {
        "uuid": _id("result", view.size, *_states(view)),
        "title": "What holds now",
        "description": f"{view.holding} of {view.due} claims hold. {LIMIT}",
        "start": stamp(min(times, default=view.now)),
        "end": stamp(view.now),
        "props": [_prop("log-size", str(view.size))],
        "reviewed-controls": {
            "description": "The claims of the Trust Center, each an objective of its own.",
            "control-selections": [{"include-all": {}}],
        },
        "findings": [_finding(one) for one in view.claims],
    }
    if observations:
        result["observations"] = list(observations.values())
    return {
        "assessment-results": {
            "uuid": _id("assessment-results", view.size, *_states(view)),
            "metadata": _metadata(view, "Smalt: what live checks found"),
            "import-ap": {"href": f"#{_id('resource', 'claims')}", "remarks": "The claims say how each is checked."},
            "results": [result],
            "back-matter": {"resources": [_claims_link()]},
        }
    }


def _observations(one: ClaimView) -> list[dict[str, Any]]:
    return [
        {
            "uuid": _id("observation", row["check"], row["evidence"]),
            "title": f"{row['check']}: {row['outcome']}",
            "description": row["reason"] or f"{row['passed']} probes held, {row['controls']} controls were seen.",
            "props": [_prop("check", row["check"]), _prop("outcome", row["outcome"]), _prop("run", row["run"])],
            "methods": ["TEST"],
            "types": ["control-objective"],
            "relevant-evidence": [
                {"href": f"/trust/evidence/{row['evidence']}", "description": "What was seen, by its SHA-256."}
            ],
            "collected": stamp(row["at"]),
            "expires": stamp(row["at"] + one.claim.fresh_for_s),
        }
        for row in one.results
    ]


def _finding(one: ClaimView) -> dict[str, Any]:
    made: dict[str, Any] = {
        "uuid": _id("finding", one.claim.id, one.claim.version),
        "title": one.claim.id,
        "description": one.claim.sentence,
        "props": [_prop("kind", one.claim.kind), _prop("state", one.verdict.state)],
        "links": [{"href": f"/trust/claims/{one.claim.id}", "rel": "reference"}],
        "target": {
            "type": "objective-id",
            "target-id": one.claim.id,
            "status": {
                "state": "satisfied" if one.holds else "not-satisfied",
                "reason": _OUTCOME.get(one.verdict.state, "other"),
                "remarks": said_of(one),
            },
        },
    }
    if seen := _observations(one):
        made["related-observations"] = [{"observation-uuid": row["uuid"]} for row in seen]
    return made
