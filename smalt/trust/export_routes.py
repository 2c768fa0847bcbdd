"""What auditors and buyers take away: bill of materials, OSCAL, attestations. Open to anyone, made at most twice a minute."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from smalt.trust.exports import Exports
from smalt.web.doors import Anyone, routes

router = routes()


async def _document(request: Request, name: str, *, save: bool = False) -> Response:
    exports: Exports = request.app.state.exports
    found = await asyncio.to_thread(exports.get, name)
    headers = {"cache-control": "public, max-age=30"}
    if save:
        headers["content-disposition"] = f'attachment; filename="{found.name}"'
    return Response(found.body, media_type=found.media_type, headers=headers)


@router.get("/trust/sbom.json", include_in_schema=False)
async def sbom(request: Request, _door: Anyone) -> Response:
    """What Smalt is made of: a CycloneDX bill of materials."""
    return await _document(request, "sbom")


@router.get("/trust/vex.json", include_in_schema=False)
async def vex(request: Request, _door: Anyone) -> Response:
    """What we say of known advisories about the parts: CycloneDX VEX."""
    return await _document(request, "vex")


@router.get("/trust/attestations.json", include_in_schema=False)
async def attestations(request: Request, _door: Anyone) -> Response:
    """Claims, evidence, and how far they go towards the requirements they map to: CycloneDX declarations."""
    return await _document(request, "attestations")


@router.get("/trust/oscal/component-definition.json", include_in_schema=False)
async def component_definition(request: Request, _door: Anyone) -> Response:
    """What Smalt implements: an OSCAL component definition."""
    return await _document(request, "oscal.component")


@router.get("/trust/oscal/assessment-results.json", include_in_schema=False)
async def assessment_results(request: Request, _door: Anyone) -> Response:
    """What live checks found: OSCAL assessment results."""
    return await _document(request, "oscal.results")
