"""The pages of the Trust Center, its badges and its roadmap: for anybody, without a cookie, from one view."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from smalt.kernel.errors import Untrusted
from smalt.telemetry.events import Slug
from smalt.telemetry.log import report
from smalt.trust import badge, claim_page, roadmap, show
from smalt.trust.answers import HTML, JSON, SVG, answered
from smalt.trust.view import TrustView
from smalt.web.doors import Anyone, paths_of, routes
from smalt.web.pages import pages_of

router = routes()
ROBOTS = "User-agent: *\nAllow: /trust\nAllow: /.well-known/\nAllow: /static/\nDisallow: /\n"
LINKS = (
    ("/trust/bundle.zip", "Bundle", "claims, log, evidence and the program that verifies them"),
    ("/trust/claims.json", "Claims", "JSON: every claim with its state"),
    ("/trust/log/checkpoint", "Checkpoint of the log", "C2SP tlog-checkpoint, signed"),
    ("/trust/log/keys.json", "Keys", "of the log and of the checker; compare them by another way"),
    ("/trust/oscal/component-definition.json", "OSCAL component definition", "the claims as controls"),
    ("/trust/oscal/assessment-results.json", "OSCAL assessment results", "what the checks found"),
    ("/trust/sbom.json", "Bill of materials", "CycloneDX"),
    ("/trust/vex.json", "VEX", "CycloneDX: known weaknesses, and whether they reach here"),
    ("/trust/attestations.json", "Attestations", "CycloneDX: the claims against the standards"),
    ("/trust/questionnaire", "Security questionnaire", "answered from the claims"),
    ("/trust/dpa", "Data processing agreement", "made from the registers"),
    ("/trust/documents", "Documents", "under a non-disclosure agreement"),
    ("/trust/roadmap", "Roadmap", "in production, being hardened, planned"),
    ("/trust/subprocessors", "Sub-processors", "the register, also as JSON and Atom"),
    ("/trust/incidents", "Incidents", "the register, also as JSON"),
    ("/trust/disclosure", "Disclosure", "how to report a vulnerability"),
    ("/trust/dpa", "Data processing agreement", "from the live registers: Word, PDF, Markdown"),
    ("/trust/questionnaire", "Security questionnaire", "answered from the claims: page, Excel, CSV, JSON"),
    ("/trust/oscal/component-definition.json", "OSCAL component", "what is implemented"),
    ("/trust/oscal/assessment-results.json", "OSCAL results", "what live checks found"),
    ("/trust/sbom.json", "Bill of materials", "CycloneDX 1.6"),
    ("/trust/vex.json", "Advisories", "CycloneDX VEX: what we say of known weaknesses in the parts"),
    ("/trust/attestations.json", "Attestations", "CycloneDX: claims, evidence, requirements"),
    ("/.well-known/security.txt", "security.txt", "RFC 9116"),
    ("/trust/privacy", "Privacy", "what is kept of readers of these pages"),
    ("/trust/contact", "Contact", "whom to write to"),
    ("/trust/badge.svg", "Badge", "the state of all claims, SVG"),
)
"""(path, name, what it is), in the order of the page. Only what this release serves is linked."""


def links_of(request: Request) -> list[tuple[str, str, str]]:
    """The links of `LINKS` that this server serves."""
    served = paths_of(request.app)
    return [link for link in LINKS if link[0] in served]


@router.get("/trust", include_in_schema=False)
async def page(request: Request, _door: Anyone) -> Response:
    """Every claim as a sentence, with its state, since when, its last proof and how it is checked."""
    pages = pages_of(request)

    def made(view: TrustView) -> str:
        return pages.render("trust.html", **show.front(view), **show.contacts_of(view), **around(request, "claims"))

    return await answered(request, "/trust", HTML, made)


@router.get("/trust/claims/{claim}.json", include_in_schema=False)
async def claim_json(request: Request, claim: str, _door: Anyone) -> Response:
    """One claim with its state, its newest results and its history."""

    def made(view: TrustView) -> str:
        return json.dumps(claim_page.plain(view, view[claim]), ensure_ascii=False)

    return await answered(request, f"/trust/claims/{claim}.json", JSON, made)


@router.get("/trust/claims/{claim}", include_in_schema=False)
async def claim_of(request: Request, claim: str, _door: Anyone) -> Response:
    """One claim: its state and why, its evidence, its history, its checks, and the command that verifies it."""
    pages, trust = pages_of(request), request.app.state.trust

    def made(view: TrustView) -> str:
        shown = claim_page.variables(view, view[claim], trust.journal)
        return pages.render("trust_claim.html", **shown, **around(request, "claim"))

    return await answered(request, f"/trust/claims/{claim}", HTML, made)


@router.get("/trust/roadmap", include_in_schema=False)
async def roadmap_page(request: Request, _door: Anyone) -> Response:
    """What is in production, what is being hardened and what is planned, with dates: derived from the claims."""
    pages = pages_of(request)

    def made(view: TrustView) -> str:
        lines = {one.claim.id: show.line(one) for one in view.claims}
        listed = roadmap.lists((one.claim.plain(), one.verdict.state) for one in view.claims)
        parts = [(name, roadmap.LISTS[name][0], [lines[claim] for claim in inside]) for name, inside in listed.items()]
        return pages.render("trust_roadmap.html", parts=parts, **show.frame(view), **around(request, "roadmap"))

    return await answered(request, "/trust/roadmap", HTML, made)


@router.get("/trust/badge.svg", include_in_schema=False)
async def badge_of_all(request: Request, _door: Anyone) -> Response:
    """How many claims hold, as a picture."""
    return await _drawn(request, "/trust/badge.svg", badge.of_all)


@router.get("/trust/badge/{claim}.svg", include_in_schema=False)
async def badge_of_claim(request: Request, claim: str, _door: Anyone) -> Response:
    """The state of one claim, as a picture."""
    return await _drawn(request, f"/trust/badge/{claim}", lambda view: badge.of_claim(view, claim))


@router.get("/trust/dot.svg", include_in_schema=False)
async def dot(request: Request, _door: Anyone) -> Response:
    """The state of all claims as a dot, for the rail of the workspace."""
    return await _drawn(request, "/trust/dot.svg", badge.dot)


async def _drawn(request: Request, key: str, draw: Callable[[TrustView], str]) -> Response:
    try:
        return await answered(request, key, SVG, draw)
    except Untrusted as failure:  # a picture that does not load says nothing; this one says it
        report(failure, Slug("trust.badge"))
        return Response(badge.damaged(), failure.status, media_type=SVG)


@router.get("/robots.txt", include_in_schema=False)
async def robots(_door: Anyone) -> Response:
    """Search engines may read the Trust Center and nothing else."""
    return Response(ROBOTS, media_type="text/plain; charset=utf-8", headers={"cache-control": "public, max-age=86400"})


def around(request: Request, here: str) -> dict[str, Any]:
    """What the frame of a page shows: where it is, and where else one can go."""
    return {"place": here, "links": links_of(request), "served": paths_of(request.app)}
