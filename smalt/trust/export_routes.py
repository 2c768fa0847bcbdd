"""What auditors and buyers take away: bill of materials, OSCAL, attestations, agreement, questionnaire.

Open to anyone. A document is made at most twice a minute, whoever asks how often; an agreement with a reader's own names
is made for that reader and kept nowhere: names travel in the body of a request, so that no address holds them.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import Form
from starlette.requests import Request
from starlette.responses import Response

from smalt.kernel.limits import MIB
from smalt.library import sandbox
from smalt.trust import dpa, questionnaire
from smalt.trust.answers import answered, view_of
from smalt.trust.exports import XLSX, Exports
from smalt.trust.page_routes import around
from smalt.trust.show import Look, when
from smalt.trust.view import TrustView
from smalt.web.doors import Anyone, Member, routes
from smalt.web.multipart import read_upload
from smalt.web.pages import pages_of

router = routes()
SPREADSHEET_MAX_BYTES = 8 * MIB
HTML = "text/html; charset=utf-8"
LOOKS = {
    "yes": Look("tick", "yes", "good"),
    "partial": Look("warn", "partial", "warn"),
    "planned": Look("flag", "planned", "busy"),
    "no": Look("cross", "no", "bad"),
    "not applicable": Look("dash", "not applicable", "busy"),
}
Line = Annotated[str, Form(max_length=dpa.PARTY_MAX_CHARS)]


async def _document(request: Request, name: str) -> Response:
    exports: Exports = request.app.state.exports
    found = await asyncio.to_thread(exports.get, name)
    headers = {"cache-control": "public, max-age=30", "content-disposition": f'inline; filename="{found.name}"'}
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


@router.get("/trust/dpa.md", include_in_schema=False)
async def dpa_markdown(request: Request, _door: Anyone) -> Response:
    """The data processing agreement as Markdown, with blank lines for the parties."""
    return await _document(request, "dpa.md")


@router.get("/trust/dpa.pdf", include_in_schema=False)
async def dpa_pdf(request: Request, _door: Anyone) -> Response:
    """The data processing agreement as PDF."""
    return await _document(request, "dpa.pdf")


@router.get("/trust/dpa.docx", include_in_schema=False)
async def dpa_docx(request: Request, _door: Anyone) -> Response:
    """The data processing agreement as DOCX."""
    return await _document(request, "dpa.docx")


@router.get("/trust/dpa", include_in_schema=False)
async def dpa_page(request: Request, _door: Anyone) -> Response:
    """What the agreement would say now, and a form for the names of the parties."""

    def made(view: TrustView) -> str:
        holding, others = dpa.measures(view)
        shown = {"holding": len(holding), "others": len(others), "vendors": dpa.listed(view), "size": view.size}
        return pages_of(request).render("trust_dpa.html", **shown, **around(request, "dpa"))

    return await answered(request, "/trust/dpa", HTML, made)


@router.post("/trust/dpa", include_in_schema=False)
async def dpa_filled(
    request: Request,
    _door: Anyone,
    form: Annotated[Literal["md", "pdf", "docx"], Form()],
    controller: Line = "",
    controller_address: Line = "",
    controller_contact: Line = "",
    processor: Line = "",
    processor_address: Line = "",
) -> Response:
    """The agreement with these names. They are stored nowhere."""
    exports: Exports = request.app.state.exports
    parties = dpa.Parties(controller, controller_address, controller_contact, processor, processor_address)
    found = await asyncio.to_thread(exports.agreement, parties, form)
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{found.name}"'}
    return Response(found.body, media_type=found.media_type, headers=headers)


@router.get("/trust/questionnaire", include_in_schema=False)
async def questionnaire_page(request: Request, _door: Anyone) -> Response:
    """Every question with the answer that the claims give now."""

    def made(view: TrustView) -> str:
        found = questionnaire.answers(view)
        topics: dict[str, list[questionnaire.Answer]] = {}
        for one in found:
            topics.setdefault(one.question.topic, []).append(one)
        return pages_of(request).render(
            "trust_questionnaire.html",
            topics=topics,
            counts=questionnaire.counts(found),
            looks=LOOKS,
            when=when,
            size=view.size,
            now=view.now,
            **around(request, "questionnaire"),
        )

    return await answered(request, "/trust/questionnaire", HTML, made)


@router.get("/trust/questionnaire.json", include_in_schema=False)
async def questionnaire_json(request: Request, _door: Anyone) -> Response:
    """The same for programs."""
    return await _document(request, "questionnaire.json")


@router.get("/trust/questionnaire.csv", include_in_schema=False)
async def questionnaire_csv(request: Request, _door: Anyone) -> Response:
    """The same as a table of text."""
    return await _document(request, "questionnaire.csv")


@router.get("/trust/questionnaire.xlsx", include_in_schema=False)
async def questionnaire_xlsx(request: Request, _door: Anyone) -> Response:
    """The same as a workbook."""
    return await _document(request, "questionnaire.xlsx")


@router.post("/trust/questionnaire/fill", include_in_schema=False)
async def questionnaire_fill(request: Request, _visit: Member) -> Response:
    """The spreadsheet that was sent, with answers and comments beside the ids that claims map to. It is stored nowhere."""
    upload = await read_upload(request, max_bytes=SPREADSHEET_MAX_BYTES)
    view = await view_of(request)
    replies = await asyncio.to_thread(questionnaire.replies, view)
    exports: Exports = request.app.state.exports
    with exports.turn():
        filled = await sandbox.fill(upload.chunks(), replies)
    headers = {
        "cache-control": "no-store",
        "content-disposition": 'attachment; filename="questionnaire-filled.xlsx"',
        "x-smalt-filled": str(filled.filled),
        "x-smalt-kept": str(filled.kept),
        "x-smalt-left-empty": str(filled.unknown),
    }
    return Response(filled.body, media_type=XLSX, headers=headers)
